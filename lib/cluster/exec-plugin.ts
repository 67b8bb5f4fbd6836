/** Kubeconfig commands that print a credential. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { AuditError, messageOf } from '../model/errors.ts';
import { withoutSecrets } from './redact.ts';

/** A person needs a minute or two for a login in a browser. */
const PLUGIN_MILLISECONDS = 120_000;
/** Most take one or two. */
const SOON_MILLISECONDS = 5_000;

export type PluginOptions = {
  /** Milliseconds for one run. Default 2 min. */
  readonly deadline?: number | undefined;
  /** Called when one takes long, with an {@link AuditError} for its words only: nothing has failed yet. */
  readonly onWaiting?: ((error: AuditError) => void) | undefined;
};

/** A credential plugin did not finish in time. */
export class PluginHangs extends Error {
  override readonly name = 'PluginHangs';
}

/**
 * Gives each run of a plugin a deadline. client-node waits without one, with a stdin that nobody writes to, so
 * a plugin that asks for a code would hang the run; now it reads the end of its input, and reports that itself.
 */
export function limitExecPlugins(config: KubeConfig, options: PluginOptions): void {
  // Neither is public; the tests of connect fail when an update of client-node moves them.
  const authenticators: unknown = Reflect.get(config, 'authenticators');
  if (!Array.isArray(authenticators)) return;
  for (const authenticator of authenticators) {
    if (typeof authenticator === 'object' && authenticator !== null && 'execFn' in authenticator) {
      authenticator.execFn = (command: string, args: string[] | undefined, spawning: SpawnOptions) =>
        spawnWithEnd(command, args ?? [], spawning, options);
    }
  }
}

/** Why there is no credential, in the words of the failure, without any secrets in them. */
export function credentialFailure(error: unknown, user: User | null): string {
  // These quote text that is not JSON, or JSON without a status.
  if (error instanceof SyntaxError || error instanceof TypeError)
    return 'its command printed no credential (an ExecCredential in JSON)';
  const exec = user?.exec;
  const given = [...strings(exec?.args), ...strings(exec?.env), ...strings(user?.authProvider)];
  const text = error instanceof Error ? error.message : messageOf(error);
  return withoutSecrets(text, [...given, user?.token ?? '', user?.password ?? '']) || 'it gave no reason';
}

/** All text within a value, at any depth. */
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
    // Its child processes may hold these open, and would keep us alive.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, deadline);
  child.on('close', () => {
    clearTimeout(timer);
    clearTimeout(soon);
  });
  return child;
}
