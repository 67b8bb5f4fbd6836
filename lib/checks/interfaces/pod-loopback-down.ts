import { networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { restore } from '../remedies/restore.ts';
import { command, recreatePod, repairOnNode } from '../remedies/steps.ts';

export const podLoopbackDown = definePodCheck({
  id: 'pod-loopback-down',
  topic: 'interfaces',
  severity: 'high',
  title: "The pod's loopback is up with 127.0.0.1",
  failureTitle: "Pod's loopback interface is down or without 127.0.0.1",
  why:
    'Containers of a pod talk to each other, to their sidecars and to themselves over 127.0.0.1. ' +
    'Without it they fail in ways that look like bugs of the application.',
  needs: ['podNetworks'],
  unless: [networkElsewhere, 'namespace unread'],
  judge(network, _sources, { node }) {
    const loopback = network.stack.links.find((link) => link.loopback);
    const addresses = network.stack.addresses
      .filter((address) => address.link === loopback?.name)
      .map(({ address, prefixLength }) => `${address}/${prefixLength}`);
    const hasAddress = addresses.some((address) => address.startsWith('127.'));
    if (loopback?.up && hasAddress) return 'pass';
    const fault =
      loopback === undefined
        ? 'there is none'
        : loopback.up
          ? 'it has no address in 127.0.0.0/8'
          : 'it is down';
    return {
      detail: `The loopback interface of the pod's namespace does not work: ${fault}.`,
      confidence: 'probable',
      evidence: [
        {
          what: 'loopback interface',
          expected: 'lo, UP',
          actual: loopback === undefined ? 'none' : `${loopback.name}, ${loopback.up ? 'UP' : 'not UP'}`,
          source: `ip link (netns ${network.namespace})`,
        },
        {
          what: 'its addresses',
          expected: '127.0.0.1/8',
          actual: addresses.join(', ') || 'none',
          source: `ip addr (netns ${network.namespace})`,
        },
      ],
      remedy: remedy(network, node, loopback?.up === true),
      ...(loopback === undefined
        ? {}
        : restore(network, { what: 'lo', lost: loopback.up ? 'address' : 'up' })),
    };
  },
});

function remedy(network: PodNetwork, node: string, up: boolean) {
  const path = network.sandbox.namespacePath;
  if (path === null) return recreatePod(network.pod);
  // The kernel adds the addresses of lo when it comes up.
  const inside = up ? ['ip', 'addr', 'add', '127.0.0.1/8', 'dev', 'lo'] : ['ip', 'link', 'set', 'lo', 'up'];
  return [
    repairOnNode(
      node,
      'repair it in place; the pod keeps running. Or delete the pod.',
      command('nsenter', `--net=${path}`, ...inside),
    ),
  ];
}
