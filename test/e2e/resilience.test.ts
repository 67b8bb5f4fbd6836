import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { reportSchema } from '../../lib/model/report.ts';
import { type Audit, audit, netnsAudit } from './audit.ts';
import { getJson, kubectl, type Metadata } from './cluster.ts';
import { cleanUp, type Injected, inject as injectFaults } from './faults/injection.ts';
import { namespaceFaults } from './faults/namespaces.ts';
import { podNetworkFaults } from './faults/pod-network.ts';
import { waitFor } from './run.ts';
import { withSilentKubelet } from './silent-kubelet.ts';

/** A separate namespace, so that other people's runs do not affect these tests. */
const PROBES = 'netns-audit-e2e-probes';
const nodes = inject('nodes');
const silent = nodes.at(-1) as string;
const talking = nodes[0] as string;

type ProbePod = { readonly metadata: Metadata; readonly spec: { readonly activeDeadlineSeconds?: number } };

async function probePods(): Promise<readonly ProbePod[]> {
  const { items } = await getJson<{ items: readonly ProbePod[] }>(['pods', '-n', PROBES]);
  return items;
}

/** Starts an audit that cannot end, as one node's kubelet is silent, and returns it once its pods exist. */
async function endlessAudit(...args: string[]): Promise<{ child: ChildProcess; ended: Promise<Audit> }> {
  let child: ChildProcess | undefined;
  const ended = audit(['--probe-namespace', PROBES, '--deadline', '60s', ...args], {
    started: (started) => {
      child = started;
    },
  });
  await waitFor('a probe pod', async () => (await probePods()).length > 0, { everyMilliseconds: 50 });
  return { child: child as ChildProcess, ended };
}

beforeAll(async () => {
  await audit(['--probe-namespace', PROBES]);
});
afterAll(async () => {
  await kubectl(['delete', 'namespace', PROBES, '--ignore-not-found', '--wait=false']);
});

describe.skipIf(nodes.length < 2)('when the kubelet of a node is silent', () => {
  it('reports that node as failed by the deadline, and the others as audited', async () => {
    const { report, exitCode } = await withSilentKubelet(silent, talking, () =>
      audit(['--probe-namespace', PROBES, '--deadline', '10s']),
    );

    const failed = report.coverage.nodes.find((node) => node.node === silent);
    expect(failed).toMatchObject({ result: 'failed', reason: expect.stringMatching(/kubelet/) });
    expect(failed?.remedy).toBeTruthy();
    expect(
      report.coverage.nodes.filter((node) => node.result === 'audited').map((node) => node.node),
    ).toEqual(nodes.filter((node) => node !== silent));
    expect(report.verdict).not.toBe('healthy');
    expect([1, 3]).toContain(exitCode);
    expect(await probePods()).toEqual([]);
  });

  it('removes its pods when it is interrupted, and ends with 130', async () => {
    await withSilentKubelet(silent, talking, async () => {
      const { child, ended } = await endlessAudit();
      child.kill('SIGINT');

      expect((await ended).exitCode).toBe(130);
      expect(await probePods()).toEqual([]);
    });
  });

  it('leaves pods that end by themselves when it is killed, and sweep removes them', async () => {
    await withSilentKubelet(silent, talking, async () => {
      const { child, ended } = await endlessAudit();
      child.kill('SIGKILL');
      await ended;

      const left = await probePods();
      expect(left.length).toBeGreaterThan(0);
      for (const pod of left) expect(pod.spec.activeDeadlineSeconds).toBeLessThanOrEqual(300);

      const spared = await netnsAudit(['sweep', '--probe-namespace', PROBES]);
      expect(spared).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('--all removes') });
      expect(await probePods()).toHaveLength(left.length);

      const swept = await netnsAudit(['sweep', '--all', '--probe-namespace', PROBES]);
      expect(swept).toMatchObject({ exitCode: 0 });
      expect(await probePods()).toEqual([]);
    });
  });

  it('is cleaned up after by the next run, once the pods have expired', async () => {
    const left = await withSilentKubelet(silent, talking, async () => {
      const { child, ended } = await endlessAudit('--deadline', '5s');
      child.kill('SIGKILL');
      await ended;
      return new Set((await probePods()).map((pod) => pod.metadata.uid));
    });
    expect(left.size).toBeGreaterThan(0);

    await waitFor('a run after their expiry to have removed them', async () => {
      await audit(['--probe-namespace', PROBES]);
      return !(await probePods()).some((pod) => left.has(pod.metadata.uid));
    });
  });
});

describe('an image that cannot be pulled', () => {
  it('is told for each node in the words of the cluster, with what to do', async () => {
    const image = 'registry.invalid/no/such-image:1';

    const { report, exitCode } = await audit([
      '--probe-namespace',
      PROBES,
      '--image',
      image,
      '--deadline',
      '60s',
    ]);

    expect(exitCode).toBe(3);
    expect(report.verdict).toBe('incomplete');
    for (const node of report.coverage.nodes) {
      expect(node.result).toBe('failed');
      expect(node.reason).toContain(image);
      expect(node.remedy).toBeTruthy();
    }
    expect(await probePods()).toEqual([]);
  });
});

describe('with faults on the cluster', () => {
  let injected: readonly Injected[] = [];
  beforeAll(async () => {
    const some = [...podNetworkFaults, ...namespaceFaults].filter((fault) =>
      ['eth0-deleted', 'gateway-mac-wrong', 'orphan-with-veth', 'held-by-socket'].includes(fault.id),
    );
    injected = await injectFaults(some, nodes);
  });
  afterAll(() => cleanUp(injected));

  it('gives two runs at once the same findings', async () => {
    const both = await Promise.all([
      audit(['--probe-namespace', PROBES]),
      audit(['--probe-namespace', PROBES]),
    ]);

    const [first, second] = both.map(({ report }) =>
      report.findings.map((finding) => finding.fingerprint).sort(),
    );
    expect(first?.length).toBeGreaterThan(0);
    expect(second).toEqual(first);
    for (const { report } of both)
      expect(report.coverage.nodes.every((node) => node.result === 'audited')).toBe(true);
    expect(await probePods()).toEqual([]);
  });

  it('finds the same, to the byte, in the evidence that was kept', async () => {
    const store = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
    try {
      const live = await audit(['--probe-namespace', PROBES], { store });
      const bundles = (await readdir(store, { recursive: true })).filter((name) => name.endsWith('.tar.gz'));
      expect(bundles.length).toBe(nodes.length);

      const replayed = await netnsAudit([
        'analyze',
        '-o',
        'json',
        ...bundles.map((name) => join(store, name)),
      ]);
      const report = reportSchema.parse(JSON.parse(replayed.stdout));
      // Evidence does not tell of which kubeconfig and context it is.
      const wherever = (text: string) =>
        text
          .replaceAll(/ --(?:kubeconfig|context) (?:'[^']*'|\S+)/g, '')
          .replaceAll(/On cluster [^:"]+: /g, '');
      expect(report.findings.length).toBe(live.report.findings.length);
      expect(wherever(JSON.stringify(report.findings))).toBe(wherever(JSON.stringify(live.report.findings)));
    } finally {
      await rm(store, { recursive: true, force: true });
    }
  });
});
