import { describe, expect, it } from 'vitest';
import { resolvConfMissing } from '../../../lib/checks/dns/resolv-conf-missing.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { aPodNetwork, aSandbox, context, failures } from '../evidence.ts';
import { aFile, aPodWith } from './files.ts';

const gone = { exists: false, nameservers: [], searches: [], options: [] };

function run(network: PodNetwork) {
  return resolvConfMissing.run({ podNetworks: [network] }, context);
}

describe('resolv-conf-missing', () => {
  it('passes a pod whose containers have nameservers', () => {
    expect(run(aPodNetwork())).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a container without the file, and one whose file is empty', () => {
    expect(failures(run(aPodWith(gone)))[0]?.detail).toBe('Container main has no /etc/resolv.conf.');
    const [found] = failures(run(aPodWith({ ...gone, exists: true })));
    expect(found?.detail).toBe('/etc/resolv.conf of container main names no nameserver.');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('does not blame a pod of dnsPolicy Default for the empty file of its node, but for a missing one', () => {
    expect(run(aPodWith(aFile(), { dnsPolicy: 'Default' }))).toMatchObject([{ result: 'notApplicable' }]);
    expect(failures(run(aPodWith(gone, { dnsPolicy: 'Default' })))).toHaveLength(1);
  });

  it('is not applicable to a pod between two starts of its container', () => {
    const containers = aSandbox().containers.map((container) => ({
      ...container,
      pid: null,
      resolvConf: null,
    }));
    expect(run(aPodNetwork({ sandbox: aSandbox({ containers }) }))).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });

  it('is not applicable where the files are inside a virtual machine', () => {
    const network = aPodWith(gone);
    const sandbox = { ...network.sandbox, runtimeHandler: 'kata-qemu' };
    expect(run({ ...network, sandbox })).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not know when the file of a running container could not be read', () => {
    expect(run(aPodWith(null))).toMatchObject([{ result: 'unknown' }]);
  });
});
