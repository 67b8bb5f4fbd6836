import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodeCrossing } from '../../lib/computed/path/node-crossing.ts';
import type { CrossPlan } from '../../lib/model/crossing.ts';
import type { Evidence, Part } from '../../lib/model/evidence.ts';
import { aCrossPod } from '../checks/connectivity/crossings.ts';
import { labEvidence, probeLab, whyNoLab } from './lab.ts';

const noLab = whyNoLab();
if (noLab !== null) console.warn(`Skipped, as ${noLab}.`);

function present<T>(part: Part<T>): T {
  if (part.status !== 'present') throw new Error(part.reason);
  return part.value;
}

describe.skipIf(noLab !== null)('a node whose runtimes keep their files elsewhere', () => {
  let evidence: Evidence;
  beforeAll(async () => {
    evidence = await labEvidence(probeLab({ places: true }));
  }, 60_000);
  const sandbox = (name: string) => present(evidence.sandboxes).find((one) => one.name === name);

  test('has the sandbox found by the shim that runs it, and its pin where the mount table has it', () => {
    const path = '/run/elsewhere/netns/cni-moved';
    expect(sandbox('moved')).toMatchObject({ state: 'ready', namespacePath: path });
    const pin = present(evidence.pins).find((one) => one.path === path);
    expect(pin).toMatchObject({ fileSystem: 'nsfs', mounted: [pin?.inode] });
    expect(present(evidence.namespaces).find(({ pins }) => pins.includes(path))?.stack.status).toBe(
      'present',
    );
  });

  test('has those found that CRI-O and docker keep, as their configuration and command line say', () => {
    expect(sandbox('finished')).toMatchObject({ state: 'stopped' });
    expect(sandbox('docked')).toMatchObject({ network: 'pod', pid: expect.any(Number) });
  });
});

const noPing = noLab ?? (spawnSync('which', ['fping']).status === 0 ? null : 'pings need fping');
if (noPing !== null && noLab === null) console.warn(`Pings are skipped, as ${noPing}.`);

describe.skipIf(noPing !== null)('a pod with nothing but IPv6', () => {
  test('is pinged by the node, and pings its gateway by the link that it is on', async () => {
    const evidence = await labEvidence(probeLab({ six: 'eth0', arguments: ['active=ping'] }));
    expect(evidence.incomplete).toEqual([]);
    const inode = present(evidence.podNetworks).find(({ pod }) => pod.name === 'six')?.namespace;
    const active = present(evidence.active).find((one) => one.inode === inode);
    expect(active?.pings).toEqual([
      { from: 'node', target: 'fd00:9::2', answered: true, neighbour: expect.stringMatching(/^[A-Z]+ /) },
      { from: 'pod', target: 'fe80::9%eth0', answered: true, neighbour: expect.stringMatching(/^[A-Z]+ /) },
    ]);
  });
});

describe.skipIf(noPing !== null)('a pod that is to ping another node and its pods', () => {
  test('pings them from its own namespace, and its node pings them and the pod itself', async () => {
    const plan = {
      status: 'planned',
      next: { name: 'node-2', address: 'fd00:9::1' },
      sources: [aCrossPod(1, { name: 'six', uid: 'uid-of-six', address: 'fd00:9::2' })],
      targets: [{ ...aCrossPod(2, { address: 'fd00:9::99' }), stayed: true }],
    } as const satisfies CrossPlan;
    const log = probeLab({
      six: 'eth0',
      arguments: ['active=cross', 'cross=fd00:9::1,fd00:9::99', 'from=fd00:9::2'],
    });
    const evidence = await labEvidence(log, structuredClone(plan));
    expect(evidence.incomplete).toEqual([]);
    const inode = present(evidence.podNetworks).find(({ pod }) => pod.name === 'six')?.namespace;
    const answers = (...answered: [string, boolean][]) =>
      answered.map(([target, answer]) => expect.objectContaining({ target, answered: answer }));
    expect(present(evidence.crossing).sent).toEqual({
      node: answers(['fd00:9::1', true], ['fd00:9::99', false], ['fd00:9::2', true]),
      namespaces: [{ inode, pings: answers(['fd00:9::1', true], ['fd00:9::99', false]) }],
    });
    // As one did not answer, packets with few hops followed.
    expect(present(evidence.crossing).sent?.namespaces[0]?.pings[1]?.hops).toHaveLength(3);
    expect(nodeCrossing(evidence)?.fromPods.map(({ uid }) => uid)).toEqual(['uid-of-six']);
  });

  test('are two, and one more for each further table by which the node sends for pods', async () => {
    const numbers = [2, 21, 22, 23, 24];
    const from = numbers.map((number) => `10.1.1.${number}`);
    const sources = numbers.map((number) => {
      const name = number === 2 ? 'healthy' : `pod${number}`;
      return aCrossPod(1, { name, uid: `uid-of-${name}`, address: `10.1.1.${number}` });
    });
    const plan = {
      status: 'planned',
      next: { name: 'node-2', address: '10.1.1.99' },
      sources,
      targets: [{ ...aCrossPod(2, { address: '10.1.1.98' }), stayed: true }],
    } as const satisfies CrossPlan;
    const log = probeLab({
      tables: true,
      arguments: ['active=cross', 'cross=10.1.1.99,10.1.1.98', `from=${from.join(',')}`],
    });
    const evidence = await labEvidence(log, structuredClone(plan));
    const crossing = nodeCrossing(evidence);
    expect(crossing?.fromPods.map(({ uid }) => uid)).toEqual([
      'uid-of-healthy',
      'uid-of-pod21',
      'uid-of-pod22',
      'uid-of-pod24',
    ]);
    // The node before it may ping any of the first eight.
    expect(crossing?.fromNode.map(({ target }) => target)).toEqual(['10.1.1.99', '10.1.1.98', ...from]);
    expect(crossing?.waysOut.map(({ address, table }) => [address, table])).toEqual([
      ['10.1.1.2', 'main'],
      ['10.1.1.21', 'main'],
      ['10.1.1.22', '2'],
      ['10.1.1.23', '2'],
      ['10.1.1.24', '3'],
    ]);
  });
});

