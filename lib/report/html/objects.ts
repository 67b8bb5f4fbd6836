/** The objects of a group as a table: name, workload, node and age. */
import { type AuditedObject, type Finding, nodeOf } from '../../model/finding.ts';
import { workloadOf } from '../../model/workload.ts';
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';
import { anchor, filterStates, nights } from './finding.ts';

/** The columns that the script filters by, in the same position in every table. */
const heads = ['Object', 'Workload', 'Namespace', 'Node', 'First seen', 'Nights open', 'State'];

/** Rows beyond which a table scrolls by itself. */
const LONG = 12;

type Options = {
  /** When the audit began, an ISO time: nights are counted until then. */
  readonly at: string;
  /** Most rows to show; the rest is counted. */
  readonly most: number;
  /** For findings that the group explains: each row has its own check, severity and topic. */
  readonly explained: boolean;
};

/**
 * A folded table of the objects of one cause; empty if there are none. A line below counts those beyond
 * `options.most`.
 */
export function objectsTable(title: string, findings: readonly Finding[], options: Options): string {
  if (findings.length === 0) return '';
  const [first] = findings;
  const details = options.explained || findings.some(({ detail }) => detail !== first?.detail);
  const columns = [...heads, ...(details ? ['Found'] : [])];
  const rows = findings.slice(0, options.most).map((finding) => row(finding, options, details));
  const rest = findings.length - rows.length;
  // A long table scrolls in place, so the content after it stays in reach.
  const long = rows.length > LONG;
  return `<div class="objects"><div${long ? ` class="scroll" role="group" aria-label="${title}" tabindex="0"` : ''}><table class="stack wide"><caption>${title}</caption><thead><tr>${columns.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>${rest > 0 ? `<p>${plural(rest, 'more finding')} left out: <code>-o json</code> has them all.</p>` : ''}</div>
`;
}

function row(finding: Finding, { at, explained }: Options, details: boolean): string {
  const { object } = finding;
  const cell = (label: string, html: string): string => `<td data-label="${label}">${html}</td>`;
  const own = explained
    ? ` data-s="${finding.severity}" data-t="${finding.topic}" data-c="${text(finding.check)}"`
    : '';
  const found = explained ? `${finding.title}: ${finding.detail}` : finding.detail;
  return (
    `<tr id="${anchor(finding)}"${own}><th scope="row"><bdi>${text(ownName(object), 300)}</bdi></th>` +
    `${cell('Workload', text(workloadOf(object), 253))}` +
    `${cell('Namespace', text(object.namespace ?? '', 253))}` +
    `${cell('Node', `<bdi>${nodeName(nodeOf(finding))}</bdi>`)}` +
    `${cell('First seen', text(finding.firstSeen.slice(0, 10)))}` +
    `${cell('Nights open', nights(finding.firstSeen, at).toLocaleString('en-US').replace(/^0$/, '–'))}` +
    `${cell('State', `${filterStates(finding).join(', ')}${finding.notSeen ? ', not examined' : ''}`)}` +
    `${details ? cell('Found', text(found, 200)) : ''}</tr>`
  );
}

/** The object without the parts that have their own column. */
function ownName({ name, path = name }: AuditedObject): string {
  return path === name || path.endsWith(`/${name}`) ? path : `${name} ${path}`;
}

/** Cloud nodes share their domain: kept for copying and searching, but takes no room. */
function nodeName(node: string): string {
  if (node === '') return '';
  const dot = /^\d+(?:\.\d+){3}$/.test(node) ? -1 : node.indexOf('.');
  const end = dot < 1 ? node.length : dot;
  return `${text(node.slice(0, end), 253)}<span class="domain">${text(node.slice(end), 253)}</span>`;
}
