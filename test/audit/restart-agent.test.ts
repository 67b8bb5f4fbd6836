import { beforeEach, describe, expect, it } from 'vitest';
import { carryOutAll } from '../../lib/audit/index.ts';
import type { ActResult } from '../../lib/audit/repair-act.ts';
import type { Cluster } from '../../lib/cluster/index.ts';
import { type DirectoryStore, keys } from '../../lib/history/index.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { repairRecordSchema } from '../../lib/model/repair-record.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { aFinding, aReport } from '../report/sample.ts';
import type { ApiObject, StubApiServer } from '../stub/api-server.ts';
import { aPlaceToRepair, repairOptions } from './repairs.ts';

let stub: StubApiServer;
let cluster: Cluster;
let store: DirectoryStore;

const CALICO = {
  kind: 'restart-agent',
  namespace: 'calico-system',
  selector: 'k8s-app=calico-node',
} as const;
const down = (changes: Partial<Finding> = {}): Finding =>
  aFinding({
    check: 'cni-agent-down',
    topic: 'cni',
    object: { kind: 'node', name: 'node-1' },
    remedy: [{ purpose: 'repair', text: 'Restart it.' }],
    repair: CALICO,
    ...changes,
  });
const tried: ClusterReport['coverage']['checks'][number] = {
  check: 'cni-add-failing',
  topic: 'cni',
  examined: 1,
  failed: 0,
  notApplicable: 0,
  unknown: 0,
  reasons: [],
};

function agentPod(
  name: string,
  changes: { kind?: string; node?: string; isDeleted?: boolean; labels?: object } = {},
): ApiObject {
  const {
    kind = 'DaemonSet',
    node = 'node-1',
    isDeleted = false,
    labels = { 'k8s-app': 'calico-node' },
  } = changes;
  return {
    metadata: {
      name,
      namespace: 'calico-system',
      uid: `uid-${name}`,
      labels,
      ...(isDeleted ? { deletionTimestamp: '2026-01-02T03:04:05Z' } : {}),
      ownerReferences: [{ kind, uid: 'uid-of-set', controller: true }],
    },
    spec: { nodeName: node, terminationGracePeriodSeconds: 0 },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  } as ApiObject;
}
const show = (pod: ApiObject): void => void stub.pods.set(`calico-system/${pod.metadata.name}`, pod);

beforeEach(async () => {
  ({ stub, cluster, store } = await aPlaceToRepair());
  show(agentPod('calico-a'));
  show(agentPod('calico-other', { node: 'node-2' }));
  show(agentPod('something', { labels: {} }));
  stub.onEvicted = () => show(agentPod('calico-b'));
});

const runId = newRunId(new Date(), 'test');
type Look = (node: string, also?: { readonly canary: boolean }) => Promise<ClusterReport>;

/** The fault as long as the old pod is there; then what the audit with a canary says. */
const looks =
  (after: Partial<ClusterReport> = {}, before: readonly Finding[] = [down()]): Look =>
  async (_, also) =>
    also?.canary === true
      ? aReport({ findings: [], coverage: { nodes: aReport().coverage.nodes, checks: [tried] }, ...after })
      : aReport({ findings: [...before] });

async function tryRepair(look: Look = looks(), rehearse = false): Promise<ActResult[]> {
  return await carryOutAll(cluster, planRepairs(aReport({ findings: [down()] }), {}).acts, {
    ...repairOptions({ runId, store, look }),
    rehearse,
  });
}
const evictions = (): string[] => stub.requests.filter((request) => request.endsWith('/eviction'));

