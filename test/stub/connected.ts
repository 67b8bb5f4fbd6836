/** A cluster that is the API server of this folder. */
import { onTestFinished } from 'vitest';
import { type Cluster, connect } from '../../lib/cluster/index.ts';
import { StubApiServer } from './api-server.ts';

/** Both are closed after the test. */
export async function connectedStub(): Promise<{ readonly stub: StubApiServer; readonly cluster: Cluster }> {
  const stub = await StubApiServer.start();
  const cluster = await connect({ kind: 'kubeconfig-text', text: stub.kubeconfig() }, { version: '0.0.0' });
  onTestFinished(async () => {
    await cluster.transport.close();
    await stub.close();
  });
  return { stub, cluster };
}
