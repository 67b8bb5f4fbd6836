import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/** The kernel delivers by lo whatever a node sends to an address of its own, not only to 127.0.0.1. */
export const nodeLoopbackDown = defineCheck({
  id: 'node-loopback-down',
  topic: 'interfaces',
  severity: 'high',
  title: "The node's loopback is up with 127.0.0.1",
  failureTitle: "Node's loopback is down or without 127.0.0.1",
  why:
    'Programs of the node, and pods on its network, no longer reach each other by 127.0.0.1 or by the address ' +
    'of the node: probes of the kubelet, a DNS cache, `kubectl exec` (whose server listens on 127.0.0.1).',
  needs: ['hostNetwork'],
  run({ hostNetwork: { links, addresses } }, { node }) {
    const object = nodeObject(node);
    const loopback = links.find((link) => link.loopback);
    if (loopback === undefined) return [notApplicable(object, 'no loopback interface was read')];
    const own = addresses
      .filter(({ link }) => link === loopback.name)
      .map(({ address, prefixLength }) => `${address}/${prefixLength}`);
    if (loopback.up && own.some((address) => address.startsWith('127.'))) return [pass(object)];
    const { name, up } = loopback;
    return [
      fail(object, {
        detail: `The loopback interface ${name} of the node ${up ? 'has no address in 127.0.0.0/8' : 'is down'}.`,
        confidence: 'confirmed',
        evidence: [
          { what: name, expected: 'UP', actual: up ? 'UP' : 'not UP', source: 'ip link (node)' },
          {
            what: `addresses of ${name}`,
            expected: '127.0.0.1/8',
            actual: own.join(', ') || 'none',
            source: 'ip addr (node)',
          },
        ],
        remedy: [
          repairOnNode(
            node,
            up ? 'give it its address again.' : 'set it up again; the kernel adds its addresses.',
            up
              ? command('ip', 'addr', 'add', '127.0.0.1/8', 'dev', name)
              : command('ip', 'link', 'set', name, 'up'),
          ),
          lookOnNode(
            node,
            'find out what changed it, such as a network manager or a script.',
            'journalctl -b -u systemd-networkd -u NetworkManager --no-pager | tail -n 30',
          ),
        ],
      }),
    ];
  },
});
