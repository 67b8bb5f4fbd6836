/** What the repair of a node does to routes and rules for addresses that nobody has, and for those that somebody has by now. */
import { beforeAll, describe, expect, it } from 'vitest';
import { completesWhenKilled } from './killed.ts';
import { whyNoLab } from './lab.ts';
import { type Restored, restoreAndUndo, restoreLab } from './restored.ts';

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
  let repaired: Restored;
  beforeAll(() => {
    repaired = restoreLab('stale.sh', true);
  }, 180_000);

  it.each(STALE)('are deleted: %s, where %s', (name) => {
    expect(repaired.answers.get(name)).toBe('done: it is as it should be');
  });

  it.each(REFUSED)('are left as they are: %s, of which since it was found %s', (name, _, reason) => {
    expect(repaired.answers.get(name)).toMatch(/^refused: /);
    expect(repaired.answers.get(name)).toMatch(reason);
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

  it('are deleted where host-local has no network, as on AWS', () => {
    const { answers, before, after } = restoreLab('stale.sh', true, { FEW: '1 3 4', NO_RECORDS: '1' });
    expect([...answers.values()]).toEqual(Array(3).fill('done: it is as it should be'));
    expect(after).toEqual(before);
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

  it('are never added by an undo, which would look the same for any other address', () => {
    const { undone, after, last } = restoreAndUndo('stale.sh', 3, { FEW: '1 3 5' });
    for (const answer of undone.values())
      expect(answer).toBe('refused: what was deleted is added again by hand');
    expect(undone.size).toBe(3);
    expect(last).toEqual(after);
  });

  it('stay where the address is spelled in another way than by the kernel', () => {
    const { answers, before, after } = restoreLab('stale.sh', true, { FEW: '1 5', SPELLED: '1' });
    expect([...answers.values()]).toEqual(
      Array(2).fill('refused: its address is not written as the kernel writes it'),
    );
    expect(after).not.toEqual(before);
  });

  it('are read last, right before they are deleted', () => {
    const { answers, after } = restoreLab('stale.sh', true, {
      FEW: '1',
      AT: '-j -d link',
      AT_DO: 'ip route replace 10.3.3.1 dev eth9',
    });
    expect(answers.get('1/route')).toBe('refused: it has changed since it was found');
    expect(after.get('node')).toContain('10.3.3.1 dev eth9');
  });

  it.each([
    ['1/route', 'route del 10.3.3.1 dev veth00000001'],
    ['3/rule', 'rule del to 10.3.3.3 lookup main priority 512'],
    ['4/rule', 'rule del from 10.3.3.4 lookup 2 priority 1536'],
    ['5/route', 'route del fd00::5 dev veth00000005'],
  ])('are added again where somebody gets the address meanwhile: %s', (name, AT) => {
    const number = name.charAt(0);
    const address = number === '5' ? 'fd00::5/128' : `10.3.3.${number}/32`;
    const AT_DO = `nsenter --net=/run/netns/cni-00000000-0000-4000-8000-00000000000${number} ip addr add ${address} dev lo`;
    const broken = restoreLab('stale.sh', false, { FEW: number }).after;
    const { answers, after } = restoreLab('stale.sh', true, { FEW: number, AT, AT_DO });
    expect(answers.get(name)).toMatch(
      /^failed: it was deleted, but .* has the address by now: it was added again$/,
    );
    expect(after.get('node')).toContain(address.split('/')[0]);
    expect(after).toEqual(broken);
  });

  it('leave the place to the route of the pod that gets the address meanwhile', () => {
    const AT_DO =
      'ip addr add 10.3.3.1/32 dev lo; ip route replace 10.3.3.1 dev eth9; ip route add 10.3.3.1 dev veth00000001 scope link metric 9';
    const AT = 'route del 10.3.3.1 dev veth00000001';
    const { answers, after } = restoreLab('stale.sh', true, { FEW: '1', AT, AT_DO });
    expect(answers.get('1/route')).toMatch(/^failed: it was deleted, but .* has the address by now$/);
    expect(after.get('node')).toMatch(/10\.3\.3\.1 dev eth9/);
    expect(after.get('node')).not.toMatch(/10\.3\.3\.1 dev veth00000001/);
  });

  it('are a surprise in words of their own where they stay, or cannot be deleted', () => {
    const few = { FEW: '1 3' };
    const stuck = restoreLab('stale.sh', true, { ...few, STUCK: "'route del 10.3.3.1 dev veth00000001'" });
    expect(stuck.answers.get('1/route')).toBe('failed: it was deleted, but it is still there');
    const fails = restoreLab('stale.sh', true, { ...few, FAILS: "'route del 10.3.3.1 dev veth00000001'" });
    expect(fails.answers.get('1/route')).toMatch(/^failed: it could not be deleted: RTNETLINK answers/);
  });
});

describe.skipIf(whyNoLab() !== null)('a deletion of routes that is killed', { timeout: 60_000 }, () => {
  completesWhenKilled('stale.sh', [
    ['1', 'route del 10.3.3.1 dev veth00000001'],
    ['3', 'rule del to 10.3.3.3 lookup main priority 512'],
    ['4', 'rule del from 10.3.3.4 lookup 2 priority 1536'],
  ]);
});
