/** What Step Functions reports about a failed state. */
import { expect, it } from 'vitest';
import { concludedClustersSchema, failureOf } from '../../lambda/step-error.ts';

it.each([
  [
    'a function that threw',
    {
      Error: 'CLUSTER_DNS',
      Cause: '{"errorType":"CLUSTER_DNS","errorMessage":"no such name: api.example","trace":[]}',
    },
    { code: 'CLUSTER_DNS', message: 'no such name: api.example' },
  ],
  [
    'the service itself, in plain text',
    { Error: 'States.Timeout', Cause: 'The state ran out of time.' },
    { code: 'States.Timeout', message: 'The state ran out of time.' },
  ],
  [
    'JSON that is no error',
    { Error: 'States.TaskFailed', Cause: '42' },
    { code: 'States.TaskFailed', message: '42' },
  ],
  [
    'JSON null',
    { Error: 'States.TaskFailed', Cause: 'null' },
    { code: 'States.TaskFailed', message: 'null' },
  ],
  ['no cause', { Error: 'States.Odd' }, { code: 'States.Odd', message: '' }],
])('the message of %s is kept', (_case, error, failure) => {
  expect(failureOf(error)).toEqual(failure);
});

it('an error of the service is said in words beside its name', () => {
  const { clusters } = concludedClustersSchema.parse({
    runId: '20261123T020000Z-00000000',
    clusters: [
      { cluster: 'slow', error: { Error: 'States.Timeout' } },
      { cluster: 'odd', error: { Error: 'States.Made.Up' } },
    ],
  });
  expect(clusters).toEqual([
    { cluster: 'slow', reason: 'States.Timeout: it took longer than its limit' },
    { cluster: 'odd', reason: 'States.Made.Up' },
  ]);
});

it('a cluster whose conclusion failed is said in words, without the JSON of Step Functions', () => {
  const Cause = '{"errorType":"STORE","errorMessage":"the bucket refused","trace":[]}';
  const { clusters } = concludedClustersSchema.parse({
    runId: '20261123T020000Z-00000000',
    clusters: [{ cluster: 'prod', error: { Error: 'STORE', Cause } }, { cluster: 'other' }],
  });
  expect(clusters).toEqual([{ cluster: 'prod', reason: 'STORE: the bucket refused' }, { cluster: 'other' }]);
});
