import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RunRecord } from '../../lib/probe/index.ts';
import { aPod } from '../checks/evidence.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';
import { rawPod } from '../stub/raw.ts';
import { addNode, audit, coverageOf, type Recording, serveRecording } from './recorded.ts';

let stub: StubApiServer;
let recording: Recording;
let started: ApiObject[];

beforeEach(async () => {
  stub = await StubApiServer.start();
  recording = await serveRecording(stub, 'healthy');
  started = [];
  const real = stub.ending;
  stub.ending = (pod) => {
    started.push(pod);
    return real(pod);
  };
});
afterEach(async () => {
  await stub.close();
});

const other = aPod({ name: 'other', uid: 'uid-other', node: 'node-2', podIPs: ['10.244.2.7'], ready: true });

function addSecondNode(): void {
  addNode(stub, recording.node, { name: 'node-2', addresses: ['10.99.0.12'] });
  stub.pods.set('shop/other', rawPod(other));
}

const argumentsOn = (node: string): string[] =>
  started
    .filter(({ spec }) => (spec as { nodeName?: string } | undefined)?.nodeName === node)
    .flatMap(({ spec }) =>
      (spec as { containers: { args: string[] }[] }).containers.flatMap(({ args }) => args),
    );
const ofCrossing = ({ coverage }: Awaited<ReturnType<typeof audit>>) =>
  coverage.checks.find(({ check }) => check === 'cross-node-unreachable');

it('each node is told the address of the next and of pods there, of which it lists only these', async () => {
  addSecondNode();
  const before = stub.requests.length;
  const kept: (RunRecord & { crossing?: unknown })[] = [];
  await audit(stub, {
    active: ['cross'],
    onGathered: async ({ before: { node }, after }, record) => {
      if (node.name === 'node-1') kept.push({ ...record, crossing: after?.crossing });
    },
  });
  const args = argumentsOn('node-1');
  expect(args).toContain('active=cross');
  expect(args).toContain('cross=10.99.0.12,10.244.2.7');
  expect(args.find((each) => each.startsWith('from='))).toMatch(
    /^from=10\.244\.1\.\d+(?:,10\.244\.1\.\d+){7}$/,
  );
  expect(argumentsOn('node-2').find((each) => each.startsWith('cross='))).toContain(',10.244.1.');
  expect(kept[0]?.crossing).toMatchObject({ status: 'planned', targets: [{ name: 'other', stayed: true }] });
  const lists = stub.requests.slice(before).filter((each) => each.includes('/api/v1/pods'));
  // Each node's own pods before and after, and those of the next.
  expect(lists).toHaveLength(8);
});

it('a node whose next has no pods pings these none, but its own', async () => {
  addNode(stub, recording.node, { name: 'node-2', addresses: ['10.99.0.12'] });
  await audit(stub, { active: ['cross'] });
  expect(argumentsOn('node-1')).toContain('cross=10.99.0.12');
  expect(argumentsOn('node-1').find((each) => each.startsWith('from='))).toMatch(/^from=10\.244\.1\./);
  expect(argumentsOn('node-2').some((each) => /^(?:active|cross|from)=/.test(each))).toBe(false);
});

it('a node alone is told nobody, and the coverage says so', async () => {
  const report = await audit(stub, { active: ['cross'] });
  expect(argumentsOn('node-1').some((each) => /^(?:active|cross|from)=/.test(each))).toBe(false);
  expect(coverageOf(report, 'node-1')).toMatchObject({ result: 'audited' });
  expect(ofCrossing(report)).toMatchObject({
    notApplicable: 1,
    unknown: 0,
    reasons: ['not tried: the run has one node only'],
  });
});

it('a probe that did not come to its pings makes the result unknown, with the reason', async () => {
  addSecondNode();
  const report = await audit(stub, { active: ['cross'] });
  expect(ofCrossing(report)?.unknown).toBeGreaterThan(0);
  expect(ofCrossing(report)?.reasons.join()).toContain('the probe did not come to them');
});

it('nothing of it happens unless it is asked for', async () => {
  addSecondNode();
  const report = await audit(stub);
  expect(ofCrossing(report)).toBeUndefined();
  expect(argumentsOn('node-1').some((each) => /^(?:active|cross|from)=/.test(each))).toBe(false);
  expect(stub.requests.some((each) => each.includes('networkpolicies'))).toBe(false);
});
