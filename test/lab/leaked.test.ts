/**
 * What the repair of a node does to leaked pairs and records of addresses, and to those that changed since
 * they were found.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Repaired, repairLab, whyNoLab } from './lab.ts';

function repairLeaked(
  act: boolean,
  environment: Readonly<Record<string, string>> = {},
): Repaired & { readonly said: string } {
  const repaired = repairLab('leaked.sh', act, environment);
  expect(repaired.said).toMatch(/^end 25$/m);
  return repaired;
}

const REFUSED = [
  ['veth00000003', 'its other end went into a namespace', /its other end is not on the node/],
  ['veth00000004', 'it was made anew', /it is gone/],
  ['veth00000005', 'it has an address', /has the address 10\.9\.9\.5/],
  ['veth00000006', 'its other end has an address', /peer6 has the address 10\.9\.9\.6/],
  ['veth00000007', 'its other end is a port of a bridge', /peer7 is a port of cni0/],
  ['veth00000008', 'a device is on its other end', /the device above8 is on it/],
  ['veth00000009', 'a route to a network is on it', /the route to 10\.8\.0\.0\/16 is on it/],
  ['veth0000000a', 'it has another name', /another link has its number by now/],
  ['veth0000000b', 'it is gone', /it is gone/],
  ['veth0000000c', 'it is a part of a bond', /a port of bond0, which is no bridge/],
  ['lab/10.1.1.2', 'another container has it', /belongs to another container by now/],
  ['lab/10.1.1.3', 'the runtime knows its container', /the runtime still knows its container/],
  ['lab/10.1.1.4', 'plugins have a result of its container', /CNI DEL frees it/],
  [
    'lab/10.1.1.5',
    'another result has its address',
    /^refused: \/var\/lib\/cni\/results\/lab-other-eth0 has the address/,
  ],
  ['lab/10.1.1.6', 'a namespace has its address', /\(\/run\/netns\/pod\) has the address/],
  ['lab/10.1.1.7', 'it was written anew', /may be of a pod that is being created/],
  ['lab/10.1.1.8', 'it is gone', /it is gone/],
  ['lab/10.1.1.10', 'it is a link to another file', /it is not a file/],
  ['lab/10.1.1.11', 'a process without a pin has its address', /\(\/proc\/\d+\/ns\/net\) has the address/],
  ['lab/10.1.1.12', 'a process ended that was in a namespace with its address', /has the address/],
  ['podman/10.1.1.9', 'its network is not of the runtime', /no network of the runtime has that name/],
] as const;

describe.skipIf(whyNoLab() !== null)('leaked pairs and records', { timeout: 120_000 }, () => {
  let repaired: Repaired;
  beforeAll(() => {
    repaired = repairLeaked(true);
  }, 120_000);
  const of = (name: string): string => repaired.answers.get(name) ?? 'no answer';

  it.each(REFUSED)('leave %s as it is, of which since it was found %s', (name, _, reason) => {
    expect(of(name)).toMatch(/^refused: /);
    expect(of(name)).toMatch(reason);
  });

  it('are deleted where nobody uses either end, also as a port of the bridge with a route to one pod', () => {
    for (const name of ['veth00000001', 'veth00000002']) {
      expect(of(name)).toBe('done: both ends are gone');
      expect(repaired.left).not.toContain(name);
    }
    expect(repaired.left).not.toMatch(/\bpeer[12]\b/);
    expect(repaired.left).toMatch(/^links .*peer13 .*veth00000009 .*veth0000000d/m);
  });

  it('are freed where nobody knows the container', () => {
    for (const name of ['lab/10.1.1.1', 'lab/fd00::1']) expect(of(name)).toBe('done: its record is gone');
    expect(repaired.left).toContain(
      'records 10.1.1.10 10.1.1.11 10.1.1.12 10.1.1.2 10.1.1.3 10.1.1.4 10.1.1.5 10.1.1.6 10.1.1.7\n',
    );
    expect(repaired.left).toContain('others 10.1.1.9\n');
  });

  it('are only looked at by a rehearsal', () => {
    const { answers, left } = repairLeaked(false);
    for (const name of ['veth00000001', 'veth00000002', 'lab/10.1.1.1', 'lab/fd00::1'])
      expect(answers.get(name)).toMatch(/^would: /);
    for (const [name] of REFUSED) expect(answers.get(name)).toMatch(/^refused: /);
    expect(left).toMatch(/^links .*veth00000001 veth00000002/m);
    expect(left).toMatch(/^records 10\.1\.1\.1 .*fd00::1$/m);
  });

  it('stay where somebody takes an end between the look at all and its own turn', () => {
    const { answers, left } = repairLeaked(true, { RACE: '1' });
    expect(answers.get('veth00000001')).toBe('refused: somebody uses it by now');
    expect(left).toContain('veth00000001');
    expect(answers.get('veth00000002')).toMatch(/^done: /);
  });

  it('that do not go are no success, and end it', () => {
    const { answers } = repairLeaked(true, { STUCK: '1' });
    expect(answers.get('veth00000001')).toMatch(/^failed: it is deleted, but an end of it is still there/);
    expect(answers.get('veth00000002')).toBe('left: another one did not go as it should');
    expect(answers.get('lab/10.1.1.1')).toBe('left: another one did not go as it should');
  });

  it('whose file stays are no success', () => {
    const { answers, left } = repairLeaked(true, { BUSY: '1' });
    expect(answers.get('lab/10.1.1.1')).toMatch(/^failed: it could not be freed/);
    expect(left).toMatch(/^records 10\.1\.1\.1 /m);
  });

  it('stay while somebody holds the lock of host-local', () => {
    const { answers, left } = repairLeaked(true, { LOCKED: '1' });
    expect(answers.get('lab/10.1.1.1')).toBe('refused: somebody holds the lock of host-local');
    expect(left).toMatch(/^records 10\.1\.1\.1 /m);
  });

  it('stay where a result of plugins cannot be read', () => {
    const { answers } = repairLeaked(true, { BROKEN: '1' });
    expect(answers.get('lab/10.1.1.1')).toMatch(/^left: not all could be looked at/);
  });
});

describe.skipIf(whyNoLab() !== null)(
  'a deletion of leaked pairs and records that is killed',
  {
    timeout: 120_000,
  },
  () => {
    it.each(['before pair', 'after pair', 'before record', 'after record'])(
      '%s is completed by the same call, which touches nothing else',
      (KILL) => {
        const { answers, said, left } = repairLeaked(true, { KILL });
        expect(said).not.toContain('it was not killed');
        for (const name of ['veth00000001', 'veth00000002', 'lab/10.1.1.1', 'lab/fd00::1'])
          expect([name, answers.get(name)]).toEqual([
            name,
            expect.stringMatching(/^(?:done: (?:both ends are|its record is) gone|refused: it is gone)$/),
          ]);
        expect([...answers.values()].filter((answer) => answer === 'refused: it is gone').length).toBe(
          { 'before pair': 3, 'after pair': 4, 'before record': 5, 'after record': 7 }[KILL],
        );
        for (const [name, , reason] of REFUSED) expect(answers.get(name)).toMatch(reason);
        expect(left).toMatch(/^links .*peer13 .*veth00000009 .*veth0000000d/m);
        expect(left).not.toMatch(/\bveth0000000[12]\b|\bpeer[12]\b/);
        expect(left).toContain('records 10.1.1.10 10.1.1.11 10.1.1.12 10.1.1.2 10.1.1.3 ');
      },
    );
  },
);
