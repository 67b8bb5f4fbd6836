/** Reads the files of a bundle, by the probe's steps that wrote them. */
import { messageOf } from '../model/errors.ts';
import type { Part } from '../model/evidence.ts';
import { parseSteps, type Steps } from './steps.ts';
import type { BundleFiles } from './unpack.ts';

export type Reader = {
  readonly steps: Steps;
  /** Null if the file is missing. */
  raw(path: string): string | null;
  /**
   * Null if there was no such file.
   * @throws Error if it was dropped for its size
   */
  read(path: string): string | null;
  /** @throws Error if the file is missing */
  need(path: string): string;
  /** A part that came from a step; if the step failed or timed out, the part fails. */
  part<T>(step: string, make: () => T): Part<T>;
};

/** A reader of the files of one bundle. */
export function readerOf(files: BundleFiles): Reader {
  const decoder = new TextDecoder();
  const raw: Reader['raw'] = (path) => {
    const bytes = files.get(path);
    return bytes === undefined ? null : decoder.decode(bytes);
  };
  const steps = parseSteps(raw('steps') ?? '', raw('dropped') ?? '');
  const read: Reader['read'] = (path) => {
    const dropped = steps.dropped.get(path);
    if (dropped !== undefined) throw new Error(dropped);
    return raw(path);
  };
  return {
    steps,
    raw,
    read,
    need(path) {
      const text = read(path);
      if (text === null) throw new Error(`${path} is not in the bundle`);
      return text;
    },
    part(step, make) {
      const problem = steps.problems.get(step);
      if (problem !== undefined) return { status: 'failed', reason: problem };
      try {
        return { status: 'present', value: make() };
      } catch (error) {
        return { status: 'failed', reason: `${step}: ${messageOf(error)}` };
      }
    },
  };
}
