import { describe, expect, it } from 'vitest';
import { cniAgentDown } from '../../../lib/checks/cni/cni-agent-down.ts';
import type { ObservedPod, Sources } from '../../../lib/model/evidence.ts';
import { aNode, aPod, context, failures, HOST_NAMESPACE, POD_NAMESPACE } from '../evidence.ts';

type Container = ObservedPod['containers'][number];

const [main] = aPod().containers as [Container];

function anAgent(changes: Partial<ObservedPod> = {}, container: Partial<Container> = {}): ObservedPod {
  return aPod({
    namespace: 'kube-flannel',
    name: 'kube-flannel-ds-x7k2p',
    labels: { app: 'flannel' },
    controller: 'DaemonSet',
    hostNetwork: true,
    containers: [{ ...main, name: 'kube-flannel', ...container }],
    ...changes,
  });
}

const crashing: Partial<Container> = {
  ready: false,
  running: false,
  reason: 'CrashLoopBackOff',
  restarts: 12,
};

function run(
  pods: readonly ObservedPod[],
  {
    plugins = ['flannel', 'portmap'],
    ipam = [],
    processes = ['systemd', 'kubelet'],
    stopped = [],
    lostSockets = [],
    node = aNode(),
    settle = 300,
  }: {
    plugins?: string[];
    ipam?: string[];
    processes?: string[];
    stopped?: Sources['processes'];
    lostSockets?: string[];
    node?: Sources['node'];
    settle?: number;
  } = {},
) {
  const file = { name: '10-x.conflist', error: null, network: 'x', subnets: [], mtu: null, bridge: null };
  return cniAgentDown.run(
    {
      pods: [...pods],
      node,
      processes: [
        ...processes.map((command, at) => ({
          ...{ pid: at + 1, command, networkNamespace: HOST_NAMESPACE },
          ...{ pidNamespace: null, containerId: null, stopped: false },
        })),
        ...stopped,
      ],
      cniConfig: {
        directory: '/etc/cni/net.d',
        files: plugins.length === 0 ? [] : [{ ...file, plugins, ipam }],
        binaryDirectory: '/opt/cni/bin',
        binaries: [],
        unusable: [],
        lostSockets,
      },
    },
    { ...context, settleSeconds: { pod: settle, orphan: 900 } },
  );
}