describe.skipIf(noPing !== null)('a pod that calls its link as an option of fping is called', () => {
  test('has no ping sent by that name, and holds up nobody', async () => {
    const evidence = await labEvidence(probeLab({ six: 'a,-l', arguments: ['active=ping', 'limit=10'] }));
    expect(evidence.incomplete).toEqual([]);
    const inode = present(evidence.podNetworks).find(({ pod }) => pod.name === 'six')?.namespace;
    const active = present(evidence.active).find((one) => one.inode === inode);
    expect(active?.pings).toMatchObject([{ from: 'node', target: 'fd00:9::2', answered: true }]);
  });
});

describe.skipIf(noLab !== null)('runtime specs that are no JSON, by the hundred', () => {
  test('cost no run of jq each for all that is left: the others are read in time', async () => {
    const path = mkdtempSync(join(tmpdir(), 'netns-lab-'));
    try {
      // Each run of jq leaves a line for each file that it gets.
      const count = join(path, 'count');
      const real = spawnSync('which', ['jq'], { encoding: 'utf8' }).stdout.trim();
      writeFileSync(
        join(path, 'jq'),
        `#!/bin/sh\nfor each; do case $each in *k8s.io/*/config.json) echo >>${count} ;; esac; done\nexec ${real} "$@"\n`,
      );
      chmodSync(join(path, 'jq'), 0o755);
      const evidence = await labEvidence(probeLab({ path, broken: 140 }));
      expect(present(evidence.sandboxes).map(({ name }) => name)).toEqual(
        expect.arrayContaining(['healthy', 'bare', 'filtered']),
      );
      // Twice, as unreadable files are read once more at the end; 140 times all leftovers are 10,000.
      expect(readFileSync(count, 'utf8').length).toBeLessThan(2 * 16 * 146);
    } finally {
      rmSync(path, { recursive: true });
    }
  });
});

describe.skipIf(noLab !== null)('a runtime spec that was half written', () => {
  test('costs no other: the CNI tells whose it is', async () => {
    const evidence = await labEvidence(probeLab({ six: 'eth0' }));
    expect(evidence.incomplete).toEqual([]);
    expect(present(evidence.sandboxes).filter(({ unreadSpecs }) => unreadSpecs.length > 0)).toMatchObject([
      {
        name: 'bare',
        state: 'ready',
        process: 'running',
        unreadSpecs: [expect.stringMatching(/^\/run\/.*\/bbbb\/config\.json$/)],
      },
    ]);
    const names = present(evidence.podNetworks).map(({ pod }) => pod.name);
    expect(names.toSorted()).toEqual(['bare', 'filtered', 'healthy', 'six']);
  });
});

describe.skipIf(noLab !== null)('a runtime that has its mounts to itself', () => {
  test('has its pins read where it made them', async () => {
    const evidence = await labEvidence(probeLab({ apart: true }));
    const pin = present(evidence.pins).find(({ path }) => path === '/run/netns/cni-apart');
    expect(pin).toMatchObject({ fileSystem: 'nsfs', mounted: [pin?.inode] });
    expect(evidence.incomplete).toEqual([]);
  });
});
