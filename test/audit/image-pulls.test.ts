import { describe, expect, it } from 'vitest';
import { describePulls } from '../../lib/audit/image-pulls.ts';

const NETSHOOT = 'docker.io/nicolaka/netshoot:v0.16';
const anonymous = { nodes: 250, pullSecret: null };

describe('pulls of the probe image', () => {
  it('without an account from Docker Hub may be more than it allows, and what to do is said', () => {
    expect(describePulls(NETSHOOT, anonymous)).toMatch(
      /up to 250 nodes pull .* 100 pulls in 6 hours per address.*toomanyrequests.*pull-through cache/s,
    );
    expect(describePulls(NETSHOOT, { ...anonymous, nodes: 101 })).toContain('toomanyrequests');
  });

  it('are within the limit for a small cluster, whose address may have other users', () => {
    const said = describePulls(NETSHOOT, { ...anonymous, nodes: 100 });
    expect(said).toContain('up to 100 nodes pull it from Docker Hub without an account');
    expect(said).not.toContain('toomanyrequests');
  });

  it.each(['nicolaka/netshoot', 'netshoot:v0.16', 'index.docker.io/a/b', `${NETSHOOT}@sha256:0a`])(
    '%s are from Docker Hub',
    (image) => {
      expect(describePulls(image, anonymous)).toContain('Docker Hub');
    },
  );

  it.each([
    'public.ecr.aws/docker/library/alpine:3',
    '111122223333.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/nicolaka/netshoot:v0.16',
    'localhost/netshoot',
    'registry:5000/netshoot',
  ])('%s are from elsewhere: nothing is known of its limits', (image) => {
    expect(describePulls(image, anonymous)).toBe(image);
  });

  it('have limits of their own with a pull secret, or with the cache of the stack', () => {
    expect(describePulls(NETSHOOT, { ...anonymous, pullSecret: 'hub' })).toBe(
      `${NETSHOOT}, with the pull secret hub`,
    );
    expect(describePulls(NETSHOOT, { ...anonymous, isCached: true })).toContain('through imageCache');
  });
});
