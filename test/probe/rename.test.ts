import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Renaming, readArchive, type StoredEvidence } from '../../lib/probe/index.ts';
import { aCrossPod } from '../checks/connectivity/crossings.ts';

const archive = readFileSync(new URL('../../demo/broken.tar.gz', import.meta.url));

/** Everything that somebody sees who unpacks it. */
function everything({ files, before, after, audit }: StoredEvidence): string {
  const texts = [...(files?.values() ?? [])].map((bytes) => Buffer.from(bytes).toString('latin1'));
  return [JSON.stringify([before, after, audit]), ...texts].join('\n');
}

function withPod(evidence: StoredEvidence, changes: object): StoredEvidence {
  const [pod, ...others] = evidence.before.pods;
  if (pod === undefined) throw new Error('the recording has no pod');
  return { ...evidence, before: { ...evidence.before, pods: [{ ...pod, ...changes }, ...others] } };
}

describe('evidence under other names', () => {
  let evidence: StoredEvidence;
  let renaming: Renaming;
  let renamed: StoredEvidence;
  const rename = (given: StoredEvidence) => {
    renaming = new Renaming();
    renaming.learn(given);
    renamed = renaming.evidence(given);
  };
  beforeAll(async () => {
    evidence = await readArchive(archive);
  });

  it('has no pod, namespace or cluster by its name, wherever it stood', () => {
    rename(
      withPod(evidence, { namespace: 'payments', name: 'ledger-writer-0', labels: { team: 'Treasury' } }),
    );
    const text = everything(renamed);
    expect(text).not.toMatch(/payments|ledger|writer|Treasury/);
    expect(renamed.audit.cluster.name).not.toBe('lab');
    for (const [old, now] of renaming.names) {
      expect(now).not.toBe(old);
      expect(text.split(/[^A-Za-z0-9._-]/)).not.toContain(old);
    }
    expect(renaming.names.size).toBeGreaterThan(20);
  });

  it('keeps the length of every file, as the kernel counts the bytes of its messages', () => {
    rename(evidence);
    for (const [path, bytes] of evidence.files ?? [])
      expect(renamed.files?.get(path)).toHaveLength(bytes.length);
  });

  it('calls one thing by one name, on each node and as a part of other names', async () => {
    const other = withPod(evidence, { namespace: 'payments', name: 'ledger-1', labels: { app: 'ledger' } });
    const both = new Renaming();
    for (const each of [evidence, other]) both.learn(each);
    const first = /^(\w+)-(\w+)\.(\w+)\.svc\.cluster\.local$/.exec(
      both.text('ledger-1.payments.svc.cluster.local'),
    );
    expect(both.text('payments/ledger')).toBe(`${first?.[3]}/${first?.[1]}`);
    expect(both.evidence(evidence).before.pods[1]?.name).toBe(both.evidence(other).before.pods[1]?.name);
  });

  it('names links after the pods as they are called now', () => {
    rename(withPod(evidence, { namespace: 'payments', name: 'ledger-0' }));
    const linkOf = (namespace: string, name: string) =>
      `cali${createHash('sha1').update(`${namespace}.${name}`).digest('hex').slice(0, 11)}`;
    const now = renamed.before.pods[0];
    expect(renaming.text(linkOf('payments', 'ledger-0'))).toBe(linkOf(now?.namespace ?? '', now?.name ?? ''));
  });

  it('replaces the names of Services, and of pods that only the CNI plugin has on file', () => {
    const serviceEndpoints = {
      status: 'present' as const,
      value: [{ namespace: 'payments', pod: 'ledger-0', service: 'books' }],
    };
    rename({ ...evidence, before: { ...evidence.before, serviceEndpoints } });
    expect(everything(renamed)).not.toMatch(/payments|ledger|books/);
  });

  it('replaces the names of the next node and of pods that ping each other', () => {
    const crossing = {
      status: 'planned' as const,
      next: { name: 'acme-ledger', address: '10.0.0.2' },
      sources: [aCrossPod(1, { namespace: 'payments', name: 'ledger-0' })],
      targets: [{ ...aCrossPod(2, { namespace: 'treasury', name: 'books-0' }), stayed: true }],
    };
    rename({ ...evidence, before: { ...evidence.before, crossing } });
    expect(JSON.stringify(renamed.before.crossing)).not.toMatch(/payments|ledger|treasury|books|acme/);
  });

  it('replaces the domains that pods search, and registries in messages', () => {
    const searches = ['corp.initech.example', 'svc.cluster.local'];
    const pulled = {
      ...evidence.before.events[0],
      reason: 'Failed',
      kind: 'Pod',
      namespace: 'shop',
      name: 'web-1',
    };
    const event = {
      uid: null,
      node: null,
      count: 1,
      firstSeen: null,
      lastSeen: null,
      ...pulled,
      message:
        'Failed to pull image "registry.initech.example/billing:1.2": 123456789012.dkr.ecr.eu-west-1.amazonaws.com/x',
    };
    const given = withPod(evidence, { dnsConfig: { nameservers: [], searches, options: [] } });
    rename({ ...given, before: { ...given.before, events: [event] } });
    expect(everything(renamed)).not.toMatch(/initech|123456789012/);
    expect(renamed.before.pods[0]?.dnsConfig?.searches[1]).toBe('svc.cluster.local');
    expect(renamed.before.events[0]?.message).toContain('.dkr.ecr.');
  });

  it('leaves what checks know things by, and says which names it cannot tell from other text', () => {
    rename(
      withPod(evidence, {
        namespace: 'kube-system',
        name: 'db-0',
        labels: { 'k8s-app': 'kube-dns', app: 'cafe', tier: 'pods' },
      }),
    );
    expect(renamed.before.pods[0]).toMatchObject({
      namespace: 'kube-system',
      name: 'db-0',
      labels: { 'k8s-app': 'kube-dns', app: 'cafe' },
    });
    expect(renaming.kept).toEqual(expect.arrayContaining(['cafe', 'db-0']));
    expect(renaming.kept).not.toContain('kube-system');
  });
});
