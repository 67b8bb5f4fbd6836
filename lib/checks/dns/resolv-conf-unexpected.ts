import { sameAddress } from '../../computed/cidr.ts';
import { answererOf, dnsAddresses } from '../../computed/pods/cluster-dns.ts';
import {
  isLoopback,
  resolvConfs,
  serversText,
  unreadContainers,
} from '../../computed/pods/container-resolv-confs.ts';
import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork, ResolvConf, Sources } from '../../model/evidence.ts';
import { listed } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/**
 * Compares with what the kubelet configures and with the existing Services; if neither was read, with other
 * pods of the same policy on the node.
 */
export const resolvConfUnexpected = definePodCheck({
  id: 'resolv-conf-unexpected',
  topic: 'dns',
  severity: 'high',
  title: "The pod's nameservers are those of its dnsPolicy",
  failureTitle: "Pod's nameservers do not match its dnsPolicy",
  why:
    'Names of Services, or all names, fail or come from a server that nobody chose. In a pod, nothing ' +
    'listens on a loopback address (kubernetes#49675).',
  needs: ['podNetworks', 'nodeResolvConf', 'clusterDns', 'hostNetwork'],
  unless: [networkElsewhere],
  facts({ podNetworks, nodeResolvConf, clusterDns, hostNetwork }) {
    const compared = { all: podNetworks, nodeFile: nodeResolvConf, clusterDns, host: hostNetwork };
    return { compared };
  },
  judge(network, { compared }) {
    const read = resolvConfs(network).filter(({ file }) => file.nameservers.length > 0);
    if (read.length === 0) {
      const unread = unreadContainers(network);
      return unread.length > 0
        ? { unknown: `resolv.conf of ${unread.join(', ')} could not be read` }
        : 'no container of the pod has nameservers: see resolv-conf-missing';
    }
    const judged = read.map(({ container, file }) => ({
      container,
      file,
      ...judge(network, file, compared),
    }));
    const wrong = judged.filter(({ verdict }) => verdict === 'wrong');
    const vpn = network.pod.containers.find(mayChangeNetwork);
    if (wrong.length > 0 && vpn !== undefined) {
      return `container ${vpn.name} may change the network, and may have written the file itself`;
    }
    if (wrong.length > 0) {
      return {
        detail: wrong
          .map(
            ({ container, file, reason }) => `Container ${container} asks ${serversText(file)}: ${reason}.`,
          )
          .join(' '),
        confidence: wrong.some(({ sure }) => sure) ? 'confirmed' : 'probable',
        evidence: wrong.map(({ container, file, expected, about }) => ({
          what: `${about} of container ${container} (dnsPolicy ${network.pod.dnsPolicy})`,
          expected,
          actual: about === 'nameservers' ? serversText(file) : listed(file.searches) || 'none',
          source: `/proc/PID/root/etc/resolv.conf of container ${container}`,
        })),
        remedy: recreatePod(network.pod),
      };
    }
    const undecided = judged.find(({ verdict }) => verdict === 'undecided');
    return undecided === undefined ? 'pass' : undecided.reason;
  },
});

type Judgement = {
  readonly verdict: 'right' | 'wrong' | 'undecided';
  readonly reason: string;
  readonly expected: string;
  readonly sure: boolean;
  readonly about: 'nameservers' | 'search domains';
};

type Compared = {
  readonly all: readonly PodNetwork[];
  readonly nodeFile: ResolvConf;
  readonly clusterDns: Sources['clusterDns'];
  readonly host: Sources['hostNetwork'];
};

const right: Judgement = { verdict: 'right', reason: '', expected: '', sure: false, about: 'nameservers' };

function wrong(
  reason: string,
  expected: string,
  sure: boolean,
  about: Judgement['about'] = 'nameservers',
): Judgement {
  return { ...right, verdict: 'wrong', reason, expected, sure, about };
}

function undecided(reason: string): Judgement {
  return { ...right, verdict: 'undecided', reason };
}

function judge(network: PodNetwork, file: ResolvConf, compared: Compared): Judgement {
  const { nodeFile } = compared;
  const { dnsPolicy, dnsConfig } = network.pod;
  const asked = dnsConfig?.nameservers ?? [];
  const given = file.nameservers.filter((server) => !has(asked, server));
  if (dnsPolicy === 'None') {
    const all = given.length === 0 && asked.every((own) => has(file.nameservers, own));
    return all ? right : wrong('the pod spec names others', asked.join(', '), true);
  }
  if (dnsPolicy === 'Default') {
    const loop = given.find(isLoopback);
    if (loop === undefined) return right;
    return nodeFile.nameservers.includes(loop)
      ? undecided('the node hands out its own loopback address: see node-resolv-conf-loop')
      : wrong('nobody listens there in a pod', serversText(nodeFile), true);
  }
  const loop = given.find(isLoopback);
  if (loop !== undefined) return wrong(`nobody listens on ${loop} in a pod`, 'the cluster DNS', false);
  if (given.length === 0) return right;
  const servers = judgeClusterServers(network, file, given, compared);
  return servers.verdict === 'right' ? judgeSearches(network, file, compared) : servers;
}

