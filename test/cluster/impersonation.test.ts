import { readFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect } from '../../lib/cluster/index.ts';

/** An API server with HTTP/2, like real ones. */
let server: Http2SecureServer;
let groups: string[];

beforeEach(async () => {
  const file = (name: string): string =>
    readFileSync(new URL(`../stub/test-only.${name}.pem`, import.meta.url), 'utf8');
  server = createSecureServer(
    { cert: file('cert'), key: file('key'), allowHTTP1: true },
    (request, response) => {
      groups = request.rawHeaders.filter(
        (_, index, all) => all[index - 1]?.toLowerCase() === 'impersonate-group',
      );
      response.end(JSON.stringify({ gitVersion: 'v1.36.0', metadata: { name: 'kube-system', uid: 'u' } }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => void server.close());

it.each([[['netns-auditor']], [['netns-auditor', 'netns-auditor-remediate']]])(
  'tells an API server each group by itself: %j',
  async (asked) => {
    const cluster = {
      server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      'insecure-skip-tls-verify': true,
    };
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 't', as: 'ann', 'as-groups': asked } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    });
    const { transport } = await connect({ kind: 'kubeconfig-text', text }, { version: '0.0.0' });
    await transport.close();
    expect(groups).toEqual(asked);
  },
);
