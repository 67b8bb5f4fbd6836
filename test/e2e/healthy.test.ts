import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Audit, audit, gaps, newFindings, summary } from './audit.ts';
import { kubectl, listPods, NAMESPACE } from './cluster.ts';
import { restartAgents, startOtherSoftware, stopOtherSoftware } from './other-software.ts';
import { noteSilent } from './seen.ts';
import { startWorkload, stopWorkload } from './workload.ts';

const runs = Number(process.env.NETNS_AUDIT_E2E_RUNS ?? 3);
const plainPods = Number(process.env.NETNS_AUDIT_E2E_PODS ?? 100);
/** How many pods come and go at once: of more, a kubelet makes the probe's pod wait for minutes. */
const atOnce = Math.ceil(plainPods / 5);
/** A node with a rollout is slow, and so is its audit. */
const churnSeconds = 300 + runs * 120;
const baseline = new Set(inject('baseline'));
const nodes = inject('nodes');
const platform = inject('platform');

/** Nothing was found, and everything was judged. */
function expectSilence({ report }: Audit): void {
  expect(newFindings(report, baseline).map(summary)).toEqual([]);
  expect(gaps(report)).toEqual([]);
}

describe('on a healthy cluster', () => {
  beforeAll(() => startWorkload());
  afterAll(() => stopWorkload());

  it('has a workload of many pods and every odd kind', async () => {
    const pods = await listPods('-l', 'part=workload');
    expect(pods.length).toBeGreaterThan(plainPods);
  });

  it.each(Array.from({ length: runs }, (_, index) => index + 1))('finds nothing, run %i', async () => {
    const result = await audit();

    expectSilence(result);
    if (baseline.size === 0)
      expect({ exit: result.exitCode, stderr: result.stderr }).toMatchObject({ exit: 0 });
  });

  it('finds nothing with active checks', async () => {
    const result = await audit(['--active', 'ping,dns,cross,cni']);

    expectSilence(result);
    const crossed = result.report.coverage.checks.find(({ check }) => check === 'cross-node-unreachable');
    const audited = result.report.coverage.nodes.length;
    if (audited > 1) expect(crossed).toMatchObject({ examined: audited, unknown: 0 });
  });

  describe('that runs docker, firewalld, a mesh and network policies as well', () => {
    beforeAll(() => startOtherSoftware(nodes, platform));
    afterAll(() => stopOtherSoftware(nodes));

    it(
      'finds nothing while pods come and go',
      () => whilePodsComeAndGo(async () => expectSilence(await audit())),
      churnSeconds * 1000,
    );

    it(
      'finds nothing while agents are restarted as well',
      async () => {
        await whilePodsComeAndGo(async (count) => {
          await restartAgents(nodes[count % nodes.length] as string);
          // What an agent that is away refuses to pods is a finding at once, and not within a minute.
          expectSilence(await audit(['--settle', '60s']));
        });
        noteSilent(platform, runs);
      },
      churnSeconds * 1000,
    );
  });
});

/** Scales the ordinary pods down and up all the time, while `work` is done once for each run. */
async function whilePodsComeAndGo(work: (count: number) => Promise<void>): Promise<void> {
  let churning = true;
  const churn = (async () => {
    while (churning) {
      await scale(plainPods - atOnce);
      await scale(plainPods);
      await kubectl(['rollout', 'status', '-n', NAMESPACE, 'deployment/plain', '--timeout=240s']);
    }
  })();
  try {
    const old = new Set(await uids());
    for (let count = 0; count < runs; count++) await work(count);
    expect((await uids()).filter((uid) => !old.has(uid))).not.toEqual([]);
  } finally {
    churning = false;
    await churn;
  }
}

/**
 * Waits for the requested state: after two changes at once, controllers may see only the last, which changes
 * nothing.
 */
async function scale(replicas: number): Promise<void> {
  await kubectl(['scale', '-n', NAMESPACE, 'deployment/plain', `--replicas=${replicas}`]);
  const reached = `--for=jsonpath={.status.replicas}=${replicas}`;
  await kubectl(['wait', '-n', NAMESPACE, 'deployment/plain', reached, '--timeout=240s']);
}

async function uids(): Promise<readonly string[]> {
  return (await listPods('-l', 'app=plain')).map((pod) => pod.metadata.uid);
}
