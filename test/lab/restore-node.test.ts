/** What the repair of a node does to its own routes, rules, entries and settings, which its pods need, and to what has become of some since they were found. */
import { beforeAll, describe, expect, it } from 'vitest';
import { completesWhenKilled, takesBackWhenKilled } from './killed.ts';
import { whyNoLab } from './lab.ts';
import { restoreAndUndo, restoreLab, type TakenBack } from './restored.ts';

const LOST = [
  ['1/route', 'the route of ptp is gone'],
  ['2/route', 'the route leads to another pod'],
  ['3/to', 'rule 512 is gone'],
  ['4/from', 'rule 1536 is gone'],
  ['5/subnet', "the route of the pods' subnet is gone"],
  ['6/neighbour', 'the node has a wrong entry on the bridge'],
  ['7/neighbour', "the node has a wrong entry on the pod's link"],
  ['8/gateway', 'the pod has a wrong entry of its gateway'],
  ['9/gateway', 'the entry that its plugin wrote is wrong'],
  ['10/gateway', 'the entry that its plugin wrote is gone'],
  ['11/proxy_arp', 'nobody answers on the link of the pod'],
  ['12/forwarding', 'the bridge does not forward'],
  ['12/uplink', 'the uplink does not forward'],
  ['40/other', 'the pod has a wrong entry of another pod'],
  ['47/route', 'only the result of its loopback names its namespace, as with containerd 1.6 and Calico'],
] as const;

const REFUSED = [
  ['13/route', 'it has its route', /it is as it should be/],
  ['14/route', 'another route leads to it', /it has another route to 10\.2\.2\.14 by now/],
  ['15/route', 'the pod has lost the address', /its eth0 does not have the address 10\.2\.2\.15/],
  ['16/route', 'its plugins gave it another address', /does not name the address 10\.2\.2\.16/],
  ['17/route', 'another result has the address', /lab-99-eth0 has the address 10\.2\.2\.17 as well/],
  ['18/route', "the node's end is down", /it is down/],
  ['19/route', 'the wrong route has a gateway by now', /it has changed since it was found/],
  ['21/to', 'it has its rule', /it is as it should be/],
  ['22/from', 'a rule leads to another table', /a rule leads to table 3 by now/],
  ['23/from', 'its plugins gave it another ENI', /does not name table 2/],
  ['24/from', 'the table of its ENI is empty', /table 9 has no default route/],
  ['25/neighbour', 'the entry is another one', /it has changed since it was found/],
  ['26/neighbour', 'the entry is gone', /it is as it should be/],
  ['27/gateway', 'the entry is right', /it is as it should be/],
  ['28/gateway', 'its plugin writes no entries', /its plugins write no such entry/],
  ['30/forwarding', 'another link has the number', /another link has its number by now/],
  ['31/forwarding', 'the link is none of its way', /it is not its link, and no way out of the node/],
  ['33/subnet', 'the bridge has another address', /cni0 does not have the address 10\.9\.9\.1\/24/],
  ['34/gateway', 'no route leads to the gateway', /no route of it leads to the gateway 169\.254\.1\.1/],
  ['35/to', 'its plugins gave it another address', /does not name the address 10\.2\.2\.35/],
  ['42/other', 'the entry is another one', /it has changed since it was found/],
  ['43/other', 'the entry is gone', /it is as it should be/],
  [
    '44/other',
    'the other pod has lost the address',
    /the other pod does not have the address 10\.1\.1\.45 by now/,
  ],
  ['41/other', 'the other pod was recreated', /the other pod does not have the address 10\.1\.1\.46 by now/],
  ['48/route', 'its result is of another container', /does not name the address 10\.2\.2\.48/],
  [
    '49/route',
    'the result of another container, which names no namespace, has the address',
    /lab-50-eth0 has the address 10\.2\.2\.49 as well/,
  ],
  ['36/subnet', 'the bridge is not that of its plugins', /does not name other/],
] as const;

