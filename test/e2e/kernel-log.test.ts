/**
 * Faults that the kernel log reports. A line cannot be removed, and all nodes may share the log: these tests
 * run last.
 */
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type Audit, audit, summary } from './audit.ts';
import { onNode } from './cluster.ts';

const node = inject('nodes')[0] as string;

type Message = {
  readonly check: string;
  readonly lines: readonly string[];
  readonly shows: readonly string[];
};

const thrice = (line: string): readonly string[] => [line, line, line];

/** One after another: a message about a device explains a hung task. */
const stages: readonly (readonly Message[])[] = [
  [
    {
      check: 'kernel-netns-hung',
      lines: [
        'INFO: task kworker/u8:2:999999 blocked for more than 122 seconds.',
        'Workqueue: netns cleanup_net',
        'Call Trace:',
        ' __schedule+0x2d2/0x8b0',
        ' cleanup_net+0x33f/0x3f0',
      ],
      shows: ['cleanup_net', '999999'],
    },
  ],
  [
    {
      check: 'kernel-unregister-netdevice',
      lines: thrice('unregister_netdevice: waiting for vethe2e to become free. Usage count = 2'),
      shows: ['vethe2e', '2'],
    },
    {
      check: 'neighbour-table-near-full',
      lines: thrice('neighbour: arp_cache: neighbor table overflow!'),
      shows: ['overflow'],
    },
    {
      check: 'conntrack-near-full',
      lines: thrice('nf_conntrack: nf_conntrack: table full, dropping packet'),
      shows: ['dropping packet'],
    },
    {
      check: 'kernel-network-bug',
      lines: ['kernel BUG at net/core/dev.c:11000!'],
      shows: ['net/core/dev.c:11000'],
    },
  ],
];

describe.each(stages)('in the kernel log', (...messages) => {
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
    const expected = new Set(messages.map((message) => message.check));
    const baseline = new Set(inject('baseline'));
    const others = result.report.findings.filter(
      (one) => !expected.has(one.check) && !baseline.has(one.fingerprint),
    );

    expect(others.map(summary)).toEqual([]);
  });
});
