/** `host/attached`: the eBPF programs that stand on links of the node without a filter (tcx, netkit). */
import type { Sources } from '../../model/evidence.ts';
import type { LinkProgram } from '../../model/network.ts';
import { fields, integer } from './lines.ts';
import type { NameOf } from './netlink-routes.ts';

/**
 * Lines with the link's index and the names of its programs, separated by commas: of what comes in, and of what
 * goes out; last `end`.
 * @throws Error if the file was cut
 */
export function parseAttachedPrograms(bytes: Uint8Array, nameOf: NameOf): Sources['attachedPrograms'] {
  const text = new TextDecoder().decode(bytes);
  if (!text.endsWith('end\n')) throw new Error('the programs of links are not whole');
  return fields(text.slice(0, -4), 3).map(([index = '', comesIn = '', goesOut = '']) => ({
    link: nameOf(integer(index)),
    in: names(comesIn),
    out: names(goesOut),
  }));
}

/** Filters with the program that the kernel runs before them (`sch_handle_ingress`). */
export function withProgramsBefore(
  programs: readonly LinkProgram[],
  attached: Sources['attachedPrograms'],
): LinkProgram[] {
  const byLink = new Map(attached.map((each) => [each.link, each]));
  return programs.map((program) => {
    const behind = program.place === 'queue' ? undefined : byLink.get(program.link)?.[program.place][0];
    return behind === undefined ? program : { ...program, behind };
  });
}

/** Names of programs have 15 characters at most (BPF_OBJ_NAME_LEN), and stand in no command. */
const names = (text: string): string[] => text.split(',').flatMap((name) => name.slice(0, 15) || []);
