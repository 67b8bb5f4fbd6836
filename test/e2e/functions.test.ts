/**
 * The synthesized functions, in the order of the synthesized machine, against the real cluster: its
 * kubeconfig is in a secret.
 */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import type { FleetReport } from '../../lib/audit/fleet/index.ts';
import { reportOfRun } from '../../lib/audit/index.ts';
import { keys } from '../../lib/history/index.ts';
import { configSchema } from '../../lib/model/config.ts';
import { DEFAULT_IMAGE } from '../../lib/model/own-pods.ts';
import { Cloud } from '../aws/cloud.ts';
import { hasMoto } from '../aws/moto.ts';
import { apply, kubectl } from './cluster.ts';

const NAMESPACE = 'netns-audit-e2e-functions';
const image = process.env.NETNS_AUDIT_E2E_IMAGE ?? DEFAULT_IMAGE;
const level = 'privileged';

let cloud: Cloud;
let kubeconfig: string;

describe.skipIf(!hasMoto)('the functions', () => {
  beforeAll(async () => {
    await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=120s']);
    // The functions make none.
    const labels = { 'pod-security.kubernetes.io/enforce': level };
    await apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } }]);
    kubeconfig = await kubectl(['config', 'view', '--raw', '--flatten', '--minify']);
    cloud = await Cloud.start();
  }, 300_000);
  afterAll(async () => {
    await cloud?.stop();
    await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false']);
  });

  it('audit every node, keep all that they found, send a mail, and leave nothing behind', async () => {
    const real = await cloud.keep('real', kubeconfig);
    const { probe, thresholds } = configSchema.parse({
      clusters: [real],
      probe: { namespace: NAMESPACE, image },
      // Every cluster has findings, if only about the pods that break nodes: there is news.
      thresholds: { metrics: [{ metric: 'pods', per: 'cluster', above: 0 }] },
    });
    const { status, output } = await cloud.run({ day: 23 }, [real], { probe, thresholds });
    expect({ status, output }).toMatchObject({
      status: 'SUCCEEDED',
      output: { lost: 0, clusters: [{ cluster: 'real', reached: true, told: true }] },
    });

    const run = { cluster: 'real', runId: (output as FleetReport).runId };
    const report = await reportOfRun(cloud.store, run);
    const nodes = inject('nodes');
    expect(report?.coverage.nodes).toEqual(
      expect.arrayContaining(nodes.map((node) => expect.objectContaining({ node, result: 'audited' }))),
    );
    expect(report?.nodes.map(({ node }) => node)).toEqual(expect.arrayContaining([...nodes]));
    for (const key of [
      keys.reportPage(run),
      keys.findings(run),
      keys.nodes(run),
      keys.alerts(run),
      keys.latest('real'),
      ...nodes.map((node) => keys.evidence(run, node)),
    ])
      expect(await cloud.store.get(key), key).not.toBeNull();
    expect(await cloud.mails()).toMatchObject([
      { cluster: 'real', text: expect.stringMatching(/\d+ pods .*more than 0/) },
    ]);
    expect(await kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'name'])).toBe('');
  });

  it('write nothing of the kubeconfig to their logs', () => {
    const { users } = parse(kubeconfig) as { users: { user: Record<string, unknown> }[] };
    const secrets = users
      .flatMap(({ user }) => Object.values(user))
      .filter((value) => typeof value === 'string');
    expect(secrets.length).toBeGreaterThan(0);
    for (const secret of secrets) expect(cloud.functions.log).not.toContain(secret);
  });
});
