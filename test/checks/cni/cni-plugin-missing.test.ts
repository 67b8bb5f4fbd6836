import { describe, expect, it } from 'vitest';
import { cniPluginMissing } from '../../../lib/checks/cni/cni-plugin-missing.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { context, failures } from '../evidence.ts';
import { aCniConfig, aCniConfigFile, aNode } from './evidence.ts';

const run = (changes: Partial<Sources['cniConfig']> = {}, containerRuntime = 'containerd://1.7.27') =>
  cniPluginMissing.run({ cniConfig: aCniConfig(changes), node: aNode({ containerRuntime }) }, context);

describe('cni-plugin-missing', () => {
  it('passes when all plugins of the chain and their IPAM are installed', () => {
    expect(run()[0]?.result).toBe('pass');
  });

  it('finds a plugin of the chain that is gone', () => {
    const [found] = failures(run({ binaries: ['bridge', 'host-local', 'loopback'] }));
    expect(found?.detail).toBe(
      'The runtime cannot run what 10-lab.conflist names: portmap is not there (/opt/cni/bin).',
    );
  });

  it('finds a missing IPAM plugin, and what flannel calls', () => {
    expect(failures(run({ binaries: ['bridge', 'portmap', 'loopback'] }))[0]?.detail).toContain('host-local');
    const flannel = aCniConfigFile({ plugins: ['flannel', 'portmap'], ipam: [] });
    expect(failures(run({ files: [flannel], binaries: ['flannel', 'portmap', 'loopback'] }))[0]?.detail).toBe(
      'The runtime cannot run what 10-lab.conflist names: bridge is not there, host-local is not there (/opt/cni/bin).',
    );
  });

  it('says of a file that is there why it does not run, and makes it executable again', () => {
    const binaries = ['bridge', 'host-local', 'loopback'];
    const [found] = failures(run({ binaries, unusable: [{ name: 'portmap', why: 'not executable' }] }));
    expect(found?.detail).toContain('portmap is not executable (/opt/cni/bin)');
    expect(found?.remedy.map((step) => step.command)).toEqual(['chmod 0755 /opt/cni/bin/portmap']);
    expect(found?.repair).toBeNull();
    const [empty] = failures(run({ binaries, unusable: [{ name: 'portmap', why: 'empty' }] }));
    expect(empty?.detail).toContain('portmap is empty');
    expect(empty?.remedy[0]?.command).toContain('ls -l');
  });

  it('wants loopback where the runtime calls it, and not of containerd 2', () => {
    const binaries = ['bridge', 'host-local', 'portmap'];
    expect(failures(run({ binaries }))).toHaveLength(1);
    expect(failures(run({ binaries }, 'cri-o://1.33.0'))).toHaveLength(1);
    expect(run({ binaries }, 'containerd://2.1.4')[0]?.result).toBe('pass');
  });

  it('restarts the agent that installs the plugin', () => {
    const aws = aCniConfigFile({ plugins: ['aws-cni', 'portmap'], ipam: [] });
    const [found] = failures(run({ files: [aws] }));
    expect(found?.remedy[0]?.command).toBe(
      'kubectl delete pod -n kube-system -l k8s-app=aws-node --field-selector spec.nodeName=node-1',
    );
    expect(found?.repair).toEqual({
      kind: 'restart-agent',
      namespace: 'kube-system',
      selector: 'k8s-app=aws-node',
    });
  });

  it('goes by the file that the runtime loads, and leaves broken ones to cni-config-invalid', () => {
    const second = aCniConfigFile({ name: '20-other.conflist', plugins: ['removed'] });
    expect(run({ files: [second, aCniConfigFile()] })[0]?.result).toBe('pass');
    expect(run({ files: [aCniConfigFile({ error: 'not JSON' })] })[0]?.result).toBe('notApplicable');
  });
});
