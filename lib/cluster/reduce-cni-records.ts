/** Reduces CNI records in the API to their owner and addresses. */
import * as z from 'zod';
import { addressAt, takenAt } from '../model/calico-ipam.ts';
import {
  type CalicoBlock,
  type CiliumEndpoint,
  calicoBlockSchema,
  ciliumEndpointSchema,
} from '../model/cni-records.ts';
import { namespacedName } from '../model/namespaced-name.ts';

const rawEndpoint = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    creationTimestamp: z.string(),
    ownerReferences: z.array(z.object({ kind: z.string(), uid: z.string() })).optional(),
  }),
  status: z
    .object({
      state: z.string().optional(),
      networking: z
        .object({
          addressing: z
            .array(z.object({ ipv4: z.string().optional(), ipv6: z.string().optional() }))
            .nullish(),
          node: z.string().optional(),
        })
        .nullish(),
    })
    .default({}),
});

/**
 * The few fields of a CiliumEndpoint that checks use.
 *
 * @param item - as the API server sent it
 * @throws ZodError if it has another shape
 */
export function reduceCiliumEndpoint(item: unknown): CiliumEndpoint {
  const { metadata: meta, status } = rawEndpoint.parse(item);
  return ciliumEndpointSchema.parse({
    namespace: meta.namespace,
    name: meta.name,
    podUid: meta.ownerReferences?.find(({ kind }) => kind === 'Pod')?.uid ?? null,
    createdAt: meta.creationTimestamp,
    node: status.networking?.node ?? null,
    addresses: (status.networking?.addressing ?? []).flatMap(({ ipv4, ipv6 }) =>
      [ipv4, ipv6].filter((address) => address !== undefined && address !== ''),
    ),
    state: status.state ?? null,
  });
}

const rawBlock = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    cidr: z.string(),
    affinity: z.string().nullish(),
    /** By ordinal, the index into the attributes; null is free. */
    allocations: z.array(z.number().int().nullable()),
    attributes: z.array(
      z.object({
        handle_id: z.string().nullish(),
        secondary: z.record(z.string(), z.string()).nullish(),
      }),
    ),
  }),
});

/** libcalico-go/lib/backend/model/block.go */
export function reduceCalicoBlock(item: unknown): CalicoBlock {
  const { metadata: meta, spec } = rawBlock.parse(item);
  return calicoBlockSchema.parse({
    name: meta.name,
    cidr: spec.cidr,
    node: spec.affinity?.startsWith('host:') ? spec.affinity.slice('host:'.length) : null,
    allocations: spec.allocations.flatMap((index, ordinal) => {
      if (index === null) return [];
      const { handle_id: handle, secondary } = spec.attributes[index] ?? {};
      const { namespace, pod, node, timestamp } = secondary ?? {};
      return [
        {
          address: addressAt(spec.cidr, ordinal),
          handle: handle ?? '',
          node: node ?? null,
          pod: namespace === undefined || pod === undefined ? null : namespacedName({ namespace, name: pod }),
          takenAt: takenAt(timestamp),
        },
      ];
    }),
  });
}
