/** A call that frees a leaked address of Calico, as a process that can be killed. Arguments: kubeconfig, store. */
import { readFileSync } from 'node:fs';
import { carryOutAll } from '../../lib/audit/remediate.ts';
import { connect, readCalicoBlock } from '../../lib/cluster/index.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { holdsAddress } from '../../lib/repair/calico-ipam.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { leaked } from '../repair/calico.ts';
import { aFinding, aReport } from '../report/sample.ts';

const [, , kubeconfig = '', folder = ''] = process.argv;
const finding = aFinding({
  check: 'ipam-leaked',
  object: { kind: 'file', name: 'calico-ipam', node: 'node-1' },
  repair: { kind: 'release-allocations', allocations: [leaked] },
  runs: 2,
});
const cluster = await connect(
  { kind: 'kubeconfig-text', text: readFileSync(kubeconfig, 'utf8') },
  { version: '0.0.0' },
);
await carryOutAll(cluster, planRepairs(aReport({ findings: [finding] }), {}).acts, {
  runId: newRunId(new Date(), 'test'),
  repairNamespace: 'netns-audit-remediate',
  image: 'image:1',
  pullSecret: null,
  settleSeconds: 900,
  repairSeconds: 600,
  pace: { drain: 0, stuck: 0, boot: 0, order: 0, create: 0, pause: 0, look: 0 },
  signal: new AbortController().signal,
  rehearse: false,
  anyController: false,
  mayLose: [],
  say: () => {},
  onResult: () => {},
  store: new DirectoryStore(folder),
  look: async () =>
    aReport({
      findings: holdsAddress(await readCalicoBlock(cluster, leaked.block), leaked) ? [finding] : [],
    }),
});
await cluster.transport.close();
