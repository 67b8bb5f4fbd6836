/** How the probe's steps went: lines `JOB CODE HUNDREDTHS ARGUMENTS` of `steps`, and what was dropped for its size. */
import { lines, optionalInteger } from './parse/lines.ts';

export type Steps = {
  readonly ran: ReadonlySet<string>;
  /** Jobs that did not end in time, with milliseconds. */
  readonly hung: ReadonlyMap<string, number>;
  /** Why a job's files cannot be trusted; a stack's job is `stack INODE`. */
  readonly problems: ReadonlyMap<string, string>;
  /** Why stacks without a step were not read; null if all were to be read. */
  readonly stacksLeftOut: string | null;
  /** Why a file is not in the bundle. */
  readonly dropped: ReadonlyMap<string, string>;
};

/** Jobs without which nothing can be concluded; a list that lacks one was cut. */
const EXPECTED = ['processes', 'pins', 'mounts', 'sandboxes', 'plan', 'sandboxes_again', 'end'];

/** @param droppedText - what was left out of the bundle for its size */
export function parseSteps(text: string, droppedText: string): Steps {
  const ran = new Set<string>();
  const hung = new Map<string, number>();
  const problems = new Map<string, string>();
  let stacksLeftOut: string | null = null;
  for (const line of lines(text)) {
    const [job = '', code = '', time = '0', first = ''] = line.split(' ');
    const name = job === 'stack' ? `stack ${first.slice(0, 20)}` : job.slice(0, 40);
    if (job === 'stacks' && code === 'skipped') {
      stacksLeftOut =
        'left out: of the namespaces without a sandbox only some are read, and in a part of the time only';
      continue;
    }
    ran.add(name);
    if (code === 'skipped') {
      problems.set(name, `the probe did not get to ${name}`);
    } else if (code === 'hung') {
      hung.set(name, (optionalInteger(time) ?? 0) * 10);
      problems.set(name, `${name} did not end in time`);
    } else if (code !== '0') {
      problems.set(
        name,
        `${name} failed: ${code === 'died' ? 'it was killed' : `exit code ${code.slice(0, 10)}`}`,
      );
    }
  }
  // What these jobs could not read is read by others, which report it.
  problems.delete('walk');
  problems.delete('netlink');
  // Without it the check says that the holder is unknown.
  problems.delete('holders');
  for (const job of EXPECTED) if (!ran.has(job)) problems.set(job, `the probe did not get to ${job}`);
  const dropped = new Map(
    lines(droppedText).map((line) => {
      const [path = '', why = ''] = line.split(' ');
      return [path, `${path} was left out: ${why}`] as const;
    }),
  );
  return { ran, hung, problems, stacksLeftOut, dropped };
}
