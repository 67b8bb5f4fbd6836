import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { analyze } from '../../lib/audit/index.ts';
import { isIncomplete } from '../../lib/diagnosis/verdict.ts';
import { AuditError } from '../../lib/model/errors.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { readArchive } from '../../lib/probe/index.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';
import { rawEvent } from '../stub/raw.ts';
import {
  addNode,
  audit,
  coverageOf,
  endWith,
  logOf,
  podsOfTheAudit,
  recordingFile,
  serveRecording,
} from './recorded.ts';

let stub: StubApiServer;

beforeEach(async () => {
  stub = await StubApiServer.start();
});
afterEach(async () => {
  await stub.close();
});

const found = (report: ClusterReport) =>
  report.findings.map(({ check, object, confidence }) => [check, object, confidence]);
const archivesIn = async (directory: string) => {
  const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.tar.gz'));
  return await Promise.all(names.toSorted().map((name) => readFile(join(directory, name))));
};

describe('the audit of a cluster', () => {
  it('calls a healthy node healthy, in at most six requests, and leaves no pod', async () => {
    await serveRecording(stub, 'healthy');
    const report = await audit(stub);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
    expect(report.coverage.nodes).toEqual([
      { node: 'node-1', result: 'audited', reason: null, remedy: null },
    ]);
    expect(podsOfTheAudit(stub)).toEqual([]);
    const ofTheNode = stub.requests.filter((each) => /spec\.nodeName|netns-audit-node-1|POST/.test(each));
    expect(ofTheNode.length).toBeLessThanOrEqual(6);
  });

  it('asks for the endpoints of the cluster DNS when it plans, and again once the node was probed', async () => {
    await serveRecording(stub, 'healthy');
    const named = { metadata: { name: 'kube-dns', namespace: 'kube-system' } };
    stub.collections.set('/api/v1/services', [
      { ...named, spec: { clusterIPs: ['10.96.0.10'], ports: [{ port: 53 }] } },
    ]);
    const labels = { 'kubernetes.io/service-name': 'kube-dns' };
    stub.collections.set('/apis/discovery.k8s.io/v1/endpointslices', [
      { metadata: { ...named.metadata, labels }, endpoints: [{ addresses: ['10.244.1.2'] }] },
    ]);
    await audit(stub);
    const at = (pattern: RegExp) =>
      stub.requests.flatMap((request, index) => (pattern.test(request) ? index : []));
    const asked = at(/namespaces\/kube-system\/endpointslices/);
    const [log = Number.NaN] = at(/\/log\b/);
    expect(asked.map((index) => index > log)).toEqual([false, true]);
  });

  it('finds in a broken node what its recording is known to have', async () => {
    const { archive } = await serveRecording(stub, 'broken');
    const report = await audit(stub);
    const recorded = await analyze([archive], async () => null);
    expect(report.verdict).toBe('critical');
    expect(found(report)).toEqual(found(recorded));
    expect(report.findings.map(({ check }) => check)).toContain('pod-interface-missing');
  });

  it('asks for the kubelet’s word on a pod that the API forgot, and on no other', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    const { before } = await readArchive(recordingFile('healthy'));
    const forgotten = before.pods.find((pod) => pod.controller === 'ReplicaSet' && pod.phase === 'Running');
    if (forgotten === undefined) throw new Error('the recording has no such pod');
    const id = `${forgotten.namespace}/${forgotten.name}`;
    // What is known of a pod from both lists of events is counted once.
    const other = before.pods.find(({ controller, uid }) => controller !== null && uid !== forgotten.uid);
    if (other === undefined) throw new Error('the recording has no other pod');
    const failure = { reason: 'FailedKillPod', message: 'KillPodSandbox failed', count: 2, firstSeen: null };
    const of = { kind: 'Pod', namespace: other.namespace, name: other.name, uid: other.uid, node: node.name };
    stub.events.push(rawEvent({ ...failure, ...of, lastSeen: new Date().toISOString() }));
    const ending = stub.ending;
    stub.ending = (pod) => {
      const ended = ending(pod);
      stub.pods.delete(id);
      const terminating = stub.pods.get(`${other.namespace}/${other.name}`);
      if (terminating !== undefined) terminating.metadata.deletionTimestamp = new Date().toISOString();
      return ended;
    };
    stub.pods.delete(id);
    const ghosts = (report: ClusterReport) =>
      report.findings
        .filter(({ check }) => /^sandbox-(ghost|kill-failing)$/.test(check))
        .map(({ check, object }) => [check, object.name]);
    expect(ghosts(await audit(stub))).toEqual([['sandbox-ghost', forgotten.name]]);

    const killing = { reason: 'Killing', uid: forgotten.uid, lastSeen: new Date().toISOString() };
    const about = { kind: 'Pod', namespace: forgotten.namespace, name: forgotten.name, node: node.name };
    stub.events.push(rawEvent({ message: '', count: 1, firstSeen: null, ...about, ...killing }));
    expect(ghosts(await audit(stub))).toEqual([]);
  });

  it.each([
    ['broken', 0, 'asks', 1],
    ['broken', 3, 'does not ask', 0],
    ['healthy', 0, 'does not ask', 0],
  ] as const)(
    'of a node that is %s, when leftovers of %i seconds are judged, %s for it: a pin without a sandbox may be the rest of such a pod',
    async (name, orphan, _, times) => {
      const { node } = await serveRecording(stub, name);
      const killing = { reason: 'Killing', uid: 'gone', lastSeen: new Date().toISOString() };
      const about = { kind: 'Pod', namespace: 'shop', name: 'gone', node: node.name };
      stub.events.push(rawEvent({ message: '', count: 1, firstSeen: null, ...about, ...killing }));
      const keepIn = await mkdtemp(join(tmpdir(), 'netns-auditor-'));
      await audit(stub, { keepIn, settleSeconds: { pod: orphan, orphan } });
      const [archive] = await archivesIn(keepIn);
      const { after } = await readArchive(archive as Uint8Array);
      expect(after?.events.filter(({ reason }) => reason === 'Killing')).toHaveLength(times);
    },
  );

  it('counts the node in a row for trends', async () => {
    const { node } = await serveRecording(stub, 'broken');
    const [facts] = (await audit(stub)).nodes;
    expect(facts).toMatchObject({ node: 'node-1', orphans: 1, kernel: node.kernelVersion, cni: 'bridge' });
    expect(facts?.pods).toBeGreaterThan(5);
    expect(facts?.namespaces).toBeGreaterThan(5);
    expect(facts?.probeMs).toBeGreaterThan(0);
  });

  it('keeps no environment, argument or foreign annotation', async () => {
    await serveRecording(stub, 'healthy');
    const keepIn = await mkdtemp(join(tmpdir(), 'netns-auditor-'));
    await audit(stub, { keepIn });
    for (const archive of await archivesIn(keepIn)) {
      const { before, after } = await readArchive(archive);
      expect(before.pods.length).toBeGreaterThan(0);
      expect(JSON.stringify([before, after])).not.toMatch(/hunter2|PASSWORD|example\.com\/secret/);
    }
  });
});

