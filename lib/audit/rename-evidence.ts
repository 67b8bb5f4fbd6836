/** Replaces names in evidence, and proves that it is judged as before. */
import { AuditError } from '../model/errors.ts';
import type { NodeResult } from '../model/node-result.ts';
import { Renaming, readArchive, writeArchive } from '../probe/index.ts';
import { judgeAgain } from './evidence-files.ts';

type RenamedEvidence = {
  /** In the order of the input, with the node's new name. */
  readonly archives: readonly { readonly node: string; readonly archive: Uint8Array }[];
  /** Old and new names. */
  readonly names: ReadonlyMap<string, string>;
  /** Unchanged names: common words, too short or hexadecimal. */
  readonly kept: readonly string[];
  /** Findings in both. */
  readonly findings: number;
};

/**
 * @param archives - evidence of nodes of one run, read twice
 * @throws AuditError BUNDLE_INVALID for files that are no evidence, or would be judged differently under other names
 */
export async function renameEvidence(archives: () => Iterable<Uint8Array>): Promise<RenamedEvidence> {
  const renaming = new Renaming();
  for (const archive of archives()) renaming.learn(await readArchive(archive));
  const renamed: { node: string; archive: Uint8Array }[] = [];
  for (const archive of archives()) {
    const evidence = renaming.evidence(await readArchive(archive));
    renamed.push({ node: evidence.before.node.name, archive: await writeArchive(evidence) });
  }
  const { results: before } = await judgeAgain(archives());
  const { results: after } = await judgeAgain(renamed.map(({ archive }) => archive));
  const expected = new Set(before.flatMap((result) => linesOf(result, (text) => renaming.text(text))));
  const actual = new Set(after.flatMap((result) => linesOf(result, (text) => text)));
  const differs = [
    ...[...expected].filter((line) => !actual.has(line)),
    ...[...actual].filter((line) => !expected.has(line)),
  ];
  if (differs.length > 0) {
    const checks = [...new Set(differs.map((line) => line.split(' ')[0]))].toSorted();
    throw new AuditError(
      'BUNDLE_INVALID',
      `under other names the evidence is judged otherwise, by ${checks.join(', ')}`,
      {
        remedy: 'Nothing was written. Report it with the names of the checks; evidence as it is shows names.',
      },
    );
  }
  return {
    archives: renamed,
    names: renaming.names,
    kept: renaming.kept,
    findings: before.reduce((sum, { failures }) => sum + failures.length, 0),
  };
}

/** The findings, and how many objects each check judged. */
function linesOf(result: NodeResult, rename: (text: string) => string): string[] {
  return [
    ...result.failures.map(
      ({ check, severity, object }) => `${check} ${severity} ${rename(JSON.stringify(object))}`,
    ),
    ...result.tallies.map(
      ({ check, passed, notApplicable, unknown }) =>
        `${check} of ${rename(result.node)}: ${passed}, ${notApplicable}, ${unknown}`,
    ),
  ];
}
