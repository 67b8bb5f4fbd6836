/** The node's network namespaces with everything that holds them, and those to which nothing leads. */
import type { Evidence, NetworkNamespace, Part } from '../model/evidence.ts';
import { hiddenNamespaces } from './hidden-namespaces.ts';
import type { MountsAndPins } from './mounts-and-pins.ts';
import { joinNamespaces } from './namespaces.ts';
import { fields, integer, lines } from './parse/lines.ts';
import { parseMount, parseMountsElsewhere } from './parse/mounts.ts';
import { type ProcessLine, parseReferences } from './parse/processes.ts';
import { both, mapPart, value } from './parts.ts';
import type { Reader } from './reader.ts';
import { stableNamespaces } from './stable.ts';
import type { Stacks } from './stacks.ts';

type Others = Pick<Evidence, 'host' | 'cniResults'> &
  Pick<MountsAndPins, 'hostMounts' | 'allPins' | 'pinsAfter'> & {
    readonly processLines: Part<ProcessLine[]>;
    readonly stacks: Stacks;
    readonly nodeAddresses: readonly string[];
  };

type NamespaceEvidence = Pick<Evidence, 'namespaces' | 'hiddenNamespaces' | 'hostNetwork'> & {
  /** Namespaces of the first reading, including those gone by the second. */
  readonly allNamespaces: Part<NetworkNamespace[]>;
};

/** All network namespaces of a node, with what uses, pins and holds each. */
export function namespaceEvidence(reader: Reader, others: Others): NamespaceEvidence {
  const { raw, read, need, part } = reader;
  const { allPins, cniResults, stacks } = others;
  const threads = part('threads', () => parseReferences(read('host/threads') ?? ''));
  const descriptors = part('descriptors', () => parseReferences(read('host/descriptors') ?? ''));
  const nodeLinks = { before: raw('host/links.before'), after: raw('host/links.after') };
  const allNamespaces = both(others.host, () =>
    both(others.processLines, () =>
      both(allPins, () =>
        part('plan', () =>
          joinNamespaces({
            index: need('netns/index'),
            gone: read('netns/gone') ?? '',
            hostInode: value(others.host).networkNamespace,
            stacks,
            pins: value(allPins),
            mounts: value(others.hostMounts).mounts,
            processes: value(others.processLines),
            threads: threads.status === 'present' ? threads.value : [],
            descriptors: descriptors.status === 'present' ? descriptors.value : [],
            elsewhere: parseMountsElsewhere(read('host/mounts-elsewhere') ?? ''),
            nodeLinks,
          }),
        ),
      ),
    ),
  );
  /** A namespace counts as unused and unowned only if everything that may hold it was read. */
  const withHolders = <T>(make: () => Part<T>): Part<T> =>
    both(threads, () => both(descriptors, () => both(allNamespaces, make)));
  const hostStack = mapPart(allNamespaces, (all) => all.find((namespace) => namespace.host)?.stack);
  return {
    allNamespaces,
    namespaces: withHolders(() => stillThere(reader, value(allNamespaces), others)),
    hiddenNamespaces: withHolders(() =>
      part('suspects', () =>
        hiddenNamespaces({
          stacks,
          namespaces: value(allNamespaces),
          suspects: read('host/suspects') ?? '',
          holders: read('host/holders'),
          processes: value(others.processLines),
          nodeLinks,
          nodeAddresses: others.nodeAddresses,
          pins: allPins.status === 'present' ? allPins.value : [],
          results: cniResults.status === 'present' ? cniResults.value : [],
        }),
      ),
    ),
    hostNetwork:
      hostStack.status === 'present'
        ? (hostStack.value ?? { status: 'failed', reason: "the node's own namespace was not read" })
        : hostStack,
  };
}

/** The namespaces that the second reading found too. */
function stillThere(
  { read, need, part }: Reader,
  all: readonly NetworkNamespace[],
  { pinsAfter }: Pick<Others, 'pinsAfter'>,
): Part<NetworkNamespace[]> {
  return part('look_again', () =>
    stableNamespaces(all, new Set(fields(need('netns/index'), 3).map(([inode = '']) => integer(inode))), {
      reached: read('host/index.after'),
      mounts: read('host/mounts.after') === null ? null : lines(need('host/mounts.after')).map(parseMount),
      pins: pinsAfter(),
    }),
  );
}
