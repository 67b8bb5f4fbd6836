/** Clusters that are discovered instead of listed: where a configuration says to look, and what was found. */
import * as z from 'zod';
import { regionSchema } from './aws-names.ts';
import { clusterSchema } from './clusters.ts';

/** An account, an organizational unit, or the root of an organization. */
const ACCOUNT = /^(?:\d{12}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32})$/;

export const discoverSchema = z
  .strictObject({
    accounts: z
      .union([
        z.literal('organization', {
          error: ({ input }) =>
            typeof input === 'string' && ACCOUNT.test(input)
              ? `Write a list, even of one: ['${input}'].`
              : undefined,
        }),
        z
          .array(
            z
              .string()
              .regex(
                ACCOUNT,
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
/** As written in a program: without defaults. */
export type DiscoverInput = Omit<z.input<typeof discoverSchema>, 'accounts' | 'regions'> & {
  readonly accounts: 'organization' | readonly string[];
  readonly regions: readonly string[];
};

/** Something that could not be read: which prerequisite is missing, and how to fix it. */
export const gapSchema = z.object({
  /** `organization`, an account, or a place in one: `111122223333/eu-west-1`, `111122223333/eu-west-1/prod`. */
  place: z.string(),
  reason: z.string(),
  remedy: z.string(),
});
export type Gap = z.infer<typeof gapSchema>;

export const foundSchema = z.object({
  clusters: z.array(clusterSchema),
  gaps: z.array(gapSchema),
  /** Regions that were searched, as `111122223333/eu-west-1`: clusters not found there no longer exist. */
  looked: z.array(z.string()),
  /** The selected accounts; null if they could not be determined. */
  accounts: z.array(z.string()).nullable(),
});
export type Found = z.infer<typeof foundSchema>;

/**
 * Whether a cluster that was found earlier is now gone or no longer selected, rather than in a place that
 * could not be searched.
 */
export function isGone(name: string, { looked, accounts }: Found): boolean {
  const [account = '', region = ''] = name.split('/');
  return looked.includes(`${account}/${region}`) || (accounts !== null && !accounts.includes(account));
}

/** The name of a discovered cluster: its place, so that names are unique. */
export function foundName(account: string, region: string, name: string): string {
  return `${account}/${region}/${name}`;
}

/** Whether the name is that of a discovered cluster: names of listed clusters do not start with an account. */
export function isFoundName(name: string): boolean {
  return /^\d{12}\//.test(name);
}
