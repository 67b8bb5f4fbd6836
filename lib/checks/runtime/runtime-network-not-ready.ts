import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { look, lookOnNode, podsOnNode, repairOnNode } from '../remedies/steps.ts';

const NOT_READY =
  /NetworkPluginNotReady|NetworkReady=false|cni (plugin|config) (not |un)initialized|network plugin is not ready/i;
const RECENT_SECONDS = 3600;

/** The runtime has no usable network configuration, and the kubelet reports it in the node's conditions. */
export const runtimeNetworkNotReady = defineCheck({
  id: 'runtime-network-not-ready',
  topic: 'runtime',
  severity: 'critical',
  title: 'The network of the runtime is ready',
  failureTitle: 'Runtime has no pod network: node not ready',
  why:
    'No pod with its own network can start on the node, and the scheduler avoids it. Running pods keep ' +
    'running until they are evicted, which starts after five minutes.',
  needs: ['node', 'events'],
  run({ node: apiNode, events }, { node, now }) {
    const object = nodeObject(node);
    if (apiNode.ready) return [pass(object)];
    const message = apiNode.notReadyMessage ?? '';
    if (!NOT_READY.test(message))
      return [notApplicable(object, `the node is not ready for another reason: ${message || 'none given'}`)];
    const event = events.findLast(
      ({ reason, message: text, lastSeen }) =>
        (reason === 'NetworkNotReady' || NOT_READY.test(text)) &&
        (lastSeen === null || now - Date.parse(lastSeen) < RECENT_SECONDS * 1000),
    );
    return [
      fail(object, {
        detail: `The kubelet reports: ${message}`,
        confidence: event === undefined ? 'probable' : 'confirmed',
        evidence: [
          {
            what: 'condition Ready',
            expected: 'True',
            actual: message,
            source: 'API: node.status.conditions',
          },
          ...(event === undefined
            ? []
            : [
                {
                  what: `event ${event.reason}, ${event.count} times`,
                  actual: event.message,
                  source: 'API: events',
                },
              ]),
        ],
        remedy: [
          lookOnNode(
            node,
            'check whether a configuration is there (cni-config-invalid and cni-plugin-missing say what is wrong with it)',
            'ls -l /etc/cni/net.d /opt/cni/bin',
          ),
          look(
            'See whether the CNI agent of the node runs, and what it says; it writes the configuration once it is ready.',
            podsOnNode(node),
          ),
          repairOnNode(
            node,
            'if the configuration is in order, the runtime may have missed it',
            'systemctl restart containerd || systemctl restart crio',
          ),
        ],
      }),
    ];
  },
});
