/** Mounts of the node, and the files that pin namespaces. */
import type { Evidence, Part, Pin } from '../model/evidence.ts';
import { mountEvidence } from './mount-evidence.ts';
import { optionalInteger } from './parse/lines.ts';
import { parseHostMounts, parseMountsElsewhere, parsePins } from './parse/mounts.ts';
import type { ProcessLine } from './parse/processes.ts';
import { both, value } from './parts.ts';
import type { Reader } from './reader.ts';
import { stablePins } from './stable.ts';

export type MountsAndPins = Pick<Evidence, 'mounts'> & {
  readonly hostMounts: Part<ReturnType<typeof parseHostMounts>>;
  /** Pins of the first reading, including those gone by the second. */
  readonly allPins: Part<Pin[]>;
  /** Pins that existed throughout. */
  readonly pins: Part<Pin[]>;
  /**
   * Pins of the second reading; null if there was none.
   * @throws Error if they cannot be read
   */
  pinsAfter(): Pin[] | null;
};

/** Where namespaces are mounted, in the node's mount namespace and in those of other processes. */
export function mountsAndPins(
  { need, read, part }: Reader,
  others: {
    readonly processLines: Part<ProcessLine[]>;
    readonly sysctls: Part<Readonly<Record<string, string>>>;
  },
): MountsAndPins {
  const { processLines, sysctls } = others;
  const hostMounts = part('mounts', () => parseHostMounts(need('host/mounts')));
  const pinsOf = (path: string) => {
    const text = read(path);
    return text === null ? null : parsePins(text, value(hostMounts).mounts);
  };
  const pinsAfter = () => pinsOf('host/pins.after');
  const allPins = both(hostMounts, () => part('pins', () => pinsOf('host/pins') ?? []));
  const pins = both(allPins, () => part('look_again', () => stablePins(value(allPins), pinsAfter())));
  const mounts = both(hostMounts, () =>
    part('mounts', () => {
      const limit = sysctls.status === 'present' ? sysctls.value['fs.mount-max'] : undefined;
      return mountEvidence({
        ...value(hostMounts),
        elsewhere: parseMountsElsewhere(read('host/mounts-elsewhere') ?? ''),
        processes: processLines.status === 'present' ? processLines.value : [],
        limit: optionalInteger(limit),
      });
    }),
  );
  return { hostMounts, allPins, pins, mounts, pinsAfter };
}
