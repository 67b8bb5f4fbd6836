import { describe, expect, it } from 'vitest';
import { cniConfigInvalid } from '../../../lib/checks/cni/cni-config-invalid.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { Node } from '../../../lib/model/kubernetes.ts';
import { context, failures } from '../evidence.ts';
import { aCniConfig, aCniConfigFile, aNode } from './evidence.ts';

const run = (files: Sources['cniConfig']['files'], node: Partial<Node> = {}) =>
  cniConfigInvalid.run({ cniConfig: aCniConfig({ files }), node: aNode(node) }, context);
const broken = aCniConfigFile({
  name: '05-broken.conflist',
  error: 'unexpected end of JSON input',
  network: null,
});

describe('cni-config-invalid', () => {
  it('passes when the first file can be loaded, whatever lies behind it', () => {
    expect(run([aCniConfigFile()])[0]?.result).toBe('pass');
    expect(run([{ ...broken, name: '99-broken.conflist' }, aCniConfigFile()])[0]?.result).toBe('pass');
  });

  it('finds an empty directory', () => {
    expect(failures(run([], { ready: false }))[0]?.detail).toBe('No CNI configuration in /etc/cni/net.d.');
  });

  it('does not take a place that it does not know for an empty one: without any the node would not be ready', () => {
    expect(run([])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('in another place than /etc/cni/net.d') },
    ]);
  });

  it('finds a first file that containerd cannot load: it does not look at the next', () => {
    const [found] = failures(run([aCniConfigFile(), broken]));
    expect(found?.detail).toBe(
      '05-broken.conflist in /etc/cni/net.d is the first and cannot be loaded: unexpected end of JSON input.',
    );
    expect(found?.severity).toBeUndefined();
    expect(found?.remedy.at(-1)?.command).toBe(
      'mv -- /etc/cni/net.d/05-broken.conflist /root/05-broken.conflist.broken',
    );
  });

  it('is high with CRI-O, which goes on with the next file', () => {
    const [found] = failures(run([aCniConfigFile(), broken], { containerRuntime: 'cri-o://1.33.0' }));
    expect(found?.severity).toBe('high');
    expect(found?.detail).toContain('goes on with 10-lab.conflist');
  });

  it('gives a new node time to get its configuration', () => {
    expect(run([], { createdAt: '2026-11-20T01:58:00Z', ready: false })[0]?.result).toBe('notApplicable');
  });
});