describe.skipIf(whyNoLab() !== null)('what a node lost for its pods', { timeout: 180_000 }, () => {
  let repaired: TakenBack;
  beforeAll(() => {
    repaired = restoreAndUndo('restore-node.sh', LOST.length);
  }, 180_000);

  it.each(LOST)('is put back in %s, where %s', (name) => {
    expect(repaired.answers.get(name)).toBe('done: it is as it should be');
    const [pod = ''] = name.split('/');
    expect(repaired.after.get(pod)).toBe(repaired.before.get(pod));
  });

  it.each(REFUSED)('is left as it is in %s, of which since it was found %s', (name, _, reason) => {
    expect(repaired.answers.get(name)).toMatch(/^refused: /);
    expect(repaired.answers.get(name)).toMatch(reason);
  });

  it.each(LOST)('is taken back in %s', (name) => {
    expect(repaired.undone.get(name)).toBe('done: it is as it was found');
    const [pod = ''] = name.split('/');
    expect(repaired.last.get(pod)).toBe(repaired.broken.get(pod));
  });

  it('is as it was found when all of it is taken back', () => {
    expect(repaired.last.get('node')).toBe(repaired.broken.get('node'));
  });
});

describe.skipIf(whyNoLab() !== null)('what a node alone lost', { timeout: 60_000 }, () => {
  it('is all put back, as it was before', () => {
    const { answers, before, after } = restoreLab('restore-node.sh', true, { FEW: '1 2 3 4 5 6 7 8 9 10' });
    for (const answer of answers.values()) expect(answer).toBe('done: it is as it should be');
    expect(answers.size).toBe(10);
    expect(after).toEqual(before);
  });

  it('is its forwarding, which is put back and taken back', () => {
    const { answers, undone, before, broken, after, last } = restoreAndUndo('restore-node.sh', 2, {
      FEW: '1',
      OFF: 'off',
    });
    expect(answers.get('1/forwarding')).toBe('done: it is as it should be');
    expect(undone.get('1/forwarding')).toBe('done: it is as it was found');
    expect(broken.get('node')).toContain('ip_forward 0');
    expect(after).toEqual(before);
    expect(last).toEqual(broken);
  });

  it.each([
    ['six', /^done: it is as it should be$/],
    ['accepted', /^done: it is as it should be$/],
    ['advertised', /^refused: the node has its default route from router advertisements/],
    ['four', /^refused: what its plugins keep of it names no address of IPv6$/],
  ])('is the forwarding of IPv6, if it keeps its way out and a pod needs it (%s)', (off, answer) => {
    const { answers } = restoreLab('restore-node.sh', true, { FEW: '1', OFF: off });
    expect(answers.get('1/forwarding')).toMatch(answer);
  });

  it.each([
    ['6/neighbour', '6', '', '10.1.1.6', 'cni0'],
    ['40/other', '41', '40', '10.1.1.41', 'eth0'],
  ])(
    'is no entry to be taken back once somebody has written the right one: %s',
    (name, other, pod, address, link) => {
      const inside = (number: string) =>
        number === ''
          ? ''
          : `nsenter --net=/run/netns/cni-00000000-0000-4000-8000-0000000000${number.padStart(2, '0')}`;
      const mac = `$(${inside(other)} ip -j link show eth0 | jq -r '.[0].address')`;
      const { answers, undone, last } = restoreAndUndo('restore-node.sh', 1, {
        FEW: name.split('/')[0] ?? '',
        MEANWHILE: `${inside(pod)} ip neigh replace ${address} lladdr ${mac} nud permanent dev ${link}`,
      });
      expect(answers.get(name)).toBe('done: it is as it should be');
      expect(undone.get(name)).toBe('refused: somebody has written the right entry');
      expect(last.get(pod === '' ? 'node' : pod)).toContain(`${address} dev ${link} lladdr`);
      expect(JSON.stringify([...last])).not.toContain('02:de:ad:00:00:01');
    },
  );

  it('is a gateway entry in a pod, which is not taken back once somebody has written the right one', () => {
    const { answers, undone } = restoreAndUndo('restore-node.sh', 1, {
      FEW: '8',
      MEANWHILE:
        'nsenter --net=/run/netns/cni-00000000-0000-4000-8000-000000000008 ip neigh replace 10.1.1.254 lladdr $(cat /sys/class/net/cni0/address) nud permanent dev eth0',
    });
    expect(answers.get('8/gateway')).toBe('done: it is as it should be');
    expect(undone.get('8/gateway')).toBe('refused: somebody has written the right entry');
  });

  it('is as it should be where somebody has written the right entry', () => {
    const mac =
      "$(nsenter --net=/run/netns/cni-00000000-0000-4000-8000-000000000006 ip -j link show eth0 | jq -r '.[0].address')";
    const { answers } = restoreLab('restore-node.sh', true, {
      FEW: '6',
      AT: '-j neigh',
      AT_DO: `ip neigh replace 10.1.1.6 lladdr ${mac} nud permanent dev cni0`.replaceAll("'", '"'),
    });
    expect(answers.get('6/neighbour')).toBe('refused: it is as it should be');
  });

  it('is only looked at by a rehearsal', () => {
    const { answers, before, after } = restoreLab('restore-node.sh', false, { FEW: '1 3 5', OFF: 'off' });
    for (const answer of answers.values()) expect(answer).toBe('would: it is as it was found');
    expect(after).not.toEqual(before);
  });
});

