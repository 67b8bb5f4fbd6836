/** Policies of IPsec, which the kernel applies after routing: which counts, and how ip-xfrm(8) names them. */
import type { IpsecPolicy } from '../../model/network.ts';
import { contains, prefixLength } from '../cidr.ts';

const WORD = { in: 'in', out: 'out', forward: 'fwd' } as const;

/** Whether an earlier policy already lets through everything that this one is about. */
export function isLetThrough(policy: IpsecPolicy, all: readonly IpsecPolicy[]): boolean {
  return all.some(
    (other) =>
      other.action === 'allow' &&
      other.direction === policy.direction &&
      other.family === policy.family &&
      other.priority <= policy.priority &&
      covers(other.source, policy.source) &&
      covers(other.destination, policy.destination),
  );
}

export const covers = (outer: string, inner: string): boolean =>
  prefixLength(outer) <= prefixLength(inner) && contains(outer, inner.split('/')[0] ?? '');

/** Of everybody. */
export const isWide = (end: string): boolean => prefixLength(end) === 0;

/** The policy in words of `ip xfrm policy`, as far as they select it. */
export const policySelector = ({ source, destination, direction }: IpsecPolicy): string[] => [
  ...['src', source, 'dst', destination],
  ...['dir', WORD[direction]],
];

export function policyText(policy: IpsecPolicy): string {
  return [...policySelector(policy), 'action', policy.action, 'priority', String(policy.priority)].join(' ');
}
