/** A pinned namespace that nobody uses, as an audit found it: by inode and time it is known again as the same. */
import type { Comparison, Finding } from './finding.ts';

export type Orphan = {
  /** Of the pin under /run/netns. */
  readonly name: string;
  readonly inode: number;
  /** Seconds since the epoch. */
  readonly made: number;
};

const WHAT = 'pin';

/** @param madeAt - null where the pin was not read */
export function pinComparison(path: string, inode: number, madeAt: string | null): Comparison {
  return {
    what: WHAT,
    actual: `${path} → net:[${inode}]${madeAt === null ? '' : `, made ${madeAt}`}`,
    source: '/proc/1/mountinfo',
  };
}

/**
 * The namespace of a finding, if its pin is one of those that containerd makes (`cni-` and a UUID, under /run/netns) and nothing
 * of it was left unread; else null.
 */
export function orphanOf({ object, evidence }: Pick<Finding, 'object' | 'evidence'>): Orphan | null {
  const pin = evidence.find(({ what }) => what === WHAT)?.actual ?? '';
  const [, path, name, inode, made] =
    /^((?:\/var)?\/run\/netns\/(cni-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})) → net:\[(\d{1,10})\], made (\S+)$/.exec(
      pin,
    ) ?? [];
  const seconds = Date.parse(made ?? '') / 1000;
  if (name === undefined || path !== object.path || !Number.isInteger(seconds)) return null;
  return { name, inode: Number(inode), made: seconds };
}