describe('a node that cannot be audited', () => {
  it('leaves the others as they are, and the whole incomplete', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    addNode(stub, node, { name: 'full' });
    addNode(stub, node, { name: 'serverless', labels: { 'eks.amazonaws.com/compute-type': 'fargate' } });
    endWith(stub, 'full', () => ({
      status: { phase: 'Failed', reason: 'OutOfpods', message: 'Node did not have enough resource: pods' },
    }));
    const report = await audit(stub);
    expect(coverageOf(report, 'node-1')?.result).toBe('audited');
    expect(coverageOf(report, 'serverless')).toMatchObject({
      result: 'skipped',
      reason: expect.stringContaining('Fargate'),
    });
    expect(coverageOf(report, 'full')).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('OutOfpods: Node did not have enough resource'),
      remedy: expect.stringContaining('room'),
    });
    expect(report.verdict).toBe('incomplete');
    expect(isIncomplete(report)).toBe(true);
  });

  it('is skipped without harm when that is by design', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    addNode(stub, node, { name: 'windows', os: 'windows' });
    const report = await audit(stub);
    expect(coverageOf(report, 'windows')?.result).toBe('skipped');
    expect(report.verdict).toBe('healthy');
    expect(isIncomplete(report)).toBe(false);
  });

  it.each([
    ['cut in the middle', (log: string) => log.slice(0, log.length / 2)],
    ['cut at a line', (log: string) => log.split('\n').slice(0, -2).join('\n')],
    [
      'altered',
      (log: string) => log.replace(/^(.{100})./, (_, head) => `${head}${log[100] === 'A' ? 'B' : 'A'}`),
    ],
    ['empty', () => ''],
    ['of something else', () => 'panic: runtime error'],
  ])('is failed and never healthy when its log is %s', async (_, change) => {
    const { log } = await serveRecording(stub, 'healthy');
    endWith(stub, 'node-1', () => ({ log: change(log) }));
    const report = await audit(stub);
    expect(coverageOf(report, 'node-1')).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('bundle is not valid'),
    });
    expect(report.verdict).toBe('incomplete');
    const judged = report.coverage.checks.filter(({ examined }) => examined > 0);
    // What only the API shows: the node's conditions and events, and leftover pods.
    expect(
      judged.map(({ topic }) => topic).filter((topic) => !/^(runtime|events|audit)$/.test(topic)),
    ).toEqual([]);
  });

  it('is partial when a part of what the probe should have read is missing', async () => {
    const { archive } = await serveRecording(stub, 'healthy');
    const { files } = await readArchive(archive);
    const log = await logOf(new Map([...(files ?? [])].filter(([path]) => path !== 'kernel/log')));
    endWith(stub, 'node-1', () => ({ log }));
    const report = await audit(stub);
    expect(coverageOf(report, 'node-1')).toMatchObject({
      result: 'partial',
      reason: expect.stringContaining('kernelLog'),
    });
    expect(report.verdict).toBe('incomplete');
  });

  it('says once what more than one part of it failed for', async () => {
    const { archive } = await serveRecording(stub, 'healthy');
    const { files } = await readArchive(archive);
    const log = await logOf(new Map([...(files ?? [])].filter(([path]) => path !== 'sandboxes.before')));
    endWith(stub, 'node-1', () => ({ log }));
    expect(coverageOf(await audit(stub), 'node-1')?.reason).toBe(
      'sandboxes: containers: sandboxes.before is not in the bundle',
    );
  });

  it('still says why no pod starts there, from the events of its pods', async () => {
    await serveRecording(stub, 'healthy');
    endWith(stub, 'node-1', () => ({ status: { phase: 'Failed', reason: 'Evicted' } }));
    const pod = [...stub.pods.values()].find((each) => each.spec?.hostNetwork !== true);
    if (pod === undefined) throw new Error('the recording has no such pod');
    pod.status = { ...pod.status, phase: 'Pending', podIPs: [], containerStatuses: [] };
    stub.events.push(
      rawEvent({
        reason: 'FailedCreatePodSandBox',
        message:
          'Failed to create pod sandbox: rpc error: plugin type="bridge" failed (add): failed to allocate for range 0: no IP addresses available in range set',
        kind: 'Pod',
        namespace: pod.metadata.namespace ?? '',
        name: pod.metadata.name,
        uid: pod.metadata.uid ?? '',
        node: 'node-1',
        count: 12,
        firstSeen: new Date(Date.now() - 600_000).toISOString(),
        lastSeen: new Date().toISOString(),
      }),
    );
    const report = await audit(stub);
    expect(coverageOf(report, 'node-1')?.result).toBe('failed');
    expect(report.findings).toMatchObject([
      { check: 'sandbox-create-failing', object: { kind: 'pod', name: pod.metadata.name } },
    ]);
  });

  describe('is judged as if its pods were watched', () => {
    // The stub lists pods in no order.
    const judged = ({ findings, coverage }: ClusterReport) => ({
      findings: findings.map(({ check, object, title }) => ({ check, object, title })),
      checks: coverage.checks.map((check) => ({ ...check, reasons: check.reasons.toSorted() })),
    });
    const watches = () => stub.requests.filter((each) => each.includes('/api/v1/pods?watch'));
    let other: StubApiServer;

    beforeEach(async () => {
      other = await StubApiServer.start();
    });
    afterEach(() => other.close());

    it.each(['healthy', 'broken'] as const)(
      'where they are listed: %s',
      async (recording) => {
        for (const each of [stub, other]) await serveRecording(each, recording);
        other.fail({ path: '/api/v1/pods?watch', status: 403, times: 99 });
        const [watched, listed] = [await audit(stub), await audit(other)];
        expect(judged(listed)).toEqual(judged(watched));
        expect(watches()).toHaveLength(1);
      },
      60_000,
    );

    it('where the watch broke too early, and it is probed again', async () => {
      for (const each of [stub, other]) await serveRecording(each, 'broken');
      other.fail({ path: '/api/v1/pods?watch', ends: true });
      const [watched, again] = [await audit(stub), await audit(other)];
      expect(coverageOf(again, 'node-1')?.result).toBe('audited');
      // What changed during the first probe has settled at the second, and more is judged.
      expect(judged(again).findings).toEqual(expect.arrayContaining(judged(watched).findings));
      expect(other.requests.filter((each) => each.startsWith('POST'))).toHaveLength(2);
      expect(podsOfTheAudit(other)).toEqual([]);
    }, 60_000);
  });

  it('is judged by pods that were listed no earlier than its probe had ended, without the right to watch', async () => {
    const { log } = await serveRecording(stub, 'healthy');
    stub.fail({ path: '/api/v1/pods?watch', status: 403, times: 99 });
    let created = 0;
    const ending = stub.ending;
    stub.ending = (pod) => {
      created = Number(pod.metadata.resourceVersion);
      return { ...ending(pod), log };
    };
    await audit(stub);
    const lists = stub.requests.filter((each) =>
      each.includes('/api/v1/pods?fieldSelector=spec.nodeName=node-1'),
    );
    expect(lists.map((each) => Number(/resourceVersion=(\d+)/.exec(each)?.[1]))).toEqual([0, created + 1]);
  });

  it('has no leftover in a debug pod that only its first list still had', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    const id = 'default/node-debugger-node-1-x2x4z';
    const debug: ApiObject = {
      metadata: {
        name: 'node-debugger-node-1-x2x4z',
        namespace: 'default',
        uid: 'uid-debug',
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: { nodeName: node.name, hostPID: true, hostNetwork: true, containers: [{ name: 'debugger' }] },
      status: { phase: 'Running' },
    };
    const leftovers = async () =>
      (await audit(stub)).findings.filter(({ check }) => check === 'debug-pod-leftover').length;
    stub.pods.set(id, debug);
    expect(await leftovers()).toBe(1);
    const ending = stub.ending;
    stub.ending = (pod) => {
      stub.pods.delete(id);
      return ending(pod);
    };
    expect(await leftovers()).toBe(0);
  });

  it('has failed when its pods cannot be listed, and nothing else has', async () => {
    await serveRecording(stub, 'healthy');
    // Neither watched nor listed.
    stub.fail({ path: 'spec.nodeName', status: 400, times: 2 });
    const report = await audit(stub);
    expect(coverageOf(report, 'node-1')?.result).toBe('failed');
    expect(podsOfTheAudit(stub)).toEqual([]);
  });

  it('is skipped when it was removed from the cluster meanwhile, as autoscaling is no incident', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    addNode(stub, node, { name: 'node-2' });
    endWith(stub, 'node-2', () => {
      stub.nodes.splice(
        stub.nodes.findIndex(({ metadata }) => metadata.name === 'node-2'),
        1,
      );
      return { status: { phase: 'Failed', reason: 'NodeLost' } };
    });
    const report = await audit(stub);
    expect(coverageOf(report, 'node-2')).toMatchObject({
      result: 'skipped',
      reason: expect.stringContaining('removed from the cluster'),
    });
    expect(report.verdict).toBe('healthy');
  });

  it('has failed when its kubelet is known to be silent, and no pod is sent there', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    addNode(stub, node, { name: 'silent', ready: false, kubeletReports: false });
    const report = await audit(stub);
    expect(coverageOf(report, 'silent')).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('kubelet does not report'),
    });
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toHaveLength(1);
  });
});

