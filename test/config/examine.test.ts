import { describe, expect, it } from 'vitest';
import { examineConfig } from '../../lib/config/examine.ts';
import { nearest } from '../../lib/config/nearest.ts';
import { configSchema } from '../../lib/model/config.ts';

/** LINE:COLUMN PATH: message of each mistake. */
function said(text: string): string[] {
  return (examineConfig(text, configSchema).mistakes ?? []).map(
    ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
  );
}

const cluster = 'clusters:\n  - name: a\n    eks: { name: a, region: eu-west-1 }\n';

describe('a file with many mistakes', () => {
  const text = `# my fleet
clusters:
  - name: prod
    eks: { name: prod, regoin: eu-west-1 }
  - name: lab
    kubeconfg: x
  - name: lab
    eks: { name: l, region: eu-west-1 }
  - name: lab
    eks: { name: m, region: eu-west-1 }
shedule: {}
thresholds:
  minSeverity: hgih
  coverage: 2
retention: { logDays: 45 }
destinations:
  - { kind: mial, name: ops }
  - { kind: mail, name: b, host: x, from: a@b, to: [], password: { env: X } }
exceptions:
  - check: pod-mtu-mismatch
    reason: x
    owner: me
    expires: 2026-02-30
`;

  it('has all of them named at once, each at its line and column, with what is allowed', () => {
    expect(said(text)).toEqual([
      '4:24 clusters[0].eks: Unknown key "regoin". Did you mean region? Allowed: name, region, roleArn, externalId, accessEntry.',
      '5:5 clusters[1]: One of these keys is missing: eks, kubeconfigSecret, kubeconfig.',
      '6:5 clusters[1]: Unknown key "kubeconfg". Did you mean kubeconfig? Allowed: name, eks, network, kubeconfigSecret, context, kubeconfig.',
      '9:11 clusters[3].name: Another cluster has the same name, lab.',
      '11:1 : Unknown key "shedule". Did you mean schedule? Allowed: clusters, discover, schedule, monitor, probe, thresholds, concurrency, retention, subscriptions, destinations, encryptionKey, imageCache, dashboard, digest, securityHub, events, exceptions, network, networks.',
      '13:16 thresholds.minSeverity: "hgih" is not possible. Did you mean high? Allowed: critical, high, medium, low.',
      '14:13 thresholds.coverage: 2 is not possible: it is at most 1. Allowed: 0 to 1.',
      expect.stringMatching(/^15:23 retention\.logDays: CloudWatch keeps logs for one of 1, 3, /),
      '17:13 destinations[0].kind: "mial" is not possible. Did you mean mail? Allowed: webhook, slack, alertmanager, mail.',
      '18:5 destinations[1]: user and password go together.',
      '18:52 destinations[1].to: It has at least 1 entry.',
      "20:5 exceptions[0]: Name objects, labels or both; objects: ['*'] means all.",
      '23:14 exceptions[0].expires: It is a day such as 2026-12-31.',
    ]);
  });
});

it.each([
  ['', '1:1 clusters: There is nothing to audit: list clusters, or say where to discover them.'],
  [
    '# nothing yet\n',
    '1:1 clusters: There is nothing to audit: list clusters, or say where to discover them.',
  ],
  ['clusters:\n', '1:1 clusters: It is empty, not a list.'],
  ['clusters: prod\n', '1:11 clusters: It is text, not a list.'],
  [
    'clusters: []\n',
    '1:11 clusters: There is nothing to audit: list clusters, or say where to discover them.',
  ],
  ['- a\n', '1:1 : It is a list, not a map of keys and values.'],
  [
    'clusters: [{ name: a, eks: "arn:aws:eks:eu-west-1:111122223333:cluster/prod" }]\n',
    '1:28 clusters[0].eks: It is text, not a map of keys and values. It is not the ARN. Write eks: { name: prod, region: eu-west-1 }.',
  ],
  [
    'clusters: [{ name: a, eks: prod }]\n',
    'It is text, not a map of keys and values. Write the name and region of the EKS cluster: eks: { name: prod, region: eu-west-1 }.',
  ],
  [`${cluster}dashboard: "yes"\n`, '4:12 dashboard: It is text, not true or false.'],
  [`${cluster}probe: { deadlineSeconds: 2m }\n`, 'It is text, not a number. Allowed: 20 to 600.'],
  [
    `${cluster}probe: { active: [pnig] }\n`,
    '"pnig" is not possible. Did you mean ping? Allowed: ping, dns, cross, cni.',
  ],
  [
    `${cluster}discover: { accounts: [044455556666], regions: [eu-west-1], externalId: 0123456789abcdef }\n`,
    '4:24 discover.accounts[0]: It is the number 44455556666, not text: write it in quotes.',
  ],
  [`${cluster}probe:\n  image:\n`, '5:3 probe.image: It is empty, not text.'],
  [`${cluster}digest: true\ndigest: false\n`, '5:1 : This key appears twice.'],
  [`${cluster}schedule: { expression: [\n`, 'This is not valid YAML: '],
  [`${cluster}network: *net\n`, '4:10 : This is not valid YAML: there is no anchor &net before it.'],
  ['a: 1\n---\nb: 2\n', 'This is not valid YAML: '],
  [
    `${cluster}destinations: [{ kind: slack, name: a }]\n`,
    '4:16 destinations[0]: The key url is missing. Where to read the URL',
  ],
  [`${cluster}destinations: [{ name: a }]\n`, '4:16 destinations[0]: The key kind is missing.'],
  [
    `${cluster}destinations: [{ kind: webhook, name: a, url: { env: A, fiel: B } }]\n`,
    'destinations[0].url: Unknown key "fiel".',
  ],
])('says of %j where and what is wrong', (text, expected) => {
  expect(said(text).join('\n')).toContain(expected);
});

it('does not call a list empty if each of its entries has a mistake', () => {
  expect(said('clusters: [{ name: a, eks: { name: a } }, b]\n')).toEqual([
    expect.stringContaining('clusters[0].eks: The key region is missing.'),
    '1:43 clusters[1]: It is text, not a map of keys and values.',
  ]);
});

it('finds a mistake behind an anchor, where it stands', () => {
  expect(said('x: &eks { name: a, regoin: r }\nclusters:\n  - name: a\n    eks: *eks\n')).toContain(
    '1:20 clusters[0].eks: Unknown key "regoin". Did you mean region? Allowed: name, region, roleArn, externalId, accessEntry.',
  );
});

it('does not unfold aliases of aliases for ever', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level++)
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
  expect(said(lines.join('\n'))[0]).toContain('Excessive alias count');
});

it('gives the value of what is right, and places in it', () => {
  const { value, placeOf } = examineConfig(`${cluster}digest: true\n`, configSchema) as Extract<
    ReturnType<typeof examineConfig<{ digest: boolean }>>,
    { value: unknown }
  >;
  expect(value.digest).toBe(true);
  expect(placeOf(['clusters', 0, 'eks', 'region'])).toEqual({ line: 3, column: 29 });
});

it('is not held up by an endless word', () => {
  expect(nearest('a'.repeat(1e6), ['b'])).toBe(null);
});

it.each([
  ['regoin', ['region', 'name'], 'region'],
  ['Region', ['region'], 'region'],
  ['kubeconfig', ['kubeconfigSecret', 'context'], 'kubeconfigSecret'],
  ['contex', ['context', 'name'], 'context'],
  ['colour', ['name', 'region'], null],
  ['x', ['y'], 'y'],
  ['', [], null],
])('takes %s, of %j, for %s', (word, known, meant) => {
  expect(nearest(word, known)).toBe(meant);
});
