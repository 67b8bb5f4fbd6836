/** Exit codes, documented in docs/command-line.md, and how stderr shows an error. */
import { AuditError, type ErrorCode, messageOf } from '../lib/model/errors.ts';
import { printable, printableLines } from '../lib/model/printable.ts';

export const EXIT = {
  ok: 0,
  findings: 1,
  usage: 2,
  incomplete: 3,
  unreachable: 4,
  undelivered: 5,
  interrupted: 130,
} as const;

const byCode: Record<ErrorCode, number> = {
  USAGE: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  KUBECONFIG_INVALID: EXIT.usage,
  BUNDLE_INVALID: EXIT.usage,
  CLUSTER_DNS: EXIT.unreachable,
  CLUSTER_UNREACHABLE: EXIT.unreachable,
  CLUSTER_TLS: EXIT.unreachable,
  CLUSTER_UNAUTHENTICATED: EXIT.unreachable,
  CLUSTER_FORBIDDEN: EXIT.unreachable,
  CLUSTER_API: EXIT.unreachable,
  DEADLINE: EXIT.unreachable,
  PROBE_REFUSED: EXIT.incomplete,
  PROBE_FAILED: EXIT.incomplete,
  NODE_SILENT: EXIT.incomplete,
  AWS: EXIT.unreachable,
  STORE: EXIT.undelivered,
  ALERT: EXIT.undelivered,
  ABORTED: EXIT.interrupted,
};

/** The exit code of an error; scripts may rely on it (docs/command-line.md). */
export function exitCodeOf(error: unknown): number {
  // Anything else is our own fault; 70 is EX_SOFTWARE of sysexits.h.
  return error instanceof AuditError ? byCode[error.code] : 70;
}

/** What happened and what to do, for people; a stack only for our own faults. */
export function explain(error: unknown): string {
  if (error instanceof AuditError)
    return `netns-audit: ${printableLines(error.message)}\n${indent(error.remedy)}`;
  const stack = error instanceof Error ? error.stack : messageOf(error);
  return `netns-audit: this is a bug: please report it with these lines:\n${indent(stack ?? messageOf(error))}`;
}

/** Tells the user at a terminal that an unanswered request is being retried, or that a login is pending. */
export function tryingAgain(error: AuditError): string {
  return `${printable(error.message)}${error.retryable ? '; trying again' : ''}.\n`;
}

function indent(text: string): string {
  return printableLines(text)
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('');
}
