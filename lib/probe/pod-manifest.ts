/**
 * The pod that runs the probe on one node: effectively root there, for seconds, with the fewest rights that
 * suffice.
 */

import { createHash } from 'node:crypto';
import type { ProbedActively } from '../model/active-probe.ts';
import type { PlannedCross } from '../model/crossing.ts';
import {
  COMPONENT_LABEL,
  DEFAULT_IMAGE,
  DEFAULT_NAMESPACE,
  EXPIRES_ANNOTATION,
  OWN_LABEL,
  PROBE_CONTAINER,
  RUN_LABEL,
} from '../model/own-pods.ts';
import { probeScript } from './script.ts';

/**
 * Reasons: SYS_ADMIN enters namespaces, SYS_PTRACE reads /proc/PID/{ns,root,fd}, NET_ADMIN lists packet
 * filters and creates the test pair, NET_RAW pings, SYSLOG reads the kernel log, DAC_READ_SEARCH reads the
 * runtime's files, and setns(2) needs SYS_CHROOT for a mount namespace.
 */
export const CAPABILITIES = [
  'SYS_ADMIN',
  'SYS_PTRACE',
  'NET_ADMIN',
  'NET_RAW',
  'SYSLOG',
  'DAC_READ_SEARCH',
  'SYS_CHROOT',
] as const;

export type ProbePodOptions = {
  readonly runId: string;
  readonly node: string;
  /** Time after which any run may delete the object, as the run that created it is dead. */
  readonly expires: Date;
  /** @default netns-audit */
  readonly namespace?: string;
  /** @default docker.io/nicolaka/netshoot:v0.16 */
  readonly image?: string;
  /** Name of a secret in the same namespace. @default none */
  readonly imagePullSecret?: string;
  /** For nodes where these rights are not enough, for example with a strict SELinux policy. @default false */
  readonly privileged?: boolean;
  /** Seconds after which the kubelet kills it. @default 120 */
  readonly activeDeadlineSeconds?: number;
  /** Maximum seconds for one step. @default 15 */
  readonly stepSeconds?: number;
  /** Maximum seconds for all steps. @default 90 */
  readonly totalSeconds?: number;
  /** @default none */
  readonly active?: readonly ProbedActively[];
  /** For `cross`: who pings whom. */
  readonly cross?: Pick<PlannedCross, 'next' | 'sources' | 'targets'>;
  /** Whether to create a test namespace. @default true */
  readonly creation?: boolean;
};

/**
 * The same for a run and a node, so that a retry finds the pod instead of creating another. DNS-1123, at most
 * 63 characters.
 */
export function probePodName(runId: string, node: string): string {
  const digest = createHash('sha256').update(`${runId}\n${node}`).digest('hex').slice(0, 12);
  const readable = node
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, 35)
    .replaceAll(/^-+|-+$/g, '');
  return ['netns-audit', readable, digest].filter((part) => part !== '').join('-');
}

/** The container's arguments, after `sh -c SCRIPT probe`. */
function scriptArguments(options: ProbePodOptions): string[] {
  return [
    `limit=${options.stepSeconds ?? 15}`,
    `total=${options.totalSeconds ?? 90}`,
    `creation=${options.creation === false ? 0 : 1}`,
    ...(options.active === undefined || options.active.length === 0
      ? []
      : [`active=${options.active.join(',')}`]),
    ...(options.cross === undefined ? [] : crossArguments(options.cross)),
  ];
}

/** Addresses only, as the admission policy has it. */
function crossArguments({ next, sources, targets }: NonNullable<ProbePodOptions['cross']>): string[] {
  const list = (all: readonly { readonly address: string }[]) => all.map(({ address }) => address).join(',');
  return [`cross=${list([next, ...targets])}`, `from=${list(sources)}`];
}

/**
 * The kubelet expands `$(NAME)` and turns `$$` into `$` in commands, so every `$` that would start either is
 * doubled.
 */
export function escaped(script: string): string {
  return script.replaceAll(/\$(?=[$(])/g, () => '$$');
}

/** The pod as sent to the API. */
export function probePod(options: ProbePodOptions) {
  const { runId, node, image = DEFAULT_IMAGE, privileged = false } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: probePodName(runId, node),
      namespace: options.namespace ?? DEFAULT_NAMESPACE,
      labels: {
        [OWN_LABEL.name]: OWN_LABEL.value,
        'app.kubernetes.io/managed-by': 'netns-auditor',
        [COMPONENT_LABEL]: 'probe',
        [RUN_LABEL]: labelValue(runId),
      },
      annotations: {
        [EXPIRES_ANNOTATION]: options.expires.toISOString(),
        'netns-auditor/run-id': runId,
        // Before 1.30 there is no field for it.
        'container.apparmor.security.beta.kubernetes.io/probe': 'unconfined',
        // Tells autoscalers and meshes to leave it alone.
        'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
        'sidecar.istio.io/inject': 'false',
        'linkerd.io/inject': 'disabled',
      },
    },
    spec: {
      nodeName: node,
      hostPID: true,
      hostNetwork: true,
      dnsPolicy: 'Default',
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      activeDeadlineSeconds: options.activeDeadlineSeconds ?? 120,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      ...(options.imagePullSecret === undefined
        ? {}
        : { imagePullSecrets: [{ name: options.imagePullSecret }] }),
      securityContext: {
        seccompProfile: { type: 'Unconfined' },
        seLinuxOptions: { type: 'spc_t' },
      },
      containers: [
        {
          name: PROBE_CONTAINER,
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', escaped(probeScript()), 'probe'],
          args: scriptArguments(options),
          env: [{ name: 'TMPDIR', value: '/scratch' }],
          resources: {
            requests: { cpu: '10m', memory: '32Mi' },
            limits: { memory: '256Mi' },
          },
          securityContext: {
            runAsUser: 0,
            runAsNonRoot: false,
            readOnlyRootFilesystem: true,
            ...(privileged
              ? { privileged: true }
              : {
                  privileged: false,
                  allowPrivilegeEscalation: true,
                  capabilities: { drop: ['ALL'], add: [...CAPABILITIES] },
                }),
          },
          terminationMessagePolicy: 'File',
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
        },
      ],
      // In memory, so that nothing is written to the node's disk.
      volumes: [{ name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '96Mi' } }],
    },
  };
}

/** A valid label value: at most 63 characters that begin and end with a letter or digit. */
function labelValue(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}