describe.skipIf(whyNoLab() !== null)('a repair of a node that is killed', { timeout: 60_000 }, () => {
  completesWhenKilled('restore-node.sh', [
    ['1', 'route replace 10.2.2.1 dev veth00000001 scope host'],
    ['2', 'route replace 10.2.2.2 dev veth00000002 scope link'],
    ['3', 'rule add to 10.2.2.3 lookup main priority 512'],
    ['4', 'rule add from 10.2.2.4 lookup 2 priority 1536'],
    ['5', 'route add 10.1.1.0/24 dev cni0 *'],
    ['6', 'neigh del 10.1.1.6 dev cni0'],
    ['8', 'neigh del 10.1.1.254 dev eth0'],
    ['9', 'neigh replace 169.254.1.1 *'],
    ['40', 'neigh del 10.1.1.41 dev eth0'],
  ]);
});

describe.skipIf(whyNoLab() !== null)(
  'an undo of what a node lost that is killed',
  { timeout: 60_000 },
  () => {
    takesBackWhenKilled('restore-node.sh', [
      ['1', 'route del 10.2.2.1 dev veth00000001'],
      ['2', 'route replace 10.2.2.2 dev veth00000014 scope link'],
      ['3', 'rule del to 10.2.2.3 lookup main priority 512'],
      ['4', 'rule del from 10.2.2.4 lookup 2 priority 1536'],
      ['5', 'route del 10.1.1.0/24 dev cni0'],
      ['6', 'neigh replace 10.1.1.6 *'],
      ['7', 'neigh replace 10.2.2.7 *'],
      ['8', 'neigh replace 10.1.1.254 *'],
      ['9', 'neigh replace 169.254.1.1 *'],
      ['10', 'neigh del 169.254.1.1 dev eth0'],
      ['40', 'neigh replace 10.1.1.41 *'],
      // A setting is written by no program: the last look before it, and the first after it.
      ['11', 'after -j route show default'],
      ['11', 'before -j route show default', 2],
    ]);
    takesBackWhenKilled(
      'restore-node.sh',
      [
        ['12', 'after -j route show default'],
        ['12', 'before -j route show default', 2],
        ['12', 'after -j route show default', 3],
        ['12', 'before -j route show default', 4],
      ],
      { count: 2 },
    );
    takesBackWhenKilled(
      'restore-node.sh',
      [
        ['1', 'after -6 -j route'],
        ['1', 'before -j -d addr', 3],
      ],
      { count: 2, OFF: 'off' },
    );
  },
);
