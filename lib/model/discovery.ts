/** Clusters that are found instead of listed: where a configuration lets look for them, and what was found there. */
import * as z from 'zod';
import { regionSchema } from './aws-names.ts';
import { clusterSchema } from './clusters.ts';

export const discoverSchema = z
  .strictObject({
    accounts: z
      .union([
        z.literal('organization'),
        z
          .array(
            z
              .string()
              .regex(
                /^(?:\d{12}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$/,
                'It is an account id of twelve digits in quotes, or an organizational unit such as ou-ab12-34cd56ef.',
              ),
          )
          .min(1),
      ])
      .describe('All accounts of the organization, or a list of account ids and organizational units.'),
    regions: z.array(regionSchema).min(1).describe('Regions to look in.'),
    tags: z
      .record(z.string().min(1), z.string())
      .default({})
      .describe('Only clusters that have all these tags. Default: all clusters.'),
    role: z
      .string()
      .regex(/^[\w+=,.@-]{1,64}$/, 'It is the name of a role, not its ARN.')
      .default('netns-auditor')
      .describe('Name of the role that the template creates in each account.'),
    externalId: z
      .string()
      .min(16)
      .describe('External id that these roles require: a random text of your own.'),
  })
  .describe('Audit every EKS cluster in these accounts, in addition to those that are listed.');
export type Discover = z.infer<typeof discoverSchema>;

/** Something that could not be read: which link is missing, and how to mend it. */
export const gapSchema = z.object({
  /** `organization`, an account, or what is in it: `111122223333/eu-west-1`, `111122223333/eu-west-1/prod`. */
  place: z.string(),
  reason: z.string(),
  remedy: z.string(),
});
export type Gap = z.infer<typeof gapSchema>;

export const foundSchema = z.object({
  clusters: z.array(clusterSchema),
  gaps: z.array(gapSchema),
  /** `111122223333/eu-west-1`: what is not found there is not there any more. */
  looked: z.array(z.string()),
  /** The accounts that were chosen; null where that could not be known. */
  accounts: z.array(z.string()).nullable(),
});
export type Found = z.infer<typeof foundSchema>;

/** Whether a cluster that was found before, and is not now, is gone or not chosen any more; else nobody could look. */
export function isGone(name: string, { looked, accounts }: Found): boolean {
  const [account = '', region = ''] = name.split('/');
  return looked.includes(`${account}/${region}`) || (accounts !== null && !accounts.includes(account));
}

/** The name of a cluster that was found: its place, so that no two have one. */
export function foundName(account: string, region: string, name: string): string {
  return `${account}/${region}/${name}`;
}

/** Whether a cluster has the name of one that was found: a listed one has no account in front. */
export function isFoundName(name: string): boolean {
  return /^\d{12}\//.test(name);
}
