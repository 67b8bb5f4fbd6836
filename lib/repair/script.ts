/** The commands of findings as a file for a person to read, change and run. */
import type { Finding } from '../model/finding.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';

/** A shell script that does nothing until edited: every command that changes something is a comment. */
export function scriptOf(report: ClusterReport, findings: readonly Finding[]): string {
  const comment = (text: string): string => `# ${printable(text, 4000)}`;
  return [
    '#!/bin/sh',
    comment('Do not run this as a whole: the text above each command says where it belongs.'),
    comment(`Repairs for ${report.cluster.name}, from run ${report.runId} of ${report.startedAt}.`),
    comment('Commands that change something are comments: read each, look first, then take the "#! " away.'),
    ...findings.flatMap((finding) => [
      '',
      comment(`${finding.severity} ${finding.check}: ${nameOf(finding)}`),
      comment(finding.detail),
      ...finding.remedy.flatMap((step) => [
        comment(step.text),
        ...(step.command === undefined
          ? []
          : [`${step.purpose === 'repair' ? '#! ' : ''}${printable(step.command, 4000)}`]),
      ]),
    ]),
    '',
  ].join('\n');
}

function nameOf({ object }: Finding): string {
  const name = namespacedName(object);
  return object.node === undefined ? name : `${name} on ${object.node}`;
}
