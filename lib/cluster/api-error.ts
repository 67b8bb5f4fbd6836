/** Errors between us and the API server, by kind, each with its fix. Never repeats a token or a header. */
import { createHash } from 'node:crypto';
import { AuditError, type ErrorCode, messageOf } from '../model/errors.ts';
import { DEFAULT_NAMESPACE } from '../model/own-pods.ts';
import { withoutTokens } from './redact.ts';

/** Answers and errors that may not recur for the same request. */
const RETRYABLE_STATUS = new Set([408, 429, 500, 502, 503, 504]);
const RETRYABLE_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
]);
const TLS_CODES = /^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;

const CHECK_PROXY =
  'Check that the proxy runs and lets you through, and whether this cluster should be reached ' +
  'through it: proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY.';

/**
 * A transport failure: no answer came.
 *
 * @param server - its URL, without user name and password
 * @param proxy - the URL of the proxy on the way, the only host looked up and connected to; null if there is none
 */
export function connectionError(server: string, thrown: unknown, proxy: string | null): AuditError {
  if (thrown instanceof AuditError) return thrown;
  const code = rootCodeOf(thrown);
  const host = new URL(server).hostname;
  const retryable = RETRYABLE_CODES.has(code);
  if (proxy !== null && !TLS_CODES.test(code)) {
    const isName = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
    const what = isName
      ? `the name of the proxy does not resolve: ${new URL(proxy).hostname}`
      : `no answer from the API server ${server}${through(proxy)}: ${reasonOf(thrown)}`;
    return new AuditError(isName ? 'CLUSTER_DNS' : 'CLUSTER_UNREACHABLE', what, {
      cause: thrown,
      retryable,
      remedy: CHECK_PROXY,
    });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new AuditError('CLUSTER_DNS', `the name of the API server does not resolve: ${host}`, {
      cause: thrown,
      retryable: code === 'EAI_AGAIN',
      remedy:
        'Check the server in the kubeconfig. A private EKS endpoint resolves only inside its VPC (or with ' +
        'its private hosted zone associated).',
    });
  }
  if (TLS_CODES.test(code)) {
    return new AuditError(
      'CLUSTER_TLS',
      `TLS to ${server}${through(proxy)} failed: ${code}: ${messageOf(thrown)}`,
      {
        cause: thrown,
        remedy: tlsRemedy(code),
      },
    );
  }
  const silent = code.includes('TIMEOUT') || code === 'ETIMEDOUT';
  return new AuditError(
    'CLUSTER_UNREACHABLE',
    `no answer from the API server ${server}: ${reasonOf(thrown)}`,
    {
      cause: thrown,
      retryable,
      remedy: silent
        ? 'Packets get lost on the way: check VPN, routes, security groups (port 443 from here) and whether the endpoint is private.'
        : 'Check that the API server runs and that the address and port in the kubeconfig are right.',
    },
  );
}

/** The API server took too long. */
export function timedOut(server: string, what: string, proxy: string | null): AuditError {
  return new AuditError(
    'CLUSTER_UNREACHABLE',
    `${server} did not answer in time${through(proxy)} (${what})`,
    {
      retryable: true,
      remedy:
        proxy === null
          ? 'Check VPN, routes, security groups (port 443 from here), whether the endpoint is private, and the load of the API server.'
          : CHECK_PROXY,
    },
  );
}

/** The URL without a user name and password. */
const through = (proxy: string | null): string =>
  proxy === null ? '' : ` through the proxy ${new URL(proxy).host}`;

function tlsRemedy(code: string): string {
  if (code.includes('EXPIRED')) return 'A certificate has expired: renew it, or fetch the kubeconfig again.';
  if (code.includes('ALTNAME') || code.includes('HOSTNAME'))
    return 'The certificate is for another name: set tls-server-name in the kubeconfig, or use the name it was made for.';
  if (code.includes('WRONG_VERSION_NUMBER') || code.includes('PACKET_LENGTH'))
    return 'The server there does not use TLS: check the scheme and port of the server in the kubeconfig.';
  if (code.includes('PROTOCOL'))
    return (
      'The two sides have no TLS version in common; netns-audit supports 1.2 and 1.3. Enable one of them ' +
      'on the server, or on the proxy or load balancer in front of it.'
    );
  return (
    'The certificate was not signed by the certificate authority in the kubeconfig: fetch the ' +
    'kubeconfig again, or look for a proxy that intercepts TLS.'
  );
}

/** An error status from the API server. */
export class ApiError extends AuditError {
  /** The HTTP status. */
  readonly status: number;
  /** Milliseconds to wait before the next try, as the server asks; null if it does not ask. */
  readonly retryAfter: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    options: { remedy: string; retryable?: boolean; status: number; retryAfter: number | null },
  ) {
    super(code, message, options);
    this.status = options.status;
    this.retryAfter = options.retryAfter;
  }
}

