/** Mutants judged together with a neighbour, ten per cluster: what went wrong, with the mutations that caused it. */
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { AuditError, messageOf } from '../../lib/model/errors.ts';
import type { NodeResult } from '../../lib/model/node-result.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { type BundleFiles, unpackLog } from '../../lib/probe/index.ts';
import { asLog, aTarGz } from '../probe/log.ts';
import { claims, type Identity, type Mutation, mutated, mutations } from './mutations.ts';
import {
  concluded,
  elsewhere,
  judged,
  named,
  type RecordedNode,
  recordedNode,
  withCross,
  withGhost,
  withNetlink,
} from './nodes.ts';
import { misledRemedy, unescaped, unreadable, wordsAbout } from './oracle.ts';

export const GROUP = 10;
/** Maximum CPU seconds for one bundle. */
export const SECONDS = 5;

export const kinds = ['crash', 'slow', 'neighbour', 'unreadable', 'remedy', 'unescaped'] as const;
export type Failure = {
  readonly mutant: number;
  readonly kind: (typeof kinds)[number];
  readonly what: string;
  readonly changes: readonly Mutation[];
};

export type Attack = {
  /** @param onMutant - called before each is judged, so that one that never ends can be named */
  group(
    number: number,
    onMutant: (mutant: number, changes: readonly Mutation[]) => void,
  ): Promise<GroupResult>;
};
export type GroupResult = {
  readonly failures: Failure[];
  readonly refused: number;
  readonly slowest: number;
};

type Judged = { readonly mutant: number; readonly changes: readonly Mutation[]; readonly result: NodeResult };

export async function prepare(seed: number): Promise<Attack> {
  const [healthy, broken] = [await recordedNode('healthy'), await recordedNode('broken')];
  const bases = [healthy, broken, withNetlink(healthy), withCross(withNetlink(broken))];
  const other = elsewhere(broken);
  const neighbour = withGhost(other);
  const { record } = neighbour;
  const own = judged(neighbour);
  // Only these two: the mutants are compared with an earlier report that has something to resolve.
  const previous = concluded(record, [own], null);
  const expected = wordsAbout(concluded(record, [own], previous)).join('\n');
  const pods = neighbour.before.pods.map(({ name }) => name);
  const arbitrary = mutations(wordsOf(neighbour));

  function wrongOf(results: readonly NodeResult[]): Pick<Failure, 'kind' | 'what'> | null {
    let report: ClusterReport;
    try {
      report = concluded(record, [...results, own], previous);
    } catch (error) {
      return { kind: 'crash', what: `concluding: ${messageOf(error)}` };
    }
    const words = wordsAbout(report).join('\n');
    if (words !== expected) return { kind: 'neighbour', what: firstDifference(expected, words) };
    const broken = unreadable(report, results);
    if (broken !== null) return { kind: 'unreadable', what: broken };
    const remedy = misledRemedy(report, pods);
    if (remedy !== null) return { kind: 'remedy', what: remedy };
    try {
      const written = unescaped(report);
      return written === null ? null : { kind: 'unescaped', what: written };
    } catch (error) {
      return { kind: 'crash', what: `writing: ${messageOf(error)}` };
    }
  }

  return {
    async group(number, onMutant) {
      const failures: Failure[] = [];
      const all: Judged[] = [];
      let [refused, slowest] = [0, 0];
      const drawn = fc.sample(arbitrary, { seed: (seed * 1_000_003 + number) | 0, numRuns: GROUP });
      for (const [place, changes] of drawn.entries()) {
        const mutant = number * GROUP + place;
        onMutant(mutant, changes);
        const fail = (kind: Failure['kind'], what: string) => failures.push({ mutant, kind, what, changes });
        const base = named(bases[mutant % bases.length] as RecordedNode, `node-${100 + place}`);
        const { before, after, files } = attacked(base, changes, other);
        const began = process.cpuUsage();
        try {
          const taken = number % 2 === 0 && place === 0 ? await throughTheLog(files, changes) : files;
          const result = judged({ ...base, before, after, files: taken });
          all.push({ mutant, changes, result });
        } catch (error) {
          if (error instanceof AuditError) refused += 1;
          else fail('crash', `judging: ${stackOf(error)}`);
        }
        const { user, system } = process.cpuUsage(began);
        const seconds = (user + system) / 1e6;
        slowest = Math.max(slowest, seconds);
        if (seconds > SECONDS) fail('slow', `${seconds.toFixed(1)} s of CPU`);
      }
      if (wrongOf(all.map(({ result }) => result)) !== null) {
        // Which mutant causes it; some faults need two.
        const alone = all.flatMap(({ mutant, changes, result }) => {
          const wrong = wrongOf([result]);
          return wrong === null ? [] : [{ mutant, changes, ...wrong }];
        });
        const together = wrongOf(all.map(({ result }) => result));
        failures.push(
          ...(alone.length > 0 || together === null
            ? alone
            : [{ mutant: number * GROUP, changes: [], ...together, what: `together: ${together.what}` }]),
        );
      }
      return { failures, refused, slowest };
    },
  };
}

/** The node after all its mutations. In the API, a kubelet may only write the status of its own pods. */
function attacked(base: RecordedNode, changes: readonly Mutation[], neighbour: RecordedNode): RecordedNode {
  const files = mutated(base.files, changes);
  if (!changes.some(({ kind }) => kind === 'claim')) return { ...base, files };
  const claim = claims(changes, identities(base), identities(neighbour));
  const forged = (of: RecordedNode['before']): RecordedNode['before'] =>
    JSON.parse(claim.status(JSON.stringify(of)));
  const text = (content: Uint8Array): string => Buffer.from(content).toString('latin1');
  return {
    ...base,
    before: forged(base.before),
    after: forged(base.after),
    files: new Map(
      [...files].map(([path, content]) => [
        path,
        path.endsWith('/netlink') ? content : Buffer.from(claim.files(path, text(content)), 'latin1'),
      ]),
    ),
  };
}

function identities({ after }: RecordedNode): Identity[] {
  return after.pods
    .filter(({ hostNetwork }) => !hostNetwork)
    .map(({ namespace, name, uid, podIPs }) => [namespace, name, uid, podIPs[0] ?? 'none']);
}

/** As a probe prints it; for some mutants the archive itself is hostile. */
async function throughTheLog(files: BundleFiles, changes: readonly Mutation[]): Promise<BundleFiles> {
  const packed = await aTarGz([...files].map(([name, content]) => ({ name, content })));
  const tar = gunzipSync(packed);
  for (const change of changes.slice(1)) {
    const at = Math.floor(('file' in change ? change.file : 0) * tar.length);
    tar[at] = (tar[at] ?? 0) ^ (1 + (at % 255));
  }
  return await unpackLog(asLog(gzipSync(tar, { level: 1 })));
}

/** What a node could know about another. */
function wordsOf({ before }: RecordedNode): string[] {
  return [
    before.node.name,
    before.node.uid,
    ...before.node.addresses,
    ...before.pods.flatMap(({ namespace, name, uid, podIPs }) => [namespace, name, uid, ...podIPs]),
  ];
}

function firstDifference(expected: string, found: string): string {
  const before = new Set(expected.split('\n'));
  const after = new Set(found.split('\n'));
  const gone = [...before].find((line) => !after.has(line));
  const come = [...after].find((line) => !before.has(line));
  return `instead of ${gone?.slice(0, 200) ?? 'nothing'} there is ${come?.slice(0, 200) ?? 'nothing'}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).slice(0, 400) : String(error);
}
