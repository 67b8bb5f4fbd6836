/** Combines parts of the evidence that depend on each other. */
import type { Part } from '../model/evidence.ts';

/**
 * The value of a present part.
 * @throws the reason of a part that is absent or failed
 */
export function value<T>(part: Part<T>): T {
  if (part.status !== 'present') throw new Error(part.reason);
  return part.value;
}

/** The second part, unless the first, on which it depends, is not present. */
export function both<A, B>(first: Part<A>, second: () => Part<B>): Part<B> {
  return first.status === 'present' ? second() : first;
}

/** The part with its value changed, if it is present. */
export function mapPart<A, B>(part: Part<A>, change: (value: A) => B): Part<B> {
  return part.status === 'present' ? { status: 'present', value: change(part.value) } : part;
}
