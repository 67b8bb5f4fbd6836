/** Where an error arose; the command line maps it to an exit code. */
export type ErrorCode =
  | 'USAGE'
  | 'CONFIG_INVALID'
  | 'KUBECONFIG_INVALID'
  | 'CLUSTER_DNS'
  | 'CLUSTER_UNREACHABLE'
  | 'CLUSTER_TLS'
  | 'CLUSTER_UNAUTHENTICATED'
  | 'CLUSTER_FORBIDDEN'
  | 'CLUSTER_API'
  | 'DEADLINE'
  | 'ABORTED'
  | 'PROBE_REFUSED'
  | 'PROBE_FAILED'
  | 'NODE_SILENT'
  | 'BUNDLE_INVALID'
  | 'STORE'
  | 'ALERT'
  | 'AWS';

/**
 * The one type of error that leaves a room. The message names the input that failed; `remedy` says how to fix
 * it; `retryable` says whether the same call may succeed later.
 */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly retryable: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { remedy: string; retryable?: boolean; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.retryable = options.retryable ?? false;
  }
}

/**
 * The value; null where an AuditError ends it, for what is better left out than missed as a whole.
 *
 * @param isExpected - codes that may end it; default: any
 * @throws every other error: nobody expects it, and it must be seen
 */
export async function unlessFailed<T>(
  read: () => Promise<T>,
  isExpected: (code: ErrorCode) => boolean = () => true,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AuditError && isExpected(error.code)) return null;
    throw error;
  }
}

/** The message of any thrown value, in one line. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.replaceAll(/\s+/g, ' ').slice(0, 500);
}

/** The code of a system error, such as ENOENT; empty for other errors. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** Why a file cannot be read, in words. The path is left out, as callers name it. */
export function whyUnreadable(thrown: unknown): string {
  if (codeOf(thrown) === 'EISDIR') return 'it is a directory';
  return messageOf(thrown).replace(/^[A-Z]+: (.+?), \w+(?: '.*')?$/, '$1');
}

/** Whether an error of an AWS client may pass by itself: throttling, a service failure, no answer. */
export function isTransientOfAws(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || thrown.name === 'CredentialsProviderError') return false;
  const { $metadata } = thrown as { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  return (
    status === undefined || status === 429 || status >= 500 || /Throttl|TooManyRequests/.test(thrown.name)
  );
}
