/** Turns a bundle's files and two API snapshots into Evidence: parsed and joined, not judged. */

import type { ActiveProbe } from '../model/active-probe.ts';
import { messageOf } from '../model/errors.ts';
import type { Evidence, Part, Sources } from '../model/evidence.ts';
import type { Snapshot } from '../model/kubernetes.ts';
import { clusterEvidence } from './cluster-evidence.ts';
import { cniEvidence } from './cni-evidence.ts';
import { cniEndpointsEvidence } from './cni-records-evidence.ts';
import { creationEvidence } from './creation.ts';
import { mountsAndPins } from './mounts-and-pins.ts';
import { namespaceEvidence } from './namespace-evidence.ts';
import { readActive } from './parse/active.ts';
import { readCross } from './parse/cross.ts';
import {
  parseBlockedTasks,
  parseKernelLog,
  parseNeighbourCounts,
  parsePairs,
  parseSlab,
  parseSysctls,
} from './parse/kernel.ts';
import { integer, isoTime, isTime, lines, optionalInteger } from './parse/lines.ts';
import { parseProcesses, toProcesses } from './parse/processes.ts';
import { parseResolvConf } from './parse/resolv-conf.ts';
import { both, mapPart, value } from './parts.ts';
import { podNetworks } from './pod-networks.ts';
import { type Reader, readerOf } from './reader.ts';
import {
  attachedEvidence,
  countersEvidence,
  forwardingEvidence,
  policiesEvidence,
  programsEvidence,
  routingEvidence,
} from './routing-evidence.ts';
import { sandboxEvidence } from './sandbox-evidence.ts';
import { observePods, observeSandboxes } from './settle.ts';
import { readStacks } from './stacks.ts';
import { type BundleFiles, invalidBundle } from './unpack.ts';

export type EvidenceInput = {
  readonly files: BundleFiles;
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** Age in seconds below which pods are not judged. */
  readonly settleSeconds: { readonly pod: number };
  /** Active probes that were requested. */
  readonly active?: readonly ActiveProbe[];
  /** Result of the canary pod, if one was requested. */
  readonly canary?: Part<Sources['canary']>;
};

