/** From the files of a bundle and two snapshots of the API to Evidence: parsed and joined, not judged. */

import { messageOf } from '../model/errors.ts';
import type { Evidence, Part, PodNetwork, Sources } from '../model/evidence.ts';
import type { Snapshot } from '../model/kubernetes.ts';
import { clusterEvidence } from './cluster-evidence.ts';
import { calicoIpam, cniEndpointsEvidence } from './cni-records-evidence.ts';
import { creationEvidence } from './creation.ts';
import { mountEvidence } from './mount-evidence.ts';
import { hiddenNamespaces, joinNamespaces } from './namespaces.ts';
import { readActive } from './parse/active.ts';
import { parseCniConfig, parseCniResults } from './parse/cni.ts';
import { emptiedNetworks, parseAwsIpam, parseHostLocal } from './parse/ipam.ts';
import {
  parseBlockedTasks,
  parseKernelLog,
  parseNeighbourCounts,
  parsePairs,
  parseSlab,
  parseSysctls,
} from './parse/kernel.ts';
import { fields, integer, isoTime, isTime, lines, optionalInteger } from './parse/lines.ts';
import { parseHostMounts, parseMount, parseMountsElsewhere, parsePins, realPaths } from './parse/mounts.ts';
import { parseProcesses, parseReferences, toProcesses } from './parse/processes.ts';
import { parseResolvConf } from './parse/resolv-conf.ts';
import { both, mapPart, value } from './parts.ts';
import { podNetworks } from './pod-networks.ts';
import { readerOf } from './reader.ts';
import { programsEvidence, routingEvidence } from './routing-evidence.ts';
import { sandboxEvidence } from './sandbox-evidence.ts';
import { observePods, observeSandboxes } from './settle.ts';
import { stableNamespaces, stablePins } from './stable.ts';
import { readStacks } from './stacks.ts';
import { type BundleFiles, invalidBundle } from './unpack.ts';

export type EvidenceInput = {
  readonly files: BundleFiles;
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** Age below which pods are not judged, in seconds. */
  readonly settleSeconds: { readonly pod: number };
  /** Result of the canary pod, where one was asked for. */
  readonly canary?: Part<Sources['canary']>;
};

/**
 * The evidence of one node. A part that is malformed is `failed` with its reason; the others stand.
 * @throws AuditError BUNDLE_INVALID when what the probe says of itself cannot be read
 */
