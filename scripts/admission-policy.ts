/**
 * deploy/admission-policy.yaml, generated from the pods themselves, so that the policy admits exactly the
 * pods that are sent.
 */
import {
  COMPONENT_LABEL,
  DEFAULT_IMAGE,
  DEFAULT_NAMESPACE,
  OWN_LABEL,
  REPAIR_NAMESPACE,
} from '../lib/model/own-pods.ts';
import { differencesFrom } from './admission-policy/differences.ts';
import {
  canaryShape,
  probeShape,
  repairShape,
  type Scripted,
  type Shape,
} from './admission-policy/shapes.ts';

/** The probe pod of an earlier version, as its policy compared it. */
export type EarlierProbe = {
  readonly version: string;
  readonly script: string;
  /** CEL for the list of what differs from that pod, with the variables that the policy still has. */
  readonly differences: string;
};

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
    scripted: { component: 'probe', shape: probeShape(), parts: 'lib/probe/probe/' },
    earlier,
    others: [{ component: 'canary', shape: canaryShape() }],
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
# pod, records of addresses, limits of the kernel and losses of pods and of the node to look at, as an audit found them, whether to delete,
# to raise, to restore or to take back, which boot of the node to end, how long they must have been there, and how much time there is.
# ${HOLDS} Left open are the node, the run's name and labels, requests and limits, and how long a run may take.`,
    scripted: {
      component: 'repair',
      shape: repairShape(),
      parts: 'lib/probe/repair/ and of lib/probe/probe/',
    },
    earlier: null,
    others: [],
    more: MAY_REBOOT,
  });
}

/** Whoever may start this pod may still not reboot nodes: that needs the right to cordon this one. */
const MAY_REBOOT = `
    - expression: >-
        request.operation == "CONNECT" || !has(variables.container.args) || !variables.container.args.exists(each, each.startsWith("reboot="))
        || authorizer.group("").resource("nodes").name(object.spec.nodeName).check("patch").allowed()
      reason: Forbidden
      message: whoever reboots a node must have the right to patch it (netns-audit manifests --reboot)`;

type Pods = {
  readonly name: string;
  readonly namespace: string;
  readonly comment: string;
  /** The container that runs the script. */
  readonly scripted: { readonly component: string; readonly shape: Scripted; readonly parts: string };
  /** One more pod with a script of its own, under the same component. */
  readonly earlier: EarlierProbe | null;
  readonly others: readonly { readonly component: string; readonly shape: Shape }[];
  /** More validations. @default none */
  readonly more?: string;
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
  more = '',
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
${indented(differencesFrom(pod.shape), 8)}
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
        + variables.differences.join(", ")${more}
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
