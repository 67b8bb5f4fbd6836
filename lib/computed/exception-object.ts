/** An exception as the object of a finding, and in words. */
import type { Exception } from '../model/exception.ts';
import type { AuditedObject } from '../model/finding.ts';

/** Identified by what it covers: a new reason, owner or last day does not make it another exception. */
export function exceptionObject({ check, objects = [], labels = {}, clusters }: Exception): AuditedObject {
  const labelled = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const all = [objects, labelled]
    .filter((names) => names.length > 0)
    .map((names) => names.join(', '))
    .join(' with ');
  const where = clusters.includes('*') ? '' : ` in ${clusters.join(', ')}`;
  return { kind: 'exception', name: `${check} on ${all}${where}`.slice(0, 500) };
}

/** An exception in words, as the start of a sentence. */
export function exceptionInWords({ owner, reason }: Exception): string {
  return `The exception of ${owner} (${reason.replace(/\.$/, '')})`;
}
