import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { judgeNode } from '../../lib/audit/judge-node.ts';
import { catalogue } from '../../lib/checks/catalogue.ts';
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
