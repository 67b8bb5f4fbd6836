/**
 * Schemas for lists in a node's JSON. Zod's array schema reports every fault in a list: a million wrong
 * entries took 20 seconds and gigabytes. These stop at the first.
 */
import * as z from 'zod';

/**
 * A list whose entries match the schema.
 * @param most - maximum number of entries; by default as many as fit into a file
 */
export function each<Schema extends z.ZodType>(schema: Schema, most = Number.POSITIVE_INFINITY) {
  return z.array(z.unknown()).transform((entries, context): z.output<Schema>[] => {
    if (entries.length > most) return refuse(context, `too many entries: ${entries.length}, at most ${most}`);
    const read: z.output<Schema>[] = [];
    for (const [index, entry] of entries.entries()) {
      const { success, data, error } = schema.safeParse(entry);
      if (!success) return refuse(context, `entry ${index}: ${error.issues[0]?.message ?? ''}`);
      read.push(data);
    }
    return read;
  });
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** Texts by name, such as annotations. */
export function textsByName(text: z.ZodType<string>, most: number) {
  return z
    .record(z.string(), z.unknown())
    .refine((all) => Object.keys(all).length <= most, { error: `more than ${most} names` })
    .pipe(z.record(z.string(), text));
}