describe('cni-agent-down', () => {
  it('names the agent whose container ends again and again', () => {
    const [found] = failures(run([anAgent({ ready: false }, crashing)]));
    expect(found).toMatchObject({ object: { kind: 'node', name: 'node-1' }, confidence: 'confirmed' });
    expect(found?.detail).toBe(
      'A CNI agent is down: container kube-flannel of kube-flannel/kube-flannel-ds-x7k2p does not run: CrashLoopBackOff, 12 restarts.',
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'kubectl logs -n kube-flannel kube-flannel-ds-x7k2p -c kube-flannel --tail=40 --previous || kubectl describe pod -n kube-flannel kube-flannel-ds-x7k2p',
      'kubectl delete pod -n kube-flannel -l app=flannel --field-selector spec.nodeName=node-1',
    ]);
    expect(found?.repair).toEqual({
      kind: 'restart-agent',
      namespace: 'kube-flannel',
      selector: 'app=flannel',
    });
  });

  it.each<[string, Partial<ObservedPod>, Partial<Container>]>([
    ['runs and is not ready', { ready: false }, { ready: false }],
    [
      'was started a moment ago, as often before',
      { ready: false },
      { ready: false, restarts: 9, startedAt: '2026-11-20T01:59:50Z' },
    ],
    [
      'never got its image',
      { ready: false, phase: 'Pending' },
      { ...crashing, reason: 'ImagePullBackOff', restarts: 0 },
    ],
  ])('finds one that %s', (_, pod, container) => {
    expect(failures(run([anAgent(pod, container)]))).toHaveLength(1);
  });

  it('finds a node on which neither a pod nor a process of the agent is', () => {
    const [found] = failures(run([aPod()]));
    expect(found?.detail).toContain('kube-flannel has no pod on the node, and no process (flanneld');
    expect(found?.remedy.map(({ command }) => command)).toContain('kubectl get daemonsets -A -o wide');
  });

  describe('one that was stopped by a signal', () => {
    const flanneld = {
      ...{ pid: 812, command: 'flanneld', networkNamespace: HOST_NAMESPACE },
      ...{ pidNamespace: null, containerId: null, stopped: true },
    };

    it.each<[string, readonly ObservedPod[]]>([
      ['that runs without a pod', []],
      ['whose pod is still ready', [anAgent()]],
      ['whose pod is not ready any more', [anAgent({ ready: false }, { ready: false })]],
    ])('is found, and goes on with one command: %s', (_, pods) => {
      const [found, ...more] = failures(run(pods, { stopped: [flanneld] }));
      expect(more).toEqual([]);
      expect(found?.detail).toBe(
        'A CNI agent is down: flanneld (process 812) was stopped by a signal, and does nothing.',
      );
      expect(
        found?.remedy.filter(({ purpose }) => purpose === 'repair').map(({ command }) => command),
      ).toEqual(['kill -CONT 812']);
      expect(found?.repair).toBeNull();
    });

    it("is not a process of that name in a pod's network, and none of another agent", () => {
      const inPod = { ...flanneld, networkNamespace: POD_NAMESPACE };
      const other = { ...flanneld, command: 'cilium-agent' };
      expect(failures(run([anAgent()], { stopped: [inPod, other] }))).toEqual([]);
    });
  });

  it('tells two agents that are down in one finding', () => {
    const cilium = anAgent(
      { namespace: 'kube-system', name: 'cilium-1', labels: { 'k8s-app': 'cilium' }, ready: false },
      crashing,
    );
    const found = failures(run([anAgent({ ready: false }, crashing), cilium]));
    expect(found).toHaveLength(1);
    expect(found[0]?.evidence).toHaveLength(2);
  });

  it('knows an agent that never wrote its configuration by its pod', () => {
    expect(failures(run([anAgent({ ready: false }, crashing)], { plugins: [] }))).toHaveLength(1);
  });

  it.each<[string, ReturnType<typeof run>]>([
    ['a ready pod', run([anAgent()])],
    [
      'a ready pod beside one that is leaving',
      run([anAgent(), anAgent({ ready: false, deletionTimestamp: '2026-11-20T01:59:00Z' }, crashing)]),
    ],
    ['a ready pod with the labels of another installer', run([anAgent({ labels: { 'k8s-app': 'canal' } })])],
    ['a service of the node', run([], { processes: ['flanneld'] })],
    ['k3s, which has it inside', run([], { processes: ['k3s-agent'] })],
  ])('passes %s', (_, outcomes) => {
    expect(outcomes.map(({ result }) => result)).toEqual(['pass']);
  });

  it.each<[string, ReturnType<typeof run>]>([
    [
      'in its first five minutes',
      run([anAgent({ ready: false, createdAt: '2026-11-20T01:56:00Z' }, crashing)]),
    ],
    [
      'restarted once, a minute ago',
      run([anAgent({ ready: false }, { ready: false, restarts: 1, startedAt: '2026-11-20T01:59:00Z' })]),
    ],
    ['being replaced', run([anAgent({ deletionTimestamp: '2026-11-20T01:59:00Z' })])],
    ['on a node that joined a moment ago', run([], { node: aNode({ createdAt: '2026-11-20T01:58:00Z' }) })],
    [
      'of EKS Auto Mode, which has no pod',
      run([], {
        plugins: ['aws-cni'],
        node: aNode({ labels: { 'eks.amazonaws.com/compute-type': 'auto' } }),
      }),
    ],
    ['that may be a plugin alone', run([], { plugins: ['multus'] })],
    ['of a plugin that has none', run([], { plugins: ['bridge', 'portmap'], ipam: ['host-local'] })],
  ])('does not judge one %s', (_, outcomes) => {
    expect(outcomes.map(({ result }) => result)).toEqual(['notApplicable']);
  });

  describe('one whose socket lost its file', () => {
    const lostSockets = ['/var/run/cilium/cilium.sock'];
    const detail =
      'A CNI agent is down: cilium listens at /var/run/cilium/cilium.sock, and its plugin cannot reach it: the file is gone.';
    const plugins = ['cilium-cni'];

    it('is down although its pod is ready, and is restarted', () => {
      const agent = anAgent({ namespace: 'kube-system', labels: { 'k8s-app': 'cilium' } });
      const [found] = failures(run([agent], { plugins, lostSockets }));
      expect(found?.detail).toBe(detail);
      expect(found?.remedy.map(({ command }) => command)).toEqual([
        'ls -la --time-style=full-iso /var/run/cilium',
        'kubectl delete pod -n kube-system -l k8s-app=cilium --field-selector spec.nodeName=node-1',
      ]);
      expect(found?.repair).toMatchObject({ kind: 'restart-agent' });
    });

    it('is down as a service of the node, too', () => {
      const [found] = failures(run([], { plugins, lostSockets, processes: ['systemd', 'cilium-agent'] }));
      expect(found?.detail).toBe(detail);
      expect(found?.remedy.map(({ text }) => text)).toContain(
        'Restart cilium on the node; running pods keep their network.',
      );
    });

    it('is none of an agent of another plugin', () => {
      expect(failures(run([anAgent()], { lostSockets }))).toEqual([]);
      const other = { plugins, processes: ['cilium-agent'], lostSockets: ['/run/x.sock'] };
      expect(failures(run([], other))).toEqual([]);
    });
  });

  it('judges young ones where nothing is given time to settle', () => {
    const young = anAgent({ ready: false, createdAt: '2026-11-20T01:56:00Z' }, crashing);
    expect(failures(run([young], { settle: 0 }))).toHaveLength(1);
  });

  it("takes nobody's pod for an agent because of its labels", () => {
    const own = anAgent({ hostNetwork: false, controller: 'ReplicaSet', ready: false }, crashing);
    expect(run([own], { plugins: ['bridge'] }).map(({ result }) => result)).toEqual(['notApplicable']);
  });
});
