/** Commands that a report prints to be typed next, with the options of its audit: what repairs, and what checks a repair. */
import { catalogue } from '../lib/checks/catalogue.ts';
import type { ClusterTarget } from '../lib/cluster/index.ts';
import type { ActiveProbe } from '../lib/model/active-probe.ts';
import { isCounted, nodeOf } from '../lib/model/finding.ts';
import type { KubectlOptions } from '../lib/model/kubectl.ts';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE } from '../lib/model/own-pods.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { command } from '../lib/model/shell.ts';

/** Nodes that one command names. */
const MOST_NODES = 3;

/** Options of an audit that it needs again. */
export type OptionsAgain = {
  readonly active: readonly ActiveProbe[];
  readonly probeNamespace: string;
  readonly image: string;
  readonly pullSecret?: string;
  readonly privileged?: boolean;
  readonly store?: string;
  readonly exceptions?: string;
};

/** Checks that only an audit of the whole cluster repeats, as they compare nodes. */
const ofCluster: ReadonlySet<string> = new Set(
  catalogue.filter(({ scope }) => scope === 'cluster').map(({ id }) => id),
);

/**
 * Audits the nodes with findings once more in the same way, pods that are seconds old too. Null where that shows nothing:
 * findings on many nodes, or of checks that compare nodes, need an audit of the cluster. That never takes young pods: a
 * fault would be reported that may pass by itself.
 */
export function checkAgain(
  { findings }: Pick<ClusterReport, 'findings'>,
  cluster: Reached,
  options: OptionsAgain,
): string | null {
  const found = findings.filter(isCounted);
  const nodes = new Set(found.map(nodeOf));
  if (nodes.size === 0 || nodes.size > MOST_NODES || nodes.has('')) return null;
  if (found.some(({ check }) => ofCluster.has(check))) return null;
  const { active, store, privileged } = options;
  return command(
    'netns-audit',
    'audit',
    ...sameCluster(cluster),
    ...['--nodes', [...nodes].join(','), '--settle', '0s'],
    ...(active.length > 0 ? ['--active', active.join(',')] : []),
    ...samePods(options),
    ...(store === undefined ? [] : ['--store', store]),
    ...sameExceptions(options),
    ...(privileged === true ? ['--privileged'] : []),
  );
}

type Again = Omit<OptionsAgain, 'active' | 'privileged'>;

/** Options of `remediate` that lead to the same cluster, with the same pods and exceptions; its store is named apart. */
export function remediateAgain(cluster: Reached, options: Again): readonly string[] {
  return [...sameCluster(cluster), ...samePods(options), ...sameExceptions(options)];
}

type Reached = { readonly target: ClusterTarget; readonly kubectl?: KubectlOptions | undefined };

function samePods({ probeNamespace, image, pullSecret }: Again): readonly string[] {
  return [
    ...(probeNamespace === DEFAULT_NAMESPACE ? [] : ['--probe-namespace', probeNamespace]),
    ...(image === DEFAULT_IMAGE ? [] : ['--image', image]),
    ...(pullSecret === undefined ? [] : ['--pull-secret', pullSecret]),
  ];
}

function sameExceptions({ exceptions }: Again): readonly string[] {
  return exceptions === undefined ? [] : ['--exceptions', exceptions];
}

/** Options that lead to the same cluster, wherever kubectl points by then. */
function sameCluster({ target, kubectl }: Reached): readonly string[] {
  if (target.kind !== 'eks') return kubectl ?? [];
  const { name, region, roleArn, externalId } = target;
  return [
    ...['--eks', name, '--region', region],
    ...(roleArn === undefined ? [] : ['--role-arn', roleArn]),
    ...(externalId === undefined ? [] : ['--external-id', externalId]),
  ];
}
