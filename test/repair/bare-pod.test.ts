import { describe, expect, it } from 'vitest';
import {
  bareManifest,
  creatingIt,
  isAsIn,
  recordedManifest,
  rightsIn,
  type WholePod,
  wholePodSchema,
  whyNotCreatedAgain,
} from '../../lib/repair/bare-pod.ts';

/** As the API server has it. */
const aBarePod = (metadata: object = {}, spec: object = {}): WholePod =>
  wholePodSchema.parse({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'debug',
      namespace: 'shop',
      uid: 'uid-1',
      resourceVersion: '7',
      creationTimestamp: '2026-11-30T00:00:00Z',
      labels: { app: 'debug' },
      annotations: { 'example.com/team': 'a', 'cni.projectcalico.org/podIP': '10.1.1.1/32' },
      ...metadata,
    },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'main', image: 'image:1' }],
      restartPolicy: 'Always',
      ...spec,
    },
    status: { phase: 'Running', podIP: '10.1.1.1' },
  });

describe('a pod that no controller recreates', () => {
  it('is created again from what somebody wrote, on its node', () => {
    const debugger_ = { ephemeralContainers: [{ name: 'debugger' }] };
    expect(bareManifest(aBarePod({}, debugger_))).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'debug',
        namespace: 'shop',
        labels: { app: 'debug' },
        annotations: { 'example.com/team': 'a' },
      },
      spec: {
        nodeName: 'node-1',
        containers: [{ name: 'main', image: 'image:1' }],
        restartPolicy: 'Always',
      },
    });
    expect(whyNotCreatedAgain(aBarePod({}, debugger_), false)).toBeNull();
  });

  const emptyDir = {
    volumes: [
      { name: 'token', projected: {} },
      { name: 'cache', emptyDir: {} },
    ],
  };
  it.each([
    ['it is static', { annotations: { 'kubernetes.io/config.mirror': 'x' } }, {}, /^a static pod/],
    [
      'it has an owner',
      { ownerReferences: [{ kind: 'Thing' }] },
      {},
      /^it has an owner that does not make it again$/,
    ],
    ['it has a finalizer', { finalizers: ['a.example/b'] }, {}, /before it goes: a\.example\/b$/],
    ['it holds devices', {}, { resourceClaims: [{ name: 'gpu' }] }, /^it holds resource claims/],
    ['it keeps data', {}, emptyDir, /volume cache would be lost: .* --lose-pod shop\/debug$/],
    [
      'its driver keeps data',
      {},
      { volumes: [{ name: 'own', csi: { driver: 'a' } }] },
      /volume own would be lost/,
    ],
    ['it changed its clone', {}, { volumes: [{ name: 'own', gitRepo: {} }] }, /volume own would be lost/],
    [
      'an annotation may be of Kube-OVN',
      {
        annotations: {
          'ovn.kubernetes.io/logical_switch': 'a',
          'net.shop.ovn.kubernetes.io/ip_address': 'b',
        },
      },
      {},
      /cannot be told: ovn\.kubernetes\.io\/logical_switch, net\.shop\.ovn\.kubernetes\.io\/ip_address$/,
    ],
    ['its volume is its own', {}, { volumes: [{ name: 'own', ephemeral: {} }] }, /volume own would be lost/],
  ])('is refused where %s', (_, metadata, spec, reason) => {
    expect(whyNotCreatedAgain(aBarePod(metadata, spec), false)).toMatch(reason);
  });

  it('may lose its data if somebody says so', () => {
    expect(whyNotCreatedAgain(aBarePod({}, emptyDir), true)).toBeNull();
  });

  it('may lose what it only reads of a driver', () => {
    const volumes = [{ name: 'secrets', csi: { driver: 'a', readOnly: true } }];
    expect(whyNotCreatedAgain(aBarePod({}, { volumes }), false)).toBeNull();
  });

  it('keeps annotations that people write for plugins, and none that plugins write', () => {
    const ofPeople = {
      'cni.projectcalico.org/ipAddrs': '["10.1.1.9"]',
      'cni.projectcalico.org/ipv4pools': '["a"]',
      'k8s.ovn.org/routing-namespaces': 'b',
      'k8s.v1.cni.cncf.io/networks': 'c',
    };
    const annotations = {
      ...ofPeople,
      'cni.projectcalico.org/containerID': '1',
      'cni.projectcalico.org/podIP': '10.1.1.1/32',
      'cni.projectcalico.org/podIPs': '10.1.1.1/32',
      'k8s.ovn.org/pod-networks': '{}',
      'k8s.v1.cni.cncf.io/network-status': '[]',
      'vpc.amazonaws.com/pod-eni': '[]',
      'vpc.amazonaws.com/pod-ips': '10.1.1.1',
    };
    expect(bareManifest(aBarePod({ annotations })).metadata.annotations).toEqual(ofPeople);
  });

  it('keeps annotations that somebody has applied', () => {
    const applied = { 'ovn.kubernetes.io/logical_switch': 'a', 'vpc.amazonaws.com/pod-ips': 'b' };
    const noted = JSON.stringify({ metadata: { annotations: applied } });
    const annotations = { ...applied, 'kubectl.kubernetes.io/last-applied-configuration': noted };
    const pod = aBarePod({ annotations });
    expect(whyNotCreatedAgain(pod, false)).toBeNull();
    expect(bareManifest(pod).metadata.annotations).toEqual(annotations);
    const damaged = { ...annotations, 'kubectl.kubernetes.io/last-applied-configuration': '{' };
    expect(whyNotCreatedAgain(aBarePod({ annotations: damaged }), false)).toContain('cannot be told');
  });
});

