/** What the repair of a node does to running pods that lost a part of their network, and to what has become of some since they were found. */
import { beforeAll, describe, expect, it } from 'vitest';
import { completesWhenKilled, takesBackWhenKilled } from './killed.ts';
import { whyNoLab } from './lab.ts';
import { type Restored, restoreAndUndo, restoreLab } from './restored.ts';

const LOST = [
  ['1/lo', 'its loopback is down'],
  ['2/default', 'its default route is gone'],
  ['3/subnet', 'the route of its subnet is gone'],
  ['4/hairpin', 'its port of the bridge has no hairpin'],
  ['5/port', "the node's end is no port of the bridge"],
  ['6/up', "the node's end is down"],
  ['7/learning', 'its port of the bridge does not learn'],
  ['8/isolated', 'its port of the bridge is isolated'],
  ['9/lo', 'its loopback has no address'],
] as const;

const REFUSED = [
  ['10/lo', 'its namespace is another one', /its network namespace is gone, or another one/],
  ['11/lo', 'its containers have ended', /no container of the runtime runs in its network namespace/],
  ['36/lo', 'the runtime does not know it', /no container of the runtime runs in its network namespace/],
  ['12/lo', 'its loopback is up', /it is as it should be/],
  ['13/default', 'it has another default route', /it has another default route by now/],
  ['14/default', 'its plugins gave it another gateway', /does not name the gateway 10\.1\.1\.254/],
  ['15/default', 'its link is down', /its eth0 is down/],
  ['16/default', 'it has half a default route', /it has routes of its own/],
  ['17/default', 'the gateway is not on its link', /the gateway 10\.1\.1\.254 is not on its eth0/],
  ['18/default', 'its link has another name', /it has no eth0/],
  ['19/hairpin', "the node's end is on no bridge", /it is on no bridge/],
  ['21/hairpin', "the node's end is on another bridge", /does not name other/],
  ['22/hairpin', 'another link has the number', /another link has its number by now/],
  ['23/hairpin', 'its pair is gone', /it is gone/],
  ['24/hairpin', 'its plugins were told no hairpin', /its plugins were told no hairpinMode/],
  ['25/hairpin', 'another pod has its link', /its other end is not in the pod/],
  ['26/port', "the node's end is on another bridge", /it is a port of other by now/],
  ['27/port', "the node's end has an address", /it has an address of its own/],
  ['28/port', 'its plugins isolate ports', /its plugins isolate their ports/],
  ['29/port', "the node's end is down as well", /it is down/],
  ['30/port', 'its bridge tells VLANs apart', /vlans tells VLANs apart/],
  ['32/up', "the node's end is on no bridge", /it is on no bridge/],
  ['33/subnet', 'another route leads to its subnet', /it has another route to 10\.1\.1\.0\/24 by now/],
  ['34/subnet', 'it has another address', /its eth0 does not have the address 10\.1\.1\.34\/24/],
] as const;

describe.skipIf(whyNoLab() !== null)('what pods lost of their network', { timeout: 180_000 }, () => {
  let repaired: Restored;
  beforeAll(() => {
    repaired = restoreLab('restore.sh', true);
  }, 180_000);
  const of = (name: string): string => repaired.answers.get(name) ?? 'no answer';

  it.each(LOST)('is put back in %s, where %s', (name) => {
    expect(of(name)).toBe('done: it is as it should be');
    const [pod = ''] = name.split('/');
    expect(repaired.before.get(pod)).toMatch(/eth0/);
    expect(repaired.after.get(pod)).toBe(repaired.before.get(pod));
  });

  it.each(REFUSED)('is left as it is in %s, of which since it was found %s', (name, _, reason) => {
    expect(of(name)).toMatch(/^refused: /);
    expect(of(name)).toMatch(reason);
  });

  it('has hairpin on the bridge only where its plugins were told so', () => {
    expect(of('31/port')).toBe('done: it is as it should be');
    expect(repaired.after.get('31')).toContain('hairpin off');
    expect(repaired.after.get('5')).toContain('hairpin on');
  });

  it('changes nothing of others', () => {
    expect(repaired.after.get('37')).toBe(repaired.before.get('37'));
  });
});

