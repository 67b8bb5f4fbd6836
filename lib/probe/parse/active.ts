/** Answers of the active probes. */
import * as z from 'zod';
import { activeSchema, type Sources } from '../../model/evidence.ts';
import type { BundleFiles } from '../unpack.ts';
import { fields, integer, lines } from './lines.ts';

/**
 * `active/targets` (`INODE ADDRESS GATEWAY SERVER`), `active/ping` (fping's lines from the node), and for each namespace
 * `active/INODE.gateway` and `active/INODE.dns`. `active/neighbours` and the last line of INODE.gateway are of `ip neigh`, after the pings.
 */
export function readActive(files: BundleFiles): Sources['active'] {
  const decoder = new TextDecoder();
  const read = (path: string) => {
    const bytes = files.get(path);
    return bytes === undefined ? null : decoder.decode(bytes);
  };
  const answered = new Set(
    lines(read('active/ping') ?? '').flatMap((line) => /^(\S+) is alive/.exec(line)?.[1] ?? []),
  );
  const pinged = read('active/ping') !== null;
  const neighbours = neighbourStates(read('active/neighbours') ?? '');
  const all = fields(read('active/targets') ?? '', 4).map(
    ([inode = '', address = '', gateway = '', server = '']) => {
      const toGateway = read(`active/${inode}.gateway`);
      const lookup = read(`active/${inode}.dns`);
      return {
        inode: integer(inode),
        pings: [
          ...(pinged && address !== '-'
            ? [
                {
                  from: 'node' as const,
                  target: address,
                  answered: answered.has(address),
                  neighbour: neighbours.get(address) ?? null,
                },
              ]
            : []),
          ...(toGateway === null || gateway === '-'
            ? []
            : [
                {
                  from: 'pod' as const,
                  target: gateway,
                  answered: /is alive/.test(toGateway),
                  neighbour: neighbourStates(toGateway).get(gateway) ?? null,
                },
              ]),
        ],
        lookups:
          lookup === null || server === '-'
            ? []
            : [
                {
                  server,
                  name: lines(lookup)[0]?.slice(0, 200) ?? '',
                  answered: /^code=0$/m.test(lookup),
                  error: /^code=0$/m.test(lookup) ? null : lines(lookup).slice(1).join(' ').slice(0, 300),
                },
              ],
      };
    },
  );
  return z.array(activeSchema).parse(all);
}

/** `STATE MAC`, or the state alone, by address: `10.244.1.1 dev eth0 lladdr 0a:58:… REACHABLE`. */
function neighbourStates(text: string): Map<string, string> {
  return new Map(
    lines(text).flatMap((line) => {
      const found = /^(\S+) dev \S+(?: lladdr (\S+))?.* ([A-Z]+)\s*$/.exec(line);
      if (found?.[1] === undefined || found[3] === undefined) return [];
      return [[found[1], [found[3], ...(found[2] === undefined ? [] : [found[2]])].join(' ')] as const];
    }),
  );
}
