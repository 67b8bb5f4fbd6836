import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { judgeNode } from '../../lib/audit/judge-node.ts';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { readArchive } from '../../lib/probe/archive.ts';
import { buildEvidence } from '../../lib/probe/evidence.ts';

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
