/** Commands of a kubeconfig that print a credential. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { AuditError, messageOf } from '../model/errors.ts';
import { withoutSecrets } from './redact.ts';

/** A login in a browser takes a person a minute or two. */
const PLUGIN_MILLISECONDS = 120_000;
/** Most take one or two. */
const SOON_MILLISECONDS = 5_000;

export type PluginOptions = {
  /** Milliseconds for one run. Default 2 min. */
  readonly deadline?: number | undefined;
  /** Told where one takes long; its words are those of {@link AuditError}, as nothing came of it so far. */
  readonly onWaiting?: ((error: AuditError) => void) | undefined;
};

/** A credential plugin did not end in its time. */
export class PluginHangs extends Error {
  override readonly name = 'PluginHangs';
}

/**
 * Gives each run of a plugin an end. client-node waits for it for good, and leaves it a stdin that nobody writes to, so
 * one that asks for a code would hang the run; now it reads the end of its input, and says so itself.
 */
export function limitExecPlugins(config: KubeConfig, options: PluginOptions): void {
  // Neither is public; the tests of connect tell when an update of client-node moves them.
  const authenticators: unknown = Reflect.get(config, 'authenticators');
  if (!Array.isArray(authenticators)) return;
  for (const authenticator of authenticators) {
    if (typeof authenticator === 'object' && authenticator !== null && 'execFn' in authenticator) {
      authenticator.execFn = (command: string, args: string[] | undefined, spawning: SpawnOptions) =>
        spawnWithEnd(command, args ?? [], spawning, options);
    }
  }
}

/** Why there is no credential, in the words of whatever failed, but with no secret that these may hold. */
export function credentialFailure(error: unknown, user: User | null): string {
  // What is no JSON, or JSON without a status, is quoted by these.
  if (error instanceof SyntaxError || error instanceof TypeError)
    return 'its command printed no credential (an ExecCredential in JSON)';
  const exec = user?.exec;
  const given = [...strings(exec?.args), ...strings(exec?.env), ...strings(user?.authProvider)];
  const text = error instanceof Error ? error.message : messageOf(error);
  return withoutSecrets(text, [...given, user?.token ?? '', user?.password ?? '']) || 'it gave no reason';
}

/** All text within a value, however deep. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

function spawnWithEnd(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  { deadline = PLUGIN_MILLISECONDS, onWaiting }: PluginOptions,
): ChildProcess {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const soon = setTimeout(
    () =>
      onWaiting?.(
        new AuditError(
          'CLUSTER_UNAUTHENTICATED',
          `${command}, the command of the kubeconfig that prints a credential, has not ended: waiting for it up to ${deadline / 1000} s`,
          { remedy: 'It may be waiting for a login.' },
        ),
      ),
    Math.min(SOON_MILLISECONDS, deadline / 4),
  );
  const timer = setTimeout(() => {
    child.emit('error', new PluginHangs(`its command ${command} did not end within ${deadline / 1000} s`));
    child.kill('SIGKILL');
    // What it started itself may hold these open, and would keep us alive.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, deadline);
  child.on('close', () => {
    clearTimeout(timer);
    clearTimeout(soon);
  });
  return child;
}
