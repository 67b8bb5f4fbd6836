/** The parts of an ARN. Without zod, which would slow down the help of the command line. */

/** The partition, service, region, account and resource of an ARN; empty strings for what is missing. */
export function partsOfArn(
  arn: string,
): Readonly<Record<'partition' | 'service' | 'region' | 'account' | 'resource', string>> {
  const [, partition = '', service = '', region = '', account = '', ...rest] = arn.split(':');
  return { partition, service, region, account, resource: rest.join(':') };
}

/** The name and region of an EKS cluster, from its ARN; null for any other text. */
export function eksClusterOf(arn: string): { readonly name: string; readonly region: string } | null {
  const { service, region, resource } = partsOfArn(arn);
  const [kind, name, ...rest] = resource.split('/');
  return service === 'eks' && kind === 'cluster' && name !== undefined && rest.length === 0
    ? { name, region }
    : null;
}
