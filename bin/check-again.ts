/** The command that shows whether a repair helped. */
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
  cluster: { readonly target: ClusterTarget; readonly kubectl?: KubectlOptions | undefined },
  options: OptionsAgain,
): string | null {
  const found = findings.filter(isCounted);
  const nodes = new Set(found.map(nodeOf));
  if (nodes.size === 0 || nodes.size > MOST_NODES || nodes.has('')) return null;
  if (found.some(({ check }) => ofCluster.has(check))) return null;
  const { active, probeNamespace, image, pullSecret, privileged, store, exceptions } = options;
  const given: readonly (readonly [string, string | undefined | false])[] = [
    ['--active', active.length > 0 && active.join(',')],
    ['--probe-namespace', probeNamespace !== DEFAULT_NAMESPACE && probeNamespace],
    ['--image', image !== DEFAULT_IMAGE && image],
    ['--pull-secret', pullSecret],
    ['--store', store],
    ['--exceptions', exceptions],
  ];
  return command(
    'netns-audit',
    'audit',
    ...optionsOf(cluster),
    ...['--nodes', [...nodes].join(','), '--settle', '0s'],
    ...given.flatMap(([name, value]) => (value === undefined || value === false ? [] : [name, value])),
    ...(privileged === true ? ['--privileged'] : []),
  );
}

/** Options that lead to the same cluster, wherever kubectl points by then. */
function optionsOf({ target, kubectl }: Parameters<typeof checkAgain>[1]): readonly string[] {
  if (target.kind !== 'eks') return kubectl ?? [];
  const { name, region, roleArn, externalId } = target;
  return [
    ...['--eks', name, '--region', region],
    ...(roleArn === undefined ? [] : ['--role-arn', roleArn]),
    ...(externalId === undefined ? [] : ['--external-id', externalId]),
  ];
}
