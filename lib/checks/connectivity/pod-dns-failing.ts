import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { defineCheck, fail, notApplicable, pass, podObject, unknown } from '../define.ts';
import { isLoopback } from '../dns/containers.ts';
import { resolvConfMissing } from '../dns/resolv-conf-missing.ts';
import { command, look } from '../remedies.ts';
import { listed, quote, rowsOf } from '../text.ts';
import { knownFault, probesOf, unresolved } from './pings.ts';

type Lookup = Sources['active'][number]['lookups'][number];

/** Above this share of the pods asked, silence is the fault of the DNS and not the wish of a policy. */
const MANY = 0.2;

/** A lone pod whose questions stay unanswered may be kept from asking by its network policy. */
export const podDnsFailing = defineCheck({
  id: 'pod-dns-failing',
  topic: 'connectivity',
  severity: 'high',
  active: 'dns',
  title: 'The pod gets an answer from its DNS server',
  failureTitle: 'Pod gets no answer from its DNS server',
  why: 'Nothing that is addressed by name works. When many pods of a node are concerned it is the cluster DNS, or the way from this node to it.',
  needs: ['podNetworks', 'hostNetwork', 'active'],
  run({ podNetworks, hostNetwork, active }, context) {
    const asked = podNetworks.filter((network) => lookupsOf(network, active).length > 0);
    const silent = asked.filter((network) => isSilent(lookupsOf(network, active)));
    const many = silent.length > MANY * asked.length;
    return podNetworks.map((network) => {
      const object = podObject(network.pod, context.node);
      const lookups = lookupsOf(network, active);
      if (lookups.some(({ answered, error }) => answered && !isRefusal(error))) return pass(object);
      if (network.pod.dnsPolicy === 'None') {
        return notApplicable(object, 'dnsPolicy None: the pod chose servers of its own');
      }
      const fault = knownFault(network, hostNetwork, context);
      if (fault !== null) return notApplicable(object, fault);
      const [missing] = resolvConfMissing.run({ podNetworks: [network] }, context);
      if (missing?.result === 'fail') return notApplicable(object, 'see resolv-conf-missing');
      if (lookups.length === 0) return unknown(object, 'no name was asked for from the pod');
      if (lookups.every(({ server }) => isLoopback(server))) {
        return notApplicable(object, 'its only server is a loopback address: see resolv-conf-unexpected');
      }
      if ((probesOf(network, active)?.pings ?? []).some(unresolved)) {
        return notApplicable(object, 'the pod reaches nothing: see the other findings of connectivity');
      }
      if (isSilent(lookups) && !many) {
        return notApplicable(
          object,
          'inconclusive: no answer, while most pods of the node get one; a network policy may forbid it',
        );
      }
      return fail(object, {
        detail: `${listed(
          lookups.map(
            ({ server, name, error }) =>
              `${quote(server, 60)} did not answer for ${quote(name, 100)}: ${quote(error ?? 'no answer', 100)}`,
          ),
          3,
          '; ',
        )}. The same holds for ${silent.length} of the ${asked.length} pods asked on this node.`,
        confidence: many && silent.length > 1 ? 'confirmed' : 'probable',
        evidence: rowsOf(lookups, 5, ({ server, name, error }) => ({
          what: `answer of ${quote(server, 60)} for ${quote(name, 100)}`,
          expected: 'an answer',
          actual: quote(error ?? 'no answer', 100),
          source: `DNS question (netns ${network.namespace})`,
        })),
        remedy: remedy(network),
      });
    });
  },
});

function lookupsOf(network: PodNetwork, active: Sources['active']): readonly Lookup[] {
  return probesOf(network, active)?.lookups ?? [];
}

/** The server is there and says that it cannot: no policy does that. */
function isRefusal(error: string | null): boolean {
  return error !== null && /servfail|refused|unreachable/i.test(error);
}

function isSilent(lookups: readonly Lookup[]): boolean {
  return lookups.length > 0 && lookups.every(({ answered, error }) => !answered && !isRefusal(error));
}

function remedy(network: PodNetwork): RemedyStep[] {
  return [
    look(
      'See whether the cluster DNS runs and is ready.',
      'kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide',
    ),
    look(
      'See whether its Service has endpoints.',
      'kubectl get endpointslices -n kube-system -l kubernetes.io/service-name=kube-dns',
    ),
    look(
      'See whether a network policy keeps the pod from asking.',
      command('kubectl', 'get', 'networkpolicies', '-n', network.pod.namespace),
    ),
  ];
}
