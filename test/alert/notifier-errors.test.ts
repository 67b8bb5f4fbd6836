import { KMSAccessDeniedException, PublishCommand, SNSClient, ThrottledException } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { digestOf, SnsNotifier } from '../../lib/alert/index.ts';

const message = digestOf({ runId: 'run', clusters: [] }, { page: null, command: '' });

describe('a topic that takes no message', () => {
  const client = mockClient(SNSClient);
  afterEach(() => client.reset());
  afterAll(() => client.restore());
  const send = () => new SnsNotifier('arn:aws:sns:eu-west-1:111122223333:audits').send(message);
  const refusal = (httpStatusCode: number) => ({ message: 'refused', $metadata: { httpStatusCode } });

  it('as it is asked too often is asked again with the next try, and takes the same message then', async () => {
    client
      .on(PublishCommand)
      .rejectsOnce(new ThrottledException(refusal(429)))
      .resolves({ MessageId: 'id-2' });
    await expect(send()).rejects.toMatchObject({ code: 'ALERT', retryable: true });
    expect(await send()).toBe('id-2');
    const [first, second] = client.commandCalls(PublishCommand).map(({ args: [{ input }] }) => input);
    expect(second).toEqual(first);
  });

  it.each([
    ['its key refuses', new KMSAccessDeniedException(refusal(400))],
    ['it is gone', Object.assign(new Error('gone'), { name: 'NotFoundException', ...refusal(404) })],
  ])('as %s says what to allow, and is not asked again: that does not mend itself', async (_, error) => {
    client.on(PublishCommand).rejects(error);
    await expect(send()).rejects.toMatchObject({
      code: 'ALERT',
      retryable: false,
      remedy: expect.stringMatching(/topic.*sns:Publish.*key/),
    });
  });
});
