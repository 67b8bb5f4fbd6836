import { describe, expect, it } from 'vitest';
import { configSchema, httpsFormat } from '../../lib/model/config.ts';

const clusters = [{ name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } }];
const https = (format?: string) => ({ protocol: 'https', endpoint: 'https://x.example', format });
const wrong = (more: object): string => {
  const read = configSchema.safeParse({ clusters, ...more });
  return read.success ? 'nothing' : read.error.issues.map(({ message }) => message).join('\n');
};

describe('subscriptions', () => {
  it('of https get JSON, or all of them the form for chats', () => {
    const format = (...subscriptions: object[]) =>
      httpsFormat(configSchema.parse({ clusters, subscriptions }));
    expect(format()).toBe('json');
    expect(format(https())).toBe('json');
    expect(format(https('chat'), { protocol: 'email', endpoint: 'a@b.example' })).toBe('chat');
    expect(wrong({ subscriptions: [https('chat'), https()] })).toContain('the same format');
    expect(wrong({ subscriptions: [https(), https()] })).toContain('same protocol and endpoint');
    expect(wrong({ subscriptions: [{ ...https('chat'), protocol: 'sqs' }] })).toContain('Only https');
  });
});

describe('thresholds', () => {
  it('are on any number of the nodes, and have sums only of what can be summed', () => {
    const metrics = (metric: string, per: string) => ({
      thresholds: { metrics: [{ metric, per, above: 1 }] },
    });
    expect(wrong(metrics('pods', 'cluster'))).toBe('nothing');
    expect(wrong(metrics('probeMs', 'node'))).toBe('nothing');
    expect(wrong(metrics('probeMs', 'cluster'))).toContain('have no sum');
    expect(wrong(metrics('kernel', 'node'))).not.toBe('nothing');
  });
});

describe('exceptions', () => {
  const exception = { check: 'a', objects: ['*'], reason: 'r', owner: 'o', expires: '2026-12-31' };

  it('have a reason, an owner, an object and a last day', () => {
    expect(wrong({ exceptions: [exception] })).toBe('nothing');
    for (const key of ['reason', 'owner', 'expires', 'objects', 'check'])
      expect(wrong({ exceptions: [{ ...exception, [key]: undefined }] }), key).not.toBe('nothing');
    expect(wrong({ exceptions: [{ ...exception, expires: '2026-02-30' }] })).not.toBe('nothing');
    expect(wrong({ exceptions: [{ ...exception, objects: [] }] })).not.toBe('nothing');
  });

  it('fit into what Step Functions hands on', () => {
    const large = { ...exception, objects: Array.from({ length: 50 }, () => 'x'.repeat(400)) };
    expect(wrong({ exceptions: Array.from({ length: 10 }, () => large) })).toContain('100,000 bytes');
    const chinese = { ...exception, reason: '网'.repeat(300) };
    expect(wrong({ exceptions: Array.from({ length: 120 }, () => chinese) })).toContain('100,000 bytes');
    expect(wrong({ exceptions: Array.from({ length: 201 }, () => exception) })).not.toBe('nothing');
  });
});
