import { expect, it } from 'vitest';
import { analyze, renameEvidence } from '../../lib/audit/index.ts';
import { readArchive, writeArchive } from '../../lib/probe/index.ts';
import { recordingFile } from './recorded.ts';

it('is judged as before, and says so with the number of findings', async () => {
  const archive = recordingFile('broken');
  const { archives, findings, names } = await renameEvidence(() => [archive]);
  const report = (of: Uint8Array) => analyze([of], async () => null);
  const [before, after] = [await report(archive), await report(archives[0]?.archive ?? archive)];
  expect(after.findings.map(({ check }) => check).toSorted()).toEqual(
    before.findings.map(({ check }) => check).toSorted(),
  );
  expect(after.verdict).toBe(before.verdict);
  expect(findings).toBe(before.findings.length);
  const text = JSON.stringify(after);
  for (const name of names.keys()) expect(text.split(/[^A-Za-z0-9._-]/)).not.toContain(name);
}, 120_000);

it('is refused where it would be judged otherwise', async () => {
  const evidence = await readArchive(recordingFile('broken'));
  // A workload with the name of a kernel setting: if it were renamed, the setting's value would be unknown.
  const pods = evidence.before.pods.map((pod) => ({ ...pod, labels: { app: 'nf_conntrack_max' } }));
  const archive = await writeArchive({ ...evidence, before: { ...evidence.before, pods } });
  await expect(renameEvidence(() => [archive])).rejects.toMatchObject({
    code: 'BUNDLE_INVALID',
    message: expect.stringContaining('judged otherwise, by conntrack-near-full'),
  });
}, 120_000);
