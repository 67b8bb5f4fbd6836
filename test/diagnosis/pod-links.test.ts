import { expect, it } from 'vitest';
import type { PodLink } from '../../lib/model/pod-links.ts';
import { reportSchema } from '../../lib/model/report.ts';
import { conclude, resultOf } from './nodes.ts';

const counters = {
  inPackets: 10_000,
  outPackets: 10_000,
  inErrors: 0,
  outErrors: 0,
  inDropped: 0,
  outDropped: 0,
  carrierChanges: 2,
};
const link = (inDropped: number, changes: Partial<PodLink> = {}): PodLink => ({
  node: 'a',
  pod: { namespace: 'shop', name: 'own-of-a', uid: 'u' },
  since: '2026-11-19T02:00:01Z',
  link: 'eth0',
  podEnd: { ...counters, inPackets: 10_000 + inDropped, inDropped },
  hostLink: null,
  hostEnd: null,
  ...changes,
});
const losing = ({ findings }: ReturnType<typeof conclude>) =>
  findings
    .filter(({ check }) => check === 'pod-link-losing')
    .map(({ object, state }) => [object.name, state]);

it('judges what a link lost by the report before, and resolves it once no more is lost', () => {
  const first = conclude([resultOf('a', { podLinks: [link(500)] })]);
  expect(losing(first)).toEqual([]);
  expect(first.podLinks).toEqual([link(500)]);
  expect(reportSchema.parse(JSON.parse(JSON.stringify(first))).podLinks).toEqual(first.podLinks);

  const second = conclude([resultOf('a', { podLinks: [link(1_500)] })], first, { day: 1 });
  expect(losing(second)).toEqual([['own-of-a', 'new']]);

  const third = conclude([resultOf('a', { podLinks: [link(1_510)] })], second, { day: 2 });
  expect(losing(third)).toEqual([]);
  expect(third.resolved.map(({ check }) => check)).toContain('pod-link-losing');
});

it('leaves a finding open while its node cannot be read', () => {
  const first = conclude([resultOf('a', { podLinks: [link(500)] })]);
  const second = conclude([resultOf('a', { podLinks: [link(1_500)] })], first, { day: 1 });
  const failed = resultOf('a', { coverage: { node: 'a', result: 'failed', reason: 'silent', remedy: null } });
  expect(losing(conclude([failed], second, { day: 2 }))).toEqual([['own-of-a', 'open']]);
});

it('hears a node about links of its own pods only, whatever name it gives itself', () => {
  const foreign = link(500, { pod: { namespace: 'shop', name: 'own-of-b', uid: 'u' } });
  const report = conclude([resultOf('a', { podLinks: [foreign, link(1, { node: 'b' })] })]);
  expect(report.podLinks).toEqual([link(1)]);
});

it('has no list where no node read the counters', () => {
  expect(conclude([resultOf('a')])).not.toHaveProperty('podLinks');
});
