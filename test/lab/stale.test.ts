/** What the repair of a node does to routes and rules for addresses that nobody has, and for those that somebody has by now. */
import { beforeAll, describe, expect, it } from 'vitest';
import { completesWhenKilled, takesBackWhenKilled } from './killed.ts';
import { whyNoLab } from './lab.ts';
import { restoreAndUndo, restoreLab, type TakenBack } from './restored.ts';

const STALE = [
  ['1/route', 'the link leads to a pod with another address'],
  ['2/route', 'ptp made the route'],
  ['3/rule', 'it leads to the address'],
  ['4/rule', 'it leads from the address to the table of an ENI'],
  ['5/route', 'it is of IPv6'],
] as const;

const CHANGED = /^refused: it has changed since it was found$/;
const REFUSED = [
  ['11/route', 'it is gone', /it is as it should be/],
  ['12/route', 'it leads to a gateway', CHANGED],
  ['13/route', 'it has another scope', CHANGED],
  ['14/route', 'a pod has its address', /\(\/run\/netns\/cni-\S+14\) has the address/],
  ['15/route', 'a process without a pin has its address', /\(\/proc\/\d+\/ns\/net\) has the address/],
  ['16/route', 'a cached result has its address', /results\/lab-sixteen-eth0 has the address/],
  ['17/route', 'host-local has its address', /host-local has a record of the address in network lab/],
  ['18/route', 'ipamd has its address', /ipamd has given the address away/],
  ['19/route', 'its link has another name', /another link has its number by now/],
  ['20/route', 'its link is gone', /its link is gone/],
  ['21/route', 'its link is a port of a bridge', /is no link of a pod/],
  ['22/route', 'its link leads elsewhere', /leads to a namespace without a name/],
  ['23/route', 'another route leads to the address', CHANGED],
  ['24/route', 'somebody else made it', CHANGED],
  ['28/route', 'the node has its address', /a namespace of the node \(\S+\) has the address/],
  ['31/rule', 'it is gone', /it is as it should be/],
  ['32/rule', 'it leads to another table', CHANGED],
  ['33/rule', 'it asks for a mark', CHANGED],
  ['34/rule', 'there is another one', CHANGED],
  ['35/rule', 'a pod has its address', /has the address/],
  ['37/rule', 'host-local has its address', /host-local has a record of the address/],
  ['38/rule', 'ipamd has its address', /ipamd has given the address away/],
] as const;

describe.skipIf(whyNoLab() !== null)('routes and rules for unused addresses', { timeout: 180_000 }, () => {
  let repaired: TakenBack;
  beforeAll(() => {
    repaired = restoreAndUndo('stale.sh', STALE.length);
  }, 180_000);

  it.each(STALE)('are deleted: %s, where %s', (name) => {
    expect(repaired.answers.get(name)).toBe('done: it is as it should be');
  });

  it.each(REFUSED)('are left as they are: %s, of which since it was found %s', (name, _, reason) => {
    expect(repaired.answers.get(name)).toMatch(/^refused: /);
    expect(repaired.answers.get(name)).toMatch(reason);
  });

  it.each(STALE)('are added again by an undo: %s', (name) => {
    expect(repaired.undone.get(name)).toBe('done: it is as it was found');
    expect(repaired.last.get('node')).toBe(repaired.broken.get('node'));
  });
});

describe.skipIf(whyNoLab() !== null)('routes and rules alone', { timeout: 60_000 }, () => {
  it('leave the node as it was before', () => {
    const { answers, before, after } = restoreLab('stale.sh', true, { FEW: '1 2 3 4 5' });
    expect([...answers.values()]).toEqual(Array(5).fill('done: it is as it should be'));
    expect(after).toEqual(before);
  });

  it('are only looked at by a rehearsal', () => {
    const { answers, before, after } = restoreLab('stale.sh', false, { FEW: '1 3 4' });
    expect([...answers.values()]).toEqual(Array(3).fill('would: it is as it was found'));
    expect(after).not.toEqual(before);
  });

  it('stay where it is not known what ipamd has given away', () => {
    const without = restoreLab('stale.sh', true, { FEW: '1 3', NO_IPAMD: '1' });
    expect(without.answers.get('1/route')).toMatch(/^done: /);
    expect(without.answers.get('3/rule')).toBe('refused: ipamd keeps no checkpoint');
    const broken = restoreLab('stale.sh', true, { FEW: '1 3', BROKEN: '1' });
    for (const answer of broken.answers.values())
      expect(answer).toMatch(/^left: not all could be looked at: the checkpoint of ipamd cannot be read/);
    expect(broken.answers.size).toBe(2);
  });

  it('are not added again once somebody has the address', () => {
    const { undone, last } = restoreAndUndo('stale.sh', 2, {
      FEW: '1 3',
      MEANWHILE: 'ip addr add 10.3.3.1/32 dev lo; ip addr add 10.3.3.3/32 dev lo',
    });
    for (const answer of undone.values()) expect(answer).toMatch(/^refused: .* has the address$/);
    expect(undone.size).toBe(2);
    expect(last.get('node')).not.toMatch(/10\.3\.3\.1 dev veth|10\.3\.3\.3 lookup/);
  });
});

describe.skipIf(whyNoLab() !== null)('a deletion of routes that is killed', { timeout: 60_000 }, () => {
  completesWhenKilled('stale.sh', [
    ['1', 'route del 10.3.3.1 dev veth00000001'],
    ['3', 'rule del to 10.3.3.3 lookup main priority 512'],
    ['4', 'rule del from 10.3.3.4 lookup 2 priority 1536'],
  ]);
});

describe.skipIf(whyNoLab() !== null)('an undo of it that is killed', { timeout: 60_000 }, () => {
  takesBackWhenKilled('stale.sh', [
    ['1', 'route add 10.3.3.1 dev veth00000001 scope link'],
    ['3', 'rule add to 10.3.3.3 lookup main priority 512'],
    ['4', 'rule add from 10.3.3.4 lookup 2 priority 1536'],
  ]);
});
