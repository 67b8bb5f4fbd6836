/** The results of the active probes. */
import * as z from 'zod';
import { activeSchema, type Sources } from '../../model/evidence.ts';
import type { BundleFiles } from '../unpack.ts';
import { fields, integer, lines } from './lines.ts';

/**
 * `active/targets` (`INODE ADDRESSES GATEWAYS SERVER`; `-`, or separated by commas), `active/ping` (fping's
 * lines from the node), and for each namespace `active/INODE.gateway` and `active/INODE.dns`.
 * `active/neighbours` and the last lines of INODE.gateway come from `ip neigh`, after the pings.
 */
export function readActive(files: BundleFiles): Sources['active'] {
  const decoder = new TextDecoder();
  const read = (path: string) => {
    const bytes = files.get(path);
    return bytes === undefined ? null : decoder.decode(bytes);
  };
  const answered = answeredIn(read('active/ping'));
  const pinged = read('active/ping') !== null;
  const neighbours = neighbourStates(read('active/neighbours') ?? '');
  const all = fields(read('active/targets') ?? '', 4).map(
    ([inode = '', addresses = '', gateways = '', server = '']) => {
      const toGateway = read(`active/${inode}.gateway`);
      const reached = answeredIn(toGateway);
      const seen = neighbourStates(toGateway ?? '');
      const lookup = read(`active/${inode}.dns`);
      return {
        inode: integer(inode),
        pings: [
          ...(pinged ? targets(addresses) : []).map((target) => ({
            from: 'node' as const,
            target,
            answered: answered.has(target),
            neighbour: neighbours.get(target) ?? null,
          })),
          ...(toGateway === null ? [] : targets(gateways)).map((target) => ({
            from: 'pod' as const,
            target,
            answered: reached.has(target),
            neighbour: seen.get(target.replace(/%.*$/, '')) ?? null,
          })),
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

/** Of both families; an IPv6 gateway is usually link-local, with its link: `fe80::1%eth0`. */
function targets(list: string): string[] {
  return list.split(',').filter((target) => target !== '' && target !== '-');
}

/** The targets that answered fping. */
function answeredIn(text: string | null): Set<string> {
  return new Set(lines(text ?? '').flatMap((line) => /^(\S+) is alive/.exec(line)?.[1] ?? []));
}

/** `STATE MAC`, or the state alone, by address: `10.244.1.1 dev eth0 lladdr 0a:58:… REACHABLE`. */
function neighbourStates(text: string): Map<string, string> {
  return new Map(
    lines(text).flatMap((line) => {
      // Split into words: a regular expression over the whole line takes minutes for a hostile one.
      const [address = '', dev, , key, mac] = line.split(' ', 5);
      const state = line.trimEnd().split(' ').at(-1) ?? '';
      if (address === '' || dev !== 'dev' || !/^[A-Z]+$/.test(state)) return [];
      return [[address, key === 'lladdr' && mac !== undefined ? `${state} ${mac}` : state] as const];
    }),
  );
}
