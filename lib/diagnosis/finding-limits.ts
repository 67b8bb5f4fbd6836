/**
 * How much nodes may add to a report: a hostile one finds sixty thousand faults in itself, each as long as it
 * likes.
 */
import type { Outcome } from '../checks/define.ts';
import type { AuditedObject, Comparison, RemedyStep } from '../model/finding.ts';
import type { CheckFailure, CheckTally, NodeResult } from '../model/node-result.ts';
import { objectKey } from './identity.ts';

/** Findings kept per node. Namespaces leak by the thousand, so this many are no attack. */
export const FINDINGS_OF_A_NODE = 5_000;
/** Most distinct reasons kept per check and node: people read the report. */
export const REASONS_KEPT = 5;
/** Characters of one text of a finding: a hundred addresses fit. */
const TEXT = 4_000;
/** Characters of a finding's object, which identify it across runs: more than the longest path. */
const OBJECT = 8_000;
/** Characters of a whole finding. */
const FINDING = 16_000;

/**
 * Bytes of a node's findings as they are written: two thousand leaked namespaces fit, and the results of a batch of 40
 * nodes are less than the longest string. Control characters take six bytes each.
 */
const BYTES_OF_A_NODE = 5 * 1024 * 1024;

/**
 * How many of each check's findings are kept, within the findings and bytes of a node: a check with too many
 * takes no room from the others.
 *
 * @param found - what each check found, in order
 */
export function keptOf(found: readonly (readonly CheckFailure[])[]): number[] {
  const most = shareOf(
    found.map(({ length }) => length),
    FINDINGS_OF_A_NODE,
  );
  return within(
    found.map((failures) => failures.slice(0, most).map(bytesOf)),
    BYTES_OF_A_NODE,
  );
}

/**
 * Bytes of findings in a report, beside what every node may have: less than half of the largest object of a store, as a
 * report also has the findings that are gone. Thirty thousand leaked namespaces fit.
 */
const BYTES_OF_A_REPORT = 64 * 1024 * 1024;
/** What no other node can take from a node. */
const BYTES_OF_EVERY_NODE = 8 * 1024;

/** The room that a report has for findings. */
export class ReportRoom {
  #left = BYTES_OF_A_REPORT;

  /** The result with as many of its findings as there is room for; the others are unknown, with their number. */
  fit(result: NodeResult): NodeResult {
    const found = [...Map.groupBy(result.failures, ({ check }) => check)];
    const sizes = found.map(([, failures]) => failures.map(bytesOf));
    const kept = within(sizes, BYTES_OF_EVERY_NODE + this.#left);
    const used = sumOf(sizes.flatMap((each, index) => each.slice(0, kept[index])));
    this.#left -= Math.max(0, used - BYTES_OF_EVERY_NODE);
    if (found.every(([, failures], index) => failures.length === kept[index])) return result;
    const cut = new Map(
      found.map(([check, failures], index) => [check, { failures, kept: kept[index] ?? 0 }]),
    );
    return {
      ...result,
      failures: [...cut.values()].flatMap(({ failures, kept: some }) => failures.slice(0, some)),
      tallies: result.tallies.map((tally) => {
        const { failures, kept: some } = cut.get(tally.check) ?? { failures: [], kept: 0 };
        return withoutRest(tally, failures, some, 'in a report of this size');
      }),
    };
  }
}

/**
 * The tally of a check of which only the first findings are kept: the others are unknown, as they were not
 * seen to be gone.
 */
export function withoutRest(
  whole: CheckTally,
  failures: readonly CheckFailure[],
  kept: number,
  where: string,
): CheckTally {
  const rest = failures.slice(kept);
  if (rest.length === 0) return whole;
  return {
    ...whole,
    unknown: whole.unknown + rest.length,
    reasons: [
      `too many findings ${where}: this check has ${failures.length}, and the first ${kept} are kept`,
      ...whole.reasons,
    ].slice(0, REASONS_KEPT),
    unexamined: [...whole.unexamined, ...rest.map(({ object }) => objectKey(object))],
  };
}

/** Bytes of the names of objects that a node's checks did not judge: fifty thousand namespaces fit. */
const BYTES_OF_UNEXAMINED = 4 * 1024 * 1024;

/**
 * The tallies with the names of unexamined objects as long as there is room; the longest lists are left out.
 * A check without its list judged nothing, so its earlier findings stay.
 */
export function withinRoom(tallies: readonly CheckTally[]): CheckTally[] {
  const sizes = tallies.map(({ unexamined }) => Buffer.byteLength(JSON.stringify(unexamined)));
  const room = shareOf(sizes, BYTES_OF_UNEXAMINED);
  return tallies.map((tally, index) =>
    (sizes[index] ?? 0) <= room
      ? tally
      : {
          ...tally,
          passed: 0,
          unknown: tally.unknown + tally.passed,
          unexamined: [],
          reasons: [
            `too many objects were not judged: the names of ${tally.unexamined.length} have no room`,
            ...tally.reasons,
          ].slice(0, REASONS_KEPT),
        },
  );
}

const sumOf = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);

