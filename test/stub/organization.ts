/**
 * An organization with EKS clusters: answers as STS, EKS and Organizations do, limited to finding and
 * reaching clusters.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type StubCluster = {
  readonly tags?: Readonly<Record<string, string>>;
  readonly endpoint?: string;
  /** The certificate of its API server, in base64. */
  readonly ca?: string;
};

export type StubAccount = {
  /** By `REGION/NAME`. */
  readonly clusters: Map<string, StubCluster>;
  /** What is denied there: the role, or a call by part of its path, such as `eu-west-1`, `/clusters/one`. */
  readonly refuses: Set<string>;
  readonly state: 'ACTIVE' | 'SUSPENDED';
};

export class StubOrganization {
  readonly accounts = new Map<string, StubAccount>();
  /** Units with the units and accounts in them. */
  readonly units = new Map<
    string,
    { readonly units: readonly string[]; readonly accounts: readonly string[] }
  >();
  refusesOrganization = false;
  readonly calls: string[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<StubOrganization> {
    const stub = new StubOrganization();
    stub.#server.listen(0, '127.0.0.1');
    await once(stub.#server, 'listening');
    return stub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  account(id: string, state: StubAccount['state'] = 'ACTIVE'): StubAccount {
    const made = this.accounts.get(id) ?? { clusters: new Map(), refuses: new Set(), state };
    this.accounts.set(id, made);
    return made;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const answer = ([status, text]: Answer): void => {
      response.writeHead(status, {
        'x-amzn-errortype': status === 404 ? 'ResourceNotFoundException' : 'AccessDeniedException',
      });
      response.end(typeof text === 'string' ? text : JSON.stringify(text));
    };
    const [, operation] = String(request.headers['x-amz-target'] ?? '').split('.');
    if (operation !== undefined) answer(this.#organization(operation, body));
    else answer(request.method === 'POST' ? this.#assumeRole(new URLSearchParams(body)) : this.#eks(request));
  }

  #organization(operation: string, body: string): Answer {
    const { NextToken = '0', ParentId = '' } = JSON.parse(body) as { NextToken?: string; ParentId?: string };
    this.calls.push(`${operation} ${ParentId}`.trim());
    if (this.refusesOrganization) return [400, { __type: 'AccessDeniedException' }];
    const unit = this.units.get(ParentId) ?? { units: [], accounts: [] };
    if (operation === 'ListOrganizationalUnitsForParent')
      return [200, { OrganizationalUnits: unit.units.map((Id) => ({ Id })) }];
    const ids = operation === 'ListAccounts' ? [...this.accounts.keys()] : unit.accounts;
    // Twenty per page, as on AWS.
    const from = Number(NextToken);
    const Accounts = ids.slice(from, from + 20).map((Id) => ({ Id, State: this.account(Id).state }));
    return [200, { Accounts, ...(ids.length > from + 20 ? { NextToken: String(from + 20) } : {}) }];
  }

  #assumeRole(form: URLSearchParams): Answer {
    const id = String(form.get('RoleArn')).split(':')[4] ?? '';
    this.calls.push(`AssumeRole ${id} ${form.get('ExternalId')}`);
    if (this.account(id).refuses.has('role'))
      return [
        403,
        '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not trusted</Message></Error></ErrorResponse>',
      ];
    return [
      200,
      `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    ];
  }

  #eks(request: IncomingMessage): Answer {
    const [, id = '', region = ''] =
      /Credential=(\d+)\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? [];
    const url = new URL(request.url ?? '/', 'http://eks');
    const { clusters, refuses } = this.account(id);
    const place = `${region}${url.pathname}`;
    this.calls.push(`${id} ${place}`);
    if ([...refuses].some((word) => place.includes(word)))
      return [403, { message: 'denied by a service control policy' }];
    const [, , name] = url.pathname.split('/');
    if (name !== undefined) {
      const found = clusters.get(`${region}/${name}`);
      if (found === undefined) return [404, { message: `No cluster found for name: ${name}.` }];
      const { tags = {}, endpoint, ca } = found;
      return [
        200,
        {
          cluster: {
            name,
            tags,
            status: endpoint === undefined ? 'CREATING' : 'ACTIVE',
            ...(endpoint === undefined ? {} : { endpoint, certificateAuthority: { data: ca } }),
          },
        },
      ];
    }
    const names = [...clusters.keys()].flatMap((key) =>
      key.startsWith(`${region}/`) ? [key.slice(region.length + 1)] : [],
    );
    const from = Number(url.searchParams.get('nextToken') ?? 0);
    // Two per page, so that there are several pages.
    const nextToken = names.length > from + 2 ? { nextToken: String(from + 2) } : {};
    return [200, { clusters: names.slice(from, from + 2), ...nextToken }];
  }
}

type Answer = readonly [status: number, body: unknown];
