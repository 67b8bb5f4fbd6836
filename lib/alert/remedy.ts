/** What a message says of a repair: the command where it is the first thing to do, else which step repairs. Pure. */
import type { Finding } from '../model/finding.ts';
import { printable } from '../report/index.ts';

/** Longer commands are left out: half of one helps nobody. */
const LONGEST = 400;

/** Commands that only show something, also when they keep what they show in a file. */
const LOOKS =
  /^(kubectl (get|describe|logs|events|debug|auth) |grep |find |ls |cat |head |stat |findmnt |journalctl |dmesg|lsmod|ss |crictl (ps|pods|images|info|logs|inspect)|systemctl status |aws \S+ (describe|list|get)-|netns-audit checks|ip( -\S+)* (\S+ )?(show|get|list)\b|ip -|tc .*\bshow\b|nft list |iptables(-legacy|-nft)?-save|conntrack -[LS]|sh -c 'ip -d addr)/;
/** Ways into a namespace, which do nothing by themselves. */
const ENTERS = /^(nsenter (-t 1 -m --|--net=('[^']*'|\S+)) )+/;

/** The first command of a remedy that changes something; null where there is none. */
function repairOf({ remedy }: Finding): { readonly text: string; readonly step: number } | null {
  const step = remedy.findIndex(({ command }) => command !== undefined && !isLook(command));
  const found = remedy[step];
  return found === undefined ? null : { text: found.text, step: step + 1 };
}

function isLook(command: string): boolean {
  return LOOKS.test(command.replace(ENTERS, ''));
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
