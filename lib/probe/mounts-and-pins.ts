/** Mounts of the node, and the files by which namespaces are kept. */
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
  /** Those of the first look, also what was gone at the second. */
  readonly allPins: Part<Pin[]>;
  /** Those that stood all the time. */
  readonly pins: Part<Pin[]>;
  /** Those of the second look; null where there was none. @throws Error where they cannot be read */
  pinsAfter(): Pin[] | null;
};

/** Where namespaces are mounted: in the mount namespace of the node, and in those of other processes. */
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
