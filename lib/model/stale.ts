/**
 * Routes and rules that a node still has for addresses that nobody has any more, described so exactly that the
 * script of repairs (lib/probe/repair/stale.sh) recognizes each before it deletes it. No repair pod adds one again: that
 * nobody has an address holds for most addresses, so whoever starts such a pod could send any of them into a pod.
 */
import * as z from 'zod';
import { hostLinkNames, isHostLinkName } from './cni-names.ts';
import { ADDRESS, kernelNumber, NUMBER, whole } from './repair-grammar.ts';
import { command } from './shell.ts';

const address = z.string().regex(whole(ADDRESS));
const SCOPES = ['host', 'link', 'global'] as const;

const staleSchema = z.discriminatedUnion('what', [
  z.object({
    what: z.literal('stale-route'),
    link: z.object({ name: z.string().max(15).refine(isHostLinkName), index: kernelNumber }),
    address,
    scope: z.enum(SCOPES),
  }),
  z.object({
    what: z.literal('stale-rule'),
    address,
    table: z
      .int()
      .min(2)
      .max(99_999)
      .nullable()
      .describe('Of rule 1536 from the address; null: it is rule 512 to the address.'),
  }),
]);
export type Stale = z.infer<typeof staleSchema>;

export const deleteRoutesSchema = z
  .object({ kind: z.literal('delete-routes'), objects: z.array(staleSchema).min(1).max(20) })
  .describe('Deletes routes and rules of the node for addresses that nobody has.');

/** It names no pod: this stands for the name and the number of a namespace. */
const NO_POD = 'none,0';

export function staleName(object: Stale): string {
  if (object.what === 'stale-route') return `route-to-${object.address}`;
  return object.table === null ? `rule-512-${object.address}` : `rule-1536-${object.address}`;
}

/** The argument of the repair pod. */
export function staleArgument(object: Stale): string {
  const fields =
    object.what === 'stale-route'
      ? [object.link.name, object.link.index, object.address, object.scope]
      : [object.address, object.table ?? 'main'];
  return `restore-${object.what}=${[staleName(object), NO_POD, ...fields].join(',')}`;
}

/** Patterns of the arguments, as in restore-argument.ts. */
export const staleArguments: readonly string[] = [
  `^restore-stale-route=route-to-${ADDRESS},${NO_POD},(${hostLinkNames.join('|')}),${NUMBER},${ADDRESS},(${SCOPES.join('|')})$`,
  `^restore-stale-rule=rule-(512|1536)-${ADDRESS},${NO_POD},${ADDRESS},(main|[0-9]{1,5})$`,
];

/** The command that adds it again, for a root shell on the node. */
export function staleUndo(object: Stale): string {
  const family = object.address.includes(':') ? '-6' : '-4';
  if (object.what === 'stale-route')
    return command(
      ...['ip', family, 'route', 'add', object.address],
      ...['dev', object.link.name, 'scope', object.scope],
    );
  const [side, table, priority] =
    object.table === null ? ['to', 'main', '512'] : ['from', `${object.table}`, '1536'];
  return command('ip', family, 'rule', 'add', side, object.address, 'lookup', table, 'priority', priority);
}