/** Bytes of a finding as it is written. */
function bytesOf(failure: CheckFailure): number {
  return Buffer.byteLength(JSON.stringify(failure));
}

/**
 * How many of each check's findings fit into the room.
 * @param sizes - those of its findings, in order
 */
function within(sizes: readonly (readonly number[])[], room: number): number[] {
  const share = shareOf(sizes.map(sumOf), room);
  return sizes.map((each) => fitting(each, share));
}

/** How many of them, from the first, fit into the room. */
function fitting(sizes: readonly number[], room: number): number {
  let left = room;
  for (const [index, size] of sizes.entries()) {
    left -= size;
    if (left < 0) return index;
  }
  return sizes.length;
}

/**
 * The largest part of a whole that each of several may have, when those that need less leave the rest to the
 * others.
 */
function shareOf(counts: readonly number[], whole: number): number {
  let left = whole;
  const ascending = counts.toSorted((a, b) => a - b);
  for (const [index, count] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (count > share) return share;
    left -= count;
  }
  return whole;
}

/** An outcome with texts visibly cut at their limits; one that is still too long becomes unknown. */
export function bounded(outcome: Outcome): Outcome {
  const { kind, node } = outcome.object;
  const characters = lengthOf(outcome.object);
  if (characters > OBJECT) {
    const object: AuditedObject = {
      kind,
      name: `${outcome.object.name.slice(0, 200)}…`,
      ...(node === undefined ? {} : { node: node.slice(0, 300) }),
    };
    return {
      result: 'unknown',
      object,
      reason: `the name of what was looked at has ${characters} characters`,
    };
  }
  if (outcome.result !== 'fail') return outcome;
  const cut: Outcome = {
    ...outcome,
    detail: text(outcome.detail),
    evidence: outcome.evidence.map(comparison),
    remedy: outcome.remedy.map(step),
  };
  const whole =
    cut.detail.length +
    cut.evidence.reduce((sum, each) => sum + lengthOf(each), 0) +
    cut.remedy.reduce((sum, each) => sum + lengthOf(each), 0);
  return whole > FINDING
    ? {
        result: 'unknown',
        object: outcome.object,
        reason: `a finding of ${whole} characters, too long to report`,
      }
    : cut;
}

const lengthOf = (texts: AuditedObject | Comparison | RemedyStep): number =>
  Object.values(texts).reduce((sum, each) => sum + (each?.length ?? 0), 0);

function text(whole: string): string {
  return whole.length > TEXT ? `${whole.slice(0, TEXT)}… (${whole.length - TEXT} characters more)` : whole;
}

function comparison(each: Comparison): Comparison {
  return {
    ...each,
    what: text(each.what),
    ...(each.expected === undefined ? {} : { expected: text(each.expected) }),
    actual: text(each.actual),
    source: text(each.source),
  };
}

/** Half a command is another command: one that is too long is left out. */
function step(each: RemedyStep): RemedyStep {
  const { command, ...rest } = each;
  if (command === undefined || command.length <= TEXT) return { ...each, text: text(each.text) };
  return {
    ...rest,
    text: `${text(each.text)} (its command has ${command.length} characters and is left out)`,
  };
}
