import { describe, expect, it } from 'vitest';
import { podNetworkSplit } from '../../../lib/checks/isolation/pod-network-split.ts';
import { aPin, aPod, aSandbox, context, failures, HOST_NAMESPACE, POD_NAMESPACE } from '../evidence.ts';
import { OTHER_NAMESPACE, privileged, twoPods, withContainer } from './parts.ts';

const run = (changes: Parameters<typeof twoPods>[0]) => podNetworkSplit.run(twoPods(changes), context);

describe('pod-network-split', () => {
  it('passes pods whose path, sandbox and containers agree', () => {
    expect(run({}).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('finds a pin that another was mounted over, and names the pod that it leads to', () => {
    const found = failures(run({ pin: aPin({ inode: OTHER_NAMESPACE, mounted: [OTHER_NAMESPACE] }) }));
    expect(found).toMatchObject([{ object: { name: 'web-1' }, confidence: 'confirmed' }]);
    expect(found[0]?.detail).toContain(`path /run/netns/cni-1 in net:[${OTHER_NAMESPACE}]`);
    expect(found[0]?.detail).toContain(`net:[${POD_NAMESPACE}]`);
    expect(found[0]?.detail).toContain('that of shop/web-2');
  });

  it('finds a container that was moved into the namespace of another pod', () => {
    const found = failures(
      run({ pod: privileged(), sandbox: withContainer({ networkNamespace: OTHER_NAMESPACE }) }),
    );
    expect(found[0]?.detail).toContain('shop/web-2');
    expect(found[0]?.confidence).toBe('confirmed');
  });

  it('only suspects a container that may have made a namespace itself', () => {
    const found = failures(
      run({ pod: privileged(), sandbox: withContainer({ networkNamespace: 4026539999 }) }),
    );
    expect(found).toMatchObject([{ confidence: 'suspected', severity: 'medium' }]);
    expect(found[0]?.detail).toContain('4026539999');
  });

  it('compares with the path where the runtime keeps no pause process', () => {
    const sandbox = { ...withContainer({ networkNamespace: 4026539999 }), pid: null, networkNamespace: null };
    expect(failures(run({ sandbox }))).toHaveLength(1);
  });

  it('leaves what is in the network of the node to pod-in-host-network', () => {
    expect(run({ sandbox: withContainer({ networkNamespace: HOST_NAMESPACE }) })[0]?.result).toBe('pass');
  });

  it('leaves a pin that is no namespace to namespace-pin-invalid', () => {
    expect(run({ pin: aPin({ fileSystem: 'tmpfs', inode: 77 }) })[0]?.result).toBe('pass');
  });

  it('does not judge hostNetwork pods and virtual machines', () => {
    expect(run({ pod: aPod({ hostNetwork: true }) })[0]?.result).toBe('notApplicable');
    expect(run({ sandbox: aSandbox({ runtimeHandler: 'runsc' }) })[0]?.result).toBe('notApplicable');
  });

  it('does not know where nothing of the pod could be read', () => {
    const sandbox = aSandbox({ namespacePath: null, networkNamespace: null, containers: [] });
    expect(run({ sandbox })[0]?.result).toBe('unknown');
  });
});
