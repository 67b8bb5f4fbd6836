/** The default event bus of EventBridge. Load this file on use only: other functions do not need its client. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { EVENT_SOURCE } from '../model/aws-names.ts';
import { AuditError, isTransientOfAws, messageOf } from '../model/errors.ts';
import type { BusEvent } from './events.ts';

export type EventBus = {
  /**
   * Sends events in order.
   *
   * @throws AuditError ALERT at the first one refused; those before it are sent
   */
  put(events: readonly BusEvent[]): Promise<void>;
};

/** Maximum entries per PutEvents call. An entry has 10 kB at most, far below the limit of 256 kB for all. */
const BATCH = 10;

/** Sends events to the default bus of the account and region. All methods throw AuditError ALERT. */
export class EventBridgeBus implements EventBus {
  async put(events: readonly BusEvent[]): Promise<void> {
    const client = new EventBridgeClient({ maxAttempts: 5 });
    try {
      // One call at a time, so that events arrive in this order.
      for (let from = 0; from < events.length; from += BATCH) {
        const { FailedEntryCount = 0, Entries = [] } = await client.send(
          new PutEventsCommand({
            Entries: events.slice(from, from + BATCH).map(({ type, detail }) => ({
              Source: EVENT_SOURCE,
              DetailType: type,
              Detail: JSON.stringify(detail),
              Time: new Date(detail.at),
            })),
          }),
        );
        const failed = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
        if (FailedEntryCount > 0)
          throw refused(
            `${FailedEntryCount} of ${Entries.length}: ${failed?.ErrorCode}: ${failed?.ErrorMessage}`,
            true,
          );
      }
    } catch (error) {
      throw error instanceof AuditError ? error : refused(messageOf(error), isTransientOfAws(error), error);
    } finally {
      client.destroy();
    }
  }
}

function refused(words: string, retryable: boolean, cause?: unknown): AuditError {
  return new AuditError('ALERT', `EventBridge did not take all events: ${words}`, {
    cause,
    retryable,
    remedy: retryable
      ? 'The events are sent again at the next try, with the same ids.'
      : 'Allow events:PutEvents on the default event bus; in a VPC without a way out, add the interface ' +
        'endpoint com.amazonaws.REGION.events.',
  });
}
