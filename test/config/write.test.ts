import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { examineConfig } from '../../lib/config/examine.ts';
import { configText, type FoundCluster } from '../../lib/config/write.ts';
import { configSchema } from '../../lib/model/config.ts';

const eks: FoundCluster = { name: 'prod', from: 'EKS.', eks: { name: 'prod', region: 'eu-west-1' } };
const local = (name: string): FoundCluster => ({
  name,
  from: `Context ${name}.`,
  kubeconfig: { context: name },
});

it('writes a configuration without a mistake, and clusters that are those that were found', () => {
  const text = configText([eks, local('kind-dev')]);
  expect(examineConfig(text, configSchema).mistakes).toBeUndefined();
  expect(parse(text)).toEqual({
    clusters: [
      { name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } },
      { name: 'kind-dev', kubeconfig: { context: 'kind-dev' } },
    ],
  });
});

it('has every part in a comment that is right once it counts', () => {
  const text = configText([eks]).replaceAll(/^#(?=\S| {2})/gm, '');
  const { value, mistakes } = examineConfig(text, configSchema);
  expect(mistakes).toBeUndefined();
  expect(value).toMatchObject({
    thresholds: { minSeverity: 'high' },
    destinations: [{ kind: 'slack' }],
    exceptions: [{ check: 'pod-mtu-mismatch' }],
    subscriptions: [{ protocol: 'email' }],
  });
});

it.each([
  'true',
  '12',
  '1e3',
  'null',
  'a: b',
  '- x',
  '{a}',
  'a #b',
  "it's",
  '"',
  '\n- name: evil',
  '\u0000',
  'ключ',
  'a:',
  '@x',
  '~',
  ' ',
])('writes the context %j so that it is read back', (context) => {
  const text = configText([local(context)]);
  const { value, mistakes } = examineConfig(text, configSchema);
  expect(mistakes).toBeUndefined();
  expect(value?.clusters).toMatchObject([{ kubeconfig: { context } }]);
});

it('gives no two clusters the same name', () => {
  const us: FoundCluster = { ...eks, eks: { name: 'prod', region: 'us-east-1' } };
  const { clusters } = parse(configText([eks, us, local('prod'), local('prod!'), local('prod-')])) as {
    clusters: { name: string }[];
  };
  expect(clusters.map(({ name }) => name)).toEqual(['prod', 'prod-us-east-1', 'prod-2', 'prod-', 'prod--2']);
});