describe('an audit that is interrupted', () => {
  it('ends as such and leaves no pod', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    for (const name of ['node-2', 'node-3', 'node-4']) addNode(stub, node, { name });
    stub.fail({ method: 'DELETE', path: 'node-3', slow: 500 });
    const interrupt = new AbortController();
    let created = 0;
    stub.ending = () => {
      created += 1;
      if (created === 3) setImmediate(() => interrupt.abort());
      return { never: true };
    };
    await expect(audit(stub, { signal: interrupt.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(created).toBeGreaterThanOrEqual(3);
    expect(podsOfTheAudit(stub)).toEqual([]);
  });
});

describe('a store that fails in the middle', () => {
  it('ends the audit, and every pod of every node is gone before it does', async () => {
    const { node } = await serveRecording(stub, 'healthy');
    for (const name of ['node-2', 'node-3', 'node-4']) addNode(stub, node, { name });
    stub.fail({ method: 'DELETE', path: 'netns-audit', slow: 500, times: 3 });
    const full = new AuditError('STORE', 'no space left on device', { remedy: 'Make some.' });
    const run = audit(stub, {
      onGathered: async () => {
        throw full;
      },
    });
    await expect(run).rejects.toBe(full);
    expect(podsOfTheAudit(stub)).toEqual([]);
  });
});

describe('kept evidence', () => {
  it('gives the same findings to the byte when it is analyzed later', async () => {
    const { node } = await serveRecording(stub, 'broken');
    addNode(stub, node, { name: 'node-2' });
    addNode(stub, node, { name: 'serverless', labels: { 'eks.amazonaws.com/compute-type': 'fargate' } });
    endWith(stub, 'node-2', () => ({ status: { phase: 'Failed', reason: 'OutOfpods' } }));
    const keepIn = await mkdtemp(join(tmpdir(), 'netns-auditor-'));
    const report = await audit(stub, { keepIn });
    const archives = await archivesIn(keepIn);
    expect(archives).toHaveLength(3);
    const again = await analyze(archives, async () => null);
    expect(JSON.stringify({ ...again, finishedAt: report.finishedAt })).toBe(JSON.stringify(report));
    expect(report.findings.length).toBeGreaterThan(3);
  });

  it('of two runs at once is not taken for one', async () => {
    const [a, b] = [recordingFile('healthy'), recordingFile('broken')];
    await expect(analyze([a, b], async () => null)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
