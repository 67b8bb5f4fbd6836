import { describe, expect, it } from 'vitest';
import {
  type Restorable,
  restorableName,
  restorableSchema,
  restoreArgument,
  restoreArguments,
  undoCommand,
} from '../../lib/model/restorable.ts';

const namespace = { pin: 'cni-00000000-0000-4000-8000-000000000001', inode: 4026532400 };
const told = `${namespace.pin},4026532400`;
const link = { name: 'veth12345678', index: 7 };

const OBJECTS: readonly (readonly [Restorable, string, string])[] = [
  [
    { what: 'lo', namespace, lost: 'up' },
    `lo,${told},up`,
    `nsenter --net=/run/netns/${namespace.pin} ip link set lo down`,
  ],
  [
    { what: 'lo', namespace, lost: 'address' },
    `lo,${told},address`,
    `nsenter --net=/run/netns/${namespace.pin} ip addr del 127.0.0.1/8 dev lo`,
  ],
  [
    { what: 'default-route', namespace, link: 'eth0', gateway: 'fd00::1' },
    `default-route,${told},eth0,fd00::1`,
    `nsenter --net=/run/netns/${namespace.pin} ip route del default via fd00::1 dev eth0`,
  ],
  [
    { what: 'subnet-route', namespace, link: 'eth0', subnet: '10.1.1.0/24', address: '10.1.1.2' },
    `subnet-route,${told},eth0,10.1.1.0/24,10.1.1.2`,
    `nsenter --net=/run/netns/${namespace.pin} ip route del 10.1.1.0/24 dev eth0`,
  ],
  [{ what: 'link-up', namespace, link }, `link-up,${told},veth12345678,7`, 'ip link set veth12345678 down'],
  [
    { what: 'bridge-port', namespace, link, bridge: 'cni0' },
    `bridge-port,${told},veth12345678,7,cni0`,
    'ip link set veth12345678 nomaster',
  ],
  [
    { what: 'port-flag', namespace, link, flag: 'isolated', on: false },
    `port-flag,${told},veth12345678,7,isolated,off`,
    'ip link set veth12345678 type bridge_slave isolated on',
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
      expect(restoreArgument('shop/web-1/x', object)).toBe(`restore=shop/web-1/x,${argument}`);
      expect(restoreArguments.filter((pattern) => new RegExp(`^${pattern}$`).test(argument))).toHaveLength(1);
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
  ])('is never what a node makes up: %j', (object) => {
    expect(restorableSchema.safeParse(object).success).toBe(false);
  });
});
