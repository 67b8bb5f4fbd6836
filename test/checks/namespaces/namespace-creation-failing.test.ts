import { describe, expect, it } from 'vitest';
import { namespaceCreationFailing } from '../../../lib/checks/namespaces/namespace-creation-failing.ts';
import { aKernel, context, failures } from '../evidence.ts';

function run(ok: boolean, milliseconds: number, error: string | null = null, meanwhile = 0) {
  const creation = { ok, milliseconds, error, meanwhile };
  return namespaceCreationFailing.run({ creation, kernel: aKernel() }, context);
}

describe('namespace-creation-failing', () => {
  it('passes a node that makes one in time', () => {
    expect(run(true, 20)[0]?.result).toBe('pass');
  });

  it('finds a node at its limit', () => {
    const [found] = failures(run(false, 3, 'unshare: unshare failed: No space left on device'));
    expect(found).toMatchObject({ severity: 'critical', object: { kind: 'node', name: 'node-1' } });
    expect(found?.detail).toContain('No space left on device');
  });

  it('finds a node that takes long, the longer the worse', () => {
    expect(failures(run(true, 2500))[0]?.severity).toBe('high');
    expect(failures(run(true, 11_000))[0]?.severity).toBe('critical');
    expect(failures(run(false, 11_000, 'Killed'))[0]?.severity).toBe('critical');
  });

  it('does not blame the node for pods that came and went at the same time', () => {
    expect(run(true, 7_400, null, 12)[0]?.result).toBe('notApplicable');
    expect(run(false, 11_000, 'did not end', 12)[0]?.result).toBe('notApplicable');
    expect(failures(run(false, 3, 'unshare: No space left on device', 12))).toHaveLength(1);
  });

  it('does not blame the node when the probe may not try', () => {
    expect(run(false, 3, 'unshare: Operation not permitted')[0]?.result).toBe('unknown');
  });
});
