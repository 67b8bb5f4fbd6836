/** `host/counters`: what passed the links of the node and of its pods, and what was lost there. */
import type { Sources } from '../../model/evidence.ts';
import { fitting } from '../grammar.ts';
import { fields, integer } from './lines.ts';

/**
 * Lines with the namespace (an inode, or `host`), the link, packets, errors and drops (received and sent for
 * each), and carrier changes; last `end`.
 * @throws Error if the file was cut
 */
export function parseLinkCounters(text: string, hostInode: number): Sources['linkCounters'] {
  if (!text.endsWith('end\n')) throw new Error('the counters of links are not whole');
  return fields(text.slice(0, -4), 9).map(([namespace = '', link = '', ...counters]) => {
    const [
      inPackets = 0,
      outPackets = 0,
      inErrors = 0,
      outErrors = 0,
      inDropped = 0,
      outDropped = 0,
      carrierChanges = 0,
    ] = counters.map(counter);
    return {
      namespace: namespace === 'host' ? hostInode : integer(namespace),
      link: fitting('link', link),
      inPackets,
      outPackets,
      inErrors,
      outErrors,
      inDropped,
      outDropped,
      carrierChanges,
    };
  });
}

function counter(text: string): number {
  const found = integer(text);
  if (found < 0) throw new Error(`${text} is no counter`);
  return found;
}
