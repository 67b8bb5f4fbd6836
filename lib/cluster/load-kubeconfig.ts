/** Loads a kubeconfig by name, by default or from a text. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { AuditError, whyUnreadable } from '../model/errors.ts';
import { limitExecPlugins, type PluginOptions } from './exec-plugin.ts';
import { loadDefault } from './merge-kubeconfigs.ts';
import type { ClusterTarget } from './target.ts';

export type KubeconfigTarget = Exclude<ClusterTarget, { kind: 'eks' }>;

/** @throws AuditError KUBECONFIG_INVALID */
export async function loadKubeconfig(
  target: KubeconfigTarget,
  plugins: PluginOptions,
): Promise<{ config: KubeConfig; source: string }> {
  // Loaded on use: the client is large, and `--help` needs none of it.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  limitExecPlugins(config, plugins);
  const source =
    target.kind === 'kubeconfig-text'
      ? 'the kubeconfig of the secret'
      : (target.file ?? (process.env.KUBECONFIG || '~/.kube/config'));
  try {
    if (target.kind === 'kubeconfig-text') config.loadFromString(target.text);
    else if (target.file !== undefined) config.loadFromFile(target.file);
    else loadDefault(config, () => new KubeConfig());
  } catch (error) {
    throw invalid(
      source,
      withoutContent(error),
      'Check the path and that it is a valid kubeconfig: kubectl config view',
    );
  }
  return { config, source };
}

/** The texts that it consists of, each with its path; skips missing ones unless the user named the file. */
export function kubeconfigTexts(target: KubeconfigTarget): { file: string; text: string }[] {
  if (target.kind === 'kubeconfig-text') return [{ file: '', text: target.text }];
  if (target.file !== undefined) return [{ file: target.file, text: readFileSync(target.file, 'utf8') }];
  const named = (process.env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  return (named.length > 0 ? named : [join(homedir(), '.kube', 'config')]).flatMap((file) => {
    try {
      return [{ file, text: readFileSync(file, 'utf8') }];
    } catch {
      return [];
    }
  });
}

/**
 * What is wrong, and where. After its first line, an error of a YAML parser quotes the surrounding lines and a
 * word: tokens and keys, which would end up in logs, reports and mails. So the error does not become our cause either.
 */
export function withoutContent(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return error instanceof Error && error.name.startsWith('YAML')
    ? first.replaceAll(/"[^"]*"/g, '…')
    : whyUnreadable(error);
}

/**
 * A KUBECONFIG_INVALID that names the file.
 *
 * @param source - the file, as the user wrote it
 */
export function invalid(source: string, message: string, remedy: string): AuditError {
  return new AuditError('KUBECONFIG_INVALID', `${source}: ${message}`, { remedy });
}