describe('a manifest in a record', () => {
  const manifest = bareManifest(aBarePod());
  const pod = { namespace: 'shop', name: 'debug', node: 'node-1' };

  it('is that of the pod which the record names', () => {
    expect(recordedManifest(manifest, pod)).toEqual(manifest);
    expect(recordedManifest(manifest, { ...pod, namespace: 'kube-system' })).toBeNull();
    expect(recordedManifest(manifest, { ...pod, name: 'other' })).toBeNull();
    expect(recordedManifest(manifest, { ...pod, node: 'node-2' })).toBeNull();
    expect(recordedManifest('text', pod)).toBeNull();
  });

  it('is shown with its rights', () => {
    expect(rightsIn(manifest)).toBe(
      'not privileged, no hostPath, no hostPID; service account default; images image:1',
    );
    const mighty = bareManifest(
      aBarePod(
        {},
        {
          hostPID: true,
          hostNetwork: true,
          serviceAccountName: 'admin',
          volumes: [{ name: 'root', hostPath: { path: '/' } }],
          initContainers: [{ name: 'a', image: 'first:1', securityContext: { privileged: true } }],
          containers: [
            { name: 'b', image: 'x'.repeat(500), securityContext: { capabilities: { add: ['SYS_ADMIN'] } } },
          ],
        },
      ),
    );
    expect(rightsIn(mighty)).toMatch(
      /^privileged; hostPID; hostNetwork; hostPath \/; capabilities SYS_ADMIN; service account admin; images first:1, x+… \(cut\)$/,
    );
  });

  it('is created by hand from a file or a bucket', () => {
    expect(creatingIt(pod, '/a store/x.json')).toContain(
      "(jq .manifest '/a store/x.json' | kubectl create -f -)",
    );
    expect(creatingIt(pod, 's3://b/x.json')).toContain(
      '(aws s3 cp s3://b/x.json - | jq .manifest | kubectl create -f -)',
    );
  });

  it('is that of a pod to which admission has added something, and of no other', () => {
    const spec = { containers: [{ name: 'main', image: 'image:1' }, { name: 'proxy' }], priority: 0 };
    expect(isAsIn(manifest, aBarePod({}, spec))).toBe(true);
    expect(isAsIn(manifest, null)).toBe(false);
    expect(isAsIn(manifest, aBarePod({ labels: {} }))).toBe(false);
    expect(isAsIn(manifest, aBarePod({ ownerReferences: [{ kind: 'Job' }] }))).toBe(false);
    expect(isAsIn(manifest, aBarePod({}, { nodeName: 'node-2' }))).toBe(false);
    expect(isAsIn(manifest, aBarePod({}, { containers: [{ name: 'main', image: 'image:2' }] }))).toBe(false);
  });
});