/** Compares with what the kubelet configures now. If that is wrong, it is left to node-cluster-dns-wrong. */
function judgeClusterServers(
  network: PodNetwork,
  file: ResolvConf,
  given: readonly string[],
  { all, nodeFile, clusterDns, host }: Compared,
): Judgement {
  const kubelet = clusterDns.kubelet?.servers ?? [];
  if (kubelet.length > 0 && given.every((server) => has(kubelet, server))) return right;
  const answerers = given.map((server) => ({ server, by: answererOf(server, clusterDns, host) }));
  if (answerers.every(({ by }) => by === 'service' || by === 'node')) return right;
  const expected = kubelet.length > 0 ? kubelet.join(', ') : listed(dnsAddresses(clusterDns));
  const known = expected !== '';
  if (known && nodeFile.exists && nodeFile.nameservers.length > 0 && sameServers(file, nodeFile))
    return wrong("it is the node's own file, which knows no name of the cluster", expected, true);
  const nobody = answerers.find(({ by }) => by === 'nobody');
  if (nobody !== undefined)
    return wrong(`${nobody.server} is the address of no Service with a port 53`, expected, true);
  return compare(network, file, all);
}

/** `nslookup kubernetes.default` needs search domains, whichever server is asked. */
function judgeSearches({ pod }: PodNetwork, { searches }: ResolvConf, { clusterDns }: Compared): Judgement {
  const domain = clusterDns.kubelet?.domain ?? null;
  // Pods with another domain are older than its change.
  if (domain === null || searches.some((each) => each.startsWith(`${pod.namespace}.svc.`))) return right;
  return wrong(
    `its search domains lack ${pod.namespace}.svc.${domain}, so that short names such as kubernetes.default do not resolve`,
    `${pod.namespace}.svc.${domain}, svc.${domain}, ${domain}`,
    true,
    'search domains',
  );
}

const has = (addresses: readonly string[], server: string) =>
  addresses.some((address) => sameAddress(address, server));

const sameServers = (one: ResolvConf, other: ResolvConf) =>
  one.nameservers.every((server) => has(other.nameservers, server));

/** Compares a pod of policy ClusterFirst with the other such pods on the node. */
function compare(network: PodNetwork, file: ResolvConf, all: readonly PodNetwork[]): Judgement {
  const others = all.filter(
    (other) =>
      other !== network &&
      other.pod.dnsPolicy === network.pod.dnsPolicy &&
      other.pod.dnsConfig === null &&
      !other.pod.containers.some(mayChangeNetwork),
  );
  const shares = (servers: readonly string[]) =>
    others.filter((other) =>
      resolvConfs(other).some((one) => one.file.nameservers.join() === servers.join()),
    );
  if (network.pod.dnsConfig !== null) return right;
  if (shares(file.nameservers).length > 0) return right;
  const usual = others
    .flatMap((other) => resolvConfs(other).slice(0, 1))
    .map((one) => ({ servers: one.file.nameservers, pods: shares(one.file.nameservers) }))
    .toSorted((a, b) => b.pods.length - a.pods.length)[0];
  if (usual === undefined || usual.pods.length < 2) {
    return undecided('too few other pods on the node tell what the cluster DNS is');
  }
  // Pods keep the cluster DNS that the kubelet had when they started, so a later change must be ruled out.
  const started = startOf(network);
  const sameTime =
    usual.pods.some((other) => startOf(other) <= started) &&
    usual.pods.some((other) => startOf(other) >= started);
  const foreign = !file.searches.some((domain) => domain.startsWith(`${network.pod.namespace}.svc.`));
  if (!sameTime && !foreign)
    return undecided('the cluster DNS of the node may have changed since the pod started');
  return wrong(
    `${usual.pods.length} other pods of the same policy on the node have others`,
    usual.servers.join(', '),
    false,
  );
}

function startOf(network: PodNetwork): number {
  return Date.parse(network.sandbox.createdAt ?? network.pod.startedAt ?? network.pod.createdAt);
}
