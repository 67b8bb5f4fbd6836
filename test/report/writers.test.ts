import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { whyByCheck } from '../../lib/checks/catalogue.ts';
import { type Finding, severities } from '../../lib/model/finding.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { formats, write } from '../../lib/report/index.ts';
import { leaked } from '../repair/calico.ts';
import { aLargeReport } from './large.ts';
import { aFinding, aHostileReport, aReport, hostile, somethingLost, twoFaultsOfCart } from './sample.ts';

const plain = { colour: false, width: 80, why: new Map<string, string>() };

describe('the text report', () => {
  it('is short when all is well, and its last line is the verdict', () => {
    expect(
      write(aReport(), 'text', plain),
    ).toBe(`Audit of prod-eu, 2026-01-02 03:04 UTC, run 20260102T030405Z-0a1b2c3d

No packets were sent. To send some: netns-audit audit --active ping,dns
1 node audited; 12 pods; 1 check; 4.0 s
HEALTHY  prod-eu
`);
  });

  it('says that no pod restarts where a repair is in place, and offers none that is refused anyway', () => {
    const text = (finding: Finding) =>
      write(aReport({ verdict: 'critical', findings: [finding] }), 'text', plain);
    const inPlace =
      'Or let netns-audit repair it in place: no pod restarts. It checks each object before and after:';
    expect(text(somethingLost()).replace(/\n +/g, ' ')).toContain(inPlace);
    expect(text(aFinding())).not.toContain('in place');
    const leakedOf = (...uses: (typeof leaked.use)[]): Finding =>
      somethingLost({
        repair: { kind: 'release-allocations', allocations: uses.map((use) => ({ ...leaked, use })) },
      });
    expect(text(leakedOf('unread', null))).toContain('Or let netns-audit');
    expect(text(leakedOf('unread', 'unread'))).not.toContain('Or let netns-audit');
  });

  it('leads from a table of all to the command that repairs, and ends in the verdict', () => {
    const report = aReport({ verdict: 'critical', findings: [aFinding()] });
    expect(
      write(report, 'text', plain),
    ).toBe(`Audit of prod-eu, 2026-01-02 03:04 UTC, run 20260102T030405Z-0a1b2c3d
There is no earlier audit to compare with, so every finding is new.

SEVERITY  CHECK                  STATE  WHAT
critical  pod-interface-missing  new    shop/web-1 on node-1

CRITICAL  pod-interface-missing  shop/web-1 on node-1
  Pod has no network interface (new)
  No interface eth0, only lo; Kubernetes still shows 10.244.1.7.
    - interfaces: expected eth0, found lo  [ip link (netns 4026532400)]
  > Delete the pod.
    $ kubectl delete pod -n shop web-1
  > Or let netns-audit repair it. It checks each object before and after:
    $ netns-audit remediate 20260102T030405Z-0a1b2c3d --only pod-interface-missing --apply

Explain a finding: netns-audit checks pod-interface-missing

No packets were sent. To send some: netns-audit audit --active ping,dns
1 node audited; 12 pods; 1 check; 4.0 s
CRITICAL  prod-eu: 1 critical; 1 new
`);
  });

  it('leads to the cluster and the store of the audit, wherever kubectl points', () => {
    const text = write(aReport({ findings: [aFinding()] }), 'text', {
      ...plain,
      store: 's3://audits',
      remediateWith: ['--kubeconfig', '/home/ann/my config', '--context', 'prod'],
    });
    expect(text).toContain(
      "    $ netns-audit remediate 20260102T030405Z-0a1b2c3d --only pod-interface-missing --kubeconfig '/home/ann/my config' --context prod --store s3://audits --apply\n",
    );
  });

  it('leads to a reboot by the name of one node, as the tool reboots no other', () => {
    const hung = (node: string) =>
      aFinding({
        check: 'kernel-netns-hung',
        fingerprint: node,
        object: { kind: 'node', name: node },
        repair: { kind: 'reboot-node' },
      });
    expect(write(aReport({ findings: [hung('node-1'), hung('node-2')] }), 'text', plain)).toContain(
      '    $ netns-audit remediate 20260102T030405Z-0a1b2c3d --only kernel-netns-hung --node node-1 --rehearse\n',
    );
  });

  it('shows in full what is new, critical or high, and says how bad the rest is and how to see it', () => {
    const findings = [
      aFinding({ check: 'pod-loopback-down', state: 'open' }),
      aFinding({ fingerprint: 'f2', check: 'pod-default-route-missing', severity: 'high', state: 'open' }),
      aFinding({ fingerprint: 'f3', check: 'veth-bridge-detached', severity: 'medium', state: 'open' }),
    ];
    const text = write(aReport({ findings }), 'text', plain);
    const inFull = (shown: string) =>
      [...shown.matchAll(/^[A-Z]+ {2}([a-z-]+) {2}shop/gm)].map(([, check]) => check);
    expect(inFull(text)).toEqual(['pod-loopback-down', 'pod-default-route-missing']);
    expect(text).toContain('medium    veth-bridge-detached       still open  shop/web-1 on node-1');
    expect(text).toContain(
      `Listed above without details: 1 medium. See them: netns-audit reports show ${aReport().runId} --details\n`,
    );
    expect(inFull(write(aReport({ findings }), 'text', { ...plain, details: true }))).toHaveLength(3);
  });

  it('names with its title what is critical or high, however much there is', () => {
    const findings = Array.from({ length: 25 }, (_, n) =>
      aFinding({
        fingerprint: `f${n}`,
        check: `check-${n}`,
        severity: n < 19 ? 'high' : 'low',
        title: `Fault ${n}`,
      }),
    );
    const text = write(aReport({ findings }), 'text', plain);
    expect(text.match(/^HIGH {2}check-\d+/gm)).toHaveLength(19);
    expect(text).toContain('  Fault 18 (new)\n');
    expect(text).toContain('and 5 more entries (5 low): -o json lists them all');
    expect(text).toMatch(/Listed above without details: 1[0-9] high, 6 low\. See them:/);
  });

  it.each([
    [82, 'netns-audit-e2e/mesh-rules-gone-5d5d8779dc-fmnbl on node-1'],
    [76, 'netns-audit-e2e/mesh-rules-gone-5d5d8779dc-fmnbl'],
    [64, '…/mesh-rules-gone-5d5d8779dc-fmnbl'],
  ])('shortens the name of a pod to what tells it apart: %s columns', (width, shown) => {
    const object = {
      kind: 'pod',
      namespace: 'netns-audit-e2e',
      name: 'mesh-rules-gone-5d5d8779dc-fmnbl',
      node: 'node-1.eu-west-1.compute.internal',
    } as const;
    const report = aReport({ findings: [aFinding({ check: 'x', object })] });
    expect(write(report, 'text', { ...plain, width }).split('\n')).toContain(
      `critical  x      new    ${shown}`,
    );
  });

  it('says since when what is new can be there', () => {
    const previous = { runId: '20260101T030305Z-0a1b2c3d', startedAt: '2026-01-01T03:03:05Z' };
    const heading = (report: ClusterReport) => write(report, 'text', plain).split('\n')[1];
    expect(heading(aReport({ findings: [aFinding()], previous }))).toBe(
      'New means: not counted by the audit of 2026-01-01 03:03 UTC.',
    );
    expect(heading(aReport({ findings: [aFinding({ state: 'open' })], previous }))).toBe('');
  });

  it('tells 400 findings of four causes on 200 nodes in 60 lines', () => {
    const report = aLargeReport(200, 400);
    const checks = ['pod-interface-missing', 'pod-loopback-down', 'host-route-missing', 'veth-orphaned'];
    const findings = report.findings.map((finding, n) => ({
      ...finding,
      check: checks[Math.floor(n / 100)] ?? '',
      severity: severities[Math.floor(n / 100)] ?? 'low',
    }));
    const linesOf = (of: ClusterReport) =>
      write(of, 'text', { ...plain, why: whyByCheck })
        .trimEnd()
        .split('\n');
    const lines = linesOf({ ...report, findings });
    expect(lines.length).toBeLessThanOrEqual(60);
    // Six causes, of which one is critical and two are high.
    expect(linesOf(report).length).toBeLessThanOrEqual(60);
    expect(lines).toContain('critical  pod-interface-missing  12 new, 88 still open  100 pods on 100 nodes');
    expect(lines.slice(-2).join(' ')).toMatch(
      /^CRITICAL {2}prod-eu: 100 critical, .* 45 new, 355 +open since 2025-11-24 or later$/,
    );
  });

  it('shows four compared values and counts the rest, unless all details are asked for', () => {
    const evidence = Array.from({ length: 7 }, (_, n) => ({ what: `value ${n}`, actual: 'x', source: 'ip' }));
    const report = aReport({ findings: [aFinding({ evidence })] });
    const text = write(report, 'text', plain);
    expect(text).toContain('    - value 3: x  [ip]\n    - and 3 more values: see --details\n');
    expect(write(report, 'text', { ...plain, details: true })).toContain('value 6');
  });

  it('names pods with their namespace at 60 columns, where there is room below or beside', () => {
    const on = (n: number) => ({
      kind: 'pod' as const,
      namespace: 'shop',
      name: `cart-659f888668-4sq6${n}`,
      node: `ip-10-0-3-${n}.eu-west-1.compute.internal`,
    });
    const of = (count: number) => {
      const findings = [1, 2].slice(0, count).map((n) => aFinding({ fingerprint: `f${n}`, object: on(n) }));
      return write(aReport({ findings }), 'text', { ...plain, width: 60 }).split('\n');
    };
    expect(of(2)).toContain('    shop/cart-659f888668-4sq61 on ip-10-0-3-1  new');
    const [head = ''] = of(1).filter((line) => line.startsWith('critical'));
    expect(head).toBe('critical  pod-interface-missing  new');
    expect(of(1)).toContain('    shop/cart-659f888668-4sq61 on ip-10-0-3-1');
  });

  it('leaves out of the proof what is as it should be', () => {
    const evidence = [
      { what: 'address of lo', expected: '127.0.0.1/8', actual: '127.0.0.1/8', source: 'ip addr' },
      { what: 'state of lo', expected: 'UP', actual: 'DOWN', source: 'ip link' },
    ];
    const text = write(aReport({ findings: [aFinding({ evidence })] }), 'text', plain);
    expect(text).toContain('- state of lo: expected UP, found DOWN');
    expect(text).not.toContain('address of lo');
  });

  it('keeps to itself that no packet was sent where some were', () => {
    const report = aReport();
    const [check] = report.coverage.checks;
    if (check !== undefined)
      report.coverage.checks.push({ ...check, check: 'node-to-pod-unreachable', topic: 'connectivity' });
    expect(write(report, 'text', plain)).not.toContain('No packet');
  });

  describe('of the same fault on many pods', () => {
    const findings = Array.from({ length: 5 }, (_, n) =>
      aFinding({
        fingerprint: `f${n}`,
        object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: 'node-1' },
        remedy: [
          { purpose: 'repair', text: 'Delete the pod.', command: `kubectl delete pod -n shop web-${n}` },
        ],
      }),
    );
    const text = write(aReport({ findings }), 'text', plain);

    it('says how to have the commands of all', () => {
      expect(text).toContain('  > 3 more commands like these. Get them all as a script, and read it first:');
      expect(text).toContain(
        `$ netns-audit reports show ${aReport().runId} --check pod-interface-missing --node node-1 -o json | jq`,
      );
    });

    it('says in Markdown how many steps it leaves out', () => {
      const step = (n: number) => ({ purpose: 'look' as const, text: `Look ${n}.`, command: `look ${n}` });
      const remedy = Array.from({ length: 23 }, (_, n) => step(n));
      const markdown = write(aReport({ findings: [aFinding({ remedy })] }), 'markdown', plain);
      expect(markdown).toContain('Look 19.');
      expect(markdown).not.toContain('Look 20.');
      expect(markdown).toContain('\nAnd 3 more steps: the JSON report has them all.\n');
    });

    it('names the store where it is another, and says nothing where the report is not kept', () => {
      const of = (store: string | null) => write(aReport({ findings }), 'text', { ...plain, store });
      expect(of('/var/lib/my audits')).toContain("--node node-1 --store '/var/lib/my audits' -o json");
      expect(of(null)).not.toContain('reports show');
      expect(of(null)).toContain('and 3 more commands like these');
    });

    it.skipIf(spawnSync('jq', ['--version']).status !== 0)(
      'by a filter that lets no text be a command, and leaves out what is pending or excepted',
      () => {
        const [, filter = ''] = /-o json \| jq -r '(.+)'$/m.exec(text) ?? [];
        const hostile = {
          state: 'open',
          suppressed: null,
          remedy: [{ purpose: 'look', text: 'first\nrm -rf /', command: 'true' }],
        };
        const script = execFileSync('jq', ['-r', filter], {
          input: JSON.stringify({
            findings: [
              findings[0],
              hostile,
              { ...findings[1], state: 'pending' },
              { ...findings[2], suppressed: { owner: 'network', reason: 'known', expires: '2027-01-01' } },
            ],
          }),
          encoding: 'utf8',
        });
        expect(script).toBe('# Delete the pod.\nkubectl delete pod -n shop web-0\n# first rm -rf /\ntrue\n');
      },
    );
  });

  it('counts what is resolved and has no room', () => {
    const resolved = Array.from({ length: 23 }, (_, n) =>
      aFinding({ fingerprint: `f${n}`, state: 'resolved' }),
    );
    expect(write(aReport({ resolved }), 'text', plain)).toContain('  and 3 more: -o json lists them all\n');
  });

  it('never wraps a command, however narrow the terminal', () => {
    const command = `kubectl delete pod -n shop ${'web-'.repeat(40)}1`;
    const text = write(
      aReport({
        verdict: 'critical',
        findings: [aFinding({ remedy: [{ purpose: 'repair', text: 'Delete it.', command }] })],
      }),
      'text',
      { ...plain, width: 40 },
    );
    expect(text).toContain(`\n    $ ${command}\n`);
    expect(text).toContain('  No interface eth0, only lo; Kubernetes\n  still shows 10.244.1.7.\n');
    expect(text).toContain('\n  netns-audit audit --active ping,dns\n');
  });

  it('says how to check a repair, where it is told', () => {
    const report = aReport({ verdict: 'critical', findings: [aFinding()] });
    const checkAgain = 'netns-audit audit --context prod --nodes node-1 --settle 0s';
    expect(write(report, 'text', { ...plain, checkAgain })).toContain(`\nCheck a repair: ${checkAgain}\n`);
    expect(write(report, 'text', { ...plain, checkAgain: null })).not.toContain('Check a repair');
  });

  it('of a pod names no command that needs its store or its options', () => {
    const repair = { kind: 'recreate-pod', namespace: 'shop', name: 'web-1' } as const;
    const medium = { severity: 'medium', state: 'open' } as const;
    const findings = [
      aFinding({ repair }),
      ...[1, 2, 3].map((each) => aFinding({ fingerprint: `f${each}`, check: `check-${each}`, ...medium })),
    ];
    const report = aReport({ verdict: 'critical', findings });
    report.coverage.young = { pods: 3, seconds: 300 };
    const ofUser = write(report, 'text', plain);
    expect(ofUser).toContain('netns-audit remediate');
    expect(ofUser).toContain('--settle 0s');
    expect(ofUser).toContain('See them: netns-audit reports show');
    const inPod = write(report, 'text', { ...plain, store: null, inPod: true });
    expect(inPod).toContain(`See them: reports show ${report.runId} --details\n`);
    expect(inPod).toContain('3 pods younger than 300 seconds were not judged.\n');
    expect(inPod).toContain('No packets were sent.\n');
    expect(inPod).not.toMatch(/netns-audit (?!checks )|--store|--settle|--active/);
  });

  it('adds up in every format for people what several faults do to one workload', () => {
    for (const format of ['text', 'markdown', 'html'] as const)
      expect(write(aReport({ verdict: 'critical', findings: twoFaultsOfCart }), format, plain)).toContain(
        'Together, the findings affect 2 of 6 pods of shop/cart.',
      );
  });

  it('says what was not audited and not decided, why, and what to do', () => {
    const report = aReport({ verdict: 'incomplete' });
    report.coverage.nodes.push({
      node: 'node-2',
      result: 'failed',
      reason: 'OutOfpods',
      remedy: 'Free a pod slot.',
    });
    report.coverage.checks.push({
      check: 'host-route-missing',
      topic: 'routes',
      examined: 0,
      failed: 0,
      notApplicable: 0,
      unknown: 2,
      reasons: ['routes could not be read'],
    });
    const text = write(report, 'text', plain);
    expect(text).toMatch(/^INCOMPLETE/m);
    expect(text).toContain('failed node-2: OutOfpods');
    expect(text).toContain('Free a pod slot.');
    expect(text).toContain('host-route-missing (2 objects): routes could not be read');
  });

  it.each(['text', 'markdown', 'html'] as const)(
    'says in %s that pods were too young to be judged',
    (format) => {
      const report = aReport();
      expect(write(report, format, plain)).not.toContain('--settle 0s');
      const young = { ...report, coverage: { ...report.coverage, young: { pods: 3, seconds: 300 } } };
      expect(write(young, format, plain)).toContain('3 pods younger than 300 seconds were not judged');
    },
  );

  it.each(['text', 'markdown', 'html'] as const)(
    'says in %s which Services a broken pod still serves, or why that is unknown',
    (format) => {
      const report = aReport({ findings: [aFinding({ serves: ['shop/web'] })] });
      const written = write(report, format, plain);
      expect(written).toContain('Still receives traffic of Service shop/web');
      expect(written).not.toContain('still serve is unknown');
      report.coverage.servicesUnread = 'not allowed to list endpointslices';
      expect(write(report, format, plain)).toContain('still serve is unknown: not allowed to list');
    },
  );

  it.each(['text', 'markdown', 'html'] as const)('names in %s who was not judged, and why', (format) => {
    const report = aReport();
    report.coverage.unjudged = [
      {
        reason: 'it is younger than 300 seconds',
        pods: 5,
        named: ['shop/a', 'shop/b', 'shop/c', 'shop/d', 'shop/e'],
      },
      { reason: 'its addresses changed meanwhile', pods: 1, named: ['shop/f'] },
    ];
    report.coverage.young = { pods: 5, seconds: 300 };
    // Markdown escapes brackets and the like.
    const said = write(report, format, { ...plain, width: 400 }).replaceAll('\\', '');
    expect(said).toContain(
      '6 pods were not judged: shop/a, shop/b, shop/c and 2 more (younger than 300 seconds); shop/f (its addresses changed meanwhile). --settle 0s judges all pods and leftovers, however young.',
    );
    report.coverage.unjudged = [{ reason: 'it is being deleted', pods: 1, named: ['shop/g'] }];
    delete report.coverage.young;
    const other = write(report, format, { ...plain, width: 400 }).replaceAll('\\', '');
    expect(other).toContain('1 pod was not judged: shop/g (being deleted).');
    expect(other).not.toContain('--settle');
  });

  it('colours only when asked to', () => {
    const report = aReport({ verdict: 'critical', findings: [aFinding()] });
    expect(write(report, 'text', plain)).not.toContain('\u001b');
    expect(write(report, 'text', { ...plain, colour: true })).toContain('\u001b[31m');
  });

  it('tells one fault of many pods once, names some, and with --details all', () => {
    const findings = [1, 2, 3, 4, 5, 6].map((n) =>
      aFinding({
        fingerprint: `f${n}`,
        state: n < 4 ? 'open' : 'new',
        object: { kind: 'pod', namespace: 'shop', name: `web-${n}`, node: `node-${n % 2}` },
      }),
    );
    const report = aReport({ verdict: 'critical', findings });
    const text = write(report, 'text', plain);
    expect(text.match(/\$ kubectl/g)).toHaveLength(1);
    expect(text).toContain('3 new, 3 still open  6 pods on 2 nodes');
    expect(text).toContain('    shop/web-4 on node-0  new\n');
    expect(text).toContain('    shop/web-1 on node-1  open since 2026-01-02\n    and 2 more\n');
    expect(write(report, 'text', { ...plain, details: true })).toContain('shop/web-3 on node-1');
  });
});

