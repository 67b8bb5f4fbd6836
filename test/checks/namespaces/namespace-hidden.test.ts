import { describe, expect, it } from 'vitest';
import { namespaceHidden } from '../../../lib/checks/namespaces/namespace-hidden.ts';
import type { HiddenNamespace } from '../../../lib/model/evidence.ts';
import { aHostLink, aHostStack, context, failures } from '../evidence.ts';

const suspects = [{ pid: 44, command: 'ztunnel', sockets: 3 }];

function run(changes: Partial<HiddenNamespace>, hostNetwork = aHostStack()) {
  const hidden = { namespaceId: 7, links: ['veth12345678'], suspects, ...changes };
  return namespaceHidden.run({ hiddenNamespaces: [hidden], hostNetwork }, context);
}

describe('namespace-hidden', () => {
  it('passes a node without such namespaces', () => {
    const outcomes = namespaceHidden.run({ hiddenNamespaces: [], hostNetwork: aHostStack() }, context);
    expect(outcomes).toMatchObject([{ result: 'pass', object: { kind: 'node' } }]);
  });

  it('finds the link that leads to a namespace nobody shows, and who holds its sockets', () => {
    const [found] = failures(run({}));
    expect(found?.object).toEqual({ kind: 'namespace', name: 'veth12345678', node: 'node-1' });
    expect(found?.confidence).toBe('probable');
    expect(found?.detail).toContain('ztunnel (pid 44, 3 sockets)');
    expect(found?.remedy.some(({ command }) => command === 'cat /proc/44/cgroup')).toBe(true);
  });

  it('only suspects where no holder can be told', () => {
    expect(failures(run({ suspects: [] }))[0]?.confidence).toBe('suspected');
  });

  it('finds one whose link is deleted already, at low severity', () => {
    expect(failures(run({ links: [] }))[0]).toMatchObject({ severity: 'low', object: { name: 'ztunnel' } });
  });

  it('leaves an id without link and holder: it is about to go', () => {
    expect(run({ links: [], suspects: [] })[0]?.result).toBe('notApplicable');
  });

  it('takes the way out of a node that is a container itself for what it is', () => {
    const healthy = aHostStack();
    const links = healthy.links.map((link) => (link.name === 'eth0' ? aHostLink({ name: 'eth0' }) : link));
    expect(run({ links: ['eth0'] }, { ...healthy, links })[0]?.result).toBe('notApplicable');
  });

  it('leaves tunnels that were made in another namespace', () => {
    const tunnel = aHostStack({ links: [aHostLink({ name: 'vxlan0', kind: 'vxlan' })] });
    expect(run({ links: ['vxlan0'] }, tunnel)[0]?.result).toBe('notApplicable');
  });
});
