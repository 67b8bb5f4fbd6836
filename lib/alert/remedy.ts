/** The repair in a message: the command if it is the first thing to do, else the step that repairs. Pure. */
import type { Finding } from '../model/finding.ts';
import { printable } from '../model/printable.ts';

/** Longer commands are left out: half a command helps nobody. */
const LONGEST = 400;

/** The first command of a remedy that changes something; null if there is none. */
function repairOf({ remedy }: Finding): { readonly text: string; readonly step: number } | null {
  const step = remedy.findIndex(({ purpose, command }) => command !== undefined && purpose === 'repair');
  const found = remedy[step];
  return found === undefined ? null : { text: found.text, step: step + 1 };
}

/** Commands that need no word on where to run them: not on a node, and kubectl only if it names its cluster. */
const HERE = /^(kubectl --(kubeconfig|context)|aws|netns-audit) /;

/**
 * The first command, in one line, with the text of its step if that says where: on which node, or on which cluster.
 * Null if there is none, or if conditions of the repair come first.
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

/** The repairing step, in words, if others come first: its command alone would skip their checks. */
export function repairAfterLooks(finding: Finding): string | null {
  const repair = repairOf(finding);
  const first = finding.remedy.findIndex((step) => step.command !== undefined) + 1;
  if (repair === null || repair.step === first) return null;
  const text = printable(repair.text.replace(/\.$/, ''), 200);
  return `${text} (step ${repair.step} of ${finding.remedy.length}, in the report).`;
}

/** The command to look with, in one line, before a repair that needs it; null if there is none. */
export function lookFirst(finding: Finding): { readonly text: string; readonly command: string } | null {
  const first = finding.remedy.find((step) => step.command !== undefined);
  if (first?.command === undefined || first.command.includes('\n') || first.command.length > LONGEST)
    return null;
  return { text: printable(first.text, 200), command: printable(first.command, 10 * LONGEST) };
}

/** What to do first, in words: for a step without a command, or with one too long for a mail. */
export function firstStep({ remedy }: Finding): string | null {
  const [first] = remedy;
  if (first === undefined) return null;
  const text = printable(first.text.replace(/\.$/, ''), 200);
  if (remedy.length === 1 && first.command === undefined) return `${text}.`;
  return `${text} (step 1 of ${remedy.length}, in the report).`;
}
