/** How a pod differs from the one that is sent, in CEL. */
import { EXPIRES_ANNOTATION } from '../../lib/model/own-pods.ts';
import { equal, literal, oneOf, only, unless } from './cel.ts';
import type { Fields, Shape } from './shapes.ts';

/** Maximum seconds that a pod may run: `--deadline`, and half a minute more for a canary. */
const LONGEST_RUN = 900;

/** Other fields that the API server adds. */
const ADDED = {
  spec: ['serviceAccountName', 'serviceAccount', 'schedulerName', 'priority', 'preemptionPolicy'],
  annotations: ['kubernetes.io/limit-ranger', 'kubernetes.io/psp'],
} as const;

/** CEL for the list of what differs from a shape. Long, as it is one list: an entry for each field. */
export function differencesFrom(shape: Shape): string {
  const { annotations, spec, container, appArmor, command, taken, rather = {} } = shape;
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
    ...equal('variables.security', security, Object.keys(rather), 'spec.containers[0].securityContext.'),
    ...eitherOf(security, rather),
    ...appArmorOf(appArmor),
  ].join('\n+ ');
}

/** For fields of the security context that may have another value as well. */
function eitherOf(security: Fields, rather: NonNullable<Shape['rather']>): string[] {
  return Object.entries(rather).map(([field, { value, when }]) => {
    const actual = `variables.security.${field}`;
    return unless(
      `has(${actual}) && (${actual} == ${literal(security[field])} || (${actual} == ${literal(value)} && ${when}))`,
      `spec.containers[0].securityContext.${field}`,
    );
  });
}

function appArmorOf(profile: Shape['appArmor']): string[] {
  const actual = 'variables.security.appArmorProfile';
  const name = 'spec.containers[0].securityContext.appArmorProfile';
  return profile === null ? [] : [unless(`!has(${actual}) || ${actual} == ${literal(profile)}`, name)];
}
