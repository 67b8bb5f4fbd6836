/** Addresses that an on-node IPAM keeps: host-local's directories and ipamd's checkpoint. */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { CniConfig, Ipam } from '../../model/evidence.ts';
import { fields, integer, isoTime, jsonLines, lines } from './lines.ts';

/** `cni/host-local` (`TIME SIZE PATH`) and `cni/host-local-files` (`ID<tab>INTERFACE<tab>PATH`). */
export function parseHostLocal(files: string, contents: string, config: CniConfig | null): Ipam[] {
  const times = new Map(
    lines(files).flatMap((line) => {
      const found = /^(\d{1,12}) \d+ \/proc\/1\/root(\/.+)$/.exec(line);
      return found?.[1] !== undefined && found[2] !== undefined
        ? [[found[2], integer(found[1])] as const]
        : [];
    }),
  );
  const networks = new Map<string, Ipam>();
  for (const [id = '', link = '', file = ''] of fields(contents, 3)) {
    const path = file.replace(/^\/proc\/1\/root/, '');
    const directory = path.replace(/\/[^/]*$/, '');
    const network = directory.replace(/^.*\//, '');
    const ipam: Ipam = networks.get(directory) ?? {
      kind: 'host-local',
      network,
      path: directory,
      capacity: capacityOf(config, network),
      allocations: [],
      corrupt: [],
    };
    networks.set(directory, ipam);
    // host-local writes the colons of an IPv6 address as underscores where a file system has none.
    const address = path.slice(directory.length + 1).replaceAll('_', ':');
    const time = times.get(path);
    if (isIP(address) === 0) {
      ipam.corrupt.push({ path, reason: 'its name is not an address' });
      continue;
    }
    if (id === '') ipam.corrupt.push({ path, reason: 'empty: a reservation that was half written' });
    ipam.allocations.push({
      address,
      containerId: id.trim(),
      interface: link.trim() || null,
      modifiedAt: time === undefined ? null : isoTime(time),
      pod: null,
    });
  }
  return [...networks.values()];
}

function capacityOf(config: CniConfig | null, network: string): number | null {
  const subnets = config?.files.find((file) => file.network === network)?.subnets ?? [];
  const sizes = subnets.flatMap((subnet) => {
    const length = Number(subnet.split('/')[1]);
    // Network, broadcast and gateway are never given to pods.
    return subnet.includes(':') || !(length >= 1 && length <= 30) ? [] : [2 ** (32 - length) - 3];
  });
  return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0);
}

const checkpoint = z.object({
  file: z.string().max(300),
  version: z.string().max(100).nullish(),
  allocations: z
    .array(
      z.object({
        containerID: z.string().max(200).nullish(),
        ifName: z.string().max(50).nullish(),
        ipv4: z.string().max(50).nullish(),
        ipv6: z.string().max(50).nullish(),
        allocationTimestamp: z.number().nullish(),
        metadata: z
          .object({
            k8sPodNamespace: z.string().max(300).nullish(),
            k8sPodName: z.string().max(300).nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
});

/** `cni/aws-ipam.ndjson`: checkpoints of the AWS VPC CNI, version vpc-cni-ipam/1. */
export function parseAwsIpam(ndjson: string): Ipam[] {
  return jsonLines(ndjson, checkpoint).map(({ file, version, allocations }) => ({
    kind: 'aws' as const,
    network: 'aws-cni',
    path: file,
    capacity: null,
    allocations: (allocations ?? []).flatMap((entry) => {
      const address = entry.ipv4 || entry.ipv6;
      const pod = entry.metadata?.k8sPodName
        ? `${entry.metadata.k8sPodNamespace ?? ''}/${entry.metadata.k8sPodName}`
        : null;
      return address
        ? [
            {
              address,
              containerId: entry.containerID ?? '',
              interface: entry.ifName ?? null,
              modifiedAt: entry.allocationTimestamp
                ? isoTime(Math.floor(entry.allocationTimestamp / 1e9))
                : null,
              pod,
            },
          ]
        : [];
    }),
    corrupt:
      version === 'vpc-cni-ipam/1'
        ? []
        : [{ path: file, reason: `its version is ${JSON.stringify(version ?? null)}` }],
  }));
}
