import { describe, expect, it } from 'vitest';
import { podsShareNetwork } from '../../../lib/checks/isolation/pods-share-network.ts';
import { aPin, aSandbox, context, failures, HOST_NAMESPACE, POD_NAMESPACE } from '../evidence.ts';
import { OTHER_NAMESPACE, other, twoPods } from './parts.ts';

const run = (changes: Parameters<typeof twoPods>[0]) => podsShareNetwork.run(twoPods(changes), context);
const second = { ...other.sandbox, networkNamespace: POD_NAMESPACE };

describe('pods-share-network', () => {
  it('passes pods in namespaces of their own', () => {
    expect(run({}).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('finds two pods in one namespace once, as one of the younger pod', () => {
    const outcomes = run({ second });
    const found = failures(outcomes);
    expect(found).toMatchObject([{ object: { name: 'web-2' } }]);
    expect(found[0]?.detail).toBe(`The pod runs in net:[${POD_NAMESPACE}], and so does shop/web-1.`);
    expect(outcomes[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('shop/web-2'),
    });
  });

  it('goes by the path where neither pause process nor container is known', () => {
    const sandbox = { ...other.sandbox, pid: null, networkNamespace: null };
    const covered = aPin({ path: '/run/netns/cni-2' });
    const sources = { ...twoPods({ second: sandbox }), pins: [aPin(), covered] };
    expect(failures(podsShareNetwork.run(sources, context))).toHaveLength(1);
  });

  it('leaves a pin that leads elsewhere than its processes to pod-network-split', () => {
    expect(failures(run({ pin: aPin({ inode: OTHER_NAMESPACE }) }))).toEqual([]);
  });

  it('does not take two attempts of one pod for two pods', () => {
    const sources = {
      ...twoPods(),
      sandboxes: [aSandbox(), aSandbox({ id: 'd'.repeat(64), attempt: 1 }), other.sandbox],
    };
    expect(failures(podsShareNetwork.run(sources, context))).toEqual([]);
  });

  it('leaves pods in the network of the node to pod-in-host-network', () => {
    expect(run({ sandbox: aSandbox({ networkNamespace: HOST_NAMESPACE }) })[0]?.result).toBe('notApplicable');
  });

  it('does not know where nothing of the pod could be read', () => {
    const sandbox = aSandbox({ namespacePath: null, networkNamespace: null, containers: [] });
    expect(run({ sandbox })[0]?.result).toBe('unknown');
  });
});
