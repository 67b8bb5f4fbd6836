/**
 * A missing CNI plugin: pods can neither start nor end. And what is reported about a node without any
 * configuration.
 */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Audit, audit, newFindings, summary } from './audit.ts';
import {
  apply,
  getJson,
  isReady,
  kubectl,
  listPods,
  NAMESPACE,
  type Node,
  onNode,
  POD_IMAGE,
} from './cluster.ts';
import { isCilium } from './faults/fault.ts';
import { applyRemedy, removeVictims } from './faults/injection.ts';
import { waitFor } from './run.ts';

const node = inject('nodes')[0] as string;
const baseline = new Set(inject('baseline'));

const pod = (name: string, changes: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: NAMESPACE, labels: { part: 'teardown' }, ...changes },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    containers: [
      { name: 'main', image: POD_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '86400'] },
    ],
  },
});

async function eventsOf(name: string, reason: string): Promise<number> {
  const { items } = await getJson<{ items: readonly { count?: number }[] }>([
    'events',
    '-n',
    NAMESPACE,
    '--field-selector',
    `involvedObject.name=${name},reason=${reason}`,
  ]);
  return items.reduce((sum, { count }) => sum + (count ?? 1), 0);
}

async function removePods(): Promise<void> {
  await kubectl([
    'delete',
    'pod',
    '-n',
    NAMESPACE,
    '-l',
    'part=teardown',
    '--wait=false',
    '--grace-period=1',
  ]);
  await waitFor('the pods to be gone', async () => (await listPods('-l', 'part=teardown')).length === 0);
  await removeVictims();
}

const found = ({ report }: Audit, check: string) =>
  newFindings(report, baseline).filter((finding) => finding.check === check);

// Chained plugins are looked up again for each DEL.
describe.skipIf(!inject('platform').plugins.includes('portmap'))(
  'when a CNI plugin is gone from a node',
  () => {
    let result: Audit;
    const forced = 'teardown-forced';
    const deleted = 'teardown-deleted';
    const starting = 'teardown-starting';

    beforeAll(async () => {
      await apply([pod(forced), pod(deleted)]);
      await waitFor('the pods to run', async () => (await listPods('-l', 'part=teardown')).every(isReady));
      await onNode(node, 'mv /opt/cni/bin/portmap /opt/cni/bin/.portmap.e2e');
      await apply([pod(starting)]);
      await kubectl(['delete', 'pod', '-n', NAMESPACE, forced, '--force', '--grace-period=0']);
      await kubectl(['delete', 'pod', '-n', NAMESPACE, deleted, '--wait=false']);
      await waitFor(
        'the kubelet to have tried',
        async () => {
          const tried = [
            await eventsOf(starting, 'FailedCreatePodSandBox'),
            await eventsOf(deleted, 'FailedKillPod'),
          ];
          return tried.every((count) => count >= 3) && (await eventsOf(forced, 'FailedKillPod')) > 0;
        },
        { seconds: 240 },
      );
      result = await audit();
    });
    afterAll(async () => {
      await onNode(node, 'mv /opt/cni/bin/.portmap.e2e /opt/cni/bin/portmap');
      await removePods();
      const leaked = found(await audit(), 'ipam-leaked');
      await Promise.all(leaked.map((finding) => applyRemedy(finding, node)));
    });

    it('names the plugin and the node', () => {
      expect(found(result, 'cni-plugin-missing')).toMatchObject([{ object: { kind: 'node', name: node } }]);
    });

    it('finds the pod that cannot start, with the reason', () => {
      const [finding] = found(result, 'sandbox-create-failing');
      expect(finding?.object).toMatchObject({ namespace: NAMESPACE, name: starting });
      expect(finding?.detail).toMatch(/portmap|plugin/);
    });

    it('finds the pod that cannot be taken down', () => {
      const names = ['sandbox-kill-failing', 'sandbox-stuck-terminating'].flatMap((check) =>
        found(result, check).map(({ object }) => object.name),
      );
      expect(names).toEqual([deleted]);
    });

    it('finds what a forced deletion left behind', () => {
      // Which of them depends on whether the runtime stops the sandbox before or after it calls the plugin.
      const names = ['sandbox-ghost', 'sandbox-stale'].flatMap((check) =>
        found(result, check).map(({ object }) => object.name),
      );
      expect(names).toEqual([forced]);
    });

    it('finds nothing else', () => {
      const expected = [
        'cni-plugin-missing',
        'sandbox-create-failing',
        'sandbox-kill-failing',
        'sandbox-stuck-terminating',
        'sandbox-ghost',
        'sandbox-stale',
        // Each attempt takes an address, and cannot give it back.
        'ipam-leaked',
      ];
      const others = newFindings(result.report, baseline).filter(({ check }) => !expected.includes(check));
      expect(others.map(summary)).toEqual([]);
    });
  },
);

describe.skipIf(isCilium(inject('platform')))('when the CNI configuration of a node is gone', () => {
  let result: Audit;

  const ready = async (): Promise<boolean> => isReady(await getJson<Node>(['node', node]));

  beforeAll(async () => {
    await onNode(node, 'mkdir -p /run/e2e-cni; mv /etc/cni/net.d/*.conflist /run/e2e-cni/');
    await waitFor('the node to be NotReady', async () => !(await ready()));
    result = await audit();
  });
  afterAll(async () => {
    await onNode(node, 'mv /run/e2e-cni/* /etc/cni/net.d/; rmdir /run/e2e-cni');
    await waitFor('the node to be Ready', ready);
  });

  it('is audited all the same, and told to be the reason', () => {
    expect(result.report.coverage.nodes.find((each) => each.node === node)?.result).toBe('audited');
    expect(found(result, 'runtime-network-not-ready').map(({ object }) => object.name)).toEqual([node]);
  });

  it('finds nothing else but the missing configuration', () => {
    const expected = ['runtime-network-not-ready', 'cni-config-invalid'];
    const others = newFindings(result.report, baseline).filter(({ check }) => !expected.includes(check));
    expect(others.map(summary)).toEqual([]);
  });
});

describe('when a debug pod is left over', () => {
  const left = 'teardown-probe';
  afterAll(() => removePods());

  it('names it and removes it as it says', async () => {
    const ours = {
      labels: { part: 'teardown', 'app.kubernetes.io/name': 'netns-auditor' },
      annotations: { 'netns-auditor/expires': '2026-01-01T00:00:00Z' },
    };
    await apply([pod(left, ours)]);
    await waitFor('the pod to run', async () => (await listPods('-l', 'part=teardown')).every(isReady));
    const [finding, ...others] = found(await audit(), 'debug-pod-leftover');
    expect(others).toEqual([]);
    expect(finding?.object).toMatchObject({ namespace: NAMESPACE, name: left });

    const remove = finding?.remedy.findLast(({ command }) => command?.startsWith('kubectl delete'))?.command;
    expect(remove).toBeDefined();
    await kubectl((remove ?? '').split(' ').slice(1));
    expect(found(await audit(), 'debug-pod-leftover')).toEqual([]);
  });
});
