/** How what was put back is taken back by hand. */
import { onOff, type Restorable } from './restorable.ts';
import { command } from './shell.ts';

/**
 * The command that takes it back, for a root shell on the node: the object is only put back if it still was
 * as it was found.
 */
export function undoCommand(object: Restorable): string {
  const inPod = (...words: string[]): string =>
    command('nsenter', `--net=/run/netns/${object.namespace.pin}`, 'ip', ...words);
  switch (object.what) {
    case 'lo':
      return object.lost === 'up'
        ? inPod('link', 'set', 'lo', 'down')
        : inPod('addr', 'del', '127.0.0.1/8', 'dev', 'lo');
    case 'default-route':
      return inPod('route', 'del', 'default', 'via', object.gateway, 'dev', object.link);
    case 'subnet-route':
      return inPod('route', 'del', object.subnet, 'dev', object.link);
    case 'link-up':
      return command('ip', 'link', 'set', object.link.name, 'down');
    case 'bridge-port':
      return command('ip', 'link', 'set', object.link.name, 'nomaster');
    case 'port-flag':
      return command(
        ...['ip', 'link', 'set', object.link.name, 'type', 'bridge_slave', object.flag],
        onOff(!object.on),
      );
    case 'host-route':
      return object.instead === null
        ? command('ip', 'route', 'del', object.address, 'dev', object.link.name)
        : command('ip', 'route', 'replace', object.address, 'dev', object.instead, 'scope', object.scope);
    case 'node-route':
      return command('ip', 'route', 'del', object.subnet, 'dev', object.bridge);
    case 'aws-rule':
      return object.table === null
        ? command('ip', 'rule', 'del', 'to', object.address, 'lookup', 'main', 'priority', '512')
        : command(
            'ip',
            'rule',
            'del',
            'from',
            object.address,
            'lookup',
            `${object.table}`,
            'priority',
            '1536',
          );
    case 'forwarding':
      return command(
        ...['sysctl', '-w', object.family === 4 ? 'net.ipv4.ip_forward=0' : 'net.ipv6.conf.all.forwarding=0'],
      );
    case 'link-setting':
      return command(
        ...['sysctl', '-w', `net.ipv4.conf.${object.link.name.replaceAll('.', '/')}.${object.setting}=0`],
      );
    case 'node-neighbour':
      return command('ip', 'neigh', 'replace', object.address, ...permanent(object.mac), 'dev', object.on);
    case 'gateway-neighbour':
      return object.mac === null
        ? inPod('neigh', 'del', object.gateway, 'dev', object.inPod)
        : inPod('neigh', 'replace', object.gateway, ...permanent(object.mac), 'dev', object.inPod);
    case 'pod-neighbour':
      return inPod('neigh', 'replace', object.address, ...permanent(object.mac), 'dev', object.inPod);
  }
}

const permanent = (mac: string): string[] => ['lladdr', mac, 'nud', 'permanent'];
