/** The message that `netns-audit doctor` sends to test a destination. */
import type { Message } from './message.ts';

/** The message that `doctor` sends: it names no cluster and no finding. */
export function testMessage(): Message {
  const text = 'netns-audit doctor: messages arrive here.';
  return {
    subject: text,
    text: `${text}\n`,
    json: JSON.stringify({ kind: 'Test', text }),
    chat: JSON.stringify({
      version: '1.0',
      source: 'custom',
      content: { title: text, description: text, nextSteps: [] },
    }),
    alerts: [],
    attributes: { kind: 'change', severity: 'low', cluster: '', newFindings: 0, checks: [] },
  };
}
