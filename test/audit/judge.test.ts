import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JUDGING } from '../../lib/audit/judge.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { addNode, audit, coverageOf, endWith, podsOfTheAudit, serveRecording } from './recorded.ts';

const module = new URL('./hostile-judge.ts', import.meta.url);

let stub: StubApiServer;
beforeEach(async () => {
  stub = await StubApiServer.start();
});
afterEach(async () => {
  await stub.close();
});

/** What the report says about one node, without the times of the run, and the counts over all nodes, of which one has failed. */
const about = (report: ClusterReport, node: string) =>
  JSON.stringify(
    report.findings
      .filter(({ object }) => (object.kind === 'node' ? object.name : object.node) === node)
      .map(({ replicas: _, ...finding }) => ({ ...finding, firstSeen: '', lastSeen: '' })),
  );

describe('a node whose bundle is worse than its size tells', () => {
  it.each([
    ['endless', { seconds: 5 }, 'its bundle could not be judged within 5 seconds'],
    ['greedy', { megabytes: 100 }, 'its bundle could not be judged within 100 MB of memory'],
    ['fatal', {}, 'its bundle could not be judged: the process that judges it ended'],
  ])(
    '%s: has failed with the reason, and the other is as if it were alone',
    async (name, limits, reason) => {
      const { node, log } = await serveRecording(stub, 'broken');
      const alone = await audit(stub);
      addNode(stub, node, { name });
      endWith(stub, name, () => ({ log }));
      // One at a time, the hostile one first: the process that it killed is replaced for the other.
      stub.nodes.reverse();
      const keepIn = await mkdtemp(join(tmpdir(), 'netns-auditor-'));
      const report = await audit(stub, { keepIn, concurrency: 1, judging: { module, ...limits } });
      expect(coverageOf(report, name)).toMatchObject({
        result: 'failed',
        reason,
        remedy: expect.stringContaining('Audit this node again'),
      });
      expect(report.findings.filter(({ object }) => object.node === name)).toEqual([]);
      expect(coverageOf(report, 'node-1')?.result).toBe('audited');
      expect(about(report, 'node-1')).toBe(about(alone, 'node-1'));
      expect(about(report, 'node-1')).toContain('pod-interface-missing');
      expect(podsOfTheAudit(stub)).toEqual([]);
    },
    60_000,
  );

  it('does not hold up an interrupt: the audit ends within a second, and its pods are gone', async () => {
    const { node, log } = await serveRecording(stub, 'healthy');
    addNode(stub, node, { name: 'endless' });
    endWith(stub, 'endless', () => ({ log }));
    const interrupt = new AbortController();
    let interrupted = 0;
    const run = audit(stub, { signal: interrupt.signal, judging: { module } });
    // Both bundles were fetched, and judging one never ends.
    await expect
      .poll(() => stub.requests.filter((each) => /-endless-\w+\/log/.test(each)).length, { timeout: 20_000 })
      .toBe(1);
    setTimeout(() => {
      interrupted = performance.now();
      interrupt.abort();
    }, 1_000);
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
    expect(performance.now() - interrupted).toBeLessThan(1_000);
    expect(podsOfTheAudit(stub)).toEqual([]);
  }, 60_000);

  it('is judged by the source beside the auditor, where that is not made into JavaScript', () => {
    expect(JUDGING.module.pathname).toMatch(/\/lib\/audit\/judge-process\.ts$/);
  });
});
