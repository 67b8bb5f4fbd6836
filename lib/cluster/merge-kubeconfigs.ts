/**
 * Merges several files in $KUBECONFIG as kubectl does: the first entry of a name and the first current context win,
 * and missing files are skipped. client-node refuses duplicate names, and uses the last context.
 */
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';

/** Loads the default when no file is named. @param empty - creates an empty config */
export function loadDefault(config: KubeConfig, empty: () => KubeConfig): void {
  const files = (process.env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (files.length < 2) {
    config.loadFromDefault();
    return;
  }
  const loaded = files
    .filter((file) => existsSync(file))
    .map((file) => {
      const one = empty();
      one.loadFromFile(file);
      return one;
    });
  if (loaded.length === 0) throw new Error('none of these files is there');
  config.loadFromOptions({
    clusters: firstOfName(loaded.flatMap((each) => each.getClusters())),
    users: firstOfName(loaded.flatMap((each) => each.getUsers())),
    contexts: firstOfName(loaded.flatMap((each) => each.getContexts())),
    currentContext: loaded.map((each) => each.getCurrentContext()).find((name) => name) ?? '',
  });
}

function firstOfName<T extends { readonly name: string }>(all: readonly T[]): T[] {
  return [...new Map(all.toReversed().map((each) => [each.name, each])).values()].toReversed();
}
