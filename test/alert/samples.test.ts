/**
 * The samples in docs/ match the code's output. `SAMPLES=write npx vitest run test/alert/samples.test.ts`
 * rewrites them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  type AlertRecord,
  changesOf,
  clusterMessage,
  digestOf,
  type Message,
} from '../../lib/alert/index.ts';
import { catalogue, whyByCheck } from '../../lib/checks/catalogue.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import { onCluster } from '../../lib/model/kubectl.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from '../report/sample.ts';

const pages = ['alert-samples', 'alert-json'].map(
  (name) => new URL(`../../docs/${name}.md`, import.meta.url),
);
const { thresholds } = settingsSchema.parse({});
const links = {
  page: 'https://eu-west-1.console.aws.amazon.com/s3/object/audits?region=eu-west-1&prefix=reports%2F…',
  command: 'netns-audit reports show 20260102T030405Z-0a1b2c3d --cluster prod-eu --store s3://audits',
};

function tell(...days: ClusterReport[]): Message {
  let before: AlertRecord | null = null;
  let message: Message | null = null;
  for (const report of days) {
    const changes = changesOf(report, before, thresholds);
    message = clusterMessage(report, changes, links, [], 7, whyByCheck);
    before = {
      schemaVersion: 1,
      kind: 'AlertRecord',
      runId: '',
      cluster: '',
      message: null,
      ...changes.next,
    };
  }
  if (message === null) throw new Error('no day');
  return message;
}

const lost = aFinding({
  remedy: aFinding().remedy.map((step) => onCluster(step, 'prod-eu', null)),
});
const slow = aFinding({
  fingerprint: 'f2',
  check: 'namespace-count-near-limit',
  severity: 'high',
  object: { kind: 'node', name: 'node-1' },
  title: 'Network namespaces near their limit',
  detail: '53,200 of at most 63,000 network namespaces.',
  remedy: [
    { purpose: 'look', text: 'Find what leaks: see the findings namespace-orphaned of this node.' },
    {
      purpose: 'repair',
      text: 'On node node-1, as root: raise the limit as a stop-gap, until the next boot',
      command: 'sysctl -w user.max_net_namespaces=126000',
    },
  ],
});
const onNode = (text: string, command: string) => ({
  purpose: 'repair' as const,
  text: `On node node-7, as root: ${text}`,
  command,
});
/** Six causes that were new in one night, and one from an earlier night. */
const several = [
  lost,
  ...Array.from({ length: 31 }, (_, index) =>
    aFinding({
      fingerprint: `cart-${index}`,
      check: 'pod-default-route-missing',
      object: { kind: 'pod', namespace: 'shop', name: `cart-${index}`, node: `node-${index % 3}` },
      title: "Pod lacks its CNI plugin's default route",
      detail:
        'IPv4 default route: none; the CNI plugin set default via 10.244.1.1 dev eth0. One-way: what is sent ' +
        'to the pod still arrives.',
      remedy: lost.remedy.map((step) => ({
        ...step,
        command: `kubectl --context prod-eu delete pod -n shop cart-${index}`,
      })),
    }),
  ),
  aFinding({
    fingerprint: 'bridge',
    check: 'node-bridge-broken',
    object: { kind: 'node', name: 'node-7' },
    title: 'Bridge of the pods is down or gone',
    detail: 'The bridge cni0 of 12 pods (shop/api-0, shop/api-1 and 10 more) is down.',
    remedy: [
      {
        purpose: 'look',
        text: 'On node node-7, as root: find out what took it down.',
        command: 'journalctl -b -u NetworkManager',
      },
      onNode('set the bridge up; no pod needs a restart.', 'ip link set cni0 up'),
    ],
  }),
  slow,
  aFinding({
    fingerprint: 'proxy',
    check: 'kube-proxy-gone',
    severity: 'high',
    object: { kind: 'node', name: 'node-7' },
    title: 'kube-proxy does not run on the node',
    detail: 'No process of kube-proxy runs, and its 412 rules are those of an earlier day.',
    remedy: [onNode('start it again.', 'systemctl restart kube-proxy')],
  }),
  aFinding({
    fingerprint: 'dns',
    check: 'resolv-conf-unexpected',
    severity: 'high',
    object: { kind: 'pod', namespace: 'billing', name: 'db-0', node: 'node-3' },
    title: "Pod's nameservers do not match its dnsPolicy",
    detail: 'Container db asks 127.0.0.53, and dnsPolicy ClusterFirst gives 10.96.0.10.',
    remedy: [
      {
        purpose: 'repair',
        text: 'Delete the pod; its StatefulSet creates a new one.',
        command: 'kubectl --context prod-eu delete pod -n billing db-0',
      },
    ],
  }),
];
const earlier = aFinding({
  fingerprint: 'route',
  check: 'pod-route-blackhole',
  severity: 'high',
  object: { kind: 'pod', namespace: 'shop', name: 'web-9', node: 'node-5' },
  title: 'Route inside the pod drops its traffic',
  firstSeen: '2026-01-01T03:02:00Z',
});
const [node] = aReport().nodes;
const [check] = aReport().coverage.checks;
if (node === undefined || check === undefined) throw new Error('no node or check');
const names = Array.from({ length: 8 }, (_, index) => `node-${index}`);
/** All nodes that the samples name, each read by all checks. */
const ofEight = (changes: Partial<ClusterReport> = {}) =>
  aReport({
    coverage: {
      nodes: names.map((each) => ({ node: each, result: 'audited', reason: null, remedy: null })),
      checks: catalogue.flatMap(({ id, topic }) =>
        topic === 'connectivity' ? [] : [{ ...check, check: id, topic }],
      ),
    },
    nodes: names.map((each) => ({ ...node, node: each })),
    ...changes,
  });
