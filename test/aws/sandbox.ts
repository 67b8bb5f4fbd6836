/** Lambda on this machine: its Runtime API over HTTP, and the runtime client with a function's bundle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { DeployedFunction } from './deployed.ts';

/** As Step Functions sees it: Retry and Catch match `name`. */
export class FunctionError extends Error {
  constructor(errorType: string, message: string) {
    super(message);
    this.name = errorType;
  }
}

/** AWS's own client (see docs/testing.md), or our replacement. */
export const runtimeClient: string =
  process.env.AWS_LAMBDA_RIC ?? installed() ?? fileURLToPath(new URL('./runtime-client.ts', import.meta.url));

type Invocation = {
  readonly id: string;
  readonly event: string;
  /** Its time starts when it is handed over: starting a sandbox does not count. */
  readonly milliseconds: number;
  resolve(answer: unknown): void;
  reject(error: FunctionError): void;
};

/** One instance of a function. It answers one event at a time. */
export class Sandbox {
  /** Milliseconds from the start of the process until it asked for its first event. */
  coldStart = 0;
  /** Its log group. */
  log = '';
  dead = false;
  readonly #function: DeployedFunction;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #process: ChildProcess | null = null;
  #asking: ServerResponse | null = null;
  #running: Invocation | null = null;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #started = 0;

  private constructor(deployed: DeployedFunction) {
    this.#function = deployed;
  }

  /** @param environment - besides the template's: where AWS is, and which credentials to use */
  static async start(deployed: DeployedFunction, environment: Record<string, string>): Promise<Sandbox> {
    const sandbox = new Sandbox(deployed);
    await new Promise<void>((resolve) => sandbox.#server.listen(0, '127.0.0.1', resolve));
    const { port } = sandbox.#server.address() as AddressInfo;
    sandbox.#started = performance.now();
    const child = spawn(process.execPath, [runtimeClient, deployed.handler], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: deployed.folder,
      // Nothing from this process: no home, no profile.
      env: {
        PATH: process.env.PATH,
        LAMBDA_TASK_ROOT: deployed.folder,
        _HANDLER: deployed.handler,
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        AWS_LAMBDA_FUNCTION_NAME: deployed.state,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(deployed.memory),
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${deployed.state}`,
        AWS_LAMBDA_LOG_STREAM_NAME: '1',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_SECRET_ACCESS_KEY: 'secret-key-of-the-role',
        AWS_SESSION_TOKEN: 'session-of-the-role',
        ...deployed.environment,
        ...environment,
      },
    });
    sandbox.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        sandbox.log += chunk.toString();
      });
    child.on('exit', (code, signal) => {
      sandbox.dead = true;
      sandbox.#end((each) =>
        each.reject(new FunctionError('Runtime.ExitError', `exited with ${code ?? signal}: ${sandbox.log}`)),
      );
    });
    return sandbox;
  }

  /** Of its process. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** @param seconds - the function's time; default: the template's */
  async invoke(event: unknown, seconds = this.#function.timeoutSeconds): Promise<unknown> {
    if (this.#running !== null) throw new Error('it does something else');
    this.#count += 1;
    const id = `${this.#function.state}-${this.#count}`;
    try {
      return await new Promise((resolve, reject) => {
        this.#running = { id, event: JSON.stringify(event), milliseconds: seconds * 1_000, resolve, reject };
        this.#hand();
      });
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** As if its machine died. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #end(tell: (invocation: Invocation) => void): void {
    const invocation = this.#running;
    this.#running = null;
    if (invocation !== null) tell(invocation);
  }

  #hand(): void {
    if (this.#asking === null || this.#running === null) return;
    const { id, event, milliseconds } = this.#running;
    this.#timer = setTimeout(() => {
      const error = new FunctionError(
        'Sandbox.Timedout',
        `Task timed out after ${milliseconds / 1_000} seconds`,
      );
      this.#end((each) => each.reject(error));
      this.#process?.kill('SIGKILL');
    }, milliseconds);
    const response = this.#asking;
    this.#asking = null;
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + milliseconds),
      'lambda-runtime-invoked-function-arn': this.#function.arn,
      'lambda-runtime-trace-id': 'Root=1-5f84c7a8-e7c1ab2f0c1ab2f0c1ab2f0c;Parent=0123456789abcdef;Sampled=1',
    });
    response.end(event);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const [, id, outcome] = /\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(request.url ?? '') ?? [];
    if (request.url?.endsWith('/runtime/invocation/next')) {
      this.coldStart ||= performance.now() - this.#started;
      this.#asking = response;
      this.#hand();
      return;
    }
    response.writeHead(202).end('{"status":"OK"}');
    if (request.url?.endsWith('/runtime/init/error'))
      this.#end((each) => each.reject(errorOf(body, 'Runtime.InitError')));
    if (id === undefined || decodeURIComponent(id) !== this.#running?.id) return;
    if (outcome === 'response') this.#end((each) => each.resolve(JSON.parse(body)));
    else this.#end((each) => each.reject(errorOf(body, 'Error')));
  }
}

function errorOf(body: string, otherwise: string): FunctionError {
  const { errorType, errorMessage } = JSON.parse(body) as { errorType?: string; errorMessage?: string };
  return new FunctionError(errorType ?? otherwise, errorMessage ?? '');
}

function installed(): string | null {
  try {
    const path = createRequire(import.meta.url).resolve('aws-lambda-ric');
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}
