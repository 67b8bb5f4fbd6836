/**
 * docs/coverage.md: which fault was seen on which network, generated from the faults of the end-to-end tests
 * and the records of their runs.
 */
import type { Platform } from '../test/e2e/cluster.ts';
import type { Fault } from '../test/e2e/faults/fault.ts';
import { allFaults } from '../test/e2e/faults/index.ts';
import { readSeen, readSilent, type Seen, type Silent } from '../test/e2e/seen.ts';

const setup = { crictl: true, dnsByHand: true, serviceMaps: false } as const;
/** The networks in the table, each with its most common node setup. */
export const networks: readonly (readonly [name: string, platform: Platform])[] = [
  ['bridge', { plugin: 'bridge', ipam: 'host-local', plugins: ['bridge', 'portmap'], ...setup }],
  ['ptp', { plugin: 'ptp', ipam: 'host-local', plugins: ['ptp', 'portmap'], ...setup }],
  ['AWS VPC CNI', { plugin: 'aws-cni', ipam: '', plugins: ['aws-cni', 'egress-cni', 'portmap'], ...setup }],
  [
    'Calico',
    { plugin: 'calico', ipam: 'calico-ipam', plugins: ['calico', 'portmap', 'bandwidth'], ...setup },
  ],
  ['Cilium', { plugin: 'cilium-cni', ipam: '', plugins: ['cilium-cni'], ...setup }],
  ['flannel', { plugin: 'flannel', ipam: '', plugins: ['flannel', 'portmap'], ...setup }],
];

/** The cell for a fault and a network: `seen`, `not tried`, or `–` if the fault does not exist there. */
export function cell(fault: Fault, platform: Platform, seen: Seen): string {
  if (seen[platform.plugin]?.includes(fault.id)) return 'seen';
  // Each network can have kube-proxy in either mode.
  const setups = [platform, { ...platform, serviceMaps: true }];
  return setups.some((each) => fault.when?.(each) ?? true) ? 'not tried' : '–';
}

/** The text of docs/coverage.md. */
export function coveragePage(seen: Seen = readSeen(), silent: Silent = readSilent()): string {
  const rows = allFaults.map((fault) => [
    `\`${fault.check}\``,
    fault.id,
    ...networks.map(([, platform]) => cell(fault, platform, seen)),
  ]);
  const sums = networks.map(([, platform], index) => {
    const column = rows.map((row) => row[index + 2]);
    const count = (text: string) => column.filter((each) => each === text).length;
    return `${count('seen')} of ${column.length - count('–')}${platform.plugin in seen ? '' : ', no run noted'}`;
  });
  const silence = networks.map(([, { plugin }]) => `${silent[plugin] ?? 'no'} audits`);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `# Faults and networks

Made by \`npm run generate\` from the faults of the end-to-end tests (\`test/e2e/faults/\`), and \`seen.json\` and \`silent.json\` beside them, where a
run on a real cluster notes what it saw if \`NETNS_AUDIT_E2E_NOTE\` is set. Do not edit it.

- **seen**: injected on a real cluster of that network, found under its check with the right object and the values that prove it, and gone after
  its repair, with no other finding.
- **not tried**: it can be injected there, and no run has noted it.
- **–**: it does not exist there.
- **silent**: audits in a row that found nothing on a healthy cluster, while a fifth of its pods come and go, the CNI's agent and kube-proxy are
  restarted before each audit on one node after the other, and each node runs docker, firewalld's rules, Istio's ambient rules and a NetworkPolicy
  with kube-router's rules where the network has no policy engine of its own (\`test/e2e/other-software.ts\`).

${line(['check', 'fault', ...networks.map(([name]) => name)])}
${line(['---', '---', ...networks.map(() => '---')])}
${line(['seen', '', ...sums])}
${line(['silent', '', ...silence])}
${rows.map(line).join('\n')}
`;
}
