/** The accounts of an AWS organization: three calls, signed here, as their client adds a megabyte to a function. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import * as z from 'zod';
import { partitionOf } from '../model/aws-names.ts';
import { AuditError } from '../model/errors.ts';

const answerSchema = z.object({
  // `Status` was its name until 2026.
  Accounts: z
    .array(z.object({ Id: z.string(), State: z.string().optional(), Status: z.string().optional() }))
    .default([]),
  OrganizationalUnits: z.array(z.object({ Id: z.string() })).default([]),
  NextToken: z.string().nullish(),
});
type OrganizationPage = z.infer<typeof answerSchema>;

/** Pages of a listing: an organization has 10,000 accounts at most, 20 per page. */
const MOST_PAGES = 2_000;

/**
 * The active accounts of an organization, or of units and the units below them.
 *
 * @param units - ids of units or of the root; null for the whole organization
 * @param region - of the caller: it determines the partition of the organization
 * @throws AuditError AWS if forbidden
 */
export async function accountsOf(
  units: readonly string[] | null,
  region: string,
  credentials: AwsCredentialIdentityProvider,
): Promise<string[]> {
  const ask = caller(region, credentials);
  const accounts = new Set<string>();
  const take = (answer: OrganizationPage): void => {
    for (const { Id, State, Status } of answer.Accounts) if ((State ?? Status) === 'ACTIVE') accounts.add(Id);
  };
  if (units === null) for await (const page of pages(ask, 'ListAccounts', {})) take(page);
  const left = [...(units ?? [])];
  for (let unit = left.pop(); unit !== undefined; unit = left.pop()) {
    for await (const page of pages(ask, 'ListAccountsForParent', { ParentId: unit })) take(page);
    for await (const page of pages(ask, 'ListOrganizationalUnitsForParent', { ParentId: unit }))
      left.push(...page.OrganizationalUnits.map(({ Id }) => Id));
  }
  return [...accounts].toSorted();
}

type Ask = (operation: string, input: object) => Promise<OrganizationPage>;

async function* pages(ask: Ask, operation: string, input: object): AsyncIterable<OrganizationPage> {
  let token: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer: OrganizationPage = await ask(
      operation,
      token === null ? input : { ...input, NextToken: token },
    );
    yield answer;
    token = answer.NextToken ?? null;
    if (token === null) return;
  }
}

/** Each partition has one endpoint for the organization. */
function homeOf(region: string): { readonly region: string; readonly host: string } {
  switch (partitionOf(region)) {
    case 'aws-cn':
      return { region: 'cn-northwest-1', host: 'organizations.cn-northwest-1.amazonaws.com.cn' };
    case 'aws-us-gov':
      return { region: 'us-gov-west-1', host: 'organizations.us-gov-west-1.amazonaws.com' };
    default:
      return { region: 'us-east-1', host: 'organizations.us-east-1.amazonaws.com' };
  }
}

const TRIES = 5;

function caller(region: string, credentials: AwsCredentialIdentityProvider): Ask {
  const home = homeOf(region);
  const { AWS_ENDPOINT_URL_ORGANIZATIONS, AWS_ENDPOINT_URL } = process.env;
  const url = new URL(AWS_ENDPOINT_URL_ORGANIZATIONS ?? AWS_ENDPOINT_URL ?? `https://${home.host}`);
  const signer = new SignatureV4({
    service: 'organizations',
    region: home.region,
    credentials,
    sha256: Sha256,
  });
  return async (operation, input) => {
    for (let attempt = 1; ; attempt += 1) {
      const body = JSON.stringify(input);
      const request = new HttpRequest({
        method: 'POST',
        protocol: url.protocol,
        hostname: url.hostname,
        path: '/',
        headers: {
          host: url.host,
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `AWSOrganizationsV20161128.${operation}`,
        },
        body,
      });
      const { headers } = await signer.sign(request);
      const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(20_000) });
      const text = await answer.text();
      if (answer.ok) return answerSchema.parse(JSON.parse(text));
      const isTransient = answer.status >= 500 || text.includes('TooManyRequests');
      if (!isTransient || attempt === TRIES)
        throw new AuditError('AWS', `organizations:${operation}: ${answer.status} ${text.slice(0, 300)}`, {
          retryable: isTransient,
          remedy:
            "List the accounts instead, or make the stack's account a delegated administrator of the " +
            'organization, with a policy that allows organizations:ListAccounts, ListAccountsForParent and ' +
            'ListOrganizationalUnitsForParent.',
        });
      await new Promise((resolve) => setTimeout(resolve, 2 ** attempt * 250 * Math.random()));
    }
  };
}