it('says of a finding that comes and goes that it does', () => {
  const finding = aFinding({ state: 'open', flaps: 3, flapping: true });
  const report = aReport({ verdict: 'critical', findings: [finding] });
  expect(write(report, 'text', plain)).toMatch(
    /\(open since 2026-01-02, flapping:\s+came\s+back\s+3\s+times\)/,
  );
  expect(write(report, 'markdown', plain)).toContain('(open since 2026-01-02, flapping, confirmed)');
});

it('a symptom stands alone where the report does not have its cause', () => {
  const report = aReport({ verdict: 'critical', findings: [aFinding({ partOf: 'elsewhere' })] });
  expect(write(report, 'text', plain)).toContain('kubectl delete pod -n shop web-1');
});

describe('what a hostile node says', () => {
  const report = aHostileReport();

  it.each(['text', 'markdown'] as const)('stays printable text in %s', (format) => {
    expect(/[\p{Cc}\p{Cf}]/u.test(write(report, format, plain).replaceAll('\n', ''))).toBe(false);
  });

  it('is no markup and no mention in markdown', () => {
    const outsideCode = write(report, 'markdown', plain)
      .split('\n')
      .filter((line) => !line.startsWith('    '))
      .join('\n');
    expect(outsideCode).not.toContain('<script');
    expect(outsideCode).not.toContain('@everyone');
  });

  it.each(['json', 'ndjson'] as const)('is kept as it is in %s, one value a line or file', (format) => {
    const text = write(report, format, plain);
    const parsed = format === 'json' ? JSON.parse(text).findings[0] : JSON.parse(text.split('\n')[0] ?? '');
    expect(parsed.detail).toBe(hostile);
  });

  it('every format ends its last line', () => {
    for (const format of formats) expect(write(report, format, plain)).toMatch(/\n$/);
  });
});
