/**
 * A message in the format that AWS's chat service (Amazon Q Developer in chat applications) reads from a
 * topic and shows in Slack and Teams:
 * https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
 */

import type { ReportLinks } from './links.ts';
import type { Section } from './mail.ts';

/** A chat is no place for long lists. */
const ENTRIES = 5;
const STEPS = 3;

/** The notification of AWS's chat client as JSON, for Slack and Teams. */
export function chatOf(message: {
  readonly title: string;
  readonly head: readonly string[];
  readonly sections: readonly Section[];
  /** Repair commands, worst first, with where each one applies. */
  readonly commands: readonly { readonly where: string | null; readonly command: string }[];
  readonly cluster: string;
  readonly severity: string;
  readonly runId: string;
  readonly links: ReportLinks;
}): string {
  const { cluster, severity, links, runId } = message;
  const description = [
    ...message.head.map(plain),
    ...message.sections.flatMap(({ title, entries }) => [
      `*${plain(title.replace(/:$/, ''))}*`,
      ...entries.slice(0, ENTRIES).map(({ line }) => `• ${code(line.trim().replaceAll('@', '＠'))}`),
      ...(entries.length > ENTRIES ? [`and ${entries.length - ENTRIES} more, in the report`] : []),
    ]),
  ].join('\n');
  return JSON.stringify({
    version: '1.0',
    source: 'custom',
    id: runId,
    content: {
      textType: 'client-markdown',
      title: plain(message.title),
      description: description.slice(0, 4000),
      nextSteps: [
        ...message.commands
          .slice(0, STEPS)
          .map(({ where, command }) => `${where === null ? '' : `${plain(where)} `}${code(command)}`),
        code(links.command),
        ...(links.page === null ? [] : [`<${links.page}|The report in S3>`]),
      ],
      keywords: [plain(cluster), severity],
    },
    metadata: {
      // One thread per cluster.
      threadId: `netns-audit ${cluster}`,
      summary: plain(message.title),
      eventType: 'netns-audit',
      additionalContext: { cluster, runId, severity },
    },
  });
}

/** Text from a node can neither mention anybody nor add markup. */
function plain(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '＠')
    .replaceAll(/[*_~`]/g, ' ');
}

/** Verbatim; a backtick does not end it. */
function code(text: string): string {
  return `\`${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('`', "'")}\``;
}