describe.skipIf(whyNoLab() !== null)('a rehearsal', { timeout: 180_000 }, () => {
  it('says of each what would be done, and changes nothing', () => {
    const { answers, before, after } = restoreLab('restore.sh', false);
    for (const [name] of LOST) {
      expect(answers.get(name)).toBe('would: it is as it was found');
      const [pod = ''] = name.split('/');
      expect(after.get(pod)).not.toBe(before.get(pod));
    }
    for (const [name] of REFUSED) expect(answers.get(name)).toMatch(/^refused: /);
  });
});

describe.skipIf(whyNoLab() !== null)('what does not go as it should', { timeout: 180_000 }, () => {
  it.each([
    ['STUCK', /^failed: it was put back, but it is not as it should be: found$/],
    ['FAILS', /^failed: it could not be put back: RTNETLINK answers: Operation not permitted/],
  ])('is no success, and ends it (%s)', (how, said) => {
    const { answers } = restoreLab('restore.sh', true, { FEW: '1 2 3', [how]: 'route\\ add\\ default*' });
    expect(answers.get('1/lo')).toBe('done: it is as it should be');
    expect(answers.get('2/default')).toMatch(said);
    expect(answers.get('3/subnet')).toBe('left: another one did not go as it should');
  });

  it('is not tried where the records of the runtime do not have the repair itself', () => {
    const { answers } = restoreLab('restore.sh', true, { FEW: '1 2 3', ELSEWHERE: '1' });
    expect(answers.size).toBe(3);
    for (const answer of answers.values())
      expect(answer).toContain('left: not all could be looked at: the records of the runtime do not have');
  });

  it('is not tried once the time is over', () => {
    const { answers } = restoreLab('restore.sh', true, { FEW: '1 2 3', TOTAL: '0' });
    for (const answer of answers.values()) expect(answer).toBe('left: the time was over');
  });
});

describe.skipIf(whyNoLab() !== null)('what was put back', { timeout: 180_000 }, () => {
  it('is taken back as it was found', () => {
    const few = LOST.map(([name]) => name.split('/')[0]).join(' ');
    const { answers, undone, broken, last, before, after } = restoreAndUndo('restore.sh', LOST.length, {
      FEW: few,
    });
    for (const [name] of LOST)
      expect([name, answers.get(name)]).toEqual([name, 'done: it is as it should be']);
    for (const [name] of LOST)
      expect([name, undone.get(name)]).toEqual([name, 'done: it is as it was found']);
    expect(after).toEqual(before);
    expect(broken).not.toEqual(before);
    expect(last).toEqual(broken);
  });
});

describe.skipIf(whyNoLab() !== null)('a repair of pods that is killed', { timeout: 60_000 }, () => {
  completesWhenKilled('restore.sh', [
    ['1', 'link set dev lo up'],
    ['2', 'route add default via 10.1.1.254 dev eth0'],
    ['3', 'route add 10.1.1.0/24 dev eth0 *'],
    ['4', 'link set dev veth00000004 type bridge_slave hairpin on'],
    ['5', 'link set dev veth00000005 master cni0'],
    ['5', 'link set dev veth00000005 type bridge_slave hairpin on'],
    ['6', 'link set dev veth00000006 up'],
    ['7', 'link set dev veth00000007 type bridge_slave learning on'],
    ['8', 'link set dev veth00000008 type bridge_slave isolated off'],
    ['9', 'addr add 127.0.0.1/8 dev lo'],
  ]);
});

describe.skipIf(whyNoLab() !== null)('an undo of what pods lost that is killed', { timeout: 60_000 }, () => {
  takesBackWhenKilled('restore.sh', [
    ['1', 'link set dev lo down'],
    ['2', 'route del default via 10.1.1.254 dev eth0'],
    ['3', 'route del 10.1.1.0/24 dev eth0'],
    ['4', 'link set dev veth00000004 type bridge_slave hairpin off'],
    ['5', 'link set dev veth00000005 nomaster'],
    ['6', 'link set dev veth00000006 down'],
    ['7', 'link set dev veth00000007 type bridge_slave learning off'],
    ['8', 'link set dev veth00000008 type bridge_slave isolated on'],
    ['9', 'addr del 127.0.0.1/8 dev lo'],
  ]);
});
