/** A node whose pods lost a part of their network, and what its repair does. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { repairScript } from '../../lib/probe/repair-script.ts';
import { OF_ITS_OWN } from './lab.ts';

type Lab = 'restore.sh' | 'restore-node.sh' | 'stale.sh' | 'limits.sh';
/** By pod and what it lost: what the pod on the node said. */
type Answers = ReadonlyMap<string, string>;
/** By pod, and `node`. */
type Network = ReadonlyMap<string, string>;

/** Answers, and the network of the node and of all pods before they lost it and after the repair. */
export type Restored = {
  readonly answers: Answers;
  readonly before: Network;
  readonly after: Network;
  /** All that was said, and when the repair was to be killed and was not, that. */
  readonly said: string;
};

/** In addition, after it was taken back: the network as it was broken, and as it is now. */
export type TakenBack = Restored & {
  readonly undone: Answers;
  readonly broken: Network;
  readonly last: Network;
};

/**
 * Repairs a lab of its own.
 *
 * @param lab - the script that breaks it, beside this file
 * @param act - false rehearses it
 * @param environment - FEW: which losses; KILL: the step at which it is killed, before it is called again; KILLED: undo, if not the repair is; MEANWHILE: what happens before the undo; AT, AT_DO: a
 *   call of ip, and what happens right before it;
 *   and what the lab is to do meanwhile
 */
export function restoreLab(
  lab: Lab,
  act: boolean,
  environment: Readonly<Record<string, string>> = {},
): Restored {
  const { answers, before, after, said } = sectionsOf(lab, act, environment);
  return { answers, before, after, said };
}

/** As {@link restoreLab}, and takes back the first `count` that were put back. */
export function restoreAndUndo(
  lab: Lab,
  count: number,
  environment: Readonly<Record<string, string>> = {},
): TakenBack {
  return sectionsOf(lab, true, { ...environment, UNDO: String(count) });
}

function sectionsOf(lab: string, act: boolean, environment: Readonly<Record<string, string>>): TakenBack {
  const script = ['pods.sh', lab].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'));
  const output = execFileSync(
    'unshare',
    // Limits of namespaces are those of the user namespace.
    [
      ...(lab === 'limits.sh' ? ['--user', '--map-root-user'] : []),
      ...OF_ITS_OWN,
      'sh',
      '-c',
      script.join(''),
      'lab',
      repairScript(),
      act ? '1' : '0',
    ],
    {
      encoding: 'utf8',
      timeout: 170_000,
      maxBuffer: 1e8,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    },
  );
  const [said = '', before = '', after = '', undone = '', broken = '', last = ''] = output.split('\n---\n');
  return {
    answers: answersIn(said),
    before: byPod(before),
    after: byPod(after),
    said: environment.UNDO === undefined ? said : `${said}\n${undone}`,
    undone: environment.UNDO === undefined ? new Map() : answersIn(undone),
    broken: byPod(broken),
    last: byPod(last),
  };
}

function answersIn(said: string): Answers {
  const answers = [...said.matchAll(/^(done|would|refused|failed|left) (\S+) (.+)$/gm)].map(
    ([, word, name, detail]) => [name ?? '', `${word}: ${detail}`] as const,
  );
  expect(said).toMatch(new RegExp(`^end ${answers.length}$`, 'm'));
  return new Map(answers);
}

/** What `pod NUMBER` begins, by that number; `node` comes first. */
function byPod(text: string): Network {
  const parts = text.trimEnd().split(/^pod (?=\d+$)/m);
  return new Map(
    parts.map((part, index) => {
      const [number = '', ...rest] = part.split('\n');
      return index === 0 ? ['node', part.trimEnd()] : [number, rest.join('\n').trimEnd()];
    }),
  );
}
