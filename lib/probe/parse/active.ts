/** Answers of the active probes. */
import { z } from 'zod';
import { activeSchema, type Sources } from '../../model/evidence.ts';
import type { BundleFiles } from '../unpack.ts';
import { fields, integer, lines } from './lines.ts';

/**
 * `active/targets` (`INODE ADDRESS GATEWAY SERVER`), `active/ping` (fping's lines from the node), and for each namespace
 * `active/INODE.gateway` and `active/INODE.dns`.
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
  const all = fields(read('active/targets') ?? '', 4).map(
    ([inode = '', address = '', gateway = '', server = '']) => {
      const toGateway = read(`active/${inode}.gateway`);
      const lookup = read(`active/${inode}.dns`);
      return {
        inode: integer(inode),
        pings: [
          ...(pinged && address !== '-'
            ? [{ from: 'node' as const, target: address, answered: answered.has(address), neighbour: null }]
            : []),
          ...(toGateway === null || gateway === '-'
            ? []
            : [
                {
                  from: 'pod' as const,
                  target: gateway,
                  answered: /is alive/.test(toGateway),
                  neighbour: /lladdr (\S+)/.exec(toGateway)?.[1] ?? null,
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
