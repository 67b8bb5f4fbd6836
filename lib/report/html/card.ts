/** One group of findings on the page: one line when closed; objects, evidence, drawing and repair when open. */
import { type Finding, isCounted } from '../../model/finding.ts';
import { command } from '../../model/shell.ts';
import { repairByTool } from '../by-tool.ts';
import { xmlText as text } from '../escape.ts';
import { firstFound } from '../first-found.ts';
import { type Group, membersOf, stepsOf, whatOf } from '../group.ts';
import { type AffectedPods, firstSentence, impactOf } from '../impact.ts';
import { STILL_OPEN, statesInWords } from '../states.ts';
import { plural } from '../summary.ts';
import { checkPage } from './check-page.ts';
import { COMMANDS, commandBox } from './command-box.ts';
import { filterStates, nights, tag, time } from './finding.ts';
import { objectsTable } from './objects.ts';
import { podPath } from './pod-path.ts';

export type CardOptions = {
  readonly runId: string;
  /** When the audit began, an ISO time. */
  readonly at: string;
  /** Most objects to list. */
  readonly most: number;
  readonly open: boolean;
  /** Why the check matters, and its page in Markdown. */
  readonly why: string | null;
  readonly page: string | null;
  /** Pods of each workload that all findings affect. */
  readonly together: AffectedPods;
};

/** One cause as a card of the page: its first finding in full, and all objects as tables. */
export function card(group: Group, options: CardOptions): string {
  const { lead, symptoms } = group;
  const members = membersOf(group);
  const { at } = options;
  const effect = firstSentence(options.why ?? undefined);
  const paragraphs = [
    ['detail why', effect === null ? '' : `<b>Why it matters:</b> ${text(effect, 1000)}`],
    ['detail', text(impactOf(members, options.together) ?? '', 1000)],
    ['detail', text(firstFound(members) ?? '')],
  ].filter(([, said]) => said !== '');
  return `<article data-s="${lead.severity}" data-t="${lead.topic}" data-c="${text(lead.check)}"${isCounted(lead) ? '' : ' class="apart"'}><details${options.open ? ' open' : ''}><summary>${tag(lead.severity)}<span class="what"><h3>${text(lead.title)}</h3> <span class="where"><bdi>${text(whatOf(group), 400)}</bdi></span></span><span class="when">${states(group)} <span class="muted">${openFor(members, at)}</span></span></summary><div class="body">
<p class="detail">${members.length > 1 ? 'For example: ' : ''}${text(lead.detail)}</p>${paragraphs.map(([kind, said]) => `\n<p class="${kind}">${said}</p>`).join('')}
${suppression(lead)}${podPath(lead)}${evidence(lead)}${repair(group, options.runId)}${objectsTable(members.length === 1 ? 'Where' : `All ${text(whatOf(group), 400)}`, members, { at, most: options.most, explained: false })}${objectsTable('This explains', symptoms, { at, most: options.most, explained: true })}<p class="muted">${times(lead)}</p>
${meaning(lead.check, options)}</div></details></article>
`;
}

function states(group: Group): string {
  const { lead, alike } = group;
  if (alike.length === 0)
    return filterStates(lead)
      .map((state) => tag(state, state === 'open' ? STILL_OPEN : state))
      .join(' ');
  const first = lead.suppressed === null ? lead.state : 'suppressed';
  const flapping = membersOf(group).filter((finding) => finding.flapping).length;
  return (
    `${tag(first, lead.suppressed === null ? statesInWords(membersOf(group)) : first)}` +
    `${flapping > 0 ? ` ${tag('flapping', `${flapping} flapping`)}` : ''}`
  );
}

function openFor(members: readonly Finding[], at: string): string {
  const most = Math.max(...members.map(({ firstSeen }) => nights(firstSeen, at)));
  if (most === 0) return '';
  return `open for ${members.length > 1 ? 'up to ' : ''}${plural(most, 'night')}`;
}

function evidence({ evidence: compared }: Finding): string {
  if (compared.length === 0) return '';
  const cell = (label: string, value: string): string =>
    `<td data-label="${label}">${value === '' ? '' : `<code>${text(value, 300)}</code>`}</td>`;
  const rows = compared.map(
    ({ what, expected, actual, source }) =>
      `<tr${expected === undefined || expected === actual ? '' : ' class="differs"'}>` +
      `<td data-label="Compared">${text(what, 300)}</td>` +
      `${cell('Expected', expected ?? '')}${cell('Found', actual)}` +
      `<td data-label="Read from" class="muted">${text(source, 300)}</td></tr>`,
  );
  return (
    '<table class="stack wide"><caption>Evidence</caption><thead><tr><th scope="col">Compared</th>' +
    '<th scope="col">Expected</th><th scope="col">Found</th><th scope="col">Read from</th></tr></thead>' +
    `<tbody>${rows.join('')}</tbody></table>\n`
  );
}

function repair(group: Group, runId: string): string {
  const all = stepsOf(group);
  if (all.length === 0) return '';
  // If steps name their object, there is one per object.
  const shown = all.slice(0, COMMANDS);
  const items = shown.map(
    (step) => `<li>${text(step.text)}${step.commands.length === 0 ? '' : commandBox(step.commands)}</li>`,
  );
  return (
    `<h4>What to do</h4><ol>${items.join('')}</ol>` +
    `${all.length > COMMANDS ? `<p>${plural(all.length - COMMANDS, 'more step')} like these: <code>-o json</code> has them all.</p>` : ''}${byTool(group, runId)}\n`
  );
}

/** A page is read anywhere: how its reader reaches the cluster and the store is not known here. */
function byTool(group: Group, runId: string): string {
  const repair = isCounted(group.lead) ? repairByTool(group, runId) : null;
  if (repair === null) return '';
  return (
    `<p>Or let netns-audit ${repair.reboots ? 'drain and reboot the node' : repair.inPlace ? 'repair it in place: no pod restarts' : 'repair it'}. Without <code>--apply</code>, it only ` +
    'shows its plan. Add the options for this cluster and for the store of this report:</p>' +
    commandBox([command(...repair.words)])
  );
}

function suppression({ suppressed }: Finding): string {
  return suppressed === null
    ? ''
    : `<p>Suppressed until ${text(suppressed.expires, 40)} by ${text(suppressed.owner, 100)}: ${text(suppressed.reason, 300)}</p>\n`;
}

function times(finding: Finding): string {
  const parts = [
    `Confidence: ${finding.confidence}; first seen ${time(finding.firstSeen)}, last ${time(finding.lastSeen)}, in ${plural(finding.runs, 'audit')}`,
    ...(finding.flaps > 0
      ? [
          `${finding.flapping ? 'comes and goes: ' : ''}came back ${plural(finding.flaps, 'time')}` +
            ` after it was resolved${finding.returnedAt === null ? '' : `, last ${time(finding.returnedAt)}`}`,
        ]
      : []),
    ...(finding.notSeen ? ['not examined this time'] : []),
    `check ${text(finding.check)}`,
  ];
  return parts.join('; ');
}

function meaning(check: string, { why, page }: CardOptions): string {
  if (why === null && page === null) return '';
  return (
    `<details class="about"><summary>About the check ${text(check)}</summary>` +
    `<div>${page === null ? `<p>${text(why ?? '')}</p>` : checkPage(page)}</div></details>`
  );
}
