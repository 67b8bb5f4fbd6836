/**
 * Runs once for all end-to-end tests: requires a cluster, starts the injector on its nodes, and records
 * existing findings.
 */
import type { TestProject } from 'vitest/node';
import { audit, summary } from './audit.ts';
import {
  detectPlatform,
  nodesSettled,
  type Platform,
  removeEverything,
  schedulableNodes,
  startInjector,
  tryKubectl,
} from './cluster.ts';
import { cleanNodes } from './faults/injection.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    nodes: readonly string[];
    platform: Platform;
    /** Fingerprints of what an audit found before any test touched the cluster. */
    baseline: readonly string[];
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await requireCluster();
  await nodesSettled();
  await startInjector();
  const nodes = await schedulableNodes();
  if (nodes.length === 0) throw new Error('end-to-end tests: no Ready Linux node takes ordinary pods');
  await cleanNodes(nodes);
  const { report } = await audit();
  if (report.findings.length > 0) {
    console.warn(
      `end-to-end tests: the cluster has ${report.findings.length} findings of its own, which the tests disregard:\n` +
        report.findings.map((finding) => `  ${summary(finding)}`).join('\n'),
    );
  }
  project.provide('nodes', nodes);
  project.provide('platform', await detectPlatform(nodes[0] as string));
  project.provide(
    'baseline',
    report.findings.map((finding) => finding.fingerprint),
  );
  return async () => {
    await cleanNodes(nodes);
    if (process.env.NETNS_AUDIT_E2E_KEEP === undefined) await removeEverything();
  };
}

async function requireCluster(): Promise<void> {
  if (process.env.KUBECONFIG === undefined) {
    throw new Error(
      'end-to-end tests: NOTHING WAS TESTED, as no cluster is named.\n' +
        'They break the network of nodes, so they take no default: set KUBECONFIG to the kubeconfig of a cluster that may be broken, and run `npm run test:e2e` again.',
    );
  }
  const reached = await tryKubectl(['get', '--raw', '/readyz', '--request-timeout=10s']).catch(
    (error: Error) => {
      throw new Error('end-to-end tests: NOTHING WAS TESTED, as kubectl is not on the PATH; they need it.', {
        cause: error,
      });
    },
  );
  if (reached.exitCode !== 0) {
    throw new Error(
      `end-to-end tests: NOTHING WAS TESTED, as the cluster does not answer: ${reached.stderr}`,
    );
  }
}
