import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canaryLeftovers } from '../../lib/audit/canary.ts';
import type { Evidence } from '../../lib/model/evidence.ts';
import { buildEvidence, readArchive } from '../../lib/probe/index.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';
import { audit, endWith, podsOfTheAudit, recordingFile, serveRecording } from './recorded.ts';

let stub: StubApiServer;
let log: string;

beforeEach(async () => {
  stub = await StubApiServer.start();
  ({ log } = await serveRecording(stub, 'healthy'));
});
afterEach(async () => {
  await stub.close();
});

const isCanary = (pod: ApiObject) => pod.metadata.labels?.['app.kubernetes.io/component'] === 'canary';
const ofTheCanary = ({ coverage }: Awaited<ReturnType<typeof audit>>) =>
  coverage.checks.find(({ check }) => check === 'cni-add-failing');

describe('a canary pod', () => {
  it('that starts, gets an address and goes is a pass', async () => {
    endWith(stub, 'node-1', (pod) =>
      isCanary(pod) ? { status: { phase: 'Running', podIPs: [{ ip: '10.244.1.99' }] } } : { log },
    );
    const report = await audit(stub, { active: ['cni'] });
    expect(ofTheCanary(report)).toMatchObject({ examined: 1, failed: 0 });
    expect(podsOfTheAudit(stub)).toEqual([]);
  });

  it('is not started unless it was asked for', async () => {
    await audit(stub);
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toHaveLength(1);
  });

  it('that gets no sandbox is told in the words of the plugin, which only an event has', async () => {
    endWith(stub, 'node-1', (pod) => {
      if (!isCanary(pod)) return { log };
      const event = (message: string, lastTimestamp: string, count: number): ApiObject => ({
        metadata: { name: `${pod.metadata.name}.${count}`, namespace: 'netns-audit' },
        reason: 'FailedCreatePodSandBox',
        message,
        involvedObject: { kind: 'Pod', namespace: 'netns-audit', name: pod.metadata.name },
        lastTimestamp,
        count,
      });
      stub.events.push(
        event(
          'Failed to create pod sandbox: plugin type="bridge" failed (add): no IP addresses available in range set: 10.244.1.1-10.244.1.254',
          '2026-01-01T00:00:09Z',
          2,
        ),
        event('Failed to create pod sandbox: the first attempt', '2026-01-01T00:00:01Z', 1),
      );
      return {
        status: {
          phase: 'Pending',
          startTime: '2026-01-01T00:00:00Z',
          containerStatuses: [{ name: 'canary', state: { waiting: { reason: 'ContainerCreating' } } }],
        },
      };
    });
    // After three failures of the kubelet the canary does not wait for the deadline: each attempt may leak an
    // address.
    const report = await audit(stub, { active: ['cni'], deadlineSeconds: 600 });
    const finding = report.findings.find(({ check }) => check === 'cni-add-failing');
    expect(finding).toMatchObject({ confidence: 'confirmed', severity: 'critical' });
    expect(finding?.detail).toContain('no IP addresses available in range set');
    expect(finding?.detail).not.toContain('the first attempt');
    expect(podsOfTheAudit(stub)).toEqual([]);
  });
});

describe('what a canary leaves behind', () => {
  async function evidence(): Promise<Evidence> {
    const { files, before, after, audit: record } = await readArchive(recordingFile('healthy'));
    if (files === null || after === null) throw new Error('the recording has no probe');
    return buildEvidence({ files, before, after, settleSeconds: record.settleSeconds });
  }

  it('is nothing where the node knows nothing of it', async () => {
    expect(canaryLeftovers(await evidence(), 'netns-audit/netns-audit-canary-1')).toEqual([]);
  });

  it.each(['sandboxes', 'cniResults', 'pins', 'ipam'] as const)('is not known without %s', async (name) => {
    const all = { ...(await evidence()), [name]: { status: 'failed', reason: 'it did not end in time' } };
    expect(canaryLeftovers(all, 'netns-audit/netns-audit-canary-1')).toBeNull();
  });

  it('is its sandbox, namespace, address and CNI result, each by name', async () => {
    // Any pod on the recorded node looks like a canary that was not removed.
    const all = await evidence();
    if (all.podNetworks.status !== 'present') throw new Error(all.podNetworks.reason);
    const [network] = all.podNetworks.value;
    if (network === undefined) throw new Error('the recording has no pods');
    const { pod, sandbox } = network;
    const left = canaryLeftovers(all, `${pod.namespace}/${pod.name}`) ?? [];
    expect(left).toContain(`sandbox ${sandbox.id}`);
    expect(left).toContain(`namespace ${sandbox.namespacePath?.replace('/var/run/', '/run/')}`);
    expect(left).toContain(`address ${pod.podIPs[0]}`);
    expect(left.some((each) => each.startsWith('CNI result of '))).toBe(true);
  });
});
