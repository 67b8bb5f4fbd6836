import { describe, expect, it } from 'vitest';
import { isOfNode, type Restorable, restorableName, restorableSchema } from '../../lib/model/restorable.ts';
import {
  restoreArgument,
  restoreArguments,
  undoArgument,
  undoArguments,
} from '../../lib/model/restore-argument.ts';
import { undoCommand } from '../../lib/model/restore-undo.ts';

const namespace = { pin: 'cni-00000000-0000-4000-8000-000000000001', inode: 4026532400 };
const told = `${namespace.pin},4026532400`;
const link = { name: 'veth12345678', index: 7 };

const OBJECTS: readonly (readonly [Restorable, string, string])[] = [
  [
    { what: 'lo', namespace, lost: 'up' },
    `restore-lo=shop/web-1/x,${told},up`,
    `nsenter --net=/run/netns/${namespace.pin} ip link set lo down`,
  ],
  [
    { what: 'lo', namespace, lost: 'address' },
    `restore-lo=shop/web-1/x,${told},address`,
    `nsenter --net=/run/netns/${namespace.pin} ip addr del 127.0.0.1/8 dev lo`,
  ],
  [
    { what: 'default-route', namespace, link: 'eth0', gateway: 'fd00::1' },
    `restore-default-route=shop/web-1/x,${told},eth0,fd00::1`,
    `nsenter --net=/run/netns/${namespace.pin} ip route del default via fd00::1 dev eth0`,
  ],
  [
    { what: 'subnet-route', namespace, link: 'eth0', subnet: '10.1.1.0/24', address: '10.1.1.2' },
    `restore-subnet-route=shop/web-1/x,${told},eth0,10.1.1.0/24,10.1.1.2`,
    `nsenter --net=/run/netns/${namespace.pin} ip route del 10.1.1.0/24 dev eth0`,
  ],
  [
    { what: 'link-up', namespace, link },
    `restore-link-up=shop/web-1/x,${told},veth12345678,7`,
    'ip link set veth12345678 down',
  ],
  [
    { what: 'bridge-port', namespace, link, bridge: 'cni0' },
    `restore-bridge-port=shop/web-1/x,${told},veth12345678,7,cni0`,
    'ip link set veth12345678 nomaster',
  ],
  [
    { what: 'port-flag', namespace, link, flag: 'isolated', on: false },
    `restore-port-flag=shop/web-1/x,${told},veth12345678,7,isolated,off`,
    'ip link set veth12345678 type bridge_slave isolated on',
  ],
  [
    { what: 'host-route', namespace, link, address: '10.1.1.2', scope: 'host', instead: null },
    `restore-host-route=shop/web-1/x,${told},veth12345678,7,10.1.1.2,host,none`,
    'ip route del 10.1.1.2 dev veth12345678',
  ],
  [
    { what: 'host-route', namespace, link, address: 'fd00::2', scope: 'link', instead: 'cali0123456789a' },
    `restore-host-route=shop/web-1/x,${told},veth12345678,7,fd00::2,link,cali0123456789a`,
    'ip route replace fd00::2 dev cali0123456789a scope link',
  ],
  [
    { what: 'node-route', namespace, bridge: 'cni0', subnet: '10.1.1.0/24', gateway: '10.1.1.1' },
    `restore-node-route=shop/web-1/x,${told},cni0,10.1.1.0/24,10.1.1.1`,
    'ip route del 10.1.1.0/24 dev cni0',
  ],
  [
    { what: 'aws-rule', namespace, link, address: '10.1.1.2', table: null },
    `restore-aws-rule=shop/web-1/x,${told},veth12345678,7,10.1.1.2,main`,
    'ip rule del to 10.1.1.2 lookup main priority 512',
  ],
  [
    { what: 'aws-rule', namespace, link, address: '10.1.1.2', table: 2 },
    `restore-aws-rule=shop/web-1/x,${told},veth12345678,7,10.1.1.2,2`,
    'ip rule del from 10.1.1.2 lookup 2 priority 1536',
  ],
  [
    { what: 'forwarding', namespace, family: 4 },
    `restore-forwarding=shop/web-1/x,${told},4`,
    'sysctl -w net.ipv4.ip_forward=0',
  ],
  [
    { what: 'link-setting', namespace, link: { name: 'eth0.100', index: 7 }, setting: 'proxy_arp' },
    `restore-link-setting=shop/web-1/x,${told},eth0.100,7,proxy_arp`,
    'sysctl -w net.ipv4.conf.eth0/100.proxy_arp=0',
  ],
  [
    {
      what: 'node-neighbour',
      namespace,
      link,
      on: 'cni0',
      address: '10.1.1.2',
      mac: '02:de:ad:00:00:01',
    },
    `restore-node-neighbour=shop/web-1/x,${told},veth12345678,7,cni0,10.1.1.2,02:de:ad:00:00:01`,
    'ip neigh replace 10.1.1.2 lladdr 02:de:ad:00:00:01 nud permanent dev cni0',
  ],
  [
    {
      what: 'gateway-neighbour',
      namespace,
      link,
      inPod: 'eth0',
      gateway: '169.254.1.1',
      mac: '02:de:ad:00:00:01',
      written: true,
    },
    `restore-gateway-neighbour=shop/web-1/x,${told},veth12345678,7,eth0,169.254.1.1,02:de:ad:00:00:01,written`,
    `nsenter --net=/run/netns/${namespace.pin} ip neigh replace 169.254.1.1 lladdr 02:de:ad:00:00:01 nud permanent dev eth0`,
  ],
  [
    {
      what: 'gateway-neighbour',
      namespace,
      link,
      inPod: 'eth0',
      gateway: 'fe80::1',
      mac: null,
      written: true,
    },
    `restore-gateway-neighbour=shop/web-1/x,${told},veth12345678,7,eth0,fe80::1,none,written`,
    `nsenter --net=/run/netns/${namespace.pin} ip neigh del fe80::1 dev eth0`,
  ],
  [
    {
      what: 'pod-neighbour',
      namespace,
      link,
      inPod: 'eth0',
      address: '10.1.1.3',
      mac: '02:de:ad:00:00:01',
      other: { pin: namespace.pin.replace(/.$/, 'b'), inode: 8 },
    },
    `restore-pod-neighbour=shop/web-1/x,${told},veth12345678,7,eth0,10.1.1.3,02:de:ad:00:00:01,${namespace.pin.replace(/.$/, 'b')},8`,
    `nsenter --net=/run/netns/${namespace.pin} ip neigh replace 10.1.1.3 lladdr 02:de:ad:00:00:01 nud permanent dev eth0`,
  ],
];

