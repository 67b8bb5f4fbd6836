import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { EventBridgeBus } from '../../lib/alert/event-bus.ts';
import { changesOf, eventsOf } from '../../lib/alert/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import { aFinding, aReport } from '../report/sample.ts';

const report = aReport({
  findings: Array.from({ length: 23 }, (_, n) => aFinding({ fingerprint: `f${n}` })),
});
const events = eventsOf(report, changesOf(report, null, settingsSchema.parse({}).thresholds), {
  page: null,
  command: 'netns-audit',
});

describe('events on their way to the event bus', () => {
  const client = mockClient(EventBridgeClient);
  afterEach(() => client.reset());
  afterAll(() => client.restore());
  const calls = () =>
    client.commandCalls(PutEventsCommand).map(({ args: [{ input }] }) => input.Entries ?? []);

  it('are sent by tens, in their order', async () => {
    client.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
    await new EventBridgeBus().put(events);
    expect(calls().map(({ length }) => length)).toEqual([10, 10, 4]);
    const sent = calls().flat();
    expect(sent.map(({ Detail }) => JSON.parse(Detail ?? '').id)).toEqual(
      events.map(({ detail }) => detail.id),
    );
    expect(sent[0]).toMatchObject({ Source: 'netns-auditor', DetailType: 'Finding changed' });
    expect(sent.at(-1)).toMatchObject({ DetailType: 'Cluster audited' });
  });

  it('end at the first that is not taken, so that none overtakes it, and can be tried again', async () => {
    const Entries = [{ EventId: '1' }, { ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' }];
    client.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries });
    await expect(new EventBridgeBus().put(events)).rejects.toMatchObject({
      code: 'ALERT',
      retryable: true,
      message: expect.stringContaining('1 of 2: ThrottlingException: slow down'),
    });
    expect(calls()).toHaveLength(1);
  });

  it('say what is missing where they may not be sent', async () => {
    const error = Object.assign(new Error('not authorized to perform: events:PutEvents'), {
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400 },
    });
    client.on(PutEventsCommand).rejects(error);
    await expect(new EventBridgeBus().put(events)).rejects.toMatchObject({
      retryable: false,
      remedy: expect.stringContaining('Allow events:PutEvents'),
    });
  });
});
