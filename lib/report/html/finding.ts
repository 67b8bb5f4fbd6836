/** One group of findings on the page: closed it is one line, open it has proof, drawing and repair. */
import type { Finding } from '../../model/finding.ts';
import { xmlText as text } from '../escape.ts';
import { type Group, objectName, whatOf } from '../group.ts';
import { minute, plural } from '../summary.ts';
import { brokenPlace, drawing } from './pod-path.ts';

/** The anchor of a finding: the same in every report, so that links to it last. */
export function anchor(finding: Pick<Finding, 'fingerprint'>): string {
  return `f-${finding.fingerprint.replaceAll(/[^0-9A-Za-z]/g, '').slice(0, 64)}`;
}

/** The object's name, kept apart from the text around it whatever its direction of writing. */
export function name(finding: Finding, limit = 300): string {
  return `<bdi>${text(objectName(finding.object), limit)}</bdi>`;
}

export function nodeOf({ object }: Finding): string {
  return object.node ?? (object.kind === 'node' ? object.name : '');
}

/** The states that the filter goes by: what an exception covers and what comes and goes stand out. */
export function statesOf(finding: Finding): string[] {
  return [
    finding.suppressed === null ? finding.state : 'suppressed',
    ...(finding.flapping ? ['flapping'] : []),
  ];
}

/** @param why - of checks, why they matter */
export function article(group: Group, why: ReadonlyMap<string, string>): string {
  const { lead, alike, symptoms } = group;
  const topics = [...new Set([lead, ...symptoms].map((finding) => finding.topic))].join(' ');
  const what = `<bdi>${text(whatOf(group), 400)}</bdi>`;
  const place = brokenPlace(lead);
  return `<article data-s="${lead.severity}" data-t="${topics}" data-n="${text(nodeOf(lead), 253)}" data-st="${statesOf(lead).join(' ')}"><details><summary><span class="tag ${lead.severity}">${lead.severity}</span> <h3>${text(lead.title)}</h3>: ${what} ${statesOf(
    lead,
  )
    .map((state) => `<span class="tag ${state}">${state}</span>`)
    .join(' ')}</summary><div class="body" id="${anchor(lead)}">
<p>${text(lead.detail)}</p>
${suppression(lead)}${evidence(lead)}${place === null ? '' : drawing(place)}
${members('The same on', alike)}${members('This explains', symptoms)}${remedy(lead)}
<p class="muted">${times(lead)}</p>
${why.has(lead.check) ? `<p><a href="#check-${text(lead.check)}">What ${text(lead.check)} means</a></p>` : ''}</div></details></article>
`;
}

function evidence({ evidence: compared }: Finding): string {
  if (compared.length === 0) return '';
  const cell = (label: string, value: string): string =>
    `<td data-label="${label}">${value === '' ? '' : `<code>${text(value, 300)}</code>`}</td>`;
  const rows = compared.map(
    ({ what, expected, actual, source }) =>
      `<tr><td data-label="What">${text(what, 300)}</td>${cell('Expected', expected ?? '')}${cell('Found', actual)}${cell('Read from', source)}</tr>`,
  );
  return `<table class="stack"><thead><tr><th scope="col">What</th><th scope="col">Expected</th><th scope="col">Found</th><th scope="col">Read from</th></tr></thead><tbody>${rows.join('')}</tbody></table>\n`;
}

function remedy({ remedy: steps }: Finding): string {
  if (steps.length === 0) return '';
  const items = steps.map((step) => {
    const command =
      step.command === undefined
        ? ''
        : `<pre><code>${text(step.command, 4000)}</code></pre><button type="button" class="copy">Copy</button>`;
    return `<li>${text(step.text)}${command}</li>`;
  });
  return `<h4>What to do</h4><ol>${items.join('')}</ol>\n`;
}

/** Members of a group that are listed; of more nobody reads each. */
const LISTED = 500;

function members(title: string, findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const items = findings
    .slice(0, LISTED)
    .map(
      (finding) =>
        `<li id="${anchor(finding)}">${name(finding)}: ${text(finding.title, 200)}. <span class="muted">${text(finding.detail, 300)}</span></li>`,
    );
  return `<h4>${title}</h4><ul>${items.join('')}</ul>${findings.length > LISTED ? `<p>and ${findings.length - LISTED} more</p>` : ''}\n`;
}

function suppression({ suppressed }: Finding): string {
  return suppressed === null
    ? ''
    : `<p>Suppressed until ${text(suppressed.expires, 40)} by ${text(suppressed.owner, 100)}: ${text(suppressed.reason, 300)}</p>\n`;
}

function times(finding: Finding): string {
  const parts = [
    `${finding.confidence}; first seen ${time(finding.firstSeen)}, last ${time(finding.lastSeen)}, in ${plural(finding.runs, 'audit')}`,
    ...(finding.flaps > 0
      ? [
          `${finding.flapping ? 'comes and goes: ' : ''}came back ${plural(finding.flaps, 'time')} after it was resolved${finding.returnedAt === null ? '' : `, last ${time(finding.returnedAt)}`}`,
        ]
      : []),
    ...(finding.notSeen ? ['not examined this time'] : []),
    `check ${text(finding.check)}`,
  ];
  return parts.join('; ');
}

/** An ISO time as people read it. */
export function time(iso: string): string {
  return `<time datetime="${text(iso, 40)}">${text(minute(iso), 40)}</time>`;
}
