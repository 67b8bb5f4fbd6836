/** What a message says of a repair: the command where it is the first thing to do, else which step repairs. Pure. */
import type { Finding } from '../model/finding.ts';
import { printable } from '../report/index.ts';

/** Longer commands are left out: half of one helps nobody. */
const LONGEST = 400;

/** The first command of a remedy that changes something; null where there is none. */
function repairOf({ remedy }: Finding): { readonly text: string; readonly step: number } | null {
  const step = remedy.findIndex(({ purpose, command }) => command !== undefined && purpose === 'repair');
  const found = remedy[step];
  return found === undefined ? null : { text: found.text, step: step + 1 };
}

/** The command to begin with, in one line; null where there is none, or a repair whose conditions come first. */
export function commandOf(finding: Finding): string | null {
  const first = finding.remedy.find((step) => step.command !== undefined)?.command;
  if (
    first === undefined ||
    first.includes('\n') ||
    first.length > LONGEST ||
    repairAfterLooks(finding) !== null
  )
    return null;
  return printable(first, 10 * LONGEST);
}

/** The step that repairs, in words, where others come before it: its command alone would pass over what they make sure of. */
export function repairAfterLooks(finding: Finding): string | null {
  const repair = repairOf(finding);
  const first = finding.remedy.findIndex((step) => step.command !== undefined) + 1;
  if (repair === null || repair.step === first) return null;
  const text = printable(repair.text.replace(/\.$/, ''), 200);
  return `${text} (step ${repair.step} of ${finding.remedy.length}, in the report).`;
}
