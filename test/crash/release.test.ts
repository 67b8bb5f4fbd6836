/** A repair of Calico's records that is killed at any step is completed by the next call. All steps: `npm run test:crash`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { halfDone, recentDays, settleHalfDone } from '../../lib/audit/index.ts';
import { connect } from '../../lib/cluster/index.ts';
import { DirectoryStore } from '../../lib/history/index.ts';
import type { CalicoBlockObject } from '../../lib/model/calico-ipam.ts';
import { holdsAddress } from '../../lib/repair/calico-ipam.ts';
import { SETTLING } from '../audit/repairs.ts';
import { aBlock, aHandle, HANDLE, leaked } from '../repair/calico.ts';
import { aFinding, aReport } from '../report/sample.ts';
import { StubApiServer } from '../stub/api-server.ts';

const PROGRAM = fileURLToPath(new URL('./release.ts', import.meta.url));
const HOOK = new URL('./kill-at.ts', import.meta.url).href;
const SAMPLES = process.env.CRASH_STEPS_OF_A_REPAIR === 'all' ? Number.POSITIVE_INFINITY : 10;
const BLOCK = `/apis/crd.projectcalico.org/v1/ipamblocks/${leaked.block}`;
const ITS_HANDLE = `/apis/crd.projectcalico.org/v1/ipamhandles/${HANDLE}`;

let folder: string;
let steps: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'netns-audit-crash-'));
  const stub = await aCluster();
  const told = join(folder, 'steps.json');
  expect(await killed(stub, join(folder, 'counting'), { CRASH_STEPS: told })).toBeNull();
  expect(wrongOf(stub)).toBeNull();
  steps = JSON.parse(await readFile(told, 'utf8'));
  await stub.close();
}, 60_000);
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function aCluster(): Promise<StubApiServer> {
  const stub = await StubApiServer.start();
  stub.user = 'ann';
  stub.nodes.push({ metadata: { name: 'node-1', uid: 'u' }, status: { nodeInfo: { bootID: '' } } });
  const old = new Date(Date.now() - 4 * 3_600_000).toISOString().replace('T', ' ').replace('Z', ' +0000 UTC');
  stub.custom.set(BLOCK, aBlock({}, {}, { timestamp: old }));
  stub.custom.set(ITS_HANDLE, aHandle());
  return stub;
}

/** @returns the signal that ended it */
async function killed(
  stub: StubApiServer,
  store: string,
  environment: Record<string, string>,
): Promise<NodeJS.Signals | null> {
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, stub.kubeconfig());
  const child = spawn(process.execPath, ['--import', HOOK, PROGRAM, kubeconfig, store], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: folder, CRASH_FOLDER: store, ...environment },
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal;
}

/** What is not as after one whole repair; null if nothing. */
function wrongOf({ custom }: StubApiServer): string | null {
  const { spec } = custom.get(BLOCK) as CalicoBlockObject;
  const found = JSON.stringify([
    spec.allocations,
    spec.unallocated,
    spec.attributes.length,
    String(spec.sequenceNumber),
  ]);
  if (found !== '[[0,null,1,null],[3,1],2,"1764500000000000008"]') return `the block has ${found}`;
  return custom.get(ITS_HANDLE) === null ? null : 'the handle is left';
}

it('at any step is completed by the next call, once', async () => {
  for (const kind of ['create PUT', 'headers PUT', 'create DELETE /apis/crd', 'before link'])
    expect(
      steps.some((step) => step.startsWith(kind)),
      kind,
    ).toBe(true);
  const every = Math.max(1, Math.ceil(steps.length / SAMPLES));
  // Always those around both writes.
  const chosen = steps.flatMap((step, index) =>
    index % every === 0 || /(?:PUT|DELETE) \/apis\/crd/.test(step) ? [index + 1] : [],
  );
  const wrong: string[] = [];
  let completed = 0;
  for (const step of chosen) {
    const { problem, isCompleted } = await afterKill(step);
    if (isCompleted) completed += 1;
    if (problem !== null) wrong.push(`step ${step} of ${steps.length}, ${steps[step - 1]}: ${problem}`);
  }
  console.log(
    `${chosen.length} of ${steps.length} steps of a repair, ${completed} completed by the next call, ${wrong.length} went wrong`,
  );
  expect(completed).toBeGreaterThan(5);
  expect(wrong).toEqual([]);
}, 900_000);

async function afterKill(step: number): Promise<{ problem: string | null; isCompleted: boolean }> {
  const place = join(folder, `store-${step}`);
  const stub = await aCluster();
  const cluster = await connect({ kind: 'kubeconfig-text', text: stub.kubeconfig() }, { version: '0.0.0' });
  try {
    const signal = await killed(stub, place, { CRASH_AT: String(step) });
    if (signal !== 'SIGKILL')
      return { problem: `it was not killed, but ended by ${signal}`, isCompleted: false };
    // Its lease has ended.
    stub.taken.clear();
    const store = new DirectoryStore(place);
    const block = stub.custom.get(BLOCK) as CalicoBlockObject;
    const days = recentDays(new Date());
    const begun = await halfDone(store, cluster, days);
    if (begun.length === 0) {
      const isUntouched = holdsAddress(block, leaked) && stub.custom.get(ITS_HANDLE) !== null;
      return { problem: isUntouched ? null : wrongOf(stub), isCompleted: false };
    }
    const finding = aFinding({ repair: { kind: 'release-allocations', allocations: [leaked] } });
    const [said = 'nothing'] = await settleHalfDone(cluster, store, {
      ...SETTLING,
      look: async () => aReport({ findings: [finding] }),
    });
    if (!said.includes('it was completed: 1 freed.')) return { problem: said, isCompleted: false };
    const left = (await halfDone(store, cluster, days)).length;
    return { problem: left > 0 ? 'its record is open' : wrongOf(stub), isCompleted: true };
  } finally {
    await cluster.transport.close();
    await stub.close();
  }
}
