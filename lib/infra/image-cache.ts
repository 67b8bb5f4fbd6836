/** An ECR pull-through cache of Docker Hub: nodes pull the probe's image from their own region, and share no limit. */
import { Stack, Token } from 'aws-cdk-lib';
import { CfnPullThroughCacheRule } from 'aws-cdk-lib/aws-ecr';
import { Construct } from 'constructs';
import type * as z from 'zod';
import { imageCacheSchema } from '../model/config.ts';
import { invalidProp, validProps } from './validate.ts';

/** An image of Docker Hub as CRI names it: `docker.io/nicolaka/netshoot:v0.16`, with or without the registry. */
const OF_DOCKER_HUB = /^(?:docker\.io\/)?((?:[a-z0-9._-]+\/)?[a-z0-9._-]+[:@][^/]+)$/;

export type ImageCacheProps = z.input<typeof imageCacheSchema> & {
  /** The image of Docker Hub that is pulled through the cache. */
  readonly image: string;
};

export class ImageCache extends Construct {
  /** The image as nodes name it. */
  readonly image: string;

  /** @throws AuditError CONFIG_INVALID if the image is not of Docker Hub, or the props are invalid */
  constructor(scope: Construct, id: string, { image, ...props }: ImageCacheProps) {
    super(scope, id);
    if (!Token.isUnresolved(props.credentialsSecret)) validProps(imageCacheSchema, props, 'imageCache');
    const { credentialsSecret, prefix = 'docker-hub' } = props;
    const [, name] = OF_DOCKER_HUB.exec(image) ?? [];
    if (name === undefined)
      throw invalidProp(
        `imageCache is of Docker Hub, and probe.image (${image}) is not there or has no tag: leave out one of them`,
        'Leave out imageCache or probe.image.',
      );
    const rule = new CfnPullThroughCacheRule(this, 'Rule', {
      ecrRepositoryPrefix: prefix,
      upstreamRegistry: 'docker-hub',
      upstreamRegistryUrl: 'registry-1.docker.io',
      credentialArn: credentialsSecret,
    });
    const { account, region, urlSuffix } = Stack.of(rule);
    // Official images are in library/ (ECR user guide, "Pulling an image with a pull through cache rule").
    const path = name.includes('/') ? name : `library/${name}`;
    this.image = `${account}.dkr.ecr.${region}.${urlSuffix}/${prefix}/${path}`;
  }
}
