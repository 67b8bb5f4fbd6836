/** A cache of Docker Hub in the registry of the stack. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ImageCache, type ImageCacheProps } from '../../lib/infra/image-cache.ts';
import { hasCfnLint, lint } from './cfn-lint.ts';

const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:ecr-pullthroughcache/docker-hub-Ab12Cd';

function cacheOf(props: Partial<ImageCacheProps>, region = 'eu-west-1') {
  const stack = new Stack(new App({ analyticsReporting: false }), 'Cache', {
    env: { account: '111122223333', region },
  });
  const { image } = new ImageCache(stack, 'Cache', {
    image: 'docker.io/nicolaka/netshoot:v0.16',
    credentialsSecret: SECRET,
    ...props,
  });
  return { image: stack.resolve(image) as unknown, template: Template.fromStack(stack) };
}

describe('an image cache', { timeout: 60_000 }, () => {
  it.each([
    ['docker.io/nicolaka/netshoot:v0.16', 'nicolaka/netshoot:v0.16'],
    ['nicolaka/netshoot@sha256:0a1b', 'nicolaka/netshoot@sha256:0a1b'],
    ['alpine:3.22', 'library/alpine:3.22'],
  ])('names %s as nodes pull it', (image, path) => {
    const named = JSON.stringify(cacheOf({ image }).image);
    expect(named).toContain('111122223333.dkr.ecr.eu-west-1.');
    expect(named).toContain(`/docker-hub/${path}`);
    expect(JSON.stringify(cacheOf({ image, prefix: 'hub' }).image)).toContain(`/hub/${path}`);
  });

  it('is one rule, with the credentials that ECR asks for', () => {
    cacheOf({}).template.hasResourceProperties('AWS::ECR::PullThroughCacheRule', {
      EcrRepositoryPrefix: 'docker-hub',
      UpstreamRegistryUrl: 'registry-1.docker.io',
      CredentialArn: SECRET,
    });
  });

  it.skipIf(!hasCfnLint)(
    'passes cfn-lint',
    () => {
      expect(lint('cache.json', JSON.stringify(cacheOf({}).template.toJSON()))).toBe('');
    },
    240_000,
  );

  it.each(['quay.io/nicolaka/netshoot:v1', 'registry.local:5000/netshoot:v1', 'nicolaka/netshoot'])(
    'refuses %s, which is not of Docker Hub or has no tag',
    (image) => {
      expect(() => cacheOf({ image })).toThrow(`probe.image (${image})`);
    },
  );

  it('refuses a secret that ECR would refuse', () => {
    const credentialsSecret = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:docker-hub-Ab12Cd';
    expect(() => cacheOf({ credentialsSecret })).toThrow('ecr-pullthroughcache/');
  });
});
