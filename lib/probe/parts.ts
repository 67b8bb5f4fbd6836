/** Parts of the evidence that build on each other. */
import type { Part } from '../model/evidence.ts';

/** What is present; throws the reason of what is not. */
export function value<T>(part: Part<T>): T {
  if (part.status !== 'present') throw new Error(part.reason);
  return part.value;
}

/** The second part, unless the first that it builds on is not there. */
export function both<A, B>(first: Part<A>, second: () => Part<B>): Part<B> {
  return first.status === 'present' ? second() : first;
}

/** Changed where it is present. */
export function mapPart<A, B>(part: Part<A>, change: (value: A) => B): Part<B> {
  return part.status === 'present' ? { status: 'present', value: change(part.value) } : part;
}
