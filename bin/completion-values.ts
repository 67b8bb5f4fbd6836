/** Option values, looked up while somebody types: nothing here asks a cluster, and errors stay silent. */
import { metrics } from '../lib/history/metrics.ts';
import { activeProbes } from '../lib/model/active-probe.ts';
import type { Values } from './completion.ts';

const RUNS = 30;

export const valuesOf: Values = async (kind, given) => {
  try {
    return await look(kind, given);
  } catch {
    return [];
  }
};

async function look(kind: string, given: ReadonlyMap<string, string>): Promise<readonly string[]> {
  switch (kind) {
    case 'check': {
      const { catalogue } = await import('../lib/checks/catalogue.ts');
      return catalogue.map(({ id }) => id);
    }
    case 'context': {
      const { contextNames } = await import('../lib/cluster/contexts.ts');
      return contextNames(given.get('--kubeconfig'));
    }
    case 'run':
      return ['latest', 'previous', ...(await runsOf(given))];
    case 'active':
      return activeProbes;
    case 'metric':
      return metrics;
    default:
      return ['bash', 'zsh', 'fish'];
  }
}

/** Newest first, from a directory only: each keystroke would query a bucket over the network. */
async function runsOf(given: ReadonlyMap<string, string>): Promise<string[]> {
  const { defaultStore, openStore } = await import('../lib/audit/stores.ts');
  const { clusters, DirectoryStore, runs } = await import('../lib/history/index.ts');
  const store = openStore(given.get('--store') ?? defaultStore());
  if (!(store instanceof DirectoryStore)) return [];
  const named = given.get('--cluster');
  const names = named === undefined ? await clusters(store) : [named];
  const found: string[] = [];
  for await (const { runId } of runs(store, names, '2000-01-01', '2999-12-31', () => {})) {
    found.push(runId);
    if (found.length >= RUNS) break;
  }
  return found;
}
