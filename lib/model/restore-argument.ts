/** The arguments of the repair pod for objects to put back, and the patterns that its admission policy admits. */
import { limitsPattern } from './raised-limits.ts';
import { ADDRESS, ADDRESS_4, LINK, MAC, NUMBER, PIN, SUBNET_4 } from './repair-grammar.ts';
import { FLAGS, onOff, type Restorable } from './restorable.ts';
import { staleArguments } from './stale.ts';

/** Stands for a missing value. */
const NONE = 'none';

/** @param name - identifies the object in the answer; without commas and spaces */
export function restoreArgument(name: string, object: Restorable): string {
  const { what, namespace } = object;
  return `restore-${what}=${[name, namespace.pin, namespace.inode, ...fieldsOf(object)].join(',')}`;
}

/** The argument to take the object back; null if the given one is neither for an object that a pod lost nor for limits. */
export function undoArgument(argument: string): string | null {
  return argumentsFor('restore').some((pattern) => new RegExp(pattern).test(argument))
    ? argument.replace(/^restore-/, 'undo-')
    : null;
}

function fieldsOf(object: Restorable): (string | number)[] {
  switch (object.what) {
    case 'lo':
      return [object.lost];
    case 'default-route':
      return [object.link, object.gateway];
    case 'subnet-route':
      return [object.link, object.subnet, object.address];
    case 'node-route':
      return [object.bridge, object.subnet, object.gateway];
    case 'forwarding':
      return [object.family];
    default:
      return [object.link.name, object.link.index, ...ofLink(object)];
  }
}

type OfLink = Extract<Restorable, { link: object }>;

/** The fields after those of the node's link. */
function ofLink(object: OfLink): (string | number)[] {
  switch (object.what) {
    case 'link-up':
      return [];
    case 'bridge-port':
      return [object.bridge];
    case 'port-flag':
      return [object.flag, onOff(object.on)];
    case 'host-route':
      return [object.address, object.scope, object.instead ?? NONE];
    case 'aws-rule':
      return [object.address, object.table ?? 'main'];
    case 'link-setting':
      return [object.setting];
    case 'node-neighbour':
      return [object.on, object.address, object.mac];
    case 'gateway-neighbour':
      return [object.inPod, object.gateway, object.mac ?? NONE, object.written ? 'written' : 'asked'];
    case 'pod-neighbour':
      return [object.inPod, object.address, object.mac, object.other.pin, object.other.inode];
  }
}

const argumentsFor = (word: 'restore' | 'undo'): string[] => {
  const pod = `[A-Za-z0-9./:_-]{1,400},${PIN},${NUMBER}`;
  const hostLink = `${LINK},${NUMBER}`;
  const flags = Object.entries(FLAGS).map(([flag, on]) => `${flag},${onOff(on)}`);
  const fields: Record<Restorable['what'], string> = {
    lo: '(up|address)',
    'default-route': `${LINK},${ADDRESS}`,
    'subnet-route': `${LINK},${SUBNET_4},${ADDRESS_4}`,
    'link-up': hostLink,
    'bridge-port': `${hostLink},${LINK}`,
    'port-flag': `${hostLink},(${flags.join('|')})`,
    // NONE is a link's name as well: one of that name is never found in the place of a route.
    'host-route': `${hostLink},${ADDRESS},(host|link),${LINK}`,
    'node-route': `${LINK},${SUBNET_4},${ADDRESS_4}`,
    'aws-rule': `${hostLink},${ADDRESS},(main|[0-9]{1,5})`,
    forwarding: '[46]',
    'link-setting': `${hostLink},(forwarding|proxy_arp)`,
    'node-neighbour': `${hostLink},${LINK},${ADDRESS},${MAC}`,
    'gateway-neighbour': `${hostLink},${LINK},${ADDRESS},(${NONE}|${MAC}),(written|asked)`,
    'pod-neighbour': `${hostLink},${LINK},${ADDRESS},${MAC},${PIN},${NUMBER}`,
  };
  return [
    ...Object.entries(fields).map(([what, rest]) => `^${word}-${what}=${pod},${rest}$`),
    limitsPattern(word),
  ];
};

/** Patterns of arguments: one for each `what`, told apart by the text before `=`. */
export const restoreArguments: readonly string[] = [...argumentsFor('restore'), ...staleArguments];
/** The same for objects to take back; what was deleted is added again by hand. */
export const undoArguments: readonly string[] = argumentsFor('undo');
