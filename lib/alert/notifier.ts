/** Where messages go: the interface of a destination, and the SNS topic. */
import { AuditError, isTransientOfAws, messageOf } from '../model/errors.ts';
import type { Severity } from '../model/finding.ts';
import type { Message } from './message.ts';

export type Notifier = {
  /** For people and records: the topic, or kind and name. Contains no secret. */
  readonly destination: string;
  /** `state`: receives all open findings after each run, with or without news. Default: news. */
  readonly takes?: 'state';
  /** Only messages whose worst news has at least this severity. Default: all. */
  readonly minSeverity?: Severity;
  /** @returns the id of the message. @throws AuditError ALERT */
  send(message: Message): Promise<string>;
};

/** An SNS topic: people get the mail, programs the JSON. */
export class SnsNotifier implements Notifier {
  readonly destination: string;

  readonly #https: 'json' | 'chat';

  /** @param https - what https subscriptions get: SNS has one body for all of them */
  constructor(topicArn: string, { https = 'json' }: { readonly https?: 'json' | 'chat' } = {}) {
    this.destination = topicArn;
    this.#https = https;
  }

  async send(message: Message): Promise<string> {
    const { SNSClient, PublishCommand } = await import('@aws-sdk/client-sns');
    const region = this.destination.split(':')[3];
    const client = new SNSClient({ maxAttempts: 5, ...(region ? { region } : {}) });
    const { attributes } = message;
    const text = (value: string) => ({ DataType: 'String', StringValue: value });
    try {
      const { MessageId } = await client.send(
        new PublishCommand({
          TopicArn: this.destination,
          Subject: message.subject,
          MessageStructure: 'json',
          Message: JSON.stringify({
            default: message.text,
            sqs: message.json,
            lambda: message.json,
            https: this.#https === 'chat' ? message.chat : message.json,
          }),
          MessageAttributes: {
            kind: text(attributes.kind),
            severity: text(attributes.severity),
            cluster: text(attributes.cluster),
            newFindings: { DataType: 'Number', StringValue: String(attributes.newFindings) },
            // SNS refuses an empty list.
            ...(attributes.checks.length === 0
              ? {}
              : { checks: { DataType: 'String.Array', StringValue: JSON.stringify(attributes.checks) } }),
          },
        }),
      );
      return MessageId ?? '';
    } catch (error) {
      const retryable = isTransientOfAws(error);
      throw new AuditError('ALERT', `${this.destination} did not take the message: ${messageOf(error)}`, {
        cause: error,
        retryable,
        remedy: retryable
          ? 'SNS was asked several times; the message is sent again with the next try.'
          : 'Check that the topic is there, and allow sns:Publish and the use of its key; the next run tells what this one could not.',
      });
    } finally {
      client.destroy();
    }
  }
}
