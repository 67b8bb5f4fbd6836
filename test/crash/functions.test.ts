/**
 * Each function on AWS, killed at any of its calls: nothing is lost, duplicated or left behind. All calls:
 * `npm run test:crash`.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FleetReport } from '../../lib/audit/fleet/messages.ts';
import { reportOfRun } from '../../lib/audit/index.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { podsOfTheAudit } from '../audit/recorded.ts';
import { Cloud } from '../aws/cloud.ts';
import { hasMoto } from '../aws/moto.ts';
import { expire } from './expire.ts';

const STATES = ['plan-fleet', 'plan-cluster', 'audit-nodes', 'conclude-cluster', 'conclude-fleet'] as const;
type State = (typeof STATES)[number];
/** How many calls of each function a normal test run tries. */
const SAMPLES = process.env.CRASH_CALLS === 'all' ? Number.POSITIVE_INFINITY : 2;

let cloud: Cloud;
/** In a run without kills: each function's calls to AWS and to the cluster, in order. */
let calls: Record<State, string[]>;
let findings: readonly string[];

/** Reports each call: to AWS after it was answered, to the cluster before. */
function listen(
  stub: { onRequest: (request: string) => void },
  onCall: (state: State, what: string) => void,
): void {
  // The cluster does not see roles: its caller is whatever called AWS last.
  let last: State = 'plan-fleet';
  cloud.front.onCall = ({ caller, action, resource }) => {
    last = caller.replace('role-of-', '') as State;
    onCall(last, `${action} ${resource}`);
  };
  stub.onRequest = (request) => onCall(last, request);
}

/**
 * By check and object, so that duplicates show. The recording has its own probe pod in its second list of
 * pods, which a second attempt finds in both lists: leftover pods are therefore checked separately.
 */
const foundIn = (report: ClusterReport | null): string[] =>
  (report?.findings ?? [])
    .filter(({ object }) => object.namespace !== 'netns-audit')
    .map(({ check, object }) => `${check} ${object.name}`)
    .toSorted();

async function keysBelow(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const key of cloud.store.list(prefix)) found.push(key);
  return found;
}

describe.skipIf(!hasMoto)('a function that is killed', () => {
  beforeAll(async () => {
    cloud = await Cloud.start();
    const { stub, config } = await cloud.addCluster('whole', 'broken');
    calls = Object.fromEntries(STATES.map((state) => [state, []])) as unknown as typeof calls;
    listen(stub, (state, what) => calls[state].push(what));
    const { output } = await cloud.run({ day: 1, schedule: 'whole' }, [config]);
    findings = foundIn(await reportOf('whole', output));
  }, 300_000);
  afterEach(() => {
    cloud.front.onCall = () => {};
  });
  afterAll(async () => await cloud?.stop(), 60_000);

  const reportOf = async (cluster: string, output: unknown) =>
    await reportOfRun(cloud.store, { cluster, runId: (output as FleetReport).runId });

  it('has calls at which that may happen', () => {
    for (const state of STATES) expect(calls[state].length, state).toBeGreaterThan(1);
    expect(findings.length).toBeGreaterThan(3);
  });

  it.each(STATES)(
    '%s: after any call the run is whole in the end',
    async (state) => {
      const count = calls[state].length;
      const every = Math.max(1, Math.ceil(count / SAMPLES));
      const chosen = calls[state]
        .map((_, index) => index + 1)
        .filter((call) => call % every === 0 || call === count);
      const wrong: string[] = [];
      for (const call of chosen) {
        const problem = await problemAfter(state, call);
        if (problem !== null) wrong.push(`call ${call} of ${count}, ${calls[state][call - 1]}: ${problem}`);
      }
      console.log(`${state}: ${chosen.length} of ${count} calls, ${wrong.length} went wrong`);
      expect(wrong).toEqual([]);
    },
    900_000,
  );

  async function problemAfter(state: State, nth: number): Promise<string | null> {
    const name = `${state}-${nth}`;
    const { stub, config } = await cloud.addCluster(name, 'broken');
    let [count, died] = [0, false];
    listen(stub, (which) => {
      count += Number(which === state);
      if (died || count !== nth) return;
      died = true;
      for (const sandbox of cloud.functions.of(state)) sandbox.kill();
    });
    let run = await cloud.run({ day: 2, schedule: name }, [config]);
    if (!died) return 'nobody was killed';
    if (run.status === 'FAILED') run = await run.redrive();
    if (run.status !== 'SUCCEEDED') return `the run ended as ${run.status}`;
    const report = await reportOf(name, run.output);
    const found = foundIn(report);
    if (found.join() !== findings.join())
      return `findings are ${found.filter((each) => !findings.includes(each)).join(', ')} too, of ${found.length}`;
    const reports = (await keysBelow(`reports/cluster=${name}/`)).filter((key) =>
      key.endsWith('report.json'),
    );
    if (reports.length !== 1) return `${reports.length} reports`;
    if ((await keysBelow(`latest/cluster=${name}`)).length !== 1) return 'no latest report';
    const mails = (await cloud.mails()).filter((mail) => mail.cluster === name);
    // Between a mail and its record there is a moment: it is sent at least once (docs/alerts.md).
    const most = calls[state][nth - 1]?.startsWith('sns:Publish') ? 2 : 1;
    if (mails.length < 1 || mails.length > most) return `${mails.length} mails`;
    if (podsOfTheAudit(stub).length === 0) return null;
    // What a killed function left on the nodes is removed by the next run after it expires.
    expire(stub);
    const next = await cloud.run({ day: 3, schedule: name }, [config]);
    const left = podsOfTheAudit(stub);
    return next.status === 'SUCCEEDED' && left.length === 0 ? null : `pods stay: ${left.join(' ')}`;
  }
});
