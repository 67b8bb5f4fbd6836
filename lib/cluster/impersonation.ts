/**
 * `as`, `as-groups`, `as-uid` and `as-user-extra` of a kubeconfig's user. client-node reads only the first,
 * and would have other rights than kubectl has with the same file.
 */
import { parse } from 'yaml';
import * as z from 'zod';

const usersSchema = z.object({
  users: z
    .array(
      z.object({
        name: z.string(),
        user: z
          .object({
            as: z.string().nullish(),
            'as-uid': z.string().nullish(),
            'as-groups': z.array(z.string()).nullish(),
            'as-user-extra': z.record(z.string(), z.array(z.string())).nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
});

/**
 * Headers for the named user; the first file that has it wins, as in kubectl.
 *
 * @throws ZodError or YAMLParseError if it is not a kubeconfig
 */
export function impersonationHeaders(texts: readonly string[], user: string): Record<string, string[]> {
  for (const text of texts) {
    const found = usersSchema.parse(parse(text) ?? {}).users?.find((each) => each.name === user);
    if (found === undefined) continue;
    const { as, 'as-uid': uid, 'as-groups': groups, 'as-user-extra': extra } = found.user ?? {};
    return {
      ...(as == null ? {} : { 'impersonate-user': [as] }),
      ...(uid == null ? {} : { 'impersonate-uid': [uid] }),
      ...(groups?.length ? { 'impersonate-group': groups } : {}),
      ...Object.fromEntries(
        Object.entries(extra ?? {}).map(([name, values]) => [
          `impersonate-extra-${encodeURIComponent(name).toLowerCase()}`,
          values,
        ]),
      ),
    };
  }
  return {};
}