describe('what is put back', () => {
  it.each([
    { what: 'port-flag', namespace, link, flag: 'isolated', on: true },
    { what: 'port-flag', namespace, link, flag: 'hairpin', on: false },
    { what: 'subnet-route', namespace, link: 'eth0', subnet: '10.1.1.0/24', address: 'fd00::2' },
    { what: 'link-up', namespace: { ...namespace, pin: 'cni-1' }, link },
  ])('is nothing that the admission policy would refuse: %j', (object) => {
    expect(restorableSchema.safeParse(object).success).toBe(false);
  });

  it.each(OBJECTS)(
    'is told so that the admission policy takes it, and taken back as it was: %j',
    (object, argument, undo) => {
      expect(restorableSchema.parse(object)).toEqual(object);
      expect(restoreArgument('shop/web-1/x', object)).toBe(argument);
      expect(restoreArguments.filter((pattern) => new RegExp(pattern).test(argument))).toHaveLength(1);
      const taken = undoArgument(argument) ?? '';
      expect(taken).toBe(argument.replace('restore-', 'undo-'));
      expect(undoArguments.filter((pattern) => new RegExp(pattern).test(taken))).toHaveLength(1);
      expect(undoCommand(object)).toBe(undo);
      expect(restorableName(object)).toMatch(/^[A-Za-z0-9./:_-]+$/);
    },
  );

  it.each([
    { what: 'lo', namespace: { pin: '../../proc/1/ns/net', inode: 1 }, lost: 'up' },
    { what: 'default-route', namespace, link: 'eth0; reboot', gateway: '10.1.1.1' },
    { what: 'default-route', namespace, link: 'eth0', gateway: '10.1.1.1,10' },
    { what: 'link-up', namespace, link: { name: '-all', index: 7 } },
    { what: 'bridge-port', namespace, link, bridge: 'a b' },
    { what: 'port-flag', namespace, link, flag: 'guard', on: true },
    { what: 'host-route', namespace, link, address: '0.0.0.0/0', scope: 'link', instead: null },
    { what: 'aws-rule', namespace, link, address: '10.1.1.2', table: 254_000 },
    { what: 'aws-rule', namespace, link, address: 'all', table: 2 },
    { what: 'forwarding', namespace, family: 5 },
    { what: 'link-setting', namespace, link, setting: 'rp_filter' },
    { what: 'node-neighbour', namespace, link, on: 'cni0', address: '10.1.1.2', mac: 'no' },
  ])('is never what a node makes up: %j', (object) => {
    expect(restorableSchema.safeParse(object).success).toBe(false);
  });

  it.each(['restore-lo=x', 'orphan=x:1:1', 'undo-lo=x', 'restore-lo=a,b\nact=1'])(
    'is not taken back where no restore has such an argument: %j',
    (argument) => {
      expect(undoArgument(argument)).toBeNull();
    },
  );

  it('is known by its own name where it is the node that lacks it', () => {
    const ofNode = OBJECTS.filter(([object]) => isOfNode(object)).map(([object]) => restorableName(object));
    expect(ofNode).toEqual(['cni0/10.1.1.0/24', 'forwarding-4', 'eth0.100/proxy_arp']);
  });
});