describe('restarting the CNI agent of a node', { timeout: 30_000 }, () => {
  it('evicts its pod there, waits for the new one, has a pod started and ended, and keeps that', async () => {
    expect(await tryRepair()).toMatchObject([
      {
        result: 'done',
        detail: 'calico-system/calico-b replaced it; a new pod got its network, and left nothing behind',
      },
    ]);
    expect(evictions()).toEqual([expect.stringContaining('/calico-system/pods/calico-a/eviction')]);
    const stored = await store.get(keys.repair({ cluster: cluster.name, runId }, 'uid-calico-a-ended'));
    expect(repairRecordSchema.parse(JSON.parse(Buffer.from(stored?.body ?? '').toString()))).toMatchObject({
      act: 'restart-agent',
      phase: 'done',
      by: 'ann',
      checks: ['cni-agent-down'],
      pod: { name: 'calico-a', node: 'node-1' },
    });
  });

  it('is only rehearsed without an eviction', async () => {
    expect(await tryRepair(looks(), true)).toMatchObject([{ result: 'rehearsed' }]);
    expect(evictions()).toEqual([]);
  });

  const notAudited = aReport({
    findings: [down()],
    coverage: { checks: [], nodes: [{ node: 'node-1', result: 'partial', reason: 'slow', remedy: null }] },
  });
  it.each<[string, string, () => void, Look]>([
    ['the fault is gone', 'the fault was not seen again', () => {}, looks({}, [])],
    [
      'it is another agent by now',
      'the fault was not seen again',
      () => {},
      looks({}, [down({ repair: { ...CALICO, selector: 'k8s-app=cilium' } })]),
    ],
    [
      'it is only suspected',
      'the fault was not seen again',
      () => {},
      looks({}, [down({ confidence: 'suspected' })]),
    ],
    [
      'another finding explains it',
      'the fault was not seen again',
      () => {},
      looks({}, [down({ partOf: 'other' })]),
    ],
    [
      'an exception covers it',
      'an exception of network covers it',
      () => {},
      looks({}, [down({ suppressed: { owner: 'network', reason: 'known', expires: '2027-01-01' } })]),
    ],
    [
      'its node was not read completely',
      'could not be read completely: slow',
      () => {},
      async () => notAudited,
    ],
    [
      'its pod is gone',
      'no pod of the agent is on the node',
      () => void stub.pods.delete('calico-system/calico-a'),
      looks(),
    ],
    ['it has two pods there', 'more than one pod', () => show(agentPod('calico-c')), looks()],
    [
      'its pod is being deleted',
      'is being deleted',
      () => show(agentPod('calico-a', { isDeleted: true })),
      looks(),
    ],
    [
      'no DaemonSet makes it again',
      'no DaemonSet',
      () => show(agentPod('calico-a', { kind: 'Job' })),
      looks(),
    ],
  ])('is refused where since then %s', async (_, words, change, look) => {
    change();
    expect(await tryRepair(look)).toMatchObject([
      { result: 'refused', detail: expect.stringContaining(words) },
    ]);
    expect(evictions()).toEqual([]);
  });

  it.each<[string, string, Partial<ClusterReport>]>([
    [
      'no new pod gets a network',
      'an audit finds cni-add-failing',
      { findings: [down({ check: 'cni-add-failing', repair: null })] },
    ],
    ['the agent is down again', 'an audit finds cni-agent-down', { findings: [down()] }],
    [
      'no pod could be started to try it',
      'no pod could be started to try it: its image is missing',
      {
        coverage: {
          nodes: aReport().coverage.nodes,
          checks: [{ ...tried, examined: 0, unknown: 1, reasons: ['its image is missing'] }],
        },
      },
    ],
    [
      'the node was not read completely',
      'could not be read completely: slow',
      { coverage: notAudited.coverage },
    ],
  ])('is a surprise where %s', async (_, words, after) => {
    expect(await tryRepair(looks(after))).toMatchObject([
      { result: 'surprise', detail: expect.stringContaining(words) },
    ]);
  });

  it('is a surprise where the new pod is on another node', async () => {
    stub.onEvicted = () => show(agentPod('calico-b', { node: 'node-3' }));
    expect(await tryRepair()).toMatchObject([
      { result: 'surprise', detail: 'calico-system/calico-b is ready, but on node-3' },
    ]);
  });
});
