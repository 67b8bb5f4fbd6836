import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cniPlugin,
  knownPlugins,
  LINKERD_CNI,
  LOOPBACK,
  PORTMAP,
  TUNING,
} from '../../lib/model/cni-plugins.ts';
import { NODE_ANNOTATIONS } from '../../lib/model/node-annotations.ts';

const root = new URL('../../', import.meta.url).pathname;
const TABLE = 'lib/model/cni-plugins.ts';

describe('the table of CNI plugins', () => {
  it('is the only place in lib/ where a plugin is named in code', () => {
    // `bridge` is also a kind of link and of MAC address: only comparisons with a plugin count.
    const others = [LINKERD_CNI, PORTMAP, TUNING, LOOPBACK];
    const names = [...knownPlugins.filter((each) => each !== 'bridge'), ...others].join('|');
    const name = new RegExp(`['"](?:${names})['"]`);
    const bridge = /plugins?\b[^\n]{0,20}(?:===|includes\()\s*'bridge'/;
    // The owner of the records is data of the evidence (`Ipam.kind`, `CniEndpoints.kind`).
    const kind = /\bkind\b[^\n]*'(?:host-local|calico)'|z\.enum\(\['host-local'/;
    const found = globSync('lib/**/*.ts', { cwd: root })
      .filter((file) => file !== TABLE)
      .flatMap((file) =>
        readFileSync(join(root, file), 'utf8')
          .split('\n')
          .filter((line) => (name.test(line) || bridge.test(line)) && !kind.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(found).toEqual([]);
  });

  it('and the list of annotations the only one where those of their nodes are named', () => {
    const named = globSync('lib/**/*.ts', { cwd: root }).filter((file) =>
      NODE_ANNOTATIONS.some((each) => readFileSync(join(root, file), 'utf8').includes(each)),
    );
    expect(named).toEqual(['lib/model/node-annotations.ts']);
  });

  it('knows nothing of a type that a hostile configuration makes up', () => {
    for (const type of ['constructor', '__proto__', 'toString', '', 'unheard-of', null, undefined])
      expect(cniPlugin(type)).toBeNull();
  });
});
