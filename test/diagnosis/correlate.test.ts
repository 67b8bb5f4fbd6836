import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { BROKEN_PODS, BROKEN_WAYS } from '../../lib/checks/cross-causes.ts';
import { correlate, rules } from '../../lib/diagnosis/correlate.ts';
import type { AuditedObject, Finding } from '../../lib/model/finding.ts';

function aFinding(check: string, object: AuditedObject, changes: Partial<Finding> = {}): Finding {
  return {
    fingerprint: `${check}@${object.name}`,
    check,
    topic: 'kernel',
    severity: 'high',
    confidence: 'confirmed',
    state: 'new',
    object,
    title: check,
    detail: '',
    evidence: [],
    remedy: [],
    firstSeen: '2026-11-20T02:00:00.000Z',
    lastSeen: '2026-11-20T02:00:00.000Z',
    runs: 1,
    flaps: 0,
    flapping: false,
    returnedAt: null,
    notSeen: false,
    suppressed: null,
    partOf: null,
    resolution: null,
    children: [],
    ...changes,
  };
}

const node1: AuditedObject = { kind: 'node', name: 'node-1' };
const pod: AuditedObject = { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' };
const parts = (findings: readonly Finding[]) =>
  Object.fromEntries(correlate(findings).map(({ fingerprint, partOf }) => [fingerprint, partOf]));

it('names checks that exist, and those that explain silence between nodes run before it', () => {
  const order = catalogue.map(({ id }) => id);
  const named = [...rules.flatMap(({ causes, symptoms }) => [...causes, ...symptoms]), ...BROKEN_PODS];
  expect(named.filter((id) => !order.includes(id))).toEqual([]);
  const last = order.indexOf('cross-node-unreachable');
  const late = [...BROKEN_WAYS, ...BROKEN_PODS].filter((id) => order.indexOf(id) > last);
  expect(late.filter((id) => catalogue.find((check) => check.id === id)?.scope === 'cluster')).toEqual([]);
});

describe('correlation', () => {
  it('tells pods that cannot start as part of the missing plugin on their node', () => {
    const found = correlate([aFinding('sandbox-create-failing', pod), aFinding('cni-plugin-missing', node1)]);
    expect(found[0]?.partOf).toBe('cni-plugin-missing@node-1');
    expect(found[1]).toMatchObject({ partOf: null, children: ['sandbox-create-failing@web-1'] });
  });

  it("tells pods without Cilium's program as part of the node's programs that are gone", () => {
    const found = [aFinding('link-program-missing', pod), aFinding('node-link-program-missing', node1)];
    expect(parts(found)['link-program-missing@web-1']).toBe('node-link-program-missing@node-1');
  });

  it('leaves symptoms on other nodes and other pods alone', () => {
    const elsewhere: AuditedObject = { ...pod, name: 'web-2', node: 'node-2' };
    expect(
      parts([aFinding('sandbox-create-failing', elsewhere), aFinding('cni-plugin-missing', node1)])[
        'sandbox-create-failing@web-2'
      ],
    ).toBeNull();
    expect(
      parts([aFinding('pod-dns-failing', elsewhere), aFinding('pod-address-missing', pod)])[
        'pod-dns-failing@web-2'
      ],
    ).toBeNull();
  });

  it('hangs a chain of symptoms under its root', () => {
    expect(
      parts([
        aFinding('sandbox-create-failing', pod),
        aFinding('namespace-creation-failing', node1),
        aFinding('kernel-netns-hung', node1),
      ]),
    ).toEqual({
      'sandbox-create-failing@web-1': 'kernel-netns-hung@node-1',
      'namespace-creation-failing@node-1': 'kernel-netns-hung@node-1',
      'kernel-netns-hung@node-1': null,
    });
  });

  it('does not explain anything by a pending or suppressed cause', () => {
    const suppressed = { reason: 'known', owner: 'net', expires: '2027-01-01' };
    expect(
      parts([aFinding('sandbox-create-failing', pod), aFinding('cni-plugin-missing', node1, { suppressed })])[
        'sandbox-create-failing@web-1'
      ],
    ).toBeNull();
    expect(
      parts([
        aFinding('sandbox-create-failing', pod),
        aFinding('cni-plugin-missing', node1, { state: 'pending' }),
      ])['sandbox-create-failing@web-1'],
    ).toBeNull();
  });
});
