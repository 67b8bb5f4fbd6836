/** Does what Lambda's runtime client does, if aws-lambda-ric is not installed: fetches events and answers them. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT = '', _HANDLER = '', ...named } = process.env;
const api = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const [file = '', name = ''] = _HANDLER.split('.');

const post = async (path: string, body: unknown): Promise<void> => {
  await fetch(`${api}/${path}`, { method: 'POST', body: JSON.stringify(body ?? null) });
};
const described = (error: unknown) =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: [error.stack ?? ''] }
    : { errorType: 'Error', errorMessage: String(error) };

try {
  const loaded = (await import(pathToFileURL(join(LAMBDA_TASK_ROOT, `${file}.mjs`)).href)) as Record<
    string,
    (event: unknown, context: unknown) => Promise<unknown>
  >;
  const handler = loaded[name];
  if (typeof handler !== 'function') throw new Error(`${_HANDLER} is undefined or not exported`);
  if (handler.length > 2) throw new Error('nodejs24.x runs no handlers that take a callback');
  for (;;) {
    const next = await fetch(`${api}/invocation/next`);
    const id = next.headers.get('lambda-runtime-aws-request-id') ?? '';
    const deadline = Number(next.headers.get('lambda-runtime-deadline-ms'));
    const context = {
      awsRequestId: id,
      functionName: named.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: named.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: named.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      invokedFunctionArn: next.headers.get('lambda-runtime-invoked-function-arn'),
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    try {
      await post(`invocation/${id}/response`, await handler(await next.json(), context));
    } catch (error) {
      await post(`invocation/${id}/error`, described(error));
    }
  }
} catch (error) {
  await post('init/error', described(error));
  process.exit(1);
}
