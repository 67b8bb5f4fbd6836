/** What must hold for any report with a hostile node in it. Each function returns the violations. */
import { XmlDocument } from 'libxml2-wasm';
import { whyByCheck } from '../../lib/checks/catalogue.ts';
import { type NodeResult, nodeResultSchema } from '../../lib/model/node-result.ts';
import { type ClusterReport, reportSchema } from '../../lib/model/report.ts';
import { type Format, formats, write } from '../../lib/report/index.ts';
import { MARK } from './mutations.ts';
import { NEIGHBOUR } from './nodes.ts';

const options = { colour: false, width: 100, why: whyByCheck, verbose: true };

/** Characters that a terminal obeys, reverses or cannot show. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Everything that the report says about the neighbour: findings, resolved findings, coverage, its row. */
export function wordsAbout(report: ClusterReport, node = NEIGHBOUR): string[] {
  const concerns = ({ object }: { object: ClusterReport['findings'][number]['object'] }): boolean =>
    object.kind === 'node' ? object.name === node : object.node === node;
  return [
    ...report.findings.filter(concerns),
    ...report.resolved.filter(concerns),
    ...report.coverage.nodes.filter((each) => each.node === node),
    ...report.nodes.filter((each) => each.node === node),
  ].map((each) => JSON.stringify(each));
}

/** A later run, or a function, reads what was written. */
export function unreadable(report: ClusterReport, results: readonly NodeResult[]): string | null {
  const read = reportSchema.safeParse(JSON.parse(JSON.stringify(report)));
  if (!read.success) return `the report: ${read.error.message.slice(0, 300)}`;
  for (const result of results) {
    const again = nodeResultSchema.safeParse(JSON.parse(JSON.stringify(result)));
    if (!again.success) return `the result of ${result.node}: ${again.error.message.slice(0, 300)}`;
  }
  return null;
}

/** Commands that take a node's word as an option, or remove a pod of the neighbour. */
export function misledRemedy(report: ClusterReport, pods: readonly string[]): string | null {
  const option = new RegExp(`(?<! --)\\s['"]?-{1,2}${MARK}`);
  for (const finding of report.findings) {
    const other = finding.object.kind === 'node' ? finding.object.name : finding.object.node;
    const text = JSON.stringify(finding.remedy);
    if (option.test(text)) return `${finding.check}: ${text.slice(0, 300)}`;
    const removes = /kubectl delete pod[^"]*/.exec(text)?.[0];
    if (other !== NEIGHBOUR && removes !== undefined && pods.some((pod) => removes.includes(pod)))
      return `${finding.check} of ${other}: ${removes}`;
  }
  return null;
}

/** What is wrong with a report beside a hostile node, whose neighbour has these pods. */
export function violations(report: ClusterReport, pods: readonly { readonly name: string }[]): string[] {
  const names = pods.map(({ name }) => name);
  return [unreadable(report, []), misledRemedy(report, names), unescaped(report)].filter(
    (each) => each !== null,
  );
}

/** Every writer's output, read by something that would obey it. */
export function unescaped(report: ClusterReport): string | null {
  for (const format of formats) {
    const written = write(report, format, options);
    const line = written.split('\n').find((each) => OBEYED.test(each) || each.startsWith('FORGED'));
    if (line !== undefined) return `${format}: ${JSON.stringify(line.slice(0, 300))}`;
    const wrong = MARKUP[format]?.(written);
    if (wrong !== null && wrong !== undefined) return `${format}: ${wrong.slice(0, 300)}`;
  }
  return null;
}

const MARKUP: Partial<Record<Format, (written: string) => string | null>> = {
  html: markedTag,
  junit(written) {
    XmlDocument.fromString(written).dispose();
    return markedTag(written);
  },
  markdown(written) {
    return (
      written
        .split('\n')
        .filter((line) => !line.startsWith('    ') && !line.includes('; run `'))
        .find((line) => /<|:\/\/|(?<!\\)[`*_[\]!]/.test(line)) ?? null
    );
  },
  prometheus(written) {
    const sample = /^(?:#.*|[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*\})? -?[0-9.e+]+)?$/;
    return written.split('\n').find((line) => !sample.test(line)) ?? null;
  },
};

/** A tag or attribute that a node wrote; quoted text within a tag is a value. */
function markedTag(written: string): string | null {
  for (const [tag] of written.matchAll(/<[^>]*>/g))
    if (tag.replaceAll(/"[^"]*"/g, '').includes(MARK)) return tag;
  return null;
}
