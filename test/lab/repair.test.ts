/** What the repair of a node does to orphaned namespaces, and to those that changed after they were found. */
import { beforeAll, describe, expect, it } from 'vitest';
import { repairLab, whyNoLab } from './lab.ts';

const pin = (number: number): string => `cni-00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** Answers by the namespace's number, and what is left on the node. */
type Repaired = { readonly answers: ReadonlyMap<number, string>; readonly left: string };

function repairOrphans(act: boolean, environment: Readonly<Record<string, string>> = {}): Repaired {
  const { said, answers, left } = repairLab('repair.sh', act, environment);
  expect(said).toMatch(/^end (?:50|4)$/m);
  return { answers: new Map([...answers].map(([name, answer]) => [Number(name.slice(-12)), answer])), left };
}

/** The look-alikes, and the reason why each is refused. */
const REFUSED: readonly (readonly [number, string, RegExp])[] = [
  [4, 'a process is in it', /process \d+ \(sleep\) is in it/],
  [5, 'only a thread of a process is in it', /a thread of process \d+ \(perl\) is in it/],
  [6, 'its pin is open', /process \d+ \(sleep\) has it open/],
  [7, 'it is open, by no path of its pin', /process \d+ \(perl\) has it open/],
  [8, 'a socket from outside is of it', /a socket of process \d+ \(perl\) is of it/],
  [29, 'a thread of a process that has ended has it open', /process \d+ \(perl\) has it open/],
  [30, 'it is mounted where all have another root', /mounted elsewhere as well, where process \d+ \(sleep\)/],
  [9, 'it is pinned twice', /pinned at \/run\/lab\/twice as well/],
  [10, 'another mount namespace has it', /mounted elsewhere as well/],
  [11, 'it holds a device that no plugin makes', /the device br0/],
  [23, 'it holds a device of the hardware', /the device ens5, which is not virtual/],
  [12, 'a container of the runtime names it', /a container of the runtime names it/],
  [13, 'the runtime still knows the stopped sandbox of its result', /still knows its sandbox stopped/],
  [14, 'the pod of its result is on the node', /its pod uid-live is still on the node/],
  [15, 'its pin is that of another namespace by now', /another namespace by now/],
  [16, 'its pin is a file with content', /neither a namespace nor an empty file of root/],
  [17, 'its pin is gone', /its pin is gone/],
  [18, 'what its plugins keep of it cannot be read', /cannot be read/],
  [19, 'its pair leads to another namespace', /the other end of its eth0 is not on the node/],
  [28, 'a pair of another namespace has its indexes', /the other end of its eth0 is not on the node/],
  [24, 'a result that names no namespace has its address', /lab-nameless-eth0 has its address 10.1.1.24/],
  [25, 'a result of an old form has its address', /lab-old-eth0 has its address 10.1.1.25/],
  [26, 'a plugin of its result is not on the node', /there is no CNI plugin unknown/],
  [27, 'anybody may write a plugin of its result', /somebody else than root may write .*bin\/loose/],
  [31, 'it has two names, which both are asked for', /it is pinned at \S+032 as well/],
  [32, 'it has two names, which both are asked for', /it is pinned at \S+031 as well/],
  [33, 'a pod has the address of its result', /lab-neighbour-eth0 has its address 10.1.1.33/],
  [34, 'a device has the name of one of the kernel', /the device gre0/],
  [
    35,
    'anybody may write what a plugin of its result calls',
    /somebody else than root may write .*bin\/loose-ipam/,
  ],
  [36, 'a container of another client of the runtime names it', /names it/],
  [37, 'its pod is where this kubelet keeps its pods', /its pod uid-moved is still on the node/],
  [39, 'what its plugins keep of it has more lines than it should', /cannot be read/],
  [
    42,
    'its pin is a plain file here, which another mount namespace has',
    /a plain file here, and mounted elsewhere/,
  ],
  [52, 'its file is the pin of a pod by now', /its pin leads to another namespace by now/],
  [53, 'its file is open', /process \d+ \(sleep\) has its file open/],
  [54, 'its file is another one', /its pin is another file by now/],
  [55, 'its file was changed', /its pin is another file by now/],
  [56, 'a container of the runtime names its file', /a container of the runtime names it/],
  [57, 'its plugins have a result of its file', /a plain file, and its plugins still have a result of it/],
  [58, 'its file is gone', /its pin is gone/],
  [59, 'another mount namespace has a namespace there', /a plain file here, and mounted elsewhere/],
  [20, 'it is being created', /may belong to a pod that is being created/],
];

describe.skipIf(whyNoLab() !== null)('deleting orphaned namespaces', { timeout: 120_000 }, () => {
  let repaired: Repaired;
  beforeAll(() => {
    repaired = repairOrphans(true);
  }, 120_000);
  const of = (number: number): string => repaired.answers.get(number) ?? 'no answer';
  const leftOf = (kind: string): string[] =>
    (new RegExp(`^${kind} (.*)$`, 'm').exec(repaired.left)?.[1] ?? '').split(' ');

  it.each(REFUSED)('refuses namespace %i, of which since it was found %s', (number, _, reason) => {
    expect(of(number)).toMatch(/^refused: /);
    expect(of(number)).toMatch(reason);
    // A namespace that lost its pin before has none to keep.
    expect(leftOf('pins').includes(pin(number))).toBe(number !== 17 && number !== 58);
  });

  it('deletes those that nobody has, with their pairs', () => {
    expect([of(1), of(2), of(3)]).toEqual([
      'done: veth1 10.1.1.1',
      'done: no link no address',
      'done: veth3 10.1.1.3',
    ]);
    for (const number of [1, 2, 3]) expect(leftOf('pins')).not.toContain(pin(number));
    expect(leftOf('links')).not.toContain('veth1');
    expect(leftOf('links')).not.toContain('veth3');
    expect(leftOf('links')).toContain('veth4');
  });

  it('removes what is left of one whose repair was killed after it was unpinned', () => {
    expect(of(41)).toBe('done: no link no address');
    expect(leftOf('pins')).not.toContain(pin(41));
  });

  it('removes a pin that is a plain file', () => {
    expect(of(51)).toBe('done: no link no address');
    expect(leftOf('pins')).not.toContain(pin(51));
  });

  it('lets the plugins undo what they made as the runtime would, and forgets their result', () => {
    const calls = repaired.left.slice(repaired.left.indexOf('portmap')).split('\n');
    expect(calls.slice(0, 2)).toEqual(['portmap', `DEL detached /run/netns/${pin(3)} eth0`]);
    expect(JSON.parse(calls[2] ?? '')).toMatchObject({
      type: 'bridge',
      name: 'lab',
      cniVersion: '0.4.0',
      prevResult: { ips: [{ address: '10.1.1.3/24' }] },
    });
    expect(leftOf('results')).not.toContain('lab-detached-eth0');
    expect(leftOf('results')).toContain('lab-stopped-eth0');
  });

  it('frees the address that no plugin was asked for, and none of a pod', () => {
    expect(leftOf('addresses')).toEqual([
      '10.1.1.13',
      '10.1.1.14',
      '10.1.1.21',
      '10.1.1.24',
      '10.1.1.25',
      '10.1.1.26',
      '10.1.1.27',
      '10.1.1.33',
      '10.1.1.35',
      '10.1.1.37',
      '10.1.1.39',
    ]);
  });

  it('frees none of a network that the runtime does not have', () => {
    expect(leftOf('others')).toEqual(['10.1.1.1']);
  });

  it('ends with the first that does not go as it should, and leaves the rest as it is', () => {
    expect(of(21)).toBe('failed: CNI DEL of bridge failed: try again later');
    expect(of(22)).toBe('left: another one did not go as it should');
    expect(leftOf('pins')).toEqual(expect.arrayContaining([pin(21), pin(22)]));
  });
});

describe.skipIf(whyNoLab() !== null)('a rehearsal', { timeout: 120_000 }, () => {
  it('says of each what would be done, and changes nothing', () => {
    const { answers, left } = repairOrphans(false);
    expect([1, 2, 3, 21, 22, 51].map((number) => answers.get(number)?.replace(/:.*/, ''))).toEqual(
      Array(6).fill('would'),
    );
    for (const [number] of REFUSED) expect(answers.get(number)).toMatch(/^refused: /);
    expect(left).toContain(pin(1));
    expect(left).toContain(
      'addresses 10.1.1.1 10.1.1.13 10.1.1.14 10.1.1.21 10.1.1.24 10.1.1.25 10.1.1.26 10.1.1.27 10.1.1.3 10.1.1.33 10.1.1.35 10.1.1.37 10.1.1.39\n',
    );
    expect(left).not.toContain('DEL');
  });
});

describe.skipIf(whyNoLab() !== null)(
  'where the records of the runtime do not have the repair itself',
  { timeout: 120_000 },
  () => {
    it('nothing is done, as the sandboxes must be kept elsewhere', () => {
      // Neither if nothing at all is known about it, nor if only its task is, nor if the kubelet keeps its
      // pods elsewhere.
      for (const [environment, whose] of [
        [{ OWN: '/run/lab/unknown' }, 'runtime'],
        [{ PROBE_ID: 'elsewhere' }, 'runtime'],
        [{ KUBELET: 'elsewhere' }, 'kubelet'],
      ] as const) {
        const { answers } = repairOrphans(true, environment);
        expect(answers.size).toBe(51);
        for (const answer of answers.values())
          expect(answer).toContain(
            `left: not all could be looked at: the records of the ${whose} do not have this very pod`,
          );
      }
    });
  },
);

describe.skipIf(whyNoLab() !== null)('an address that stays', { timeout: 120_000 }, () => {
  it.each(['BUSY', 'YOUNG'])('is no success (%s)', (why) => {
    const { answers, left } = repairOrphans(true, { [why]: '1' });
    expect(answers.get(1)).toMatch(
      /^failed: it is still pinned, but something still has of it: .*10\.1\.1\.1$/,
    );
    expect(answers.get(2)).toBe('done: no link no address');
    expect(answers.get(22)).toBe('left: another one did not go as it should');
    expect(left).toMatch(/^addresses 10\.1\.1\.1 /m);
  });
});

describe.skipIf(whyNoLab() !== null)('when the time is over', { timeout: 120_000 }, () => {
  it('begins no other, also of those that it looked at together', () => {
    const { answers } = repairOrphans(true, { LATE: '1' });
    expect(answers.get(3)).toBe('done: veth3 10.1.1.3');
    for (const number of [1, 2, 21, 22]) expect(answers.get(number)).toBe('left: the time was over');
  });
});

describe.skipIf(whyNoLab() !== null)('while plugins take their time', { timeout: 120_000 }, () => {
  it('looks again, and refuses what somebody entered meanwhile', () => {
    const { answers, left } = repairOrphans(true, { SLOW: '1' });
    expect(answers.get(40)).toBe('done: veth40 10.1.1.40');
    expect(answers.get(38)).toMatch(/^refused: process \d+ \(sleep\) is in it/);
    expect(left).toContain(pin(38));
    expect(answers.get(3)).toBe('done: veth3 10.1.1.3');
  });
});

describe.skipIf(whyNoLab() !== null)('what cannot be proven', { timeout: 120_000 }, () => {
  it('is no success where the links of the node cannot be read afterwards', () => {
    const { answers } = repairOrphans(true, { BLIND: '1' });
    expect(answers.get(3)).toMatch(
      /^failed: it is unpinned, but the links of the node could not be read afterwards/,
    );
    // It had none.
    expect(answers.get(22)).toBe('left: another one did not go as it should');
  });

  it('is no success where its result stays, and says so', () => {
    const { answers, left } = repairOrphans(true, { STUCK: '1' });
    expect(answers.get(3)).toMatch(/^failed: its cached result could not be removed/);
    expect(left).toContain(pin(3));
  });
});

/** What a repair does last before it is killed, as the lab matches it. */
const STEPS = [
  ['the last plugin of its result has undone its part', 'DEL portmap'],
  ['a plugin has begun', 'DEL bridge'],
  ['its result is forgotten', 'rm -f */results/*'],
  ['its links are down', 'ip link set dev *'],
  ['its address is free', 'before umount */run/netns/*1'],
  ['it is unpinned', 'umount */run/netns/*'],
  ['the file of its pin is gone', 'rm */run/netns/*'],
] as const;

describe.skipIf(whyNoLab() !== null)('a repair that is killed', { timeout: 120_000 }, () => {
  it.each(STEPS)('when %s is completed by the same call', (_, step) => {
    const { answers, left } = repairOrphans(true, { KILL: step });
    expect(left).not.toContain('it was not killed');
    for (const [number, answer] of answers)
      expect([number, answer]).toEqual([
        number,
        expect.stringMatching(/^(?:done: |refused: its pin is gone$)/),
      ]);
    expect([...answers.keys()].toSorted()).toEqual([1, 2, 3, 51]);
    const pins = left.slice(0, left.indexOf('\n'));
    for (const number of [1, 2, 3, 51]) expect(pins).not.toContain(pin(number));
    expect(left).toMatch(/^addresses 10\.1\.1\.13 /m);
    expect(left).not.toMatch(/\bveth[123] /);
    expect(left).not.toContain('lab-detached-eth0');
    // All others are unchanged.
    expect(pins).toContain(pin(4));
    expect(pins).toContain(pin(40));
  });
});
