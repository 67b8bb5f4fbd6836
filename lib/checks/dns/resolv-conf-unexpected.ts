import { sameAddress } from '../../computed/cidr.ts';
import {
  isLoopback,
  resolvConfs,
  serversText,
  unreadContainers,
} from '../../computed/container-resolv-confs.ts';
import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork, ResolvConf } from '../../model/evidence.ts';
import { defineCheck, fail, notApplicable, pass, podObject, unknown } from '../define.ts';
import { recreatePod } from '../remedies/steps.ts';

/** What the kubelet's own setting is nobody says, so pods of the same policy on the node are the measure. */
export const resolvConfUnexpected = defineCheck({
  id: 'resolv-conf-unexpected',
  topic: 'dns',
  severity: 'high',
  title: "The pod's nameservers are those of its dnsPolicy",
  failureTitle: 'Pod with other nameservers than its dnsPolicy gives',
  why: 'Names of Services, or all names, fail or come from a server that nobody chose. A loopback address in a pod is where nobody listens (kubernetes#49675).',
  needs: ['podNetworks', 'nodeResolvConf'],
  run({ podNetworks, nodeResolvConf }, { node }) {
    return podNetworks.map((network) => {
      const object = podObject(network.pod, node);
      const elsewhere = networkElsewhere(network);
      if (elsewhere !== null) return notApplicable(object, elsewhere);
      const read = resolvConfs(network).filter(({ file }) => file.nameservers.length > 0);
      if (read.length === 0) {
        const unread = unreadContainers(network);
        return unread.length > 0
          ? unknown(object, `resolv.conf of ${unread.join(', ')} could not be read`)
          : notApplicable(object, 'no container of the pod has nameservers: see resolv-conf-missing');
      }
      const judged = read.map(({ container, file }) => ({
        container,
        file,
        ...judge(network, file, podNetworks, nodeResolvConf),
      }));
      const wrong = judged.filter(({ verdict }) => verdict === 'wrong');
      const vpn = network.pod.containers.find(mayChangeNetwork);
      if (wrong.length > 0 && vpn !== undefined) {
        return notApplicable(
          object,
          `container ${vpn.name} may change the network, and may have written the file itself`,
        );
      }
      if (wrong.length > 0) {
        return fail(object, {
          detail: wrong
            .map(
              ({ container, file, reason }) => `Container ${container} asks ${serversText(file)}: ${reason}.`,
            )
            .join(' '),
          confidence: wrong.some(({ sure }) => sure) ? 'confirmed' : 'probable',
          evidence: wrong.map(({ container, file, expected }) => ({
            what: `nameservers of container ${container} (dnsPolicy ${network.pod.dnsPolicy})`,
            expected,
            actual: serversText(file),
            source: `/proc/PID/root/etc/resolv.conf of container ${container}`,
          })),
          remedy: recreatePod(network.pod),
        });
      }
      const untold = judged.find(({ verdict }) => verdict === 'untold');
      return untold === undefined ? pass(object) : notApplicable(object, untold.reason);
    });
  },
});

type Judgement = {
  readonly verdict: 'right' | 'wrong' | 'untold';
  readonly reason: string;
  readonly expected: string;
  readonly sure: boolean;
};

const right: Judgement = { verdict: 'right', reason: '', expected: '', sure: false };

function wrong(reason: string, expected: string, sure: boolean): Judgement {
  return { verdict: 'wrong', reason, expected, sure };
}

function untold(reason: string): Judgement {
  return { verdict: 'untold', reason, expected: '', sure: false };
}

function judge(
  network: PodNetwork,
  file: ResolvConf,
  all: readonly PodNetwork[],
  nodeFile: ResolvConf,
): Judgement {
  const { dnsPolicy, dnsConfig } = network.pod;
  const asked = dnsConfig?.nameservers ?? [];
  const given = file.nameservers.filter((server) => !asked.some((own) => sameAddress(own, server)));
  if (dnsPolicy === 'None') {
    const all =
      given.length === 0 && asked.every((own) => file.nameservers.some((server) => sameAddress(own, server)));
    return all ? right : wrong('the pod spec names others', asked.join(', '), true);
  }
  if (dnsPolicy === 'Default') {
    const loop = given.find(isLoopback);
    if (loop === undefined) return right;
    return nodeFile.nameservers.includes(loop)
      ? untold('the node hands out its own loopback address: see node-resolv-conf-loop')
      : wrong('nobody listens there in a pod', serversText(nodeFile), true);
  }
  const loop = given.find(isLoopback);
  if (loop !== undefined) return wrong(`nobody listens on ${loop} in a pod`, 'the cluster DNS', false);
  if (given.length === 0) return right;
  return compare(network, file, all);
}

/** A pod of policy ClusterFirst beside the others of that policy on the node. */
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
    return untold('too few other pods on the node tell what the cluster DNS is');
  }
  // Pods that started while the kubelet had another cluster DNS keep it: so a change in time must be ruled out.
  const started = startOf(network);
  const sameTime =
    usual.pods.some((other) => startOf(other) <= started) &&
    usual.pods.some((other) => startOf(other) >= started);
  const foreign = !file.searches.some((domain) => domain.startsWith(`${network.pod.namespace}.svc.`));
  if (!sameTime && !foreign)
    return untold('the cluster DNS of the node may have changed since the pod started');
  return wrong(
    `${usual.pods.length} other pods of the same policy on the node have others`,
    usual.servers.join(', '),
    false,
  );
}

function startOf(network: PodNetwork): number {
  return Date.parse(network.sandbox.createdAt ?? network.pod.startedAt ?? network.pod.createdAt);
}
