/** A pod that no controller recreates, as the manifest from which it is created again. */
import * as z from 'zod';
import { ANNOTATIONS_OF_EITHER, ANNOTATIONS_OF_ONE_POD } from '../model/cni-names.ts';

const metadataSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(z.unknown()).optional(),
});

export const wholePodSchema = z.object({
  metadata: metadataSchema,
  spec: z.looseObject({
    nodeName: z.string(),
    volumes: z
      .array(
        z.looseObject({
          name: z.string(),
          csi: z.looseObject({ readOnly: z.boolean().optional() }).optional(),
        }),
      )
      .optional(),
    resourceClaims: z.array(z.unknown()).optional(),
  }),
});
export type WholePod = z.infer<typeof wholePodSchema>;

export const bareManifestSchema = z.object({
  apiVersion: z.literal('v1'),
  kind: z.literal('Pod'),
  metadata: metadataSchema.omit({ uid: true, finalizers: true, ownerReferences: true }),
  spec: wholePodSchema.shape.spec,
});
export type BareManifest = z.infer<typeof bareManifestSchema>;

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
