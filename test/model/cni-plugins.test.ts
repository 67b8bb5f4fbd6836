import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostLinkNameIn, isHostLinkName } from '../../lib/model/cni-names.ts';
import {
  cniPlugin,
  knownPlugins,
  LINKERD_CNI,
  LOOPBACK,
  PORTMAP,
  TUNING,
} from '../../lib/model/cni-plugins.ts';

const root = new URL('../../', import.meta.url).pathname;
/** How plugins attach pods, and how they name what they create. */
const TABLES = ['lib/model/cni-plugins.ts', 'lib/model/cni-names.ts'];
/** The scripts run on nodes, where the tables are not: what they know of a plugin stands here. */
const ON_NODES: Readonly<Record<string, RegExp>> = {
  // The only plugin that writes the gateway's neighbour entry into its pods.
  'lib/probe/repair/restore.jq': /\.type == "aws-cni"/,
  // The checkpoint that this plugin's agent keeps of its addresses.
  'lib/probe/probe/ipam.sh': /\$R\/run\/aws-node\//,
  // The file in which flannel's agent tells its plugin the node's subnet, and Cilium's agent, its socket and pins.
  'lib/probe/probe/cni.sh':
    /\$R\/run\/flannel\/subnet\.env|\/run\/cilium\b|cilium-agent|\/sys\/fs\/bpf\/cilium\b/,
};

/** Lines of code outside the tables. */
function codeOf(endings: string): { readonly file: string; readonly line: string }[] {
  return globSync(`lib/**/*.${endings}`, { cwd: root })
    .filter((file) => !TABLES.includes(file))
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(?:\*|\/\/|\/\*\*|#|import |\} from )/.test(line))
        .map((line) => ({ file, line: line.trim() })),
    );
}

describe('the table of CNI plugins', () => {
  it('is the only place in lib/ where a plugin is named in code', () => {
    // `bridge` is also a kind of link and of MAC address: only comparisons with a plugin count.
    const others = [LINKERD_CNI, PORTMAP, TUNING, LOOPBACK];
    const names = [...knownPlugins.filter((each) => each !== 'bridge'), ...others].join('|');
    const name = new RegExp(`['"](?:${names})['"]`);
    const bridge = /plugins?\b[^\n]{0,20}(?:===|includes\()\s*'bridge'/;
    // The owner of the records is data of the evidence (`Ipam.kind`, `CniEndpoints.kind`).
    const kind = /\bkind\b[^\n]*'(?:host-local|calico)'|z\.enum\(\['host-local'/;
    const found = codeOf('ts').filter(
      ({ line }) => (name.test(line) || bridge.test(line)) && !kind.test(line),
    );
    expect(found).toEqual([]);
  });

  it('beside the few names that scripts on nodes need', () => {
    // Files of the bundle have the name of host-local, whose records they hold.
    const others = knownPlugins.filter(
      (each) => !['bridge', 'ptp', 'macvlan', 'ipvlan', 'host-local'].includes(each),
    );
    const name = new RegExp(`\\b(?:${others.join('|')}|aws-node|cilium|calico|flannel|antrea|weave)\\b`, 'i');
    const found = codeOf('{sh,jq,awk,pl}').filter(
      ({ file, line }) => name.test(line) && !ON_NODES[file]?.test(line),
    );
    expect(found).toEqual([]);
  });

  it('and the list of their names the only one of devices, chains, annotations and API objects', () => {
    // A literal or a pattern without spaces is a name; sentences may speak of plugins.
    const literal =
      /(['"`/])(?:(?!\1)\S)*?(?:cilium|calico(?!ctl)|cali[-0-9]|flannel|antrea|weave|kube-router)(?:(?!\1)\S)*\1/i;
    const kind = /\bkind(?:: | === )'|\{ kind \}\) => kind === |z\.enum\(/;
    const found = codeOf('ts').filter(
      ({ line }) => literal.test(line.replaceAll(/\$\{[^}]*\}/g, '')) && !kind.test(line),
    );
    expect(found).toEqual([]);
  });

  it('takes no name that a pod or a person could have given for that of a link', () => {
    for (const name of [
      'web-7d4b9c-x2x4z',
      'coredns-66bc5c9577-abcde',
      'eth0',
      'veth-blue',
      'veth1',
      'cali',
      'lxc-container-1',
    ])
      expect([name, isHostLinkName(name), hostLinkNameIn(`the pod ${name} runs`)]).toEqual([
        name,
        false,
        undefined,
      ]);
  });

  it('knows nothing of a type that a hostile configuration makes up', () => {
    for (const type of ['constructor', '__proto__', 'toString', '', 'unheard-of', null, undefined])
      expect(cniPlugin(type)).toBeNull();
  });
});
