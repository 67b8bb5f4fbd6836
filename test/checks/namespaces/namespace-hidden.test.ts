import { describe, expect, it } from 'vitest';
import { namespaceHidden } from '../../../lib/checks/namespaces/namespace-hidden.ts';
import type { HiddenNamespace } from '../../../lib/model/evidence.ts';
import { aHostLink, aHostStack, aPod, context, failures } from '../evidence.ts';

const suspects = [{ pid: 44, command: 'ztunnel', sockets: 3 }];

const agent = aPod({ namespace: 'istio-system', name: 'ztunnel-x', uid: 'u-1', controller: 'DaemonSet' });
const holder = { pid: 44, command: 'ztunnel', sockets: 3, containerId: 'c1', podUid: 'u-1' };
const unread = '2 sockets could not be asked: pidfd_getfd: Operation not permitted';

function run(changes: Partial<HiddenNamespace>, hostNetwork = aHostStack()) {
  const hidden = {
    namespaceId: 7,
    links: ['veth12345678'],
    suspects,
    holders: [],
    socketsUnread: unread,
    ...changes,
  };
  return namespaceHidden.run({ hiddenNamespaces: [hidden], hostNetwork, pods: [agent] }, context);
}

describe('namespace-hidden', () => {
  it('passes a node without such namespaces', () => {
    const outcomes = namespaceHidden.run(
      { hiddenNamespaces: [], hostNetwork: aHostStack(), pods: [] },
      context,
    );
    expect(outcomes).toMatchObject([{ result: 'pass', object: { kind: 'node' } }]);
  });

  it('names the process and the pod whose sockets keep it alive, and has that pod restarted', () => {
    const [found] = failures(run({ holders: [holder], socketsUnread: null }));
    expect(found?.confidence).toBe('confirmed');
    expect(found?.detail).toContain(
      'kept alive by ztunnel (pid 44, 3 sockets) of pod istio-system/ztunnel-x.',
    );
    expect(found?.remedy.map(({ command }) => command)).toContain(
      'kubectl delete pod -n istio-system ztunnel-x',
    );
  });

  it('knows a static pod by its container', () => {
    const fixed = aPod({ name: 'fixed' });
    const containerId = fixed.containers[0]?.id ?? '';
    const [found] = failures(
      namespaceHidden.run(
        {
          hiddenNamespaces: [
            {
              namespaceId: 7,
              links: ['veth1'],
              suspects,
              holders: [{ ...holder, podUid: 'a-hash', containerId }],
              socketsUnread: null,
            },
          ],
          hostNetwork: aHostStack({ links: [aHostLink({ name: 'veth1' })] }),
          pods: [fixed],
        },
        context,
      ),
    );
    expect(found?.detail).toContain(`of pod ${fixed.namespace}/fixed.`);
  });

  it('has a process of the node looked up, and its service restarted', () => {
    const [found] = failures(run({ holders: [{ ...holder, podUid: null, containerId: null }] }));
    expect(found?.confidence).toBe('confirmed');
    expect(found?.remedy.map(({ command }) => command)).toContain('cat /proc/44/cgroup');
    expect(found?.remedy.at(-1)?.text).toContain('Restart the service');
  });

  it('suspects nobody whose sockets were all asked and are of other namespaces', () => {
    const [found] = failures(run({ socketsUnread: null }));
    expect(found?.confidence).toBe('suspected');
    expect(found?.detail).toContain('the kernel itself keeps it');
    expect(found?.remedy.map(({ command }) => command)).not.toContain('cat /proc/44/cgroup');
  });

  it('finds the link that leads to a namespace nobody shows, and whom it suspects where sockets may not be asked', () => {
    const [found] = failures(run({}));
    expect(found?.object).toEqual({ kind: 'namespace', name: 'veth12345678', node: 'node-1' });
    expect(found?.confidence).toBe('probable');
    expect(found?.detail).toContain('ztunnel (pid 44, 3 sockets)');
    expect(found?.detail).toContain(`unknown: ${unread}`);
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
