/** The pods that a policy admits, as it compares them: taken from the manifests that are sent. */
import { canaryManifest } from '../../lib/audit/canary.ts';
import { hostLinkNames } from '../../lib/model/cni-names.ts';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE, REPAIR_NAMESPACE } from '../../lib/model/own-pods.ts';
import { RESOURCE_LIMITS } from '../../lib/model/raised-limits.ts';
import { ADDRESS, BOOT, CONTAINER, NETWORK, NUMBER, PIN } from '../../lib/model/repair-grammar.ts';
import { restoreArguments, undoArguments } from '../../lib/model/restore-argument.ts';
import { probePod, repairPod } from '../../lib/probe/index.ts';
import { literal } from './cel.ts';

/** Defaults that the API server sets in a pod before policies see it. */
const DEFAULTS = {
  spec: { dnsPolicy: 'ClusterFirst' },
  container: { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
} as const;

export type Fields = Readonly<Record<string, unknown>>;
export type Shape = {
  readonly annotations: readonly string[];
  readonly spec: Fields;
  readonly container: Fields;
  /** From 1.30 on, the server turns the annotation into a field. */
  readonly appArmor: Fields | null;
  readonly command: string;
  /** Fields of the security context that may have another value under a condition in CEL. */
  readonly rather?: Readonly<Record<string, { readonly value: unknown; readonly when: string }>>;
  /** Patterns of arguments, if more than one then each of one name; null: there are none. */
  readonly taken: readonly string[] | null;
};
export type Scripted = Shape & { readonly script: string };

const options = { runId: 'run', namespace: DEFAULT_NAMESPACE, image: DEFAULT_IMAGE };

const onNode = { ...options, node: 'node', expires: new Date(0), imagePullSecret: 'secret' };

export function probeShape(): Scripted {
  return scripted(
    probePod(onNode),
    '^(limit|total)=[0-9]{1,4}$|^creation=[01]$|^active=(ping|dns|cross)(,(ping|dns|cross)){0,2}$|' +
      '^cross=[0-9a-f.:]{2,45}(,[0-9a-f.:]{2,45}){0,8}$|^from=[0-9a-f.:]{2,45}(,[0-9a-f.:]+)*$',
  );
}

export function repairShape(): Scripted {
  const settings = { orphans: [], act: true, settleSeconds: 900, activeDeadlineSeconds: 600 };
  const pod = (...objects: string[]) =>
    repairPod({ ...onNode, ...settings, objects, namespace: REPAIR_NAMESPACE });
  const shape = scripted(
    pod(),
    `^orphan=${PIN}:${NUMBER}:[0-9]{1,10}$`,
    `^pin=${PIN}:${NUMBER}:[0-9]{1,10}$`,
    `^veth=(${hostLinkNames.join('|')}):${NUMBER}$`,
    `^address=${NETWORK}:${ADDRESS}:${CONTAINER}$`,
    `^reboot=${BOOT}$`,
    ...restoreArguments,
    ...undoArguments,
    '^act=[01]$',
    '^settle=([3-9][0-9]{2}|[1-9][0-9]{3,4})$',
    '^total=[0-9]{1,5}$',
  );
  const [resourceful] = pod(RESOURCE_LIMITS[0]).spec.containers;
  const alone = [...RESOURCE_LIMITS, 'act=', 'settle=', 'total=']
    .map((begin) => `each.startsWith(${literal(begin)})`)
    .join(' || ');
  return {
    ...shape,
    // Nothing else is done with the capability that these limits need.
    rather: {
      capabilities: {
        value: resourceful?.securityContext.capabilities,
        when: `has(variables.container.args) && variables.container.args.all(each, ${alone})`,
      },
    },
  };
}

/** A pod that runs a script of ours on its node. @param taken - what its arguments have to match */
function scripted(pod: ReturnType<typeof probePod>, ...taken: readonly string[]): Scripted {
  const [container] = pod.spec.containers;
  const [, , script, name] = container?.command ?? [];
  if (container === undefined || script === undefined) throw new Error('the pod has no script');
  if (script.includes("'''") || script.endsWith("'")) throw new Error('the script would end its CEL literal');
  return {
    annotations: Object.keys(pod.metadata.annotations),
    spec: { ...DEFAULTS.spec, ...pod.spec },
    container: { ...DEFAULTS.container, ...container },
    appArmor: { type: 'Unconfined' },
    script,
    command: `["sh", "-c", variables.script, "${name}"]`,
    taken,
  };
}

export function canaryShape(): Shape {
  const pod = canaryManifest('node', { ...options, pullSecret: 'secret', deadlineSeconds: 60 });
  const [container] = pod.spec.containers;
  return {
    annotations: Object.keys(pod.metadata.annotations),
    spec: { ...DEFAULTS.spec, ...pod.spec },
    container: { ...DEFAULTS.container, ...container },
    appArmor: null,
    command: literal(container?.command),
    taken: null,
  };
}
