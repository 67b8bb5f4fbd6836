/** A fleet's worst night takes seconds, so this is not a unit test. */
import { expect, it } from 'vitest';
import { changesOf, clusterMessage } from '../../lib/alert/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import { aFinding, aReport } from '../report/sample.ts';

it('makes a message of a fault of each of 150,000 pods', () => {
  const findings = Array.from({ length: 150_000 }, (_, n) =>
    aFinding({
      fingerprint: `f${n}`,
      object: { kind: 'pod', namespace: 'a', name: `p${n}`, node: `n${n % 5000}` },
    }),
  );
  const report = aReport({ findings });
  const { thresholds } = settingsSchema.parse({});
  const { text } = clusterMessage(report, changesOf(report, null, thresholds), { page: '', command: '' });
  expect(text).toContain('150,000 pods on 5,000 nodes');
});
