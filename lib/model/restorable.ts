/**
 * What the tool puts back: one known state of one known object, told so exactly that it is known again as the same. Checks name it in
 * their findings, and the script of repairs (lib/probe/repair/restore.sh) asks again whether it is as it was found.
 */
import * as z from 'zod';
import { ADDRESS, ADDRESS_4, kernelNumber, LINK, NUMBER, PIN, SUBNET_4, whole } from './repair-grammar.ts';
import { command } from './shell.ts';

const linkName = z.string().regex(whole(LINK));

/** How each flag of a port has to be; hairpin only if the plugin was told to set it. */
const FLAGS = { hairpin: true, learning: true, isolated: false } as const;

/** The namespace of a pod: the name is of the sandbox alone, and with the inode it is known again. */
const namespaceSchema = z.object({
  pin: z.string().regex(whole(PIN)).describe('Name under /run/netns, as containerd makes it.'),
  inode: kernelNumber,
});

/** The node's end of a pair: no other link gets its number until the node starts again. */
const hostLinkSchema = z.object({ name: linkName, index: kernelNumber });

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
    address: z.string().regex(whole(ADDRESS_4)).describe('Of the pod: the kernel makes this route with it.'),
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
      on: z.boolean().describe('As it has to be.'),
    })
    .refine(({ flag, on }) => on === FLAGS[flag]),
]);
export type Restorable = z.infer<typeof restorableSchema>;

export const restoreSchema = z
  .object({
    kind: z.literal('restore'),
    objects: z.array(restorableSchema).min(1).max(20).describe('In the order in which they are put back.'),
  })
  .describe('What the pod lost is put back as it has to be; nothing is restarted.');

/** As `ip` writes a flag. */
export const onOff = (on: boolean): string => (on ? 'on' : 'off');

/** A word for it among the objects of its pod. */
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
  }
}

/** What the pod on the node is told of it. @param name - by which it answers, without comma and blank */
export function restoreArgument(name: string, object: Restorable): string {
  const { what, namespace } = object;
  return `restore=${[name, what, namespace.pin, namespace.inode, ...fieldsOf(object)].join(',')}`;
}

function fieldsOf(object: Restorable): (string | number)[] {
  switch (object.what) {
    case 'lo':
      return [object.lost];
    case 'default-route':
      return [object.link, object.gateway];
    case 'subnet-route':
      return [object.link, object.subnet, object.address];
    case 'link-up':
      return [object.link.name, object.link.index];
    case 'bridge-port':
      return [object.link.name, object.link.index, object.bridge];
    case 'port-flag':
      return [object.link.name, object.link.index, object.flag, onOff(object.on)];
  }
}

/** What an argument may look like, without `^restore=NAME,` and `$`: a line for each `what`. */
export const restoreArguments: readonly string[] = (() => {
  const pod = `${PIN},${NUMBER}`;
  const hostLink = `${LINK},${NUMBER}`;
  const flags = Object.entries(FLAGS).map(([flag, on]) => `${flag},${onOff(on)}`);
  return [
    `lo,${pod},(up|address)`,
    `default-route,${pod},${LINK},${ADDRESS}`,
    `subnet-route,${pod},${LINK},${SUBNET_4},${ADDRESS_4}`,
    `link-up,${pod},${hostLink}`,
    `bridge-port,${pod},${hostLink},${LINK}`,
    `port-flag,${pod},${hostLink},(${flags.join('|')})`,
  ];
})();

/** The command that takes it back, for a root shell on the node: the object is only put back if it still was as it was found. */
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
  }
}
