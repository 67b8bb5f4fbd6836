import { expect, it } from 'vitest';
import type { CheckFailure } from '../../lib/model/node-result.ts';
import { conclude, resultOf } from './nodes.ts';

const given = (endpoints: number) => [
  { namespace: 'kube-system', name: 'kube-dns', addresses: ['10.96.0.10'], endpoints },
];
const silent: CheckFailure = {
  check: 'pod-dns-failing',
  object: { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' },
  severity: 'high',
  confidence: 'confirmed',
  detail: 'No answer.',
  evidence: [],
  remedy: [],
};

it('one finding tells that the DNS is down, and the pods whose look-ups fail are part of it', () => {
  const { findings } = conclude([
    resultOf('node-1', { dnsServices: given(0), failures: [silent], pods: ['shop/web-1'] }),
    resultOf('node-2', { dnsServices: given(0) }),
  ]);
  const cause = findings.find(({ check }) => check === 'cluster-dns-unserved');
  const symptom = findings.find(({ check }) => check === 'pod-dns-failing');
  expect(findings).toHaveLength(2);
  expect(cause).toMatchObject({ severity: 'critical', object: { kind: 'cluster' } });
  expect(symptom?.partOf).toBe(cause?.fingerprint);
});

it('nothing is said of a DNS that has endpoints', () => {
  expect(conclude([resultOf('node-1', { dnsServices: given(2) })]).findings).toEqual([]);
});
