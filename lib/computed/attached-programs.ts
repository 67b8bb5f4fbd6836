/** Where agents' eBPF programs stand on links of the node. */
import type { Sources } from '../model/evidence.ts';

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
