import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readConfig } from '../../lib/infra/read-config.ts';

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'netns-auditor-')), 'netns-audit.yaml');
  writeFileSync(path, text);
  return path;
}

const aCluster = 'clusters: [{ name: a, eks: { name: a, region: r } }]';

it('needs no more than a cluster', () => {
  const config = readConfig(
    file('clusters:\n  - name: prod-eu\n    eks: { name: prod, region: eu-west-1 }\n'),
  );
  expect(config).toMatchObject({
    clusters: [{ name: 'prod-eu', eks: { name: 'prod', region: 'eu-west-1' } }],
    schedule: { expression: 'cron(0 2 * * ? *)', timeZone: 'UTC', maximumAgeHours: 4 },
    thresholds: { minSeverity: 'high', orphansPerNode: 10 },
    subscriptions: [],
  });
});

it.each([
  ['clusters: []', 'clusters'],
  [
    'clusters: [{ name: a, eks: { name: a, region: r } }, { name: a, eks: { name: b, region: r } }]',
    'same name, a.\n  → at clusters[1].name',
  ],
  [
    'clusters: [{ name: a, eks: { name: e, region: r } }, { name: b, eks: { name: e, region: r } }]',
    'a is the same EKS cluster',
  ],
  ['clusters: [{ name: a, eks: { name: a, regoin: r } }]', 'clusters[0].eks.region'],
  ['clusters: [{ name: a, kubeconfigSecret: "arn:aws:x", contex: b }]', '"contex"'],
  [`${aCluster}\nschedule: { expression: cron(0 2 * * *) }`, 'six fields'],
  [`${aCluster}\nschedule: { expression: rate(daily) }`, 'six fields'],
  [`${aCluster}\nretention: { logDays: 45 }`, 'one of 1, 3, 5'],
  [`${aCluster}\nschedule: { timeZone: Europe/Berln }`, 'No such time zone'],
  ['clusters: [{ name: a, kubeconfig: ~/.kube/config }]', 'clusters[0]'],
  ['clusters: [{ name: a, eks: { name: a, region: r } }]\nshedule: {}', 'shedule'],
  ['a: [', 'netns-audit.yaml'],
])('says what is wrong with: %s', (text, named) => {
  expect(() => readConfig(file(text))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(named) }),
  );
});
