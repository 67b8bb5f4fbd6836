/** What the probe keeps of one container in the runtime's files: its listing and its spec. */
import * as z from 'zod';
import { each, textsByName } from './schemas.ts';

/** A line of `sandboxes.before` and `sandboxes.after`. */
export type Listed = {
  readonly runtime: string;
  readonly id: string;
  readonly pid: number | null;
  readonly file: string;
};

const text = z.string().max(1000);
/** A line of `sandboxes.ndjson`: a runtime spec, reduced on the node; `error` if it is not valid JSON. */
export const specLine = z.object({
  file: text,
  error: text.optional(),
  annotations: textsByName(text, 1000).default({}),
  namespaces: each(z.object({ type: text, path: text.nullable() }), 64).default([]),
  docker: z
    .object({
      running: z.boolean().nullish(),
      pid: z.number().int().nullish(),
      created: text.nullish(),
      path: text.nullish(),
      networkMode: text.nullish(),
    })
    .optional(),
});