/**
 * The error for an error status.
 *
 * @param what - the request, such as `list pods`
 * @param retryAfter - the header of that name, in seconds; a date, which API servers do not send, is ignored
 */
export function statusError(what: string, status: number, body: string, retryAfter?: unknown): AuditError {
  const message = statusMessage(body);
  // An API server refuses in JSON, whatever the request.
  if (status < 500 && /^\s*</.test(body)) {
    return new AuditError(
      'CLUSTER_API',
      `not an API server: a web page answers with ${status} (${what}): ${message}`,
      {
        remedy:
          'A proxy, login page or load balancer answers instead: check the server and proxy-url in the ' +
          'kubeconfig, HTTPS_PROXY and NO_PROXY.',
      },
    );
  }
  // Without credentials, as with an empty token file, the user is `system:anonymous` and lacks every right.
  if (status === 401 || (status === 403 && message.includes('"system:anonymous"'))) {
    return new AuditError(
      'CLUSTER_UNAUTHENTICATED',
      `the API server does not accept the credentials (${what}): ${message}`,
      {
        remedy:
          'Log in again (aws sso login, gcloud auth login, …) or renew the token. On EKS the role also needs an access entry.',
      },
    );
  }
  if (status === 403) {
    return new AuditError('CLUSTER_FORBIDDEN', `not allowed to ${what}: ${message}`, {
      remedy: grantRights(userIn(message)),
    });
  }
  const seconds = Number(retryAfter);
  return new ApiError('CLUSTER_API', `${what} failed with ${status}: ${message}`, {
    retryable: RETRYABLE_STATUS.has(status),
    status,
    retryAfter: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null,
    remedy:
      status >= 500 || status === 429
        ? 'The API server is overloaded or failing: try again later.'
        : 'Please report it: the request was not understood.',
  });
}

/** The user that the API server refused, by its own message. */
export function userIn(message: string): string | null {
  return /\bUser "([^"]+)"/.exec(message)?.[1] ?? null;
}

/**
 * How to give a refused user the rights of the manifests. A service account cannot be in a group of ours, so it is
 * bound to the same roles.
 *
 * @param user - as the API server names it; null if unknown
 */
export function grantRights(user: string | null, namespace: string = DEFAULT_NAMESPACE): string {
  const apply = 'Grant the rights: netns-audit manifests | kubectl apply -f -';
  const account = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(user ?? '');
  const bind = (name: string, subject: string): string =>
    `kubectl create clusterrolebinding netns-auditor-${name} --clusterrole netns-auditor ${subject}; ` +
    `kubectl -n ${namespace} create rolebinding netns-auditor-${name} --role netns-auditor ${subject}`;
  if (account !== null)
    return `${apply}; ${bind(`${account[1]}-${account[2]}`, `--serviceaccount ${account[1]}:${account[2]}`)}`;
  // A command may only contain what no shell treats as more than a name.
  const name = user !== null && /^[\w.@:/+-]+$/.test(user) ? user : 'NAME';
  // One name per user: for the second user, the binding would already exist.
  const suffix = user === null ? '' : `-${createHash('sha256').update(user).digest('hex').slice(0, 8)}`;
  return (
    `${apply} , and put the user into the group netns-auditor, or bind the roles to that user: ` +
    `${bind(`user${suffix}`, `--user ${name}`)}`
  );
}

/** The HTTP status behind an error; null if there was no answer. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof AuditError)) return null;
  if (error.code === 'CLUSTER_UNAUTHENTICATED') return 401;
  if (error.code === 'CLUSTER_FORBIDDEN') return 403;
  return error instanceof ApiError ? error.status : null;
}

/** The message of a Kubernetes Status object, or the start of any other answer. */
function statusMessage(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed)
      return withoutTokens(messageOf(parsed.message));
  } catch {
    // Not JSON: a proxy or a load balancer answered.
  }
  return withoutTokens(messageOf(body)).slice(0, 200) || 'no reason given';
}

/** A proxy that refuses the connection causes an abort; only its message contains the proxy's answer. */
function reasonOf(thrown: unknown): string {
  const code = rootCodeOf(thrown);
  return code === '' || code === 'UND_ERR_ABORTED' ? messageOf(thrown) : code;
}

/** The code of the error, or of one that caused it. */
function rootCodeOf(thrown: unknown): string {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && typeof error.code === 'string') return error.code;
    if (error instanceof AggregateError) return rootCodeOf(error.errors[0]);
  }
  return '';
}
