import type { Sources } from '../../model/evidence.ts';
import { counted, listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, type Outcome, pass, unknown } from '../define.ts';
import { explainSandboxFailure } from '../remedies/sandbox-failures.ts';

type Canary = Sources['canary'];

/** Reasons for which a canary does not start that have nothing to do with its network. */
const NOT_THE_NETWORK =
  /ErrImage|ImagePull|InvalidImageName|OutOf(?:pods|cpu|memory)|NodeAffinity|NodePorts|Evicted|forbidden|admission webhook|exceeded quota|Unauthorized|Preempt/i;

/**
 * The kubelet accepted the pod but got no further. The image is not the cause: it is the probe's, which has
 * just run on this node.
 */
const NO_SANDBOX = /did not start in time: ContainerCreating/;

/** The kubelet's event, which the audit appends if there is one. */
const SANDBOX_FAILED = /Failed to create pod sandbox/i;

/**
 * From the base document. The kubelet runs ADD and DEL as for any pod: calling a plugin by hand would prove
 * something else, and leak.
 */
export const cniAddFailing = defineCheck({
  id: 'cni-add-failing',
  topic: 'cni',
  severity: 'critical',
  title: 'A new pod gets a network on the node, and leaves nothing behind',
  failureTitle: 'New pod gets no network, or leaves remains',
  why:
    'Running pods keep running while no new one can start: the fault shows only when something is ' +
    'deployed, scaled or moved. What each pod leaves behind adds up until a limit is reached.',
  active: 'cni',
  needs: ['canary'],
  run({ canary }, { node }) {
    if (!canary.started) return [notStarted(canary, node)];
    if (canary.podIPs.length === 0) return [withoutAddress(canary, node)];
    const object = nodeObject(node);
    if (canary.leftovers === null)
      return [unknown(object, 'whether something of the canary pod stayed on the node is not known')];
    return [canary.leftovers.length === 0 ? pass(object) : leftBehind(canary.pod, canary.leftovers, node)];
  },
});

/** Why the canary did not start, if that has nothing to do with its network. */
function notStarted(canary: Canary, node: string): Outcome {
  const object = nodeObject(node);
  const name = quote(canary.pod, 120);
  const error = canary.error ?? '';
  // Kubelet, runtime and plugin wrap each other's messages; the cause is at the end.
  const message = quote(error, 1000);
  const [first = '', second] = canary.pod.split('/');
  const where =
    second === undefined ? { namespace: 'netns-audit', pod: first } : { namespace: first, pod: second };
  const explained = explainSandboxFailure(error, { node, ...where });
  const overdue = explained.id === 'other' && NO_SANDBOX.test(error);
  const networkFailed = overdue || !['other', 'pause-image', 'no-runtime-handler'].includes(explained.id);
  // In the plugin's own words, `Unauthorized` refers to its token.
  const otherwise = !SANDBOX_FAILED.test(error) && NOT_THE_NETWORK.test(error);
  if (!networkFailed || otherwise) {
    return unknown(
      object,
      `the canary pod did not start, and its network was not tried: ${message || 'no reason given'}`,
    );
  }
  return fail(object, {
    detail: overdue
      ? `The canary pod ${name} got no sandbox in time: ${message}.`
      : `The canary pod ${name} got no network, because ${explained.cause}. ${message}`,
    confidence: overdue ? 'probable' : 'confirmed',
    evidence: [{ what: 'canary pod', expected: 'starts', actual: message, source: `API: events of ${name}` }],
    remedy: explained.remedy,
  });
}

function withoutAddress(canary: Canary, node: string): Outcome {
  return fail(nodeObject(node), {
    detail: `The canary pod ${quote(canary.pod, 120)} started without an address.`,
    confidence: 'confirmed',
    evidence: [
      {
        what: 'addresses of the canary pod',
        expected: 'at least one',
        actual: 'none',
        source: 'API: pod.status.podIPs',
      },
    ],
    remedy: explainSandboxFailure('failed to find network info for sandbox', {
      node,
      namespace: '',
      pod: '',
    }).remedy,
  });
}

function leftBehind(pod: string, found: readonly string[], node: string): Outcome {
  const leftovers = found.map((leftover) => quote(leftover, 120));
  return fail(nodeObject(node), {
    detail:
      `${counted(leftovers.length, 'thing')} of the canary pod ${quote(pod, 120)} stayed on the node ` +
      `after its deletion: ${listed(leftovers, 5)}.`,
    confidence: 'probable',
    // Pods can start, so no pod lacks a network now.
    severity: 'medium',
    evidence: [
      {
        what: 'left behind',
        expected: 'nothing',
        actual: listed(leftovers),
        source: 'second probe of the node',
      },
    ],
    remedy: explainSandboxFailure('failed to destroy network for sandbox', {
      node,
      namespace: '',
      pod: '',
    }).remedy,
  });
}
