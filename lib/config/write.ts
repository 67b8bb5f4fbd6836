/** Writes the text of a first netns-audit.yaml. Pure. */
import { stringify } from 'yaml';
import { printable } from '../model/printable.ts';

/** A discovered cluster, under the name that it would have. */
export type FoundCluster = {
  readonly name: string;
  /** Where it was found, in a few words. */
  readonly from: string;
} & (
  | { readonly eks: { readonly name: string; readonly region: string; readonly roleArn?: string } }
  | { readonly kubeconfig: { readonly context: string; readonly file?: string } }
);

/**
 * Optional parts are comments with `#` right before them: removing the sign enables them.
 *
 * @param clusters - at least one
 */
export function configText(clusters: readonly FoundCluster[]): string {
  return `# The clusters that netns-audit audits, and how. After each change, run: netns-audit config check
# docs/operations.md explains each part; schema/config.v1.json has every field.
clusters:
${named(clusters).map(clusterText).join('')}${REST}`;
}

function clusterText({ from, name, ...way }: FoundCluster): string {
  const [kind, values] = Object.entries(way)[0] ?? [];
  const lines = Object.entries(values ?? {}).map(
    ([key, value]) => `      ${key}: ${scalar(String(value))}\n`,
  );
  return `  # ${printable(from, 200)}\n  - name: ${scalar(name)}\n    ${kind}:\n${lines.join('')}`;
}

/** Plain if YAML reads it back as the same text, in block style. */
function scalar(text: string): string {
  return /^[a-z0-9][\w.:/@-]*$/i.test(text) ? stringify(text).trim() : JSON.stringify(text);
}

/** Each with a valid configuration name, and no duplicates. */
function named(clusters: readonly FoundCluster[]): FoundCluster[] {
  const taken = new Set<string>();
  return clusters.map((cluster) => {
    const wanted =
      cluster.name
        .replaceAll(/[^\w.:/@-]/g, '-')
        .replace(/^-+/, '')
        .slice(0, 90) || 'cluster';
    const ofRegion = 'eks' in cluster ? `${wanted}-${cluster.eks.region}` : wanted;
    let name = taken.has(wanted) ? ofRegion : wanted;
    for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
    taken.add(name);
    return { ...cluster, name };
  });
}

const REST = `
# New findings of at least this severity are reported, and nodes with more leaked namespaces than this.
#thresholds:
#  minSeverity: high
#  orphansPerNode: 10

# The probe pods: another image, for example from your own registry, or another namespace.
#probe:
#  image: docker.io/nicolaka/netshoot:v0.16
#  namespace: netns-audit

# Where the command line sends changes (docs/destinations.md). It reads secrets from the environment or a file.
#destinations:
#  - kind: slack
#    name: team
#    url:
#      env: SLACK_WEBHOOK_URL

# Findings that you accept until a date (docs/exceptions.md).
#exceptions:
#  - check: pod-mtu-mismatch
#    objects: [legacy/*]
#    reason: Moves to the new CNI in January
#    owner: platform team
#    expires: 2099-01-31

# For the stack on AWS: when it audits, and who gets its emails (docs/operations.md).
#schedule:
#  expression: cron(0 4 * * ? *)
#  timeZone: Europe/Berlin
#subscriptions:
#  - protocol: email
#    endpoint: on-call@example.com
`;
