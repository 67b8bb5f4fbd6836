import { describe, expect, it } from 'vitest';
import { changesOf, clusterMessage } from '../../lib/alert/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aHostileReport, aReport, hostile, twoFaultsOfCart } from '../report/sample.ts';

const { thresholds } = settingsSchema.parse({});
const links = {
  page: 'https://eu-west-1.console.aws.amazon.com/s3/object/audits?prefix=reports',
  command: 'netns-audit reports show 20260102T030405Z-0a1b2c3d --store s3://audits',
};

function message(report: ClusterReport) {
  return clusterMessage(report, changesOf(report, null, thresholds), links);
}

const many = aReport({
  verdict: 'critical',
  findings: Array.from({ length: 500 }, (_, n) =>
    aFinding({
      fingerprint: `f${n}`,
      check: `pod-check-${n}`,
      severity: n === 499 ? 'critical' : 'high',
      object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: `node-${n}` },
    }),
  ),
});

/** What SNS counts: all bodies, as text inside JSON. */
const bytes = ({ text, json, chat }: ReturnType<typeof message>) =>
  Math.max(
    ...[json, chat].map((https) =>
      Buffer.byteLength(JSON.stringify({ default: text, sqs: json, lambda: json, https })),
    ),
  );

describe('a mail', () => {
  it('begins with what one would say on the phone, names object and check, and gives the command that repairs it', () => {
    const { subject, text } = message(aReport({ verdict: 'critical', findings: [aFinding()] }));
    expect(subject).toBe('prod-eu critical: 1 new (critical): Pod has no network interface');
    expect(text.split('\n').slice(0, 2)).toEqual([
      'prod-eu: Pod has no network interface: shop/web-1 on node-1.',
      'prod-eu is critical: 1 new (critical).',
    ]);
    expect(text).toContain('critical pod-interface-missing shop/web-1 on node-1');
    expect(text).toContain('$ kubectl delete pod -n shop web-1');
    expect(text).toContain(links.page);
    expect(text).toContain('netns-audit reports show 20260102T030405Z-0a1b2c3d');
  });

  it('adds up what several faults do to one workload', () => {
    expect(message(aReport({ verdict: 'critical', findings: twoFaultsOfCart })).text).toContain(
      '\nTogether, the findings affect 2 of 6 pods of shop/cart.\n',
    );
  });

  it('has at most 60 lines of 72 columns but for the links, worst first, and says what it left out', () => {
    const lines = message(many).text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    for (const line of lines.filter((each) => !/https:|--store/.test(each)))
      expect(line.length).toBeLessThanOrEqual(72);
    expect(lines.find((line) => line.includes('web-'))).toContain('web-499');
    expect(lines.join('\n')).toMatch(/and 4\d\d more, in the report/);
  });

  it('names each of several causes first, then gives what is broken and the command for each that fits', () => {
    const causes = (count: number) =>
      Array.from({ length: count }, (_, n) =>
        aFinding({
          fingerprint: `c${n}`,
          check: `check-${n}`,
          severity: n < 5 ? 'critical' : 'high',
          title: `Fault number ${n}`,
          detail: `${'Something was read that explains it at length. '.repeat(4)}`,
          object: { kind: 'node', name: `node-${n}` },
          remedy: [{ purpose: 'repair', text: `On node node-${n}, as root: mend it.`, command: `mend ${n}` }],
        }),
      );
    const { text } = message(aReport({ verdict: 'critical', findings: causes(9) }));
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    expect(lines.slice(0, 2)).toEqual([
      'prod-eu is critical: 9 new (5 critical, 4 high).',
      '- critical: Fault number 0: node-0',
    ]);
    expect(lines[9]).toBe('and 1 more, below');
    for (const n of [0, 1]) expect(text).toContain(`critical check-${n} node-${n}\n    Something was read`);
    for (const n of [7, 8])
      expect(text).toContain(
        `high check-${n} node-${n}\n    Fault number ${n}.\n    On node node-${n}, as root: mend it.\n    $ mend ${n}\n`,
      );
    const longer = message(aReport({ verdict: 'critical', findings: causes(20) })).text;
    expect(longer).toContain('critical check-4 node-4\n    Fault number 4.\n');
    expect(longer).toContain('\n  high check-18 node-18\n  high check-19 node-19\n');
  });

  it('tells the same fault of many pods of a node as one', () => {
    const pods = Array.from({ length: 12 }, (_, n) =>
      aFinding({
        fingerprint: `f${n}`,
        object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: 'node-1' },
      }),
    );
    expect(message(aReport({ verdict: 'critical', findings: pods })).text).toContain(
      `  critical pod-interface-missing 12 pods on node-1
    shop/web-0, shop/web-1, shop/web-2, shop/web-3 and 8 more
    No interface eth0, only lo; Kubernetes still shows 10.244.1.7.
    Delete the pod.
    $ kubectl delete pod -n shop web-1
    and the same for each of the others.
`,
    );
  });

  it('tells the same fault on many nodes as one, also when it is over', () => {
    const pods = Array.from({ length: 12 }, (_, n) =>
      aFinding({
        fingerprint: `f${n}`,
        object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: `node-${n % 6}` },
      }),
    );
    const report = aReport({ verdict: 'critical', findings: pods });
    expect(message(report).text).toContain(
      `  critical pod-interface-missing 12 pods on 6 nodes
    shop/web-0 on node-0, shop/web-1 on node-1, shop/web-2 on node-2,
    shop/web-3 on node-3 and 8 more
`,
    );
    const record = { runId: '', cluster: '', message: null, schemaVersion: 1, kind: 'AlertRecord' } as const;
    const { next } = changesOf(report, null, thresholds);
    const over = aReport({ resolved: pods, startedAt: '2026-01-03T03:04:05Z' });
    expect(clusterMessage(over, changesOf(over, { ...record, ...next }, thresholds), links).text).toContain(
      '\nResolved:\n  critical pod-interface-missing 12 pods on 6 nodes\n    shop/web-0 on node-0, ',
    );
  });

  it('drops the node and then the namespace of a long name, before what tells a pod apart', () => {
    const object = {
      kind: 'pod',
      namespace: 'payments-production',
      name: 'ledger-writer-5d5d8779dc-fmnbl',
      node: 'ip-10-0-3-7.eu-west-1.compute.internal',
    } as const;
    const { text } = message(aReport({ findings: [aFinding({ object })] }));
    expect(text).toContain('  critical pod-interface-missing …/ledger-writer-5d5d8779dc-fmnbl\n');
    expect(text.replaceAll(/\n +/g, ' ')).toContain(
      'payments-production/ledger-writer-5d5d8779dc-fmnbl on ip-10-0-3-7.eu-west-1.compute.internal',
    );
  });

  it('names a cloud node without the domain that all share, also for many pods', () => {
    const on = (n: number) => ({
      kind: 'pod' as const,
      namespace: 'shop',
      name: `web-${n}`,
      node: `ip-10-0-3-${n}.eu-west-1.compute.internal`,
    });
    const findings = [1, 2].map((n) => aFinding({ fingerprint: `f${n}`, object: on(n) }));
    expect(message(aReport({ findings })).text).toContain(
      '    shop/web-1 on ip-10-0-3-1, shop/web-2 on ip-10-0-3-2\n',
    );
    const { text } = message(aReport({ findings: findings.slice(0, 1) }));
    expect(text).toContain('  critical pod-interface-missing shop/web-1 on ip-10-0-3-1\n    No interface');
  });

  it('names the node of an object whose name fills the line', () => {
    const path = '/run/netns/cni-0d9aa5c1-6f0f-4e0e-9d0e-5f1c7a2b3c4d';
    const object = { kind: 'namespace', name: path.slice(11), path, node: 'ip-10-0-3-7' } as const;
    expect(message(aReport({ findings: [aFinding({ object })] })).text).toContain(`${path} on ip-10-0-3-7`);
  });

  it('gives the command to check with first where a repair needs one, and says which step repairs', () => {
    const remedy = [
      {
        purpose: 'look',
        text: 'No process is in it.',
        command: "find /proc/1/fd -lname 'net:x' 2>/dev/null",
      },
      {
        purpose: 'look',
        text: 'Keep what it holds.',
        command: "nsenter -t 1 -m -- nsenter --net=/x sh -c 'ip -d addr'",
      },
      { purpose: 'repair', text: 'Remove the pin.', command: 'nsenter -t 1 -m -- umount /x' },
    ] as const;
    const { text, chat } = message(aReport({ findings: [aFinding({ remedy: [...remedy] })] }));
    expect(text).toContain(
      `    Check first: No process is in it.
    $ find /proc/1/fd -lname 'net:x' 2>/dev/null
    Then: Remove the pin (step 3 of 3, in the report).
`,
    );
    expect(text).not.toMatch(/sh -c|umount/);
    expect(chat).not.toMatch(/find \/proc|sh -c|umount/);
    const looks = message(aReport({ findings: [aFinding({ remedy: remedy.slice(0, 1) })] }));
    expect(looks.text).toContain("$ find /proc/1/fd -lname 'net:x' 2>/dev/null");
  });

  it('gives a chat no half of a long command', () => {
    const remedy = [{ purpose: 'repair' as const, text: 'Delete it.', command: `rm -- ${'/x'.repeat(300)}` }];
    expect(message(aReport({ findings: [aFinding({ remedy })] })).chat).not.toContain('rm --');
  });

  it('keeps to its size whatever comes together, and leaves out no kind of news', () => {
    const of = (n: number, changes = {}) =>
      aFinding({
        fingerprint: `x${n}`,
        check: `pod-check-${n}`,
        severity: 'high',
        object: { kind: 'pod', namespace: 'shop', name: `x-${n}`, node: `node-${n}` },
        ...changes,
      });
    const range = (from: number) => Array.from({ length: 30 }, (_, n) => from + n);
    const before = aReport({ findings: [...range(0), ...range(100)].map((n) => of(n)) });
    const first = changesOf(before, null, thresholds);
    const after = aReport({
      startedAt: '2026-01-09T03:04:05Z',
      verdict: 'critical',
      findings: [
        ...range(0).map((n) => of(n, { state: 'open' })),
        ...range(200).map((n) => of(n)),
        ...range(300).map((n) => of(n, { flaps: 1 })),
        ...range(400).map((n) => of(n, { flapping: true })),
        ...range(500).map((n) => of(n, { state: 'open' })),
      ],
      nodes: range(0).flatMap((n) =>
        aReport().nodes.map((node) => ({ ...node, node: `node-${n}`, orphans: 20 })),
      ),
      coverage: {
        nodes: range(0).map((n) => ({ node: `node-${n}`, result: 'partial', reason: 'x', remedy: null })),
        checks: [],
      },
    });
    const record = { runId: '', cluster: '', message: null, schemaVersion: 1, kind: 'AlertRecord' } as const;
    const { text } = clusterMessage(after, changesOf(after, { ...record, ...first.next }, thresholds), links);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    for (const title of ['New:', 'Came back:', 'Comes and goes', 'Open, and not', 'Resolved:', 'Still open'])
      expect(text).toContain(`\n${title}`);
    expect(text).toContain('Thresholds crossed:');
    expect(text.match(/and \d+ more, in the report/g)?.length).toBe(7);
  });

  it('has a subject of printable ASCII, 99 characters at most', () => {
    const name = `Zürich\u202e\n${'x'.repeat(200)}`;
    const { subject } = message(
      aReport({ cluster: { name, uid: 'u', version: 'v' }, findings: [aFinding()] }),
    );
    expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
  });

  it('shows what a node says as text', () => {
    const { text } = message(aReport({ findings: [aFinding({ detail: '\u001b[2J\u202e' })] }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  it('fits into SNS with its JSON, however many findings there are', () => {
    expect(bytes(message(many))).toBeLessThan(256 * 1024);
    expect(JSON.parse(message(many).json)).toMatchObject({ truncated: true, severity: 'critical' });
    expect(JSON.parse(message(many).json).new).toHaveLength(50);
  });

  it('fits into SNS whatever nodes call things, and gives no program half a command', () => {
    const object = { kind: 'file', name: hostile, node: hostile, path: '"\u0000'.repeat(5_000) } as const;
    const findings = many.findings.map(({ fingerprint }) => ({
      ...aFinding({ fingerprint, object, detail: hostile, title: hostile }),
      remedy: [{ purpose: 'repair' as const, text: hostile, command: `rm ${'"'.repeat(9_000)}` }],
    }));
    const odd = message(aReport({ verdict: 'critical', cluster: aHostileReport().cluster, findings }));
    expect(bytes(odd)).toBeLessThan(256 * 1024);
    const [first] = JSON.parse(odd.json).new;
    expect(first.remedy[0]).not.toHaveProperty('command');
    expect(JSON.parse(odd.json).truncated).toBe(true);
  });

  it('is as harmless in a chat: no mention, no markup, no link but ours', () => {
    const name = '<!channel> @here `rm` *b* <https://evil.example|x>';
    const { chat } = message(
      aReport({ findings: [aFinding({ object: { kind: 'pod', namespace: 'shop', name, node: 'node-1' } })] }),
    );
    const { content } = JSON.parse(chat);
    expect(content.description).not.toMatch(/<|@|`rm`/);
    expect(content.nextSteps.at(-1)).toBe(`<${links.page}|The report in S3>`);
    expect(Buffer.byteLength(message(many).chat)).toBeLessThan(10_000);
  });
});