/**
 * The evidence of one node. A malformed part is `failed` with its reason; the others are kept.
 *
 * Long, as each part is named here once, after those that it needs.
 *
 * @throws AuditError BUNDLE_INVALID if the probe's own record of its run cannot be read
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: see the docstring.
export function buildEvidence(input: EvidenceInput): Evidence {
  const { files, before, after } = input;
  const { reader, meta, facts } = described(files);
  const { steps, need, part } = reader;

  const nodeSeconds = optionalInteger(meta.get('time'));
  const hasClock = nodeSeconds !== null && isTime(nodeSeconds);
  const takenSeconds = hasClock ? nodeSeconds : Date.parse(after.takenAt) / 1000;
  const nodeTime = isoTime(takenSeconds);
  const uptime = (optionalInteger(meta.get('uptime')) ?? 0) / 100;

  const host = hostFacts(reader, facts, uptime);
  const processLines = part('processes', () => parseProcesses(need('host/processes')));
  const processes = mapPart(processLines, toProcesses);
  const sysctls = part('kernel_state', () => parseSysctls(need('kernel/sysctl')));
  const { hostMounts, allPins, pins, mounts, pinsAfter } = mountsAndPins(reader, { processLines, sysctls });
  const { cniConfig, cniResults, ipam } = cniEvidence(reader, after, nodeTime);
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
    observeSandboxes(all, input, { startedAt: nodeTime, milliseconds: probeMilliseconds }),
  );

  const stacks = readStacks(files, steps);
  const { allNamespaces, namespaces, hiddenNamespaces, hostNetwork } = namespaceEvidence(reader, {
    host,
    processLines,
    hostMounts,
    allPins,
    pinsAfter,
    stacks,
    cniResults,
    nodeAddresses: after.node.addresses,
  });

  const observed = observePods(
    { before, after },
    sandboxes.status === 'present' ? sandboxes.value : null,
    input.settleSeconds.pod,
    nodeTime,
  );
  const networks: Evidence['podNetworks'] = both(sandboxes, () =>
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
    takenAt: nodeTime,
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
    attachedPrograms: attachedEvidence(reader, files, hostNetwork),
    linkCounters: countersEvidence(reader, host),
    forwarding: forwardingEvidence(reader, files, hostNetwork),
    ipsecPolicies: policiesEvidence(reader, files, hostNetwork),
    namespaces,
    hiddenNamespaces,
    pins,
    mounts,
    processes,
    sandboxes,
    podNetworks: networks,
    cniConfig,
    cniResults,
    ipam,
    cniEndpoints: cniEndpointsEvidence(after, networks, { nodeTime }),
    ...kernelEvidence(reader, sysctls, takenSeconds - uptime),
    creation: creationEvidence(reader, sandboxes),
    nodeResolvConf: nodeResolvConf(reader, files),
    ...activeEvidence(reader, input),
    canary: input.canary ?? { status: 'absent', reason: 'a canary pod was not requested' },
  };
}

/** Active probes that were asked for and did not run have failed. */
function activeEvidence(
  { steps, part }: Reader,
  { files, active = [], after: { crossing: plan } }: EvidenceInput,
): Pick<Evidence, 'active' | 'crossing'> {
  const absent = { status: 'absent', reason: 'active probes were not requested' } as const;
  const failed = {
    status: 'failed',
    reason: 'active probes were requested, and the probe did not come to them',
  } as const;
  const ofPods = active.some((each) => each === 'ping' || each === 'dns');
  const pods = steps.ran.has('active_plan')
    ? part('active_plan', () => readActive(files))
    : ofPods
      ? failed
      : absent;
  if (plan === undefined) return { active: pods, crossing: absent };
  if (plan.status === 'none')
    return { active: pods, crossing: { status: 'present', value: { plan, sent: null } } };
  const targets = [plan.next, ...plan.targets].map(({ address }) => address);
  const own = plan.sources.map(({ address }) => address);
  return {
    active: pods,
    crossing: steps.ran.has('active_cross')
      ? part('active_cross', () => ({ plan, sent: readCross(files, targets, own) }))
      : failed,
  };
}

function hostFacts(
  { read, part }: Reader,
  facts: ReadonlyMap<string, string>,
  uptimeSeconds: number,
): Evidence['host'] {
  return part('host_facts', () => ({
    hostname: facts.get('hostname') ?? '',
    networkNamespace: integer(facts.get('/proc/1/ns/net') ?? ''),
    pidNamespace: integer(facts.get('/proc/1/ns/pid') ?? ''),
    bootId: facts.get('boot_id') ?? '',
    kernelRelease: facts.get('osrelease') ?? '',
    osRelease: (parsePairs(read('host/os-release') ?? '').get('PRETTY_NAME') ?? '').replaceAll('"', ''),
    uptimeSeconds,
  }));
}

function nodeResolvConf({ steps, need, part }: Reader, files: BundleFiles): Evidence['nodeResolvConf'] {
  return steps.problems.get('node_resolv_conf') === undefined && !files.has('host/resolv.conf')
    ? { status: 'absent', reason: 'no process of its own is the kubelet' }
    : part('node_resolv_conf', () => parseResolvConf(lines(need('host/resolv.conf'))));
}

/** @param bootedAt - in seconds since the epoch; the log's times are relative to it */
function kernelEvidence(
  { need, read, part }: Reader,
  sysctls: Part<Readonly<Record<string, string>>>,
  bootedAt: number,
): Pick<Evidence, 'kernel' | 'kernelLog'> {
  return {
    kernel: both(sysctls, () =>
      part('kernel_state', () => ({
        sysctls: value(sysctls),
        neighbours: parseNeighbourCounts(read('kernel/neighbours') ?? ''),
        conntrackEntries: optionalInteger(value(sysctls)['net.netfilter.nf_conntrack_count']),
        namespaceObjects: parseSlab(read('kernel/slab') ?? ''),
        blockedTasks: parseBlockedTasks(read('kernel/blocked') ?? ''),
      })),
    ),
    kernelLog: part('kernel_log', () => parseKernelLog(need('kernel/log'), bootedAt)),
  };
}

/** The probe's run, and the node as it describes itself. */
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
