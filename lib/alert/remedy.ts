/** What a message says of a repair: the command where it is the first thing to do, else which step repairs. Pure. */
import type { Finding } from '../model/finding.ts';
import { printable } from '../model/printable.ts';

/** Longer commands are left out: half of one helps nobody. */
const LONGEST = 400;

/** The first command of a remedy that changes something; null where there is none. */
function repairOf({ remedy }: Finding): { readonly text: string; readonly step: number } | null {
  const step = remedy.findIndex(({ purpose, command }) => command !== undefined && purpose === 'repair');
  const found = remedy[step];
  return found === undefined ? null : { text: found.text, step: step + 1 };
}

/** Commands for where the reader is; others are for a node. */
const HERE = /^(kubectl|aws|netns-audit) /;

/**
 * The command to begin with, in one line, and the words of its step where it is for a node and not for where the reader is.
 * Null where there is none, or a repair whose conditions come first.
 */
export function commandOf(
  finding: Finding,
): { readonly where: string | null; readonly command: string } | null {
  const first = finding.remedy.find((step) => step.command !== undefined);
  if (
    first?.command === undefined ||
    first.command.includes('\n') ||
    first.command.length > LONGEST ||
    repairAfterLooks(finding) !== null
  )
    return null;
  const command = printable(first.command, 10 * LONGEST);
  return { where: HERE.test(command) ? null : printable(first.text, 200), command };
}

/** The step that repairs, in words, where others come before it: its command alone would pass over what they make sure of. */
export function repairAfterLooks(finding: Finding): string | null {
  const repair = repairOf(finding);
  const first = finding.remedy.findIndex((step) => step.command !== undefined) + 1;
  if (repair === null || repair.step === first) return null;
  const text = printable(repair.text.replace(/\.$/, ''), 200);
  return `${text} (step ${repair.step} of ${finding.remedy.length}, in the report).`;
}

/** What to do first, in words: for a step without a command, or with one that a mail has no room for. */
export function firstStep({ remedy }: Finding): string | null {
  const [first] = remedy;
  if (first === undefined) return null;
  const text = printable(first.text.replace(/\.$/, ''), 200);
  if (remedy.length === 1 && first.command === undefined) return `${text}.`;
  return `${text} (step 1 of ${remedy.length}, in the report).`;
}
