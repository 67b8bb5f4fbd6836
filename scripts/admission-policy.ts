/**
 * deploy/admission-policy.yaml, generated from the pods themselves, so that the policy admits exactly the
 * pods that are sent.
 */
import { canaryManifest } from '../lib/audit/canary.ts';
import { hostLinkNames } from '../lib/model/cni-names.ts';

import {
  COMPONENT_LABEL,
  DEFAULT_IMAGE,
  DEFAULT_NAMESPACE,
  EXPIRES_ANNOTATION,
  OWN_LABEL,
  REPAIR_NAMESPACE,
} from '../lib/model/own-pods.ts';
import { ADDRESS, CONTAINER, NETWORK, NUMBER, PIN } from '../lib/model/repair-grammar.ts';
import { restoreArguments, undoArguments } from '../lib/model/restore-argument.ts';
import { probePod, repairPod } from '../lib/probe/index.ts';

/** Maximum seconds that a pod may run: `--deadline`, and half a minute more for a canary. */
const LONGEST_RUN = 900;

/** Defaults that the API server sets in a pod before policies see it. */
const DEFAULTS = {
  spec: { dnsPolicy: 'ClusterFirst' },
  container: { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
} as const;

/** Other fields that the API server adds. */
const ADDED = {
  spec: ['serviceAccountName', 'serviceAccount', 'schedulerName', 'priority', 'preemptionPolicy'],
  annotations: ['kubernetes.io/limit-ranger', 'kubernetes.io/psp'],
} as const;

type Fields = Readonly<Record<string, unknown>>;
type Shape = {
  readonly annotations: readonly string[];
  readonly spec: Fields;
  readonly container: Fields;
  /** From 1.30 on, the server turns the annotation into a field. */
  readonly appArmor: Fields | null;
  readonly command: string;
  /** Patterns of arguments, if more than one then each of one name; null: there are none. */
  readonly taken: readonly string[] | null;
};
type Scripted = Shape & { readonly script: string };

/** The probe pod of an earlier version, as its policy compared it. */
export type EarlierProbe = {
  readonly version: string;
  readonly script: string;
  /** CEL for the list of what differs from that pod, with the variables that the policy still has. */
  readonly differences: string;
};

const options = { runId: 'run', namespace: DEFAULT_NAMESPACE, image: DEFAULT_IMAGE };

const onNode = { ...options, node: 'node', expires: new Date(0), imagePullSecret: 'secret' };

function probe(): Scripted {
  return scripted(
    probePod(onNode),
    '^(limit|total)=[0-9]{1,4}$|^creation=[01]$|^active=(ping|dns|ping,dns|dns,ping)$',
  );
}

function repair(): Scripted {
  const settings = { orphans: [], act: true, settleSeconds: 900, activeDeadlineSeconds: 600 };
  return scripted(
    repairPod({ ...onNode, ...settings, namespace: REPAIR_NAMESPACE }),
    `^orphan=${PIN}:${NUMBER}:[0-9]{1,10}$`,
    `^veth=(${hostLinkNames.join('|')}):${NUMBER}$`,
    `^address=${NETWORK}:${ADDRESS}:${CONTAINER}$`,
    ...restoreArguments,
    ...undoArguments,
    '^act=[01]$',
    '^settle=([3-9][0-9]{2}|[1-9][0-9]{3,4})$',
    '^total=[0-9]{1,5}$',
  );
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

function canary(): Shape {
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

/** A value in CEL. Kubernetes accepts only lists and maps whose values have one type, so others are made dynamic. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const same = Object.values(value).every((each) => typeof each === 'string');
    const entries = Object.entries(value).map(
      ([name, each]) => `${JSON.stringify(name)}: ${same ? literal(each) : `dyn(${literal(each)})`}`,
    );
    return `{${entries.join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** One line of CEL that returns the name of what differs, or an empty list. */
const unless = (condition: string, name: string) => `(${condition} ? [] : ["${name}"])`;

const only = (map: string, keys: readonly string[], name: string) =>
  `${map}.filter(key, !(key in ${literal(keys)})).map(key, "${name}" + key)`;

function equal(object: string, fields: Fields, without: readonly string[], name: string): string[] {
  return Object.entries(fields)
    .filter(([field]) => !without.includes(field))
    .map(([field, value]) =>
      unless(`has(${object}.${field}) && ${object}.${field} == ${literal(value)}`, `${name}${field}`),
    );
}

/**
 * Long patterns cost: the server has a limit for all arguments together, so that each is held against its own
 * alone.
 */
function oneOf(patterns: readonly string[]): string {
  const matches = (pattern: string): string => `each.matches(${literal(pattern)})`;
  const [first = '', another] = patterns;
  if (another === undefined) return matches(first);
  return patterns
    .map((each) => `(each.startsWith(${literal(each.slice(1, each.indexOf('=') + 1))}) && ${matches(each)})`)
    .join(' || ');
}

/** CEL for the list of what differs from a shape. */
function differences({ annotations, spec, container, appArmor, command, taken }: Shape): string {
  const security = container.securityContext as Fields;
  return [
    unless('object.metadata.name.startsWith("netns-audit-")', 'metadata.name'),
    only('variables.annotations', [...annotations, ...ADDED.annotations], 'metadata.annotations '),
    unless(`"${EXPIRES_ANNOTATION}" in variables.annotations`, `metadata.annotations ${EXPIRES_ANNOTATION}`),
    only(
      'variables.spec',
      [...Object.keys(spec), ...ADDED.spec, 'securityContext', 'priorityClassName'],
      'spec.',
    ),
    ...equal(
      'variables.spec',
      spec,
      ['nodeName', 'containers', 'activeDeadlineSeconds', 'imagePullSecrets'],
      'spec.',
    ),
    ...('securityContext' in spec
      ? []
      : [
          unless(
            '!has(variables.spec.securityContext) || size(variables.spec.securityContext) == 0',
            'spec.securityContext',
          ),
        ]),
    unless('has(variables.spec.nodeName) && variables.spec.nodeName != ""', 'spec.nodeName'),
    unless(
      `has(variables.spec.activeDeadlineSeconds) && variables.spec.activeDeadlineSeconds <= ${LONGEST_RUN}`,
      `spec.activeDeadlineSeconds (at most ${LONGEST_RUN})`,
    ),
    unless(
      '!has(variables.spec.serviceAccountName) || variables.spec.serviceAccountName == "default"',
      'spec.serviceAccountName',
    ),
    unless(
      '!has(variables.spec.priorityClassName) || !variables.spec.priorityClassName.startsWith("system-")',
      'spec.priorityClassName',
    ),
    unless('size(variables.spec.containers) == 1', 'spec.containers'),
    only('variables.container', Object.keys(container), 'spec.containers[0].'),
    ...equal(
      'variables.container',
      container,
      ['image', 'command', 'args', 'resources', 'securityContext'],
      'spec.containers[0].',
    ),
    unless('variables.container.image in variables.images', 'spec.containers[0].image'),
    unless(
      `has(variables.container.command) && variables.container.command == ${command}`,
      'spec.containers[0].command',
    ),
    ...(taken === null
      ? []
      : [
          unless(
            `has(variables.container.args) && variables.container.args.all(each, ${oneOf(taken)})`,
            'spec.containers[0].args',
          ),
        ]),
    unless(
      'has(variables.container.resources) && variables.container.resources.all(kind, kind in ["limits", ' +
        '"requests"] && variables.container.resources[kind].all(name, name in ["cpu", "memory", ' +
        '"ephemeral-storage"]))',
      'spec.containers[0].resources',
    ),
    unless('has(variables.container.securityContext)', 'spec.containers[0].securityContext'),
    only(
      'variables.security',
      [...Object.keys(security), ...(appArmor === null ? [] : ['appArmorProfile'])],
      'spec.containers[0].securityContext.',
    ),
    ...equal('variables.security', security, [], 'spec.containers[0].securityContext.'),
    ...(appArmor === null
      ? []
      : [
          unless(
            `!has(variables.security.appArmorProfile) || variables.security.appArmorProfile == ${literal(appArmor)}`,
            'spec.containers[0].securityContext.appArmorProfile',
          ),
        ]),
  ].join('\n+ ');
}

const indented = (text: string, spaces: number) =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : ' '.repeat(spaces) + line))
    .join('\n');

const HOLDS = `Every field is compared, the script to the letter, and fields that are not named here are refused, also those that a later
# Kubernetes may add.`;

/**
 * The file's text; the same in every run.
 *
 * @param earlier - its probe is admitted as well, so that clusters and functions need not change at once
 */
export function admissionPolicy(earlier: EarlierProbe | null): string {
  return policy({
    name: OWN_LABEL.value,
    namespace: DEFAULT_NAMESPACE,
    comment: `# Made from the probe and canary pods by \`npm run generate\`: change those, not this file.
#
# In the namespace ${DEFAULT_NAMESPACE} it admits the probe pod and the canary pod of this version of netns-auditor${earlier === null ? '' : `, the probe pod of ${earlier.version},`} and no other,
# and lets nobody enter them (exec, attach, port-forward, ephemeral containers): the probe is root on its node in all but name.
# ${HOLDS} Left open are the node, the run's name and labels, requests and limits, and how long a run may take.`,
    scripted: { component: 'probe', shape: probe(), parts: 'lib/probe/probe/' },
    earlier,
    others: [{ component: 'canary', shape: canary() }],
  });
}

/** The same for the pods that repair nodes, which only `manifests --remediate` prints. */
export function repairAdmissionPolicy(): string {
  return policy({
    name: `${OWN_LABEL.value}-remediate`,
    namespace: REPAIR_NAMESPACE,
    comment: `# Made from the repair pod by \`npm run generate\`: change that, not this file.
#
# In the namespace ${REPAIR_NAMESPACE} it admits the repair pod of this version of netns-auditor and no other, and lets nobody enter
# it (exec, attach, port-forward, ephemeral containers). All that the pod can be told is which orphaned namespaces, pairs that lead into no
# pod, records of addresses and losses of pods and of the node to look at, as an audit found them, whether to delete, to restore or to take
# back, how long they must have been there, and how much time there is.
# ${HOLDS} Left open are the node, the run's name and labels, requests and limits, and how long a run may take.`,
    scripted: { component: 'repair', shape: repair(), parts: 'lib/probe/repair/ and of lib/probe/probe/' },
    earlier: null,
    others: [],
  });
}

type Pods = {
  readonly name: string;
  readonly namespace: string;
  readonly comment: string;
  /** The container that runs the script. */
  readonly scripted: { readonly component: string; readonly shape: Scripted; readonly parts: string };
  /** One more pod with a script of its own, under the same component. */
  readonly earlier: EarlierProbe | null;
  readonly others: readonly { readonly component: string; readonly shape: Shape }[];
};

const variableOf = (component: string): string =>
  `differencesFrom${component.charAt(0).toUpperCase()}${component.slice(1)}`;

/** Variables of the policy for the pod of the version before. */
const EARLIER = { script: 'earlierScript', differences: 'differencesFromEarlierProbe' } as const;

function variablesOf({ version, script, differences: text }: EarlierProbe): string {
  return `    # The same of version ${version}: its functions may still run, or run already.
    - name: ${EARLIER.script}
      expression: |-
        r'''${indented(script, 8).trimStart()}'''
    - name: ${EARLIER.differences}
      expression: >-
${indented(text.replaceAll('variables.script', `variables.${EARLIER.script}`), 8)}
`;
}

/** One policy with its binding, as text. Long, as the YAML is one text. */
function policy({
  name,
  namespace,
  comment,
  scripted: { shape, parts, component },
  earlier,
  others,
}: Pods): string {
  const pods = [{ component, shape }, ...others];
  const differs = (each: string): string =>
    earlier !== null && each === component
      ? `(size(variables.${EARLIER.differences}) == 0 ? [] : variables.${variableOf(each)})`
      : `variables.${variableOf(each)}`;
  return `${comment}
# Apply it again with each new version of netns-auditor. It needs Kubernetes 1.30.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: ${name}
  labels: { ${OWN_LABEL.name}: ${OWN_LABEL.value} }
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: ['']
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [pods, pods/ephemeralcontainers, pods/resize]
      - apiGroups: ['']
        apiVersions: [v1]
        operations: [CONNECT]
        resources: [pods/exec, pods/attach, pods/portforward, pods/proxy]
  matchConditions:
    # Labels, annotations and finalizers of a pod that was admitted may change.
    - name: not-only-metadata
      expression: request.operation != "UPDATE" || object.spec != oldObject.spec
  variables:
    # EDIT HERE for another image (--image): a mirror, or better a digest. \`netns-audit manifests --image IMAGE\` does it too.
    - name: images
      expression: '["${DEFAULT_IMAGE}"]'
    # Dynamic, so that names of fields can be listed.
    - name: spec
      expression: dyn(object.spec)
    - name: container
      expression: dyn(object.spec.containers[0])
    - name: security
      expression: 'has(variables.container.securityContext) ? variables.container.securityContext : dyn({})'
    - name: annotations
      expression: 'has(object.metadata.annotations) ? dyn(object.metadata.annotations) : dyn({})'
    - name: component
      expression: >-
        has(object.metadata.labels) && "${OWN_LABEL.name}" in object.metadata.labels
        && object.metadata.labels["${OWN_LABEL.name}"] == "${OWN_LABEL.value}" && "${COMPONENT_LABEL}" in object.metadata.labels
        ? object.metadata.labels["${COMPONENT_LABEL}"] : ""
    # The parts of ${parts} without their comments; $$ is one $ to the kubelet.
    - name: script
      expression: |-
        r'''${indented(shape.script, 8).trimStart()}'''
${earlier === null ? '' : variablesOf(earlier)}${pods
  .map(
    (pod) => `    - name: ${variableOf(pod.component)}
      expression: >-
${indented(differences(pod.shape), 8)}
`,
  )
  .join('')}    - name: differences
      expression: >-
        ${pods.map((pod) => `variables.component == "${pod.component}" ? ${differs(pod.component)}`).join('\n        : ')}
        : ["metadata.labels ${OWN_LABEL.name} and ${COMPONENT_LABEL}"]
  validations:
    - expression: request.operation != "CONNECT"
      reason: Forbidden
      message: nobody may enter the pods of this namespace (exec, attach, port-forward, proxy), as the ${component} pod is root on its node
    - expression: request.operation == "CONNECT" || size(variables.differences) == 0
      reason: Forbidden
      message: only the pods of netns-auditor are admitted in this namespace
      messageExpression: >-
        "only the pods of netns-auditor, of the version whose manifests were applied, are admitted in this namespace; this one differs in "
        + variables.differences.join(", ")
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: ${name}
  labels: { ${OWN_LABEL.name}: ${OWN_LABEL.value} }
spec:
  policyName: ${name}
  validationActions: [Deny]
  matchResources:
    namespaceSelector:
      matchLabels: { kubernetes.io/metadata.name: ${namespace} }
`;
}
