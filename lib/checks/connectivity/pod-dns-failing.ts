import { probesOf, unresolved } from '../../computed/path/pings.ts';
import { isLoopback } from '../../computed/pods/container-resolv-confs.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { listed, quote, rowsOf } from '../../model/text.ts';
import { definePodCheck, failing, firstAnswer, type Question } from '../define-pod-check.ts';
import { resolvConfMissing } from '../dns/resolv-conf-missing.ts';
import { whyNothingAnswers } from '../frames/why-nothing-answers.ts';
import { command, look } from '../remedies/steps.ts';
import { podRouteBlackhole } from '../routes/pod-route-blackhole.ts';

type Lookup = Sources['active'][number]['lookups'][number];

/** If more than this share of the asked pods get no answer, the DNS is at fault, not a policy. */
const MANY = 0.2;

const routeBlackhole = failing(podRouteBlackhole, 'the pod drops what it sends');

/** Why a missing answer says nothing about the DNS. */
const WHY_SILENT: readonly Question<'podNetworks' | 'hostNetwork' | 'active'>[] = [
  ({ pod }) => (pod.dnsPolicy === 'None' ? 'dnsPolicy None: the pod chose its own servers' : null),
  ...whyNothingAnswers,
  failing(resolvConfMissing),
  (network, sources, context) =>
    lookupsOf(network, sources.active).some(isOwnRefusal) ? routeBlackhole(network, sources, context) : null,
  (network, { active }) => {
    const lookups = lookupsOf(network, active);
    return lookups.length > 0 && lookups.every(({ server }) => isLoopback(server))
      ? 'its only server is a loopback address: see resolv-conf-unexpected'
      : null;
  },
  (network, { active }) =>
    lookupsOf(network, active).length > 0 && (probesOf(network, active)?.pings ?? []).some(unresolved)
      ? 'the pod reaches nothing: see the other findings of connectivity'
      : null,
];

/** If a single pod gets no answers, its network policy may forbid DNS. */
export const podDnsFailing = definePodCheck({
  id: 'pod-dns-failing',
  topic: 'connectivity',
  severity: 'high',
  active: 'dns',
  title: 'The pod gets an answer from its DNS server',
  failureTitle: 'Pod gets no answer from its DNS server',
  why:
    'Nothing that is addressed by name works. If many pods on a node are affected, the cause is the ' +
    'cluster DNS, or the path from this node to it.',
  needs: ['podNetworks', 'hostNetwork', 'active'],
  facts(sources, context) {
    const pods = new Map(
      sources.podNetworks.map((network) => {
        const lookups = lookupsOf(network, sources.active);
        const answered = lookups.some((lookup) => lookup.answered && !isRefusal(lookup.error));
        // Runs other checks, so it is asked only for pods without an answer.
        const excuse = answered ? null : firstAnswer(WHY_SILENT, network, sources, context);
        return [network, { lookups, answered, excuse }];
      }),
    );
    // Pods with another known cause say nothing about the DNS.
    const asked = [...pods.values()].filter(({ lookups, excuse }) => lookups.length > 0 && excuse === null);
    const silent = asked.filter(({ lookups }) => isSilent(lookups));
    return { pods, asked, silent, many: silent.length > MANY * asked.length };
  },
  judge(network, { pods, asked, silent, many }) {
    const { lookups = [], answered = false, excuse = null } = pods.get(network) ?? {};
    if (answered) return 'pass';
    if (excuse !== null) return excuse;
    if (lookups.length === 0) return { unknown: 'no name was asked for from the pod' };
    if (isSilent(lookups) && !many)
      return 'inconclusive: no answer, while most pods of the node get one; a network policy may forbid it';
    return {
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
    };
  },
});

/** The pod's own kernel refused to send the query: routes and rules of the types unreachable and prohibit do so. */
function isOwnRefusal({ error }: Lookup): boolean {
  return error !== null && /permission denied|unreachable/i.test(error);
}

function lookupsOf(network: PodNetwork, active: Sources['active']): readonly Lookup[] {
  return probesOf(network, active)?.lookups ?? [];
}

/** The server answers that it cannot resolve the name: no policy causes that. */
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
