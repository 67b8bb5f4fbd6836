import {
  type AwsSecurityFinding,
  BatchImportFindingsCommand,
  InvalidAccessException,
  LimitExceededException,
  SecurityHubClient,
} from '@aws-sdk/client-securityhub';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { SecurityHubImporter } from '../../lib/alert/finding-importer.ts';
import { securityHubFindings } from '../../lib/alert/index.ts';
import { aFinding, aReport } from '../report/sample.ts';

const productArn = 'arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default';

function findings(count: number): AwsSecurityFinding[] {
  const all = Array.from({ length: count }, (_, n) => aFinding({ fingerprint: `f${n}` }));
  const cluster = { name: 'lab', kubeconfigSecret: 'arn:aws:secretsmanager:eu-west-1:1:secret:lab' };
  return securityHubFindings(aReport({ findings: all }), { productArn, cluster, page: null });
}

describe('findings on their way to Security Hub', () => {
  const client = mockClient(SecurityHubClient);
  afterEach(() => client.reset());
  afterAll(() => client.restore());
  const calls = () =>
    client.commandCalls(BatchImportFindingsCommand).map(({ args: [{ input }] }) => input.Findings ?? []);
  const send = (count: number, signal?: AbortSignal) =>
    new SecurityHubImporter(productArn).import(findings(count), signal);
  const taken = { FailedCount: 0, SuccessCount: 1 };
  const failed = (Id: string, ErrorCode: string) => ({ Id, ErrorCode, ErrorMessage: 'no' });

  it('go by a hundred a call, each once, and none makes no call', async () => {
    client.on(BatchImportFindingsCommand).resolves(taken);
    await send(0);
    expect(calls()).toEqual([]);
    await send(230);
    expect(calls().map(({ length }) => length)).toEqual([100, 100, 30]);
    expect(calls().flat()).toEqual(findings(230));
  });

  it('are named where one is refused, after all others were sent', async () => {
    client
      .on(BatchImportFindingsCommand)
      .resolvesOnce({
        FailedCount: 1,
        SuccessCount: 99,
        FailedFindings: [failed('netns-auditor/f7', 'InvalidInput')],
      })
      .resolves(taken);
    await expect(send(150)).rejects.toMatchObject({
      code: 'ALERT',
      retryable: false,
      message: expect.stringContaining('netns-auditor/f7: InvalidInput: no'),
    });
    expect(calls()).toHaveLength(2);
  });

  it('are counted where many are refused, and sent again where that may help', async () => {
    const FailedFindings = findings(8).map(({ Id = '' }) => failed(Id, 'InternalException'));
    client.on(BatchImportFindingsCommand).resolves({ FailedCount: 8, SuccessCount: 0, FailedFindings });
    await expect(send(8)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/f4: InternalException: no; and 3 more$/),
    });
  });

  it('end when their time is over: who is left is counted, and nothing is tried again', async () => {
    const over = new AbortController();
    client.on(BatchImportFindingsCommand).callsFake(() => {
      if (calls().length === 8) over.abort();
      return taken;
    });
    await expect(send(1_030, over.signal)).rejects.toMatchObject({
      code: 'ALERT',
      retryable: false,
      message: expect.stringMatching(/in time: 230 of 1030 are left for the next run$/),
    });
    expect(calls().flat()).toEqual(findings(1_030).slice(0, 800));
  });

  it('end also while Security Hub does not answer, and what was refused before is named', async () => {
    const over = new AbortController();
    client.on(BatchImportFindingsCommand).callsFake(async () => {
      if (calls().length <= 4)
        return { ...taken, FailedFindings: [failed(`netns-auditor/f${calls().length}`, 'InvalidInput')] };
      over.abort();
      throw new Error('Request aborted');
    });
    await expect(send(500, over.signal)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/100 of 500 are left for the next run; and it refused netns-auditor/),
    });
    // Calls under way end with the time limit, too.
    expect(client.send.firstCall.args).toContainEqual({ abortSignal: over.signal });
  });

  it.each([
    ['it is not enabled', InvalidAccessException, 401, false, /Enable Security Hub/],
    ['it is asked too often', LimitExceededException, 429, true, /sent again/],
  ])('wait for who can help where %s', async (_, Refusal, httpStatusCode, retryable, remedy) => {
    client
      .on(BatchImportFindingsCommand)
      .rejects(new Refusal({ message: 'refused', $metadata: { httpStatusCode } }));
    await expect(send(1)).rejects.toMatchObject({
      code: 'ALERT',
      retryable,
      remedy: expect.stringMatching(remedy),
    });
  });
});
