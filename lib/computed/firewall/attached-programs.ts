/** Where agents' eBPF programs stand on links of the node. */
import { CILIUM_PINS } from '../../model/cni-names.ts';
import type { Sources } from '../../model/evidence.ts';
import type { Comparison } from '../../model/finding.ts';

/**
 * Whether a program stands on what comes in by a link, or on what goes out: by itself, or in a filter, as before
 * Linux 6.6. Null if the kernel said nothing about the link.
 */
export type HasProgram = (link: string, place: 'in' | 'out') => boolean | null;

export function programsOnLinks({
  attachedPrograms,
  linkPrograms,
}: Pick<Sources, 'attachedPrograms' | 'linkPrograms'>): HasProgram {
  const attached = new Map(attachedPrograms.map((each) => [each.link, each]));
  const filtered = new Set(
    linkPrograms.flatMap(({ link, place, kind, classic }) =>
      kind === 'bpf' && !classic ? `${place} ${link}` : [],
    ),
  );
  return (link, place) => {
    const on = attached.get(link);
    return on === undefined ? null : on[place].length > 0 || filtered.has(`${place} ${link}`);
  };
}

/**
 * Maps in which the programs of endpoints find what they continue with: once nothing holds such a map any more, the
 * kernel empties it. Where other versions pin theirs is not known, so one of the same kind must be there, or no map at all.
 */
export function lostMaps({ programPins: pins }: Sources['cniConfig']): string[] {
  if (pins === undefined) return [];
  const there = new Set(pins.maps);
  const known = there.size === 0 || pins.maps.some((name) => name.startsWith(CILIUM_PINS.calls));
  return known
    ? pins.endpoints
        .map((id) => `${CILIUM_PINS.calls}${id.padStart(5, '0')}`)
        .filter((name) => !there.has(name))
    : [];
}

/** The row that proves that a program is gone from a link. */
export function missingProgram(link: string, place: 'in' | 'out', program: string): Comparison {
  return {
    what: `programs on what ${place === 'in' ? 'comes in by' : 'goes out by'} ${link}`,
    expected: program,
    actual: 'none',
    source: 'bpf(2): BPF_PROG_QUERY; RTM_GETTFILTER (node)',
  };
}
