import { describe, expect, it } from 'vitest';
import { namespaceMountsNearLimit } from '../../../lib/checks/namespaces/namespace-mounts-near-limit.ts';
import type { Mounts } from '../../../lib/model/evidence.ts';
import { aMounts, context, failures } from '../evidence.ts';

function run(mounts: Partial<Mounts>) {
  return namespaceMountsNearLimit.run({ mounts: aMounts(mounts) }, context);
}

describe('namespace-mounts-near-limit', () => {
  it('passes a node with room', () => {
    expect(run({})[0]?.result).toBe('pass');
  });

  it('finds a node at four fifths of fs.mount-max', () => {
    expect(failures(run({ total: 80_000 }))).toEqual([]);
    const [found] = failures(run({ total: 80_001, nsfs: 79_000 }));
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'node', name: 'node-1' } });
    expect(found?.remedy.at(-1)?.command).toBe('sysctl -w fs.mount-max=200000');
  });

  it('finds pins that are being multiplied long before', () => {
    expect(failures(run({ nsfs: 400 }))[0]?.severity).toBe('medium');
  });

  it('takes one copy of each for what ip netns add does', () => {
    expect(run({ nsfs: 120, pinned: 60 })[0]?.result).toBe('pass');
    expect(failures(run({ nsfs: 121, pinned: 60 }))).toHaveLength(1);
  });

  it('is not applicable to kernels without the limit', () => {
    expect(run({ limit: null })[0]?.result).toBe('notApplicable');
  });
});
