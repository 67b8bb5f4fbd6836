/** Whatever one node sends: the audit continues, and its neighbour's results are the same. By hand: `npm run fuzz`. */
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeCrossingSchema } from '../../lib/model/crossing.ts';
import { type Campaign, campaign } from './campaign.ts';
import { concluded, elsewhere, judged, recordedNode, withCross, withNetlink } from './nodes.ts';

const MUTANTS = 2_000;
const SEED = 20_261_129;

describe('the nodes of the fuzzer', () => {
  it('are as they were recorded, whoever told it: ip, or the kernel', async () => {
    for (const name of ['healthy', 'broken'] as const) {
      const recorded = await recordedNode(name);
      const [printed, answered] = [judged(recorded), judged(withNetlink(recorded))];
      const told = ({ failures }: typeof printed) => failures.map(({ check, object }) => [check, object]);
      expect(told(answered)).toEqual(told(printed));
      expect(answered.podAddresses).toEqual(printed.podAddresses);
    }
  });

  it('have one that says it pinged more pods than a probe does, whose result can be read again', async () => {
    const { crossing } = judged(withCross(await recordedNode('broken')));
    expect(crossing?.fromNode.length).toBeGreaterThan(8);
    expect(nodeCrossingSchema.safeParse(crossing).success).toBe(true);
  });

  it('have a neighbour with findings of its own, and nothing in common with it', async () => {
    const recorded = await recordedNode('broken');
    const other = elsewhere(recorded);
    const both = [judged(recorded), judged(other)];
    const checks = both.map(({ failures }) => failures.map(({ check }) => check));
    expect(checks[1]).toEqual(checks[0]);
    expect(checks[0]?.length).toBeGreaterThan(4);
    const report = concluded(recorded.record, both, null);
    expect(report.findings.length).toBe(2 * (checks[0]?.length ?? 0));
    expect(both[0]?.podAddresses.length).toBeGreaterThan(5);
    const [pods, others] = both.map((result) => new Set(result.podAddresses.map(({ address }) => address)));
    expect([...(pods ?? [])].filter((address) => others?.has(address))).toEqual([]);
  });
});

describe(`of ${MUTANTS} bundles that a node changed`, { timeout: 600_000 }, () => {
  let ended: Campaign;
  beforeAll(async () => {
    ended = await campaign(SEED, { mutants: MUTANTS });
  }, 600_000);

  it('each is judged or refused', () => {
    expect(ended.mutants).toBe(MUTANTS);
    // Most mutations cost one part and no more: a test that refuses every bundle would prove nothing.
    expect(ended.refused).toBeLessThan(MUTANTS / 10);
  });

  it.each([
    ['ends the audit', 'crash'],
    ['takes longer than 5 s of CPU', 'slow'],
    ['changes a word about the neighbour', 'neighbour'],
    ['makes a report or result that nobody can read again', 'unreadable'],
    ['puts an option into a command, or removes a pod of the neighbour', 'remedy'],
    ['reaches a terminal or a page unescaped', 'unescaped'],
  ] as const)('none %s', (_, kind) => {
    const found = ended.failures.filter((failure) => failure.kind === kind);
    const again = `node scripts/fuzz.ts --seed ${SEED} --mutants ${MUTANTS}`;
    expect(found.slice(0, 3), `${found.length} of this kind; again by ${again}`).toEqual([]);
  });
});
