/** Two audits with a fault in between, as recorded in the store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { audit, netnsAudit } from './audit.ts';
import {
  applyRemedy,
  cleanUp,
  type Injected,
  inject as injectFaults,
  waitVictims,
} from './faults/injection.ts';
import { podNetworkFaults } from './faults/pod-network.ts';

const nodes = inject('nodes');
const faults = podNetworkFaults.filter((fault) => fault.id === 'default-route-deleted');

describe('two audits around a fault', () => {
  let store: string;
  let injected: readonly Injected[] = [];
  beforeAll(async () => {
    store = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
  });
  afterAll(async () => {
    await cleanUp(injected);
    await rm(store, { recursive: true, force: true });
  });

  it('differ by that fault and nothing else, and by its end when it is repaired', async () => {
    const before = await audit([], { store });
    injected = await injectFaults(faults, nodes);
    const broken = await audit([], { store });
    const [appeared] = await difference(before.report.runId, broken.report.runId);
    expect(appeared).toEqual([`pod-default-route-missing ${injected[0]?.variables.POD}`]);

    const finding = broken.report.findings.find(({ check }) => check === 'pod-default-route-missing');
    if (finding === undefined) throw new Error('the fault was not found');
    await applyRemedy(finding, injected[0]?.node ?? '');
    await waitVictims(faults);
    const healed = await audit([], { store });
    const [again, gone] = await difference(broken.report.runId, healed.report.runId);
    expect({ again, gone }).toEqual({ again: [], gone: appeared });
    expect(healed.report.resolved.map(({ check }) => check)).toEqual(['pod-default-route-missing']);
  });

  /** New and resolved findings, each as `CHECK NAME`. */
  async function difference(first: string, second: string): Promise<readonly [string[], string[]]> {
    const args = ['reports', 'diff', first, second, '--store', store, '-o', 'json'];
    const { stdout, stderr } = await netnsAudit(args);
    expect(stderr).toBe('');
    const { appeared, gone } = JSON.parse(stdout) as Record<
      'appeared' | 'gone',
      { check: string; object: { name: string } }[]
    >;
    const named = (findings: { check: string; object: { name: string } }[]) =>
      findings.map(({ check, object }) => `${check} ${object.name}`);
    return [named(appeared), named(gone)];
  }
});
