import { describe, expect, it } from 'vitest';
import { kubectlOptions, onCluster } from '../../lib/model/kubectl.ts';

const prod = kubectlOptions({ context: 'prod-eu' });
const step = (text: string, command?: string) => ({
  purpose: 'repair' as const,
  text,
  ...(command === undefined ? {} : { command }),
});

describe('a kubectl command in a repair', () => {
  it('acts on the audited cluster, whatever the current context of its reader', () => {
    expect(onCluster(step('Delete the pod.', 'kubectl delete pod -n shop web-1'), 'prod', prod)).toEqual(
      step('Delete the pod.', 'kubectl --context prod-eu delete pod -n shop web-1'),
    );
  });

  it('names a kubeconfig that was chosen: many have a context default', () => {
    const chosen = kubectlOptions({ context: 'default', file: '/home/a b/k3s.yaml' });
    expect(onCluster(step('', 'kubectl get nodes'), 'default', chosen).command).toBe(
      "kubectl --kubeconfig '/home/a b/k3s.yaml' --context default get nodes",
    );
  });

  it('names its cluster in every part of a line', () => {
    const line = 'kubectl logs a --previous || kubectl describe pod a; (kubectl get a) && kubectl get b | wc';
    expect(onCluster(step('', line), 'prod', prod).command?.match(/--context prod-eu/g)).toHaveLength(4);
  });

  it('is left alone inside of quotes, which a context cannot close', () => {
    const odd = kubectlOptions({ context: "it's; rm" });
    const line = `kubectl get pods -l 'a; kubectl b' "c; kubectl \\"d"`;
    expect(onCluster(step('', line), 'prod', odd).command).toBe(
      `kubectl --context 'it'\\''s; rm' get pods -l 'a; kubectl b' "c; kubectl \\"d"`,
    );
  });

  it('names its cluster in a sentence too', () => {
    expect(onCluster(step('Then: kubectl uncordon node-1'), 'prod', prod).text).toBe(
      'Then: kubectl --context prod-eu uncordon node-1',
    );
  });

  it('comes with the name of its cluster if no kubeconfig is known', () => {
    expect(onCluster(step('Delete the pod.', 'kubectl delete pod a'), 'prod', null)).toEqual(
      step('On cluster prod: Delete the pod.', 'kubectl delete pod a'),
    );
    expect(onCluster(step('Then: kubectl uncordon node-1'), 'prod', null).text).toBe(
      'On cluster prod: Then: kubectl uncordon node-1',
    );
  });

  it('changes nothing about a step on a node', () => {
    const onNode = step('On node a, as root: restart it.', 'systemctl restart kubelet');
    expect(onCluster(onNode, 'prod', null)).toEqual(onNode);
    expect(onCluster(onNode, 'prod', prod)).toEqual(onNode);
  });
});
