/**
 * What the kernel log tells. A line cannot be taken back, and it may be the log of every node: these come last.
 */
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type Audit, audit, summary } from './audit.ts';
import { onNode } from './cluster.ts';

const node = inject('nodes')[0] as string;

const messages: readonly {
  readonly check: string;
  readonly lines: readonly string[];
  readonly shows: readonly string[];
}[] = [
  {
    check: 'kernel-unregister-netdevice',
    lines: Array(3).fill(
      'unregister_netdevice: waiting for vethe2e to become free. Usage count = 2',
    ) as string[],
    shows: ['vethe2e', '2'],
  },
  {
    check: 'neighbour-table-near-full',
    lines: Array(3).fill('neighbour: arp_cache: neighbor table overflow!') as string[],
    shows: ['overflow'],
  },
  {
    check: 'conntrack-near-full',
    lines: Array(3).fill('nf_conntrack: nf_conntrack: table full, dropping packet') as string[],
    shows: ['dropping packet'],
  },
];

describe('in the kernel log', () => {
  let result: Audit;

  beforeAll(async () => {
    const lines = messages.flatMap((message) => message.lines);
    await onNode(node, lines.map((line) => `echo '<4>${line}' > /dev/kmsg`).join('\n'));
    result = await audit();
  });

  it.each(messages)('finds $check', ({ check, shows }) => {
    const found = result.report.findings.find(
      (one) => one.check === check && (one.object.node ?? one.object.name) === node,
    );

    expect(found, result.report.findings.map(summary).join('\n')).toBeDefined();
    for (const text of shows) expect(JSON.stringify(found)).toContain(text);
  });

  it('reports nothing else', () => {
    const expected = new Set([
      ...messages.map((message) => message.check),
      'namespaces-dying',
      'kernel-network-bug',
    ]);
    const baseline = new Set(inject('baseline'));
    const others = result.report.findings.filter(
      (one) => !expected.has(one.check) && !baseline.has(one.fingerprint),
    );

    expect(others.map(summary)).toEqual([]);
  });
});
