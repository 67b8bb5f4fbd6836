import { describe, expect, it } from 'vitest';
import { runtimeNamespacePathInvalid } from '../../../lib/checks/runtime/runtime-namespace-path-invalid.ts';
import type { CniResult, Pin, Sandbox } from '../../../lib/model/evidence.ts';
import { aCniResult, aPin, aPod, aSandbox, context, failures } from '../evidence.ts';

function run(sandbox: Partial<Sandbox>, result: Partial<CniResult> = {}, pins: Pin[] = []) {
  const sources = {
    sandboxes: [aSandbox(sandbox)],
    cniResults: [aCniResult(result)],
    pins: [aPin(), ...pins],
    pods: [aPod()],
  };
  return runtimeNamespacePathInvalid.run(sources, context);
}

describe('runtime-namespace-path-invalid', () => {
  it('passes when runtime and CNI mean the same, by either name of the directory', () => {
    expect(run({})[0]?.result).toBe('pass');
  });

  it('finds a CNI result for another pod’s namespace, as DEL would take that apart', () => {
    const other = aPin({ path: '/run/netns/cni-2', inode: 4026533333 });
    const [found] = failures(run({}, { namespacePath: '/var/run/netns/cni-2' }, [other]));
    expect(found).toMatchObject({ severity: 'high', object: { name: 'web-1' } });
    expect(found?.detail).toContain('is another namespace, net:[4026533333]');
  });

  it('takes a path that leads nowhere less hard', () => {
    expect(failures(run({}, { namespacePath: '/run/netns/cni-gone' }))[0]?.severity).toBe('medium');
  });

  it('passes the same namespace under two paths, and docker’s path of the process', () => {
    const same = aPin({ path: '/run/netns/cni-2' });
    expect(run({}, { namespacePath: '/run/netns/cni-2' }, [same])[0]?.result).toBe('pass');
    expect(run({}, { namespacePath: '/proc/1000/ns/net' })[0]?.result).toBe('pass');
    expect(run({ namespacePath: '/proc/1000/ns/net' })[0]?.result).toBe('pass');
  });

  it('finds a path of a process that is not the sandbox’s', () => {
    expect(failures(run({ namespacePath: '/proc/2000/ns/net' }))).toHaveLength(1);
  });

  it.each<[string, Partial<Sandbox>]>([
    ['a sandbox that changed meanwhile', { stable: false }],
    ['a runtime that records no path', { namespacePath: null }],
    ['a dead process', { namespacePath: '/proc/2000/ns/net', process: 'dead' }],
  ])('does not judge %s', (_, changes) => {
    expect(run(changes)[0]?.result).toBe('notApplicable');
  });
});
