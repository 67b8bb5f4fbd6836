import { describe, expect, it } from 'vitest';
import { krewManifest } from '../../scripts/archive/krew-manifest.ts';

const digest = 'a'.repeat(64);
const release = { version: '1.2.3', url: 'https://example.com/v1.2.3/', homepage: 'https://example.com' };

describe('the manifest for krew', () => {
  it('names each archive by its platform as Go names it, with its digest', () => {
    const digests = ['linux-x64', 'darwin-arm64'].map(
      (each) => `${digest}  netns-audit-1.2.3-${each}.tar.gz\n`,
    );
    expect(krewManifest({ ...release, digests })).toMatchObject({
      metadata: { name: 'netns-audit' },
      spec: {
        version: 'v1.2.3',
        platforms: [
          {
            selector: { matchLabels: { os: 'linux', arch: 'amd64' } },
            uri: 'https://example.com/v1.2.3/netns-audit-1.2.3-linux-x64.tar.gz',
            sha256: digest,
            bin: 'netns-audit/kubectl-netns_audit',
          },
          { selector: { matchLabels: { os: 'darwin', arch: 'arm64' } } },
        ],
      },
    });
  });

  it.each([
    ['another version', `${digest}  netns-audit-1.2.2-linux-x64.tar.gz\n`],
    ['another file', `${digest}  something.tar.gz\n`],
    ['half a digest', `${digest.slice(32)}  netns-audit-1.2.3-linux-x64.tar.gz\n`],
  ])('is not made of %s', (_, line) => {
    expect(() => krewManifest({ ...release, digests: [line] })).toThrow('no digest of an archive of 1.2.3');
  });

  it('is not made of no archive', () => {
    expect(() => krewManifest({ ...release, digests: [] })).toThrow('there is no archive');
  });
});