const broken = ofEight({ verdict: 'critical', findings: [lost, slow] });
const next = (changes: Partial<ClusterReport>) => ofEight({ startedAt: '2026-01-03T03:02:00Z', ...changes });
const failed = (reason: string) => [{ node: 'node-1', result: 'failed', reason, remedy: null } as const];

const first = tell(broken);
const mail = ({ subject, text }: Message): string => `Subject: ${subject}\n\n${text}`;
const pretty = (json: string): string => JSON.stringify(JSON.parse(json), null, 2);
const samples: Readonly<Record<string, string>> = {
  new: mail(first),
  several: mail(
    tell(
      ofEight({ startedAt: '2026-01-01T03:02:00Z', verdict: 'degraded', findings: [earlier] }),
      ofEight({
        verdict: 'critical',
        findings: [{ ...earlier, state: 'open', lastSeen: '2026-01-02T03:04:05Z' }, ...several],
        previous: { runId: '20260101T030200Z-0a1b2c3d', startedAt: '2026-01-01T03:02:00Z' },
      }),
    ),
  ),
  resolved: mail(
    tell(
      broken,
      next({
        verdict: 'critical',
        findings: [
          {
            ...slow,
            state: 'open',
            severity: 'critical',
            detail: '62,800 of at most 63,000 network namespaces.',
            lastSeen: '2026-01-03T03:02:00Z',
          },
        ],
        resolved: [{ ...lost, state: 'resolved', resolution: 'the check passed' }],
      }),
    ),
  ),
  threshold: mail(
    tell(
      ofEight(),
      next({
        nodes: ofEight().nodes.map((each) => (each.node === 'node-1' ? { ...each, orphans: 12 } : each)),
      }),
    ),
  ),
  unreached: mail(
    tell(
      broken,
      next({
        verdict: 'critical',
        scope: 'part',
        findings: [lost, slow].map((finding) => ({ ...finding, state: 'open', notSeen: true })),
        coverage: {
          nodes: failed('the cluster was not reached: CLUSTER_UNREACHABLE: connect ETIMEDOUT 10.0.0.1:443'),
          checks: [],
        },
        nodes: [],
      }),
    ),
  ),
  digest: mail(
    digestOf(
      {
        runId: broken.runId,
        clusters: [
          ...['prod-us', 'stage'].map((cluster) => ({
            cluster,
            lost: false as const,
            reached: true,
            verdict: 'healthy' as const,
            findings: { critical: 0, high: 0, medium: 0, low: cluster === 'stage' ? 2 : 0 },
            new: 0,
            resolved: cluster === 'stage' ? 1 : 0,
          })),
          {
            cluster: 'prod-eu',
            lost: false,
            reached: true,
            verdict: 'critical',
            findings: { critical: 1, high: 1, medium: 0, low: 0 },
            new: 2,
            resolved: 0,
          },
        ],
      },
      { page: null, command: 'netns-audit reports list --since 1d --store s3://audits' },
    ),
  ),
  json: pretty(first.json),
  chat: pretty(first.chat),
};

/** A code fence with the info string `sample NAME`. */
const FENCE = /```sample(?: (\w+))?\n([\s\S]*?)\n```/g;

it('docs/ shows each kind of message as it is', () => {
  const found: (string | undefined)[] = [];
  const filled = (text: string): string =>
    text.replaceAll(FENCE, (_, name: string | undefined, body: string) => {
      const key = name ?? body.trim();
      return `\`\`\`sample ${key}\n${(samples[key] ?? `no sample ${key}`).trimEnd()}\n\`\`\``;
    });
  if (process.env.SAMPLES === 'write')
    for (const page of pages) writeFileSync(page, filled(readFileSync(page, 'utf8')));
  for (const page of pages) {
    const text = readFileSync(page, 'utf8');
    expect(text).toBe(filled(text));
    found.push(...[...text.matchAll(FENCE)].map(([, name]) => name));
  }
  expect(found.toSorted()).toEqual(Object.keys(samples).toSorted());
});
