import { describe, expect, it } from 'vitest';
import { namespaceCountNearLimit } from '../../../lib/checks/namespaces/namespace-count-near-limit.ts';
import { aKernel, aNamespace, context, failures } from '../evidence.ts';

function run(count: number, sysctls: Record<string, string> = { 'user.max_net_namespaces': '100' }) {
  const namespaces = Array.from({ length: count }, (_, index) => aNamespace({ inode: index }));
  return namespaceCountNearLimit.run(
    { namespaces, hiddenNamespaces: [], kernel: aKernel({ sysctls }) },
    context,
  );
}

describe('namespace-count-near-limit', () => {
  it('passes a node with room', () => {
    expect(run(80)[0]?.result).toBe('pass');
  });

  it('finds a node above four fifths of the limit', () => {
    const [found] = failures(run(81));
    expect(found?.detail).toBe('81 network namespaces are alive, of at most 100.');
    expect(found?.remedy.flatMap(({ command }) => command ?? [])).toEqual([
      'sysctl -w user.max_net_namespaces=200',
      "printf '%s\\n' 'user.max_net_namespaces = 200' > /etc/sysctl.d/zz-netns-audit-namespaces.conf",
    ]);
  });

  it('does not know without the limit', () => {
    expect(run(81, {})[0]?.result).toBe('unknown');
    // No kernel prints such a value: a node that reports it is not healthy because of it.
    const absurd = { 'user.max_net_namespaces': '99999999999999999999' };
    expect(run(81, absurd)[0]?.result).toBe('unknown');
  });
});
