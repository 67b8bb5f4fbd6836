/** Addresses that an IPAM on the node keeps: host-local's directories and ipamd's checkpoint. */

import { isIP } from 'node:net';
import * as z from 'zod';
import { AWS_CNI, cniPlugin, HOST_LOCAL } from '../../model/cni-plugins.ts';
import type { CniConfig, CniResult, Ipam } from '../../model/evidence.ts';
import { atMost } from '../limits.ts';
import { fields, integer, isoTime, jsonLines, lines } from './lines.ts';
import { each } from './schemas.ts';

/** Where host-local keeps a directory for each network, unless `dataDir` says otherwise. */
const DEFAULT_DIRECTORY = '/var/lib/cni/networks';

/**
 * `cni/host-local` (`TIME SIZE PATH`) and `cni/host-local-files` (`ID<tab>INTERFACE<tab>PATH`).
 * @param around - `directories`: those of the networks, which may be empty; `emptied`: networks whose
 * directory is missing; `later`: `cni/host-local` read again, null in bundles without it. Reservations
 * created, written or freed between the readings are left out.
 */
export function parseHostLocal(
  files: string,
  contents: string,
  around: {
    readonly directories: string;
    readonly emptied: readonly string[];
    readonly later: string | null;
  },
  config: CniConfig | null,
): Ipam[] {
  const times = new Map(
    lines(files).flatMap((line) => {
      const found = /^(\d{1,12}) \d+ \/proc\/1\/root(\/.+)$/.exec(line);
      return found?.[1] !== undefined && found[2] !== undefined
        ? [[found[2], integer(found[1])] as const]
        : [];
    }),
  );
  const first = linesByPath(files);
  const later = around.later === null ? null : linesByPath(around.later);
  const networks = new Map<string, Ipam>();
  const networkAt = (directory: string) => {
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
    atMost('ipamNetworks', networks.size);
    return ipam;
  };
  for (const directory of lines(around.directories)) networkAt(directory);
  for (const network of around.emptied) networkAt(`${DEFAULT_DIRECTORY}/${network}`);
  for (const [id = '', link = '', file = ''] of fields(contents, 3)) {
    const path = file.replace(/^\/proc\/1\/root/, '');
    const directory = path.replace(/\/[^/]*$/, '');
    const ipam = networkAt(directory);
    if (later !== null && (first.get(file) === undefined || later.get(file) !== first.get(file))) continue;
    // host-local writes the colons of an IPv6 address as underscores on file systems without colons.
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
  // If two directories have the same name, as below /var/lib/cni and /run/cni, an empty one is not in use.
  const filled = new Set(
    [...networks.values()].flatMap(({ network, allocations }) => (allocations.length > 0 ? [network] : [])),
  );
  return [...networks.values()].filter(
    ({ network, allocations, corrupt }) => allocations.length + corrupt.length > 0 || !filled.has(network),
  );
}

/**
 * Networks whose pods have addresses from host-local, but whose directories (lines of `cni/networks`) are
 * gone, for example after `rm -rf /var/lib/cni/networks/*`: host-local then considers every address free.
 * Only for nodes without a `dataDir`.
 */
export function emptiedNetworks(
  directories: string,
  config: CniConfig,
  results: readonly CniResult[],
): string[] {
  const there = new Set(lines(directories).map((directory) => directory.replace(/^.*\//, '')));
  const used = new Set(results.map(({ network }) => network));
  return config.files.flatMap(({ network, plugins, ipam }) => {
    // A plugin that delegates to host-local need not name it.
    const delegated = ipam.length === 0 && cniPlugin(plugins[0])?.delegates.includes(HOST_LOCAL);
    const local = ipam.includes(HOST_LOCAL) || delegated;
    const gone = network !== null && !there.has(network) && used.has(network);
    return local && gone ? [network] : [];
  });
}

/** Lines of `stat`, by the path at their end. */
function linesByPath(listing: string): Map<string, string> {
  return new Map(lines(listing).map((line) => [line.replace(/^\d+ \d+ /, ''), line]));
}

function capacityOf(config: CniConfig | null, network: string): number | null {
  const subnets = config?.files.find((file) => file.network === network)?.subnets ?? [];
  const sizes = subnets.flatMap((subnet) => {
    const length = Number(subnet.split('/')[1]);
    // Network, broadcast and gateway addresses are never assigned to pods.
    return subnet.includes(':') || !(length >= 1 && length <= 30) ? [] : [2 ** (32 - length) - 3];
  });
  return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0);
}

const checkpoint = z.object({
  file: z.string().max(300),
  /** Why it is not valid JSON. */
  error: z.string().max(500).optional(),
  version: z.string().max(100).nullish(),
  allocations: each(
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
  ).nullish(),
});

/**
 * `cni/aws-ipam.ndjson`: checkpoints of the AWS VPC CNI, version vpc-cni-ipam/1.
 * @param later - the same files read again: entries in only one reading were being assigned or freed. Null in
 * bundles without it.
 */
export function parseAwsIpam(ndjson: string, later: string | null = null): Ipam[] {
  const again =
    later === null
      ? null
      : new Map(
          jsonLines(later, checkpoint).map((one) => [
            one.file,
            { one, kept: new Set((one.allocations ?? []).map(keyOf)) },
          ]),
        );
  const read = new Set<string>();
  const stable = jsonLines(ndjson, checkpoint).flatMap((one): Reading[] => {
    if (again === null) return [{ ...one, changing: [] }];
    const found = again.get(one.file);
    if (found === undefined) return [];
    const { one: other, kept } = found;
    if (one.error !== undefined || other.error !== undefined)
      return [{ ...(one.error === undefined ? one : other), changing: [] }];
    const allocations = (one.allocations ?? []).filter((entry) => kept.has(keyOf(entry)));
    const stayed = new Set(allocations.map(addressOf));
    // A node has one checkpoint of each name; a hostile one may show many, and none of them may cost as much as all.
    const added = read.has(one.file) ? [] : (other.allocations ?? []);
    read.add(one.file);
    const either = [...(one.allocations ?? []), ...added].map(addressOf);
    const changing = [...new Set(either)].filter((address) => address !== '' && !stayed.has(address));
    return [{ ...one, allocations, changing }];
  });
  return stable.map(({ file, error, version, allocations, changing }) => ({
    kind: 'aws' as const,
    network: AWS_CNI,
    path: file,
    capacity: null,
    allocations: (allocations ?? []).flatMap((entry) => {
      const address = addressOf(entry);
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
    ...(changing.length === 0 ? {} : { changing }),
    corrupt:
      error !== undefined
        ? [{ path: file, reason: `it is not JSON: ${error.trim().slice(0, 200)}` }]
        : version === 'vpc-cni-ipam/1'
          ? []
          : [{ path: file, reason: `its version is ${JSON.stringify(version ?? null)}` }],
  }));
}

type Checkpoint = z.infer<typeof checkpoint>;
type Entry = NonNullable<Checkpoint['allocations']>[number];
type Reading = Checkpoint & { readonly changing: string[] };

const addressOf = (entry: Entry) => entry.ipv4 || entry.ipv6 || '';

const keyOf = (entry: Entry) => `${entry.containerID} ${entry.ipv4 ?? ''} ${entry.ipv6 ?? ''}`;