export function buildEvidence(input: EvidenceInput): Evidence {
  const { files, before, after } = input;
  const { reader, meta, facts } = described(files);
  const { steps, raw, read, need, part } = reader;

  const nodeSeconds = optionalInteger(meta.get('time'));
  const hasClock = nodeSeconds !== null && isTime(nodeSeconds);
  const takenSeconds = hasClock ? nodeSeconds : Date.parse(after.takenAt) / 1000;
  const uptime = (optionalInteger(meta.get('uptime')) ?? 0) / 100;

  const host = part('host_facts', () => ({
    hostname: facts.get('hostname') ?? '',
    networkNamespace: integer(facts.get('/proc/1/ns/net') ?? ''),
    pidNamespace: integer(facts.get('/proc/1/ns/pid') ?? ''),
    bootId: facts.get('boot_id') ?? '',
    kernelRelease: facts.get('osrelease') ?? '',
    osRelease: (parsePairs(read('host/os-release') ?? '').get('PRETTY_NAME') ?? '').replaceAll('"', ''),
    uptimeSeconds: uptime,
  }));
  const processLines = part('processes', () => parseProcesses(need('host/processes')));
  const processes = mapPart(processLines, toProcesses);
  const hostMounts = part('mounts', () => parseHostMounts(need('host/mounts')));
  const pinsOf = (path: string) => {
    const text = read(path);
    return text === null ? null : parsePins(text, value(hostMounts).mounts);
  };
  const allPins = both(hostMounts, () => part('pins', () => pinsOf('host/pins') ?? []));
  const pins = both(allPins, () =>
    part('look_again', () => stablePins(value(allPins), pinsOf('host/pins.after'))),
  );
  const sysctls = part('kernel_state', () => parseSysctls(need('kernel/sysctl')));
  const mounts = both(hostMounts, () =>
    part('mounts', () => {
      const limit = sysctls.status === 'present' ? sysctls.value['fs.mount-max'] : undefined;
      return mountEvidence({
        ...value(hostMounts),
        elsewhere: parseMountsElsewhere(read('host/mounts-elsewhere') ?? ''),
        processes: processLines.status === 'present' ? processLines.value : [],
        limit: optionalInteger(limit),
      });
    }),
  );

  const nodeLinks = { before: raw('host/links.before'), after: raw('host/links.after') };
  const cniResults = part('cni_results', () => {
    const elsewhere = realPaths(read('sandboxes.places') ?? '');
    return parseCniResults(need('cni/results.ndjson')).map((result) => ({
      ...result,
      namespacePath: result.namespacePath === null ? null : elsewhere(result.namespacePath),
    }));
  });
  const cniConfig: Part<Sources['cniConfig']> = part('cni', () =>
    parseCniConfig(
      need('cni/config.ndjson'),
      read('cni/directories') ?? '',
      read('cni/binaries') ?? '',
      read('cni/binary-directories') ?? '',
    ),
  );
  const ipam = part('ipam', () => {
    const config = cniConfig.status === 'present' ? cniConfig.value : null;
    // Where a configuration has its own directory, one at the usual place that is empty or gone says nothing.
    const directories = /"dataDir":"/.test(read('cni/config.ndjson') ?? '') ? null : read('cni/networks');
    const emptied =
      directories === null || config === null || cniResults.status !== 'present'
        ? []
        : emptiedNetworks(directories, config, cniResults.value);
    return [
      ...parseHostLocal(
        read('cni/host-local') ?? '',
        read('cni/host-local-files') ?? '',
        { directories: directories ?? '', emptied, later: read('cni/host-local.after') },
        config,
      ),
      ...parseAwsIpam(read('cni/aws-ipam.ndjson') ?? '', read('cni/aws-ipam.after')),
      ...calicoIpam(after, config, { nodeTime: isoTime(takenSeconds) }),
    ];
  });

  const probeMilliseconds = optionalInteger(meta.get('milliseconds')) ?? 0;
  const listed = both(processLines, () =>
    sandboxEvidence(reader, {
      processes: value(processLines),
      results: cniResults.status === 'present' ? cniResults.value : [],
      pods: after.pods,
      own: facts.get('pid') ?? '',
    }),
  );
  const sandboxes = mapPart(listed, (all) =>
    observeSandboxes(all, input, { startedAt: isoTime(takenSeconds), milliseconds: probeMilliseconds }),
  );

  const stacks = readStacks(files, steps);
  const threads = part('threads', () => parseReferences(read('host/threads') ?? ''));
  const descriptors = part('descriptors', () => parseReferences(read('host/descriptors') ?? ''));
  /** Nobody uses it, and nobody has it: only to be said when all who may have been looked at. */
  const withHolders = <T>(make: () => Part<T>): Part<T> =>
    both(threads, () => both(descriptors, () => both(allNamespaces, make)));
  const allNamespaces = both(host, () =>
    both(processLines, () =>
      both(allPins, () =>
        part('plan', () =>
          joinNamespaces({
            index: need('netns/index'),
            gone: read('netns/gone') ?? '',
            hostInode: value(host).networkNamespace,
            stacks,
            pins: value(allPins),
            mounts: value(hostMounts).mounts,
            processes: value(processLines),
            threads: threads.status === 'present' ? threads.value : [],
            descriptors: descriptors.status === 'present' ? descriptors.value : [],
            elsewhere: parseMountsElsewhere(read('host/mounts-elsewhere') ?? ''),
            nodeLinks,
          }),
        ),
      ),
    ),
  );
  const namespaces = withHolders(() =>
    part('look_again', () =>
      stableNamespaces(
        value(allNamespaces),
        new Set(fields(need('netns/index'), 3).map(([inode = '']) => integer(inode))),
        {
          reached: read('host/index.after'),
          mounts:
            read('host/mounts.after') === null ? null : lines(need('host/mounts.after')).map(parseMount),
          pins: pinsOf('host/pins.after'),
        },
      ),
    ),
  );
  const hostStack = mapPart(allNamespaces, (all) => all.find((namespace) => namespace.host)?.stack);
  const hostNetwork: Part<Sources['hostNetwork']> =
    hostStack.status === 'present'
      ? (hostStack.value ?? { status: 'failed', reason: "the node's own namespace was not read" })
      : hostStack;

  const observed = observePods(
    { before, after },
    sandboxes.status === 'present' ? sandboxes.value : null,
    input.settleSeconds.pod,
    isoTime(takenSeconds),
  );
  const networks: Part<PodNetwork[]> = both(sandboxes, () =>
    both(allNamespaces, () =>
      part('plan', () =>
        podNetworks({
          pods: observed,
          sandboxes: value(sandboxes),
          namespaces: value(allNamespaces),
          results: cniResults.status === 'present' ? cniResults.value : [],
        }),
      ),
    ),
  );

  return {
    nodeName: after.node.name,
    takenAt: isoTime(takenSeconds),
    probeMilliseconds,
    incomplete: [
      ...steps.problems.values(),
      // Bundles of older probes have none.
      ...(meta.has('time') && !hasClock ? [`meta: ${quoted(meta.get('time'))} is not a time`] : []),
    ],
    node: { status: 'present', value: after.node },
    pods: { status: 'present', value: observed },
    events: { status: 'present', value: after.events },
    ...clusterEvidence(reader, after),
    host,
    hostNetwork,
    hostPacketFilters: stacks.hostFilters,
    routing: routingEvidence(reader, files, hostNetwork),
    linkPrograms: programsEvidence(reader, files, hostNetwork),
    namespaces,
    hiddenNamespaces: withHolders(() =>
      part('suspects', () =>
        hiddenNamespaces({
          stacks,
          namespaces: value(allNamespaces),
          suspects: read('host/suspects') ?? '',
          nodeLinks,
          nodeAddresses: after.node.addresses,
          pins: allPins.status === 'present' ? allPins.value : [],
          results: cniResults.status === 'present' ? cniResults.value : [],
        }),
      ),
    ),
    pins,
    mounts,
    processes,
    sandboxes,
    podNetworks: networks,
    cniConfig,
    cniResults,
    ipam,
    cniEndpoints: cniEndpointsEvidence(after, networks, { nodeTime: isoTime(takenSeconds) }),
    kernel: both(sysctls, () =>
      part('kernel_state', () => ({
        sysctls: value(sysctls),
        neighbours: parseNeighbourCounts(read('kernel/neighbours') ?? ''),
        conntrackEntries: optionalInteger(value(sysctls)['net.netfilter.nf_conntrack_count']),
        namespaceObjects: parseSlab(read('kernel/slab') ?? ''),
        blockedTasks: parseBlockedTasks(read('kernel/blocked') ?? ''),
      })),
    ),
    kernelLog: part('kernel_log', () => parseKernelLog(need('kernel/log'), takenSeconds - uptime)),
    creation: creationEvidence(reader, sandboxes),
    nodeResolvConf:
      steps.problems.get('node_resolv_conf') === undefined && !files.has('host/resolv.conf')
        ? { status: 'absent', reason: 'no process of its own is the kubelet' }
        : part('node_resolv_conf', () => parseResolvConf(lines(need('host/resolv.conf')))),
    active: steps.ran.has('active_plan')
      ? part('active_plan', () => readActive(files))
      : { status: 'absent', reason: 'active probes were not asked for' },
    canary: input.canary ?? { status: 'absent', reason: 'a canary pod was not asked for' },
  };
}

/** The run of the probe and the node in its own words. */
function described(files: BundleFiles) {
  try {
    const reader = readerOf(files);
    const pairs = (path: string) => parsePairs(reader.raw(path) ?? '');
    return { reader, meta: pairs('meta'), facts: pairs('host/facts') };
  } catch (error) {
    throw invalidBundle(messageOf(error), error);
  }
}

const quoted = (text = '') => JSON.stringify(text.slice(0, 30));
