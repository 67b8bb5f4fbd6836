/** What the repair of a node does to running pods that lost a part of their network, and to what has become of some since they were found. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { repairScript } from '../../lib/probe/repair-script.ts';
import { OF_ITS_OWN, whyNoLab } from './lab.ts';

/** Answers by pod and what it lost, and the network of the node and of all pods before they lost it and after the repair. */
type Repaired = {
  readonly answers: ReadonlyMap<string, string>;
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
};

function repairLab(act: boolean, environment: Readonly<Record<string, string>> = {}): Repaired {
  const script = readFileSync(new URL('./restore.sh', import.meta.url), 'utf8');
  const output = execFileSync(
    'unshare',
    [...OF_ITS_OWN, 'sh', '-c', script, 'lab', repairScript(), act ? '1' : '0'],
    {
      encoding: 'utf8',
      timeout: 170_000,
      maxBuffer: 1e8,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    },
  );
  const [said = '', before = '', after = ''] = output.split('\n---\n');
  const answers = [...said.matchAll(/^(\w+) (\d+\/\S+) (.+)$/gm)].map(
    ([, word, name, detail]) => [name ?? '', `${word}: ${detail}`] as const,
  );
  expect(said).toMatch(new RegExp(`^end ${answers.length}$`, 'm'));
  return { answers: new Map(answers), before: byPod(before), after: byPod(after) };
}

/** What `pod NUMBER` begins, by that number; `node` comes first. */
function byPod(text: string): Map<string, string> {
  const parts = text.trimEnd().split(/^pod (?=\d+$)/m);
  return new Map(
    parts.map((part, index) => {
      const [number = '', ...rest] = part.split('\n');
      return index === 0 ? ['node', part] : [number, rest.join('\n')];
    }),
  );
}

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
  let repaired: Repaired;
  beforeAll(() => {
    repaired = repairLab(true);
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
    const { answers, before, after } = repairLab(false);
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
    const { answers } = repairLab(true, { FEW: '1', [how]: 'route\\ add\\ default*' });
    expect(answers.get('1/lo')).toBe('done: it is as it should be');
    expect(answers.get('2/default')).toMatch(said);
    expect(answers.get('3/subnet')).toBe('left: another one did not go as it should');
  });

  it('is not tried where the records of the runtime do not have the repair itself', () => {
    const { answers } = repairLab(true, { FEW: '1', ELSEWHERE: '1' });
    expect(answers.size).toBe(3);
    for (const answer of answers.values())
      expect(answer).toContain('left: not all could be looked at: the records of the runtime do not have');
  });

  it('is not tried once the time is over', () => {
    const { answers } = repairLab(true, { FEW: '1', TOTAL: '0' });
    for (const answer of answers.values()) expect(answer).toBe('left: the time was over');
  });
});
