import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { judgeNode } from '../../lib/audit/judge-node.ts';
import { catalogue } from '../../lib/checks/catalogue.ts';
import type { Snapshot } from '../../lib/model/kubernetes.ts';
import { readArchive } from '../../lib/probe/archive.ts';
import { buildEvidence } from '../../lib/probe/evidence.ts';
import { aPod } from '../checks/evidence.ts';

it('audits a node as a whole whose endpoints may not be listed: what needs them is unknown', async () => {
  const recording = readFileSync(new URL('../../demo/healthy.tar.gz', import.meta.url));
  const { files, before, after, audit } = await readArchive(recording);
  if (files === null || after === null) throw new Error('the recording has no probe');
  const read = buildEvidence({ files, before, after, settleSeconds: audit.settleSeconds });
  const reason = 'not allowed to list ciliumendpoints';
  const evidence = { ...read, cniEndpoints: { status: 'failed' as const, reason } };
  const { coverage, tallies } = judgeNode(
    { before, after, coverage: null, evidence },
    catalogue,
    audit.settleSeconds,
  );
  expect(coverage).toEqual({ node: before.node.name, result: 'audited', reason: null, remedy: null });
  expect(tallies.find(({ check }) => check === 'cni-endpoint-missing')).toMatchObject({
    unknown: 1,
    reasons: [expect.stringContaining(reason)],
  });
});

it('names the pods that it did not judge, each with its reason: running ones, without those of the audit', async () => {
  const recording = readFileSync(new URL('../../demo/healthy.tar.gz', import.meta.url));
  const { files, before, after, audit } = await readArchive(recording);
  if (files === null || after === null) throw new Error('the recording has no probe');
  const read = buildEvidence({ files, before, after, settleSeconds: audit.settleSeconds });
  const deleted = { phase: 'Running' as const, unsettled: 'it is being deleted' };
  const pods = [
    aPod({ ...deleted, name: 'web-1' }),
    aPod({ ...deleted, name: 'web-2' }),
    aPod({ ...deleted, name: 'done', phase: 'Succeeded' }),
    aPod({ phase: 'Pending', name: 'new', unsettled: 'it is younger than 300 seconds', isYoung: true }),
    aPod({ name: 'settled' }),
    aPod({
      ...deleted,
      name: 'probe',
      controller: null,
      labels: { 'app.kubernetes.io/name': 'netns-auditor' },
      annotations: { 'netns-auditor/expires': '2026-11-20T03:00:00Z' },
    }),
  ];
  const evidence = { ...read, pods: { status: 'present' as const, value: pods } };
  const { unjudged } = judgeNode({ before, after, coverage: null, evidence }, [], audit.settleSeconds);
  expect(unjudged).toEqual([
    { reason: 'it is being deleted', pods: 2, named: ['shop/web-1', 'shop/web-2'] },
    { reason: 'it is younger than 300 seconds', pods: 1, named: ['shop/new'] },
  ]);
});

it('says of a pod with a finding which Services send it traffic, unless it is not ready by now or that is unknown', async () => {
  const recording = readFileSync(new URL('../../demo/broken.tar.gz', import.meta.url));
  const { files, before, after, audit } = await readArchive(recording);
  if (files === null || after === null) throw new Error('the recording has no probe');
  const evidence = buildEvidence({ files, before, after, settleSeconds: audit.settleSeconds });
  const judged = (serviceEndpoints: Snapshot['serviceEndpoints'], ready: boolean) => {
    const pods = after.pods.map((pod) => ({ ...pod, ready }));
    const now = { ...after, pods, ...(serviceEndpoints === undefined ? {} : { serviceEndpoints }) };
    return judgeNode({ before, after: now, coverage: null, evidence }, catalogue, audit.settleSeconds);
  };
  const [first] = judged(undefined, true).failures.filter(({ object }) => object.kind === 'pod');
  if (first === undefined) throw new Error('the recording has no broken pod');
  const { namespace = '', name: pod } = first.object;
  const served = { status: 'present' as const, value: [{ namespace, pod, service: 'front' }] };
  const servesOf = ({ failures }: ReturnType<typeof judged>) =>
    failures.filter(({ object }) => object.name === pod).map(({ serves }) => serves);
  expect(new Set(servesOf(judged(served, true)).map(String))).toEqual(new Set([`${namespace}/front`]));
  expect(servesOf(judged(served, false)).flat()).toEqual([]);
  const failed = judged({ status: 'failed', reason: 'not allowed to list endpointslices' }, true);
  expect(failed.servicesUnread).toBe('not allowed to list endpointslices');
  expect(servesOf(failed).every((serves) => serves === undefined)).toBe(true);
  expect(failed.coverage.result).toBe('audited');
});

it('counts the pods of each workload that run or should, for the cluster to add up', async () => {
  const recording = readFileSync(new URL('../../demo/broken.tar.gz', import.meta.url));
  const { before, audit } = await readArchive(recording);
  const [sample] = before.pods;
  if (sample === undefined) throw new Error('the recording has no pod');
  const pod = (name: string, changes: Partial<typeof sample> = {}) => ({
    ...sample,
    ...{ namespace: 'shop', name, controller: 'ReplicaSet', phase: 'Running' as const },
    ...{ deletionTimestamp: null, ...changes },
  });
  const countsOf = (pods: Snapshot['pods'], result: 'failed' | 'skipped') => {
    const coverage = { node: 'node-1', result, reason: 'it is silent', remedy: null };
    const gathered = { before: { ...before, pods }, after: null, coverage, evidence: null };
    return judgeNode(gathered, [], audit.settleSeconds).workloads;
  };
  expect(
    countsOf(
      [
        pod('web-7d4b9c6f5-x2x5k'),
        pod('web-7d4b9c6f5-x2x6k', { phase: 'Pending' }),
        pod('web-7d4b9c6f5-x2x7k', { phase: 'Failed' }),
        pod('web-7d4b9c6f5-x2x8k', { deletionTimestamp: before.takenAt }),
        pod('db-0', { controller: 'StatefulSet' }),
        pod('bare-0', { controller: null }),
      ],
      'failed',
    ),
  ).toEqual({ 'shop/ReplicaSet/web': 2, 'shop/StatefulSet/db': 1 });
  expect(countsOf([], 'failed')).toBeUndefined();
  expect(countsOf([], 'skipped')).toEqual({});
});
