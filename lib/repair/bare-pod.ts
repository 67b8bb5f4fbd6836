/** A pod that no controller recreates, as the manifest from which it is created again. */
import * as z from 'zod';
import { ANNOTATIONS_OF_EITHER, ANNOTATIONS_OF_ONE_POD } from '../model/cni-names.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { printable } from '../model/printable.ts';
import { command } from '../model/shell.ts';

const metadataSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(z.unknown()).optional(),
});

const containersSchema = z.array(
  z.looseObject({
    name: z.string(),
    image: z.string().optional(),
    securityContext: z
      .looseObject({
        privileged: z.boolean().optional(),
        capabilities: z.looseObject({ add: z.array(z.string()).optional() }).optional(),
      })
      .optional(),
  }),
);

export const wholePodSchema = z.object({
  metadata: metadataSchema,
  spec: z.looseObject({
    nodeName: z.string(),
    containers: containersSchema,
    initContainers: containersSchema.optional(),
    hostPID: z.boolean().optional(),
    hostIPC: z.boolean().optional(),
    hostNetwork: z.boolean().optional(),
    serviceAccountName: z.string().optional(),
    volumes: z
      .array(
        z.looseObject({
          name: z.string(),
          hostPath: z.looseObject({ path: z.string() }).optional(),
          csi: z.looseObject({ readOnly: z.boolean().optional() }).optional(),
        }),
      )
      .optional(),
    resourceClaims: z.array(z.unknown()).optional(),
  }),
});
export type WholePod = z.infer<typeof wholePodSchema>;

const bareManifestSchema = z.object({
  apiVersion: z.literal('v1'),
  kind: z.literal('Pod'),
  metadata: metadataSchema.omit({ uid: true, finalizers: true, ownerReferences: true }),
  spec: wholePodSchema.shape.spec,
});
export type BareManifest = z.infer<typeof bareManifestSchema>;

/** A pod as the record of its repair names it. */
type RecordedPod = { readonly namespace: string; readonly name: string; readonly node: string };

/** The manifest in a record; null if it is not one of the record's own pod. A record is only text in the store. */
export function recordedManifest(manifest: unknown, pod: RecordedPod): BareManifest | null {
  const ofThePod = bareManifestSchema.refine(
    ({ metadata, spec }) =>
      metadata.namespace === pod.namespace && metadata.name === pod.name && spec.nodeName === pod.node,
  );
  return ofThePod.safeParse(manifest).data ?? null;
}

/**
 * How a person creates a pod from the record of its repair.
 * @param place - of the record: a path, or s3://…
 */
export function creatingIt(pod: Pick<RecordedPod, 'namespace' | 'name'>, place: string): string {
  const byHand = place.startsWith('s3://')
    ? `${command('aws', 's3', 'cp', place, '-')} | jq .manifest`
    : command('jq', '.manifest', place);
  return (
    `to create it, name it with --pod ${namespacedName(pod)} --apply, or review its manifest and create it by hand ` +
    `(${byHand} | kubectl create -f -)`
  );
}

/** What a person needs to know of a pod before it is created: its images, and its rights. */
export function rightsIn({ spec }: BareManifest): string {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const capabilities = containers.flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? []);
  const paths = (spec.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []);
  const flags = [
    ...(containers.some(({ securityContext }) => securityContext?.privileged === true) ? ['privileged'] : []),
    ...(['hostPID', 'hostIPC', 'hostNetwork'] as const).filter((field) => spec[field] === true),
    ...(paths.length > 0 ? [`hostPath ${listed(paths)}`] : []),
    ...(capabilities.length > 0 ? [`capabilities ${listed(capabilities)}`] : []),
  ];
  return [
    ...(flags.length === 0 ? ['not privileged, no hostPath, no hostPID'] : flags),
    `service account ${listed([spec.serviceAccountName ?? 'default'])}`,
    `images ${listed(containers.map(({ image = 'none' }) => image))}`,
  ].join('; ');
}

/** Cut, so that no long name hides what comes after it. */
function listed(names: readonly string[]): string {
  return printable([...new Set(names)].join(', '), 200);
}

/** Volumes that go with the pod, with what is in them. */
const LOCAL = ['emptyDir', 'ephemeral', 'gitRepo'];

/**
 * @param mayLoseData - of its own volumes
 * @returns why it cannot be created again as it was; null if it can
 */
export function whyNotCreatedAgain({ metadata, spec }: WholePod, mayLoseData: boolean): string | null {
  const { finalizers = [], ownerReferences = [], annotations = {}, namespace, name } = metadata;
  if (annotations['kubernetes.io/config.mirror'] !== undefined)
    return 'a static pod: its kubelet makes it again only by hand';
  if (ownerReferences.length > 0) return 'it has an owner that does not make it again';
  if (finalizers.length > 0) return `somebody wants to do something before it goes: ${finalizers.join(', ')}`;
  if ((spec.resourceClaims ?? []).length > 0)
    return 'it holds resource claims, and one of its own goes with it';
  const unclear = Object.keys(annotations).filter(
    (key) => ANNOTATIONS_OF_EITHER.test(key) && !appliedIn(annotations).has(key),
  );
  if (unclear.length > 0)
    return `whether a person or a plugin wrote its annotations cannot be told: ${unclear.join(', ')}`;
  const local = (spec.volumes ?? []).filter(
    (volume) =>
      LOCAL.some((kind) => volume[kind] != null) ||
      (volume.csi !== undefined && volume.csi.readOnly !== true),
  );
  return local.length === 0 || mayLoseData
    ? null
    : `the data in its volume ${local.map((volume) => volume.name).join(', ')} would be lost: ` +
        `name it if that may be, --lose-pod ${namespace}/${name}`;
}

/** Without what the server sets. It stays on its node, where volumes of the node are. */
export function bareManifest({ metadata, spec }: WholePod): BareManifest {
  const { namespace, name, labels, annotations = {} } = metadata;
  // The server refuses a new pod with ephemeral containers.
  const { ephemeralContainers: _, ...rest } = spec;
  const applied = appliedIn(annotations);
  // Its successor gets its own of what plugins and controllers write about one pod.
  const kept = Object.entries(annotations).filter(
    ([key]) => applied.has(key) || !ANNOTATIONS_OF_ONE_POD.has(key),
  );
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
    },
    spec: rest,
  };
}

const appliedSchema = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.unknown()) }),
});

/** Annotations that a person applied, as kubectl has noted. */
function appliedIn(annotations: Readonly<Record<string, string>>): ReadonlySet<string> {
  try {
    const noted: unknown = JSON.parse(annotations['kubectl.kubernetes.io/last-applied-configuration'] ?? '');
    return new Set(Object.keys(appliedSchema.safeParse(noted).data?.metadata.annotations ?? {}));
  } catch {
    return new Set();
  }
}

/**
 * Whether a pod is what a manifest describes. Admission may have added to it, and a manifest from a running pod has
 * every field that the server sets by itself.
 */
export function isAsIn(manifest: BareManifest, pod: WholePod | null): boolean {
  if (pod === null || (pod.metadata.ownerReferences ?? []).length > 0) return false;
  const { labels = {}, annotations = {} } = manifest.metadata;
  return covers(pod, { spec: manifest.spec, metadata: { labels, annotations } });
}

function covers(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(found) && wanted.every((each, index) => covers(found[index], each));
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  return Object.entries(wanted).every(([key, value]) => {
    if (typeof found === 'object' && found !== null && key in found)
      return covers((found as Readonly<Record<string, unknown>>)[key], value);
    return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  });
}
