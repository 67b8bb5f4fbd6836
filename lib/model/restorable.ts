/**
 * What the tool can put back: one known state of one object, described so exactly that it can be recognized
 * later. Checks name it in their findings, and the script of repairs (lib/probe/repair/restore.sh) first
 * verifies that the object is still as it was found.
 */
import * as z from 'zod';
import { ADDRESS, ADDRESS_4, kernelNumber, LINK, MAC, PIN, SUBNET_4, whole } from './repair-grammar.ts';

const linkName = z.string().regex(whole(LINK));

/** The required value of each flag of a port; of hairpin, only if the plugin is configured to set it. */
export const FLAGS = { hairpin: true, learning: true, isolated: false } as const;

/** The namespace of a pod: only its sandbox has the name, and the inode tells whether it is still the same. */
const namespaceSchema = z.object({
  pin: z.string().regex(whole(PIN)).describe('Name under /run/netns, as containerd creates it.'),
  inode: kernelNumber,
});

/** The node's end of a pair: no other link gets its number until the node starts again. */
const hostLinkSchema = z.object({ name: linkName, index: kernelNumber });

const address = z.string().regex(whole(ADDRESS));
const mac = z.string().regex(whole(MAC));

export const restorableSchema = z.discriminatedUnion('what', [
  z.object({
    what: z.literal('lo'),
    namespace: namespaceSchema,
    lost: z.enum(['up', 'address']).describe('up: it is down; address: it is up without 127.0.0.1.'),
  }),
  z.object({
    what: z.literal('default-route'),
    namespace: namespaceSchema,
    link: linkName.describe('Inside the pod.'),
    gateway: z.string().regex(whole(ADDRESS)),
  }),
  z.object({
    what: z.literal('subnet-route'),
    namespace: namespaceSchema,
    link: linkName.describe('Inside the pod.'),
    subnet: z.string().regex(whole(SUBNET_4)),
    address: z
      .string()
      .regex(whole(ADDRESS_4))
      .describe('Of the pod: the kernel adds this route with the address.'),
  }),
  z.object({ what: z.literal('link-up'), namespace: namespaceSchema, link: hostLinkSchema }),
  z.object({
    what: z.literal('bridge-port'),
    namespace: namespaceSchema,
    link: hostLinkSchema,
    bridge: linkName,
  }),
  z
    .object({
      what: z.literal('port-flag'),
      namespace: namespaceSchema,
      link: hostLinkSchema,
      flag: z.enum(['hairpin', 'learning', 'isolated']),
      on: z.boolean().describe('The required value.'),
    })
    .refine(({ flag, on }) => on === FLAGS[flag]),
  z.object({
    what: z.literal('host-route'),
    namespace: namespaceSchema,
    link: hostLinkSchema,
    address: address.describe('Of the pod.'),
    scope: z.enum(['host', 'link']).describe('As its plugin sets it.'),
    instead: linkName.nullable().describe('The link that has the route; null: there is none.'),
  }),
  z.object({
    what: z.literal('node-route'),
    namespace: namespaceSchema.describe('Of a pod that needs it.'),
    bridge: linkName,
    subnet: z.string().regex(whole(SUBNET_4)),
    gateway: z
      .string()
      .regex(whole(ADDRESS_4))
      .describe('Of the pods, on the bridge: the kernel adds this route with the address.'),
  }),
  z.object({
    what: z.literal('aws-rule'),
    namespace: namespaceSchema,
    link: hostLinkSchema,
    address: address.describe('Of the pod.'),
    table: z
      .int()
      .min(2)
      .max(99_999)
      .nullable()
      .describe('Table of the ENI, for rule 1536 from the pod; null: it is rule 512 to the pod.'),
  }),
  z.object({
    what: z.literal('forwarding'),
    namespace: namespaceSchema.describe('Of a pod that needs it.'),
    family: z.union([z.literal(4), z.literal(6)]),
  }),
  z.object({
    what: z.literal('link-setting'),
    namespace: namespaceSchema.describe('Of a pod that needs it.'),
    link: hostLinkSchema,
    setting: z.enum(['forwarding', 'proxy_arp']).describe('Of IPv4; the required value is 1.'),
  }),
  z.object({
    what: z.literal('node-neighbour'),
    namespace: namespaceSchema,
    link: hostLinkSchema,
    on: linkName.describe('The link that has the entry: that link, or its bridge.'),
    address: address.describe('Of the pod.'),
    mac: mac.describe(
      'The wrong address, in a permanent entry: the entry is removed, and the kernel asks the pod.',
    ),
  }),
  z.object({
    what: z.literal('gateway-neighbour'),
    namespace: namespaceSchema,
    link: hostLinkSchema,
    inPod: linkName.describe("The pod's end."),
    gateway: address,
    mac: mac.nullable().describe('The wrong address, in a permanent entry; null: there is no entry.'),
    written: z
      .boolean()
      .describe("True: the plugin writes it, with the MAC address of the node's end; else the kernel asks."),
  }),
  z.object({
    what: z.literal('pod-neighbour'),
    namespace: namespaceSchema,
    link: hostLinkSchema,
    inPod: linkName.describe("The pod's end."),
    address: address.describe('Of another pod of the node.'),
    mac: mac.describe(
      'The wrong address, in a permanent entry: the entry is removed, and the kernel asks the other pod.',
    ),
    other: namespaceSchema.describe('Of the other pod.'),
  }),
]);
export type Restorable = z.infer<typeof restorableSchema>;

export const restoreSchema = z
  .object({
    kind: z.literal('restore'),
    objects: z.array(restorableSchema).min(1).max(20).describe('In the order in which they are put back.'),
  })
  .describe('Puts back what the pod lost; restarts nothing.');

/** As `ip` writes a flag. */
export const onOff = (on: boolean): string => (on ? 'on' : 'off');

/** Its name among the objects of its pod, or of its node. */
export function restorableName(object: Restorable): string {
  switch (object.what) {
    case 'lo':
      return 'lo';
    case 'default-route':
      return `default-route-${object.gateway.includes(':') ? 6 : 4}`;
    case 'subnet-route':
      return object.subnet;
    case 'link-up':
      return object.link.name;
    case 'bridge-port':
      return `port-of-${object.bridge}`;
    case 'port-flag':
      return object.flag;
    case 'host-route':
      return `route-to-${object.address}`;
    case 'node-route':
      return `${object.bridge}/${object.subnet}`;
    case 'aws-rule':
      return object.table === null ? `rule-512-${object.address}` : `rule-1536-${object.address}`;
    case 'forwarding':
      return `forwarding-${object.family}`;
    case 'link-setting':
      return `${object.link.name}/${object.setting}`;
    case 'node-neighbour':
      return `neighbour-${object.address}`;
    case 'gateway-neighbour':
      return `neighbour-${object.gateway}`;
    case 'pod-neighbour':
      return `neighbour-${object.address}`;
  }
}

/** Whether it belongs to the node, so that many pods may lack it: its name alone identifies it. */
export function isOfNode({ what }: Restorable): boolean {
  return what === 'node-route' || what === 'forwarding' || what === 'link-setting';
}
