import { afterAll, beforeAll, describe, expect, it, inject as provided } from 'vitest';
import type { Finding } from '../../lib/model/finding.ts';
import { type Audit, audit, gaps, newFindings, summary } from './audit.ts';
import { type Fault, fill } from './faults/fault.ts';
import { batchesOf } from './faults/index.ts';
import {
  applyRemedy,
  cleanNodes,
  cleanUp,
  expectedObject,
  type Injected,
  inject,
  repair,
  waitVictims,
} from './faults/injection.ts';
import { inParallel } from './run.ts';
import { noteSeen } from './seen.ts';

const nodes = provided('nodes');
const platform = provided('platform');
const baseline = new Set(provided('baseline'));
const only = process.env.NETNS_AUDIT_E2E_ONLY?.split(',');

const isPossible = (fault: Fault): boolean =>
  (fault.when?.(platform) ?? true) && (only?.includes(fault.id) ?? true);

function isAbout(finding: Finding, check: string, object: Readonly<Record<string, string>>): boolean {
  const actual: Readonly<Record<string, string | undefined>> = finding.object;
  return finding.check === check && Object.entries(object).every(([key, value]) => actual[key] === value);
}

function findingOf(injected: Injected, report: Audit['report']): Finding | undefined {
  const object = expectedObject(injected);
  return report.findings.find((finding) => isAbout(finding, injected.fault.check, object));
}

/** Found under its check, with the right object and the values that prove it. */
function isShown(injected: Injected, report: Audit['report']): boolean {
  const found = findingOf(injected, report);
  return (
    found !== undefined &&
    injected.fault.shows.every((text) => JSON.stringify(found).includes(fill(text, injected.variables)))
  );
}

/** Findings that no fault of the batch explains; anything reported as part of an expected finding is explained. */
function unexplained(batch: readonly Injected[], report: Audit['report']): readonly string[] {
  const expected = new Set<string>();
  for (const injected of batch) {
    const { fault, variables } = injected;
    const found = findingOf(injected, report);
    if (found !== undefined) expected.add(found.fingerprint);
    for (const { check, object } of fault.also ?? []) {
      const filled = Object.fromEntries(
        Object.entries(object ?? {}).map(([key, value]) => [key, fill(value, variables)]),
      );
      for (const finding of report.findings)
        if (isAbout(finding, check, filled)) expected.add(finding.fingerprint);
    }
  }
  return newFindings(report, baseline)
    .filter((finding) => !expected.has(finding.fingerprint))
    .filter((finding) => finding.partOf === null || !expected.has(finding.partOf))
    .map(summary);
}

/** Injects all faults of the batch, audits once, repairs each, and audits again. */
function describeBatch(name: string, faults: readonly Fault[], args: readonly string[] = []): void {
  describe(name, () => {
    let batch: readonly Injected[] = [];
    let broken: Audit;
    const repairs = new Map<string, unknown>();

    beforeAll(async () => {
      batch = await inject(faults, nodes);
      broken = await audit(args);
    });
    // A fault that failed half-way has no record of what it did.
    afterAll(() => (batch.length > 0 ? cleanUp(batch) : cleanNodes(nodes)));

    const injectedAs = (fault: Fault): Injected => batch.find((one) => one.fault === fault) as Injected;

    it.each(faults)('finds $id as $check', (fault) => {
      const injected = injectedAs(fault);
      const found = findingOf(injected, broken.report);

      expect(
        found,
        `no ${fault.check} on ${JSON.stringify(expectedObject(injected))}; found: ${broken.report.findings.map(summary).join('\n')}`,
      ).toBeDefined();
      for (const text of fault.shows.map((one) => fill(one, injected.variables))) {
        expect(JSON.stringify(found), `the values that prove it`).toContain(text);
      }
    });

    it('finds what else they are known to make', () => {
      for (const { fault, variables } of batch) {
        for (const { check, object } of fault.also ?? []) {
          const filled = Object.fromEntries(
            Object.entries(object ?? {}).map(([key, value]) => [key, fill(value, variables)]),
          );
          const found = broken.report.findings.find((finding) => isAbout(finding, check, filled));
          expect(found, `no ${check} on ${JSON.stringify(filled)}`).toBeDefined();
        }
      }
    });

    it('reports nothing else', () => {
      expect(unexplained(batch, broken.report)).toEqual([]);
      expect(gaps(broken.report)).toEqual([]);
    });

    it('has a remedy for each, and nothing is left after it', async () => {
      await inParallel(batch, async (injected) => {
        await repair(injected, findingOf(injected, broken.report)).catch((error: unknown) => {
          repairs.set(injected.fault.id, error);
        });
      });
      expect(repairs).toEqual(new Map());
      await waitVictims(faults);
      let healed = await audit(args);
      // If two faults are on one pod, the remedy of one need not end the other, which has its own remedy.
      const second = healed.report.findings.filter((finding) =>
        batch.some(({ fault, variables }) =>
          fault.also?.some(({ check }) => isAbout(finding, check, { name: variables.POD ?? '' })),
        ),
      );
      if (second.length > 0) {
        await inParallel(second, (finding) => applyRemedy(finding, finding.object.node ?? ''));
        await waitVictims(faults);
        healed = await audit(args);
      }

      const constant = new Set(faults.filter((fault) => fault.repair === ':').map((fault) => fault.check));
      const left = newFindings(healed.report, baseline).filter((finding) => !constant.has(finding.check));
      expect(left.map(summary)).toEqual([]);
      // Nothing of a batch counts as seen in which something else was found as well.
      expect(unexplained(batch, broken.report)).toEqual([]);
      noteSeen(
        platform,
        batch.flatMap((injected) => (isShown(injected, broken.report) ? [injected.fault.id] : [])),
      );
    });
  });
}

for (const { name, faults, args } of batchesOf(isPossible, nodes.length)) describeBatch(name, faults, args);
