/** Destinations: whom the command line notifies of changes, and how. */
import * as z from 'zod';
import { severities } from './finding.ts';

/** The configuration never contains a secret, only where to find it. */
const secretSchema = z.union([
  z.strictObject({ env: z.string().regex(/^\w+$/, 'It is the name of an environment variable.') }),
  z.strictObject({ file: z.string().min(1) }),
]);
export type Secret = z.infer<typeof secretSchema>;

const httpUrl = z.url({ protocol: /^https?$/, error: 'It is an http:// or https:// URL.' });

const anyDestination = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'Small letters, digits and - are possible.')
    .describe('Its name in records and errors. A different name starts a new record.'),
  minSeverity: z
    .enum(severities)
    .optional()
    .describe('Only messages whose worst severity is at least this. Default: all.'),
};

const webhookSchema = z
  .strictObject({
    kind: z.literal('webhook'),
    ...anyDestination,
    url: z.union([httpUrl, secretSchema]).describe('URL, or where it is kept: { env } or { file }.'),
    secret: secretSchema
      .optional()
      .describe(
        'Base64 of at least 24 random bytes: requests are signed with it, as Standard Webhooks says.',
      ),
  })
  .describe('The JSON of the message, by POST.');
const slackSchema = z
  .strictObject({
    kind: z.literal('slack'),
    ...anyDestination,
    url: secretSchema.describe('Where to read the URL of the incoming webhook, which is a secret.'),
  })
  .describe('An incoming webhook of Slack, or of a compatible service (Mattermost, Rocket.Chat).');
const alertmanagerSchema = z
  .strictObject({
    kind: z.literal('alertmanager'),
    name: anyDestination.name,
    url: httpUrl.describe('Its URL, without /api/v2/alerts.'),
    authorization: secretSchema.optional().describe('Text of the Authorization header, such as Bearer ....'),
  })
  .describe('Gets all open findings after each run; alerts for resolved ones end.');
const mailAddress = z
  .string()
  .regex(/^[^\s@<>,]+@[^\s@<>,]+$/, 'It is a mail address, such as on-call@example.com.')
  .max(254);
const mailSchema = z
  .strictObject({
    kind: z.literal('mail'),
    ...anyDestination,
    host: z.string().min(1).describe('SMTP server.'),
    port: z.int().min(1).max(65535).default(587),
    tls: z
      .enum(['starttls', 'implicit', 'none'])
      .default('starttls')
      .describe('starttls (port 587), implicit (port 465), or none, which allows no password.'),
    user: z.string().min(1).optional(),
    password: secretSchema.optional(),
    from: mailAddress,
    to: z.array(mailAddress).min(1).max(50),
  })
  .refine(
    ({ user, password }) => (user === undefined) === (password === undefined),
    'user and password go together.',
  )
  .refine(
    ({ tls, password }) => tls !== 'none' || password === undefined,
    'A password goes over TLS only: tls is starttls or implicit.',
  )
  .describe('An email through an SMTP server.');

const destinationSchema = z.discriminatedUnion('kind', [
  webhookSchema,
  slackSchema,
  alertmanagerSchema,
  mailSchema,
]);
export type Destination = z.infer<typeof destinationSchema>;

export const destinationsSchema = z
  .array(destinationSchema)
  .max(20)
  .refine(
    (all) => new Set(all.map(({ name }) => name)).size === all.length,
    'Two destinations have the same name.',
  );
