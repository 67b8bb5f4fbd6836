import { describe, expect, it } from 'vitest';
import { orphanOf, pinComparison } from '../../lib/model/orphan.ts';

const name = 'cni-00000000-0000-4000-8000-00000000000a';
const found = (path: string, madeAt: string | null = '2026-01-02T03:04:05.000Z') =>
  orphanOf({
    object: { kind: 'namespace', name: path.replace(/.*\//, ''), path, node: 'node-1' },
    evidence: [pinComparison(path, 4026532999, madeAt)],
  });

describe('an orphaned namespace in a report', () => {
  it.each(['/run/netns', '/var/run/netns'])('is known by inode and time where its pin is in %s', (folder) => {
    expect(found(`${folder}/${name}`)).toEqual({ name, inode: 4026532999, made: 1_767_323_045 });
  });

  it.each([
    '/run/netns/vpn',
    '/run/netns/cni-dead',
    '/run/netns/qrouter-00000000-0000-4000-8000-00000000000a',
    '/run/netns/00000000-0000-4000-8000-00000000000a',
    `/run/docker/netns/${name}`,
    `/run/netns/../netns/${name}`,
    `/run/netns/${name.toUpperCase()}`,
  ])('is none that the tool may delete where its pin is %s', (path) => {
    expect(found(path)).toBeNull();
  });

  it('is none where its pin was not read, or is not that of the finding', () => {
    expect(found(`/run/netns/${name}`, null)).toBeNull();
    const evidence = [pinComparison(`/run/netns/${name}`, 1, '2026-01-02T03:04:05Z')];
    const object = { kind: 'namespace', name, node: 'node-1' } as const;
    expect(orphanOf({ object: { ...object, path: `/run/netns/${name}` }, evidence: [] })).toBeNull();
    expect(orphanOf({ object: { ...object, path: '/run/netns/cni-other' }, evidence })).toBeNull();
  });
});
