/** Validates findings against AWS's own model, with the AWS CLI; what it accepts goes to moto's Security Hub. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { securityHubFindings } from '../../lib/alert/index.ts';
import type { ClusterConfig } from '../../lib/model/clusters.ts';
import { aFinding, aHostileReport, aReport } from '../report/sample.ts';
import { ACCOUNT, REGION } from './deployed.ts';
import { hasMoto, type Moto, startMoto } from './moto.ts';

const hasCli = installed();
const productArn = `arn:aws:securityhub:${REGION}:${ACCOUNT}:product/${ACCOUNT}/default`;
const clusters: ClusterConfig[] = [
  { name: 'lab', kubeconfigSecret: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:lab` },
  { name: 'prod', eks: { name: 'prod', region: REGION, accessEntry: true } },
];

let moto: Moto;
let folder: string;

describe.skipIf(!hasMoto || !hasCli)('findings for Security Hub', () => {
  beforeAll(async () => {
    moto = await startMoto();
    folder = mkdtempSync(join(tmpdir(), 'netns-auditor-hub-'));
  }, 120_000);
  afterAll(async () => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
    await moto?.stop();
  });

  const aws = (...words: string[]): Record<string, unknown> => {
    const all = ['securityhub', ...words, '--endpoint-url', moto.endpoint, '--region', REGION];
    return JSON.parse(execFileSync('aws', all, { encoding: 'utf8', stdio: 'pipe' }) || '{}');
  };
  const load = (Findings: unknown): Record<string, unknown> => {
    const file = join(folder, 'findings.json');
    writeFileSync(file, JSON.stringify({ Findings }));
    return aws('batch-import-findings', '--cli-input-json', `file://${file}`);
  };

  it.each(clusters)(
    'of $name are what the AWS CLI knows as such, also of a hostile node',
    (cluster) => {
      const hostile = aHostileReport();
      const findings = [
        aReport({ findings: [aFinding()] }),
        {
          ...hostile,
          findings: hostile.findings.map((each, n) => ({ ...each, fingerprint: `h${n}` })),
          resolved: [],
        },
        aReport({ resolved: [aFinding({ fingerprint: 'r', state: 'resolved', resolution: 'it is gone' })] }),
      ].flatMap((report) =>
        securityHubFindings(report, { productArn, cluster, page: 'https://aws.example/page' }),
      );
      expect(findings).toHaveLength(4);
      expect(load(findings)).toMatchObject({ FailedCount: 0, SuccessCount: 4 });
      expect(load(findings)).toMatchObject({ FailedCount: 0, SuccessCount: 4 });
      expect(aws('get-findings').Findings).toEqual(findings);
    },
    120_000,
  );

  it('of another shape are refused by the CLI: it does look', () => {
    const [finding] = securityHubFindings(aReport({ findings: [aFinding()] }), {
      productArn,
      cluster: clusters[0] as ClusterConfig,
      page: null,
    });
    const { Title: _, ...untitled } = finding ?? {};
    expect(() => load([untitled])).toThrow(/Missing required parameter in Findings\[0\]: "Title"/);
    expect(() => load([{ ...finding, Titel: '' }])).toThrow(/Unknown parameter in Findings\[0\]: "Titel"/);
  }, 120_000);
});

function installed(): boolean {
  try {
    execFileSync('aws', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(
      '\n*** the AWS CLI is not installed: findings for Security Hub are NOT held against its model ***\n',
    );
    return false;
  }
}
