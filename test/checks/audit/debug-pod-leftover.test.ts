import { describe, expect, it } from 'vitest';
import { debugPodLeftover } from '../../../lib/checks/audit/debug-pod-leftover.ts';
import { isDebugPod } from '../../../lib/computed/pods/debug-pods.ts';
import type { Pod } from '../../../lib/model/kubernetes.ts';
import { clusterSources } from '../cluster-sources.ts';
import { aPod, context, failures } from '../evidence.ts';

function run(...debugPods: Pod[]) {
  return debugPodLeftover.run(clusterSources({ debugPods }), context);
}

const debug = (changes: Partial<Pod> = {}) =>
  aPod({
    name: 'node-debugger-node-1-x7k2p',
    controller: null,
    hostPID: true,
    hostNetwork: true,
    ...changes,
  });
const own = (changes: Partial<Pod> = {}) =>
  aPod({
    namespace: 'netns-audit',
    name: 'probe-1',
    controller: null,
    hostPID: true,
    hostNetwork: true,
    labels: { 'app.kubernetes.io/name': 'netns-auditor' },
    annotations: { 'netns-auditor/expires': '2026-11-20T01:59:00Z' },
    createdAt: '2026-11-20T01:50:00Z',
    ...changes,
  });

describe('isDebugPod', () => {
  it.each([
    ['kubectl debug node', debug(), true],
    ['kubectl debug node with the restricted profile', debug({ hostPID: false, hostNetwork: false }), true],
    ['nsenter', debug({ name: 'nsenter-ab12cd' }), true],
    ['kubectl node-shell', debug({ name: 'node-shell-1' }), true],
    ['a log collector on the node', debug({ name: 'collector-1' }), true],
    ['a pod of oc debug', debug({ name: 'worker-1-debug-x7k2p' }), true],
    ['a node shell of k9s', debug({ name: 'k9s-worker-1-4711' }), true],
    ['an OpenTelemetry collector', debug({ name: 'collector-5d4f', controller: 'DaemonSet' }), false],
    [
      'a bare pod that only has the name',
      debug({ name: 'collector-1', hostPID: false, hostNetwork: false }),
      false,
    ],
    ['a static pod', debug({ controller: 'Node' }), false],
    ['our probe', own(), true],
    ["the chart's CronJob, which has our label", own({ controller: 'Job', hostPID: false }), false],
    ['any other pod', aPod(), false],
  ])('%s', (_, pod, expected) => {
    expect(isDebugPod(pod)).toBe(expected);
  });
});

describe('debug-pod-leftover', () => {
  it('finds a debug pod that is older than an hour', () => {
    const [found] = failures(run(debug()));
    expect(found?.object).toEqual({
      kind: 'pod',
      namespace: 'shop',
      name: 'node-debugger-node-1-x7k2p',
      node: 'node-1',
    });
    expect(found?.detail).toBe('Debug pod, Running, created 2026-11-19T02:00:00Z.');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop node-debugger-node-1-x7k2p');
  });

  it('passes one that somebody started half an hour ago', () => {
    expect(run(debug({ createdAt: '2026-11-20T01:30:00Z' }))[0]?.result).toBe('pass');
  });

  it('is low when the pod has ended', () => {
    expect(failures(run(debug({ phase: 'Succeeded' })))[0]?.severity).toBe('low');
  });

  it('finds a probe pod of ours that outlived its annotation, however young, and names sweep', () => {
    const [found] = failures(run(own()));
    expect(found?.detail).toContain('expired 2026-11-20T01:59:00Z');
    expect(found?.remedy[0]?.command).toBe('netns-audit sweep');
  });

  it('passes the probe of a run that is still going on', () => {
    expect(run(own({ annotations: { 'netns-auditor/expires': '2026-11-20T02:05:00Z' } }))[0]?.result).toBe(
      'pass',
    );
  });

  it('gives a probe with an annotation that cannot be read an hour', () => {
    expect(run(own({ annotations: { 'netns-auditor/expires': 'soon' } }))[0]?.result).toBe('pass');
  });

  it('does not judge a pod that is being deleted, but one whose deletion is stuck', () => {
    expect(run(debug({ deletionTimestamp: '2026-11-20T01:59:00Z' }))[0]?.result).toBe('notApplicable');
    const [stuck] = failures(run(debug({ deletionTimestamp: '2026-11-20T01:00:00Z' })));
    expect(stuck?.remedy.at(-1)?.command).toBe(
      'kubectl delete pod -n shop node-debugger-node-1-x7k2p --grace-period=0 --force',
    );
  });
});
