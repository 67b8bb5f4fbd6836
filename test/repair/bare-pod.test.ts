import { describe, expect, it } from 'vitest';
import {
  bareManifest,
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
    ['its volume is its own', {}, { volumes: [{ name: 'own', ephemeral: {} }] }, /volume own would be lost/],
  ])('is refused where %s', (_, metadata, spec, reason) => {
    expect(whyNotCreatedAgain(aBarePod(metadata, spec), false)).toMatch(reason);
  });

  it('may lose its data if somebody says so', () => {
    expect(whyNotCreatedAgain(aBarePod({}, emptyDir), true)).toBeNull();
  });
});
