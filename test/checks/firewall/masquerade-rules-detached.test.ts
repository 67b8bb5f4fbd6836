import { describe, expect, it } from 'vitest';
import { masqueradeRulesDetached } from '../../../lib/checks/firewall/masquerade-rules-detached.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aHostStack, anAddress, aPodNetwork, context, failures } from '../evidence.ts';

const CHAIN = 'AWS-SNAT-CHAIN-0';
const JUMP = `-A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j ${CHAIN}`;
const SNAT = `-A ${CHAIN} ! -d 10.0.0.0/16 -j SNAT --to-source 10.0.3.7 --random-fully`;

const nat = ({
  postrouting = [JUMP],
  rules = [SNAT],
  backend = 'iptables-legacy' as PacketFilter['backend'],
} = {}): PacketFilter => ({
  backend,
  tables: [
    {
      name: 'nat',
      chains: [
        { name: 'POSTROUTING', hook: 'postrouting', policy: 'accept', rules: postrouting },
        { name: CHAIN, hook: null, policy: null, rules },
      ],
    },
  ],
});

const run = (plugin: string, ...hostPacketFilters: PacketFilter[]) =>
  masqueradeRulesDetached.run(
    { hostPacketFilters, podNetworks: [aPodNetwork({ plugin })], hostNetwork: host },
    context,
  );
const own = anAddress({ link: 'eth0', address: '10.0.3.7' });
const host = aHostStack({ addresses: [own, anAddress({ link: 'cni0', address: '10.244.1.1' })] });

describe('masquerade-rules-detached', () => {
  it('passes a chain to which POSTROUTING leads, in the words of both backends', () => {
    expect(run('aws-cni', nat())).toMatchObject([{ result: 'pass' }]);
    const postrouting = [`counter packets 3 bytes 180 jump ${CHAIN}`];
    expect(run('aws-cni', nat({ backend: 'iptables-nft', postrouting }))).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a chain to which nothing leads, and puts the rule back as the agent writes it', () => {
    const [found] = failures(run('aws-cni', nat({ postrouting: [] })));
    expect(found?.object.kind).toBe('node');
    expect(found?.detail).toBe(
      `Chain ${CHAIN} (iptables-legacy) has its rules, but no rule of POSTROUTING leads there.`,
    );
    expect(found?.remedy.map(({ command }) => command)).toContain(
      `iptables-legacy -t nat -A POSTROUTING -m comment --comment 'AWS SNAT CHAIN' -j ${CHAIN}`,
    );
  });

  it('leaves alone what another backend has left, an empty chain, and a plugin that is gone', () => {
    const left = nat({ postrouting: [] });
    expect(run('aws-cni', left, nat({ backend: 'iptables-nft' }))).toMatchObject([{ result: 'pass' }]);
    expect(run('aws-cni', nat({ postrouting: [], rules: [] }))).toMatchObject([{ result: 'notApplicable' }]);
    expect(run('calico', left)).toMatchObject([{ result: 'notApplicable' }]);
  });

  describe('addresses that the node does not have', () => {
    const snat = (...postrouting: string[]) => nat({ postrouting: [JUMP, ...postrouting] });

    it("finds one in the agent's chain, and restarts the agent, which writes it again", () => {
      const old = SNAT.replace('10.0.3.7', '10.0.3.250');
      const [found] = failures(run('aws-cni', nat({ rules: [old] })));
      expect(found?.detail).toContain('gets the address 10.0.3.250, which no link of the node has');
      expect(found?.remedy.at(-1)?.command).toContain('k8s-app=aws-node');
    });

    it.each([
      [
        'iptables-legacy',
        '-A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j SNAT --to-source 10.0.3.250',
      ],
      ['iptables-legacy', '-A POSTROUTING -m addrtype ! --dst-type LOCAL -j SNAT --to-source 10.0.3.250'],
      ['iptables-nft', 'ip saddr 10.244.0.0/16 counter snat to 10.0.3.250'],
      ['iptables-nft', 'oifname "eth0" fib daddr type != local counter snat to 10.0.3.250 fully-random'],
    ] as const)('finds one in a rule of %s, and removes that: %s', (backend, rule) => {
      const [found] = failures(run('bridge', nat({ backend, postrouting: [rule] })));
      expect(found?.confidence).toBe('probable');
      expect(found?.remedy.at(-1)?.command).toMatch(
        backend === 'iptables-legacy'
          ? /^iptables-legacy -t nat -D POSTROUTING /
          : /nft delete rule ip nat POSTROUTING/,
      );
    });

    it('is no more certain together with a fault that is confirmed', () => {
      const detached = nat({ postrouting: [] });
      const wrong = nat({
        backend: 'iptables-nft',
        postrouting: ['ip saddr 10.244.0.0/16 counter snat to 10.0.3.250'],
        rules: [],
      });
      const [found] = failures(run('aws-cni', detached, wrong));
      expect(found?.detail).toMatch(/no rule of POSTROUTING leads there\. What pods send out/);
      expect(found?.confidence).toBe('probable');
      expect(failures(run('aws-cni', detached))[0]?.confidence).toBe('confirmed');
    });

    it.each([
      '-s 10.244.0.0/16 -j SNAT --to-source 10.0.3.7',
      '-s 10.244.0.0/16 -j MASQUERADE',
      // Somebody far away may route it here.
      '-s 10.244.0.0/16 -j SNAT --to-source 203.0.113.9',
      // Of other pods, single targets, or what another condition selects.
      '-s 10.244.7.0/24 -j SNAT --to-source 10.0.3.250',
      '-d 192.0.2.9/32 -j SNAT --to-source 10.0.3.250',
      '-m set --match-set egress src -j SNAT --to-source 10.0.3.250',
      '-p tcp --dport 25 -j SNAT --to-source 10.0.3.250',
      '-s 10.244.0.0/16 -j SNAT --to-source 10.0.3.7-10.0.3.9',
    ])('passes what may be meant: %s', (rule) => {
      expect(run('aws-cni', snat(`-A POSTROUTING ${rule}`))).toMatchObject([{ result: 'pass' }]);
    });
  });

  describe('of single pods', () => {
    const OWN = `CNI-${'0a1b2c3d'.repeat(3)}`;
    const ofPod = (
      rules: string[],
      jump = `-A POSTROUTING -s 10.244.1.2/32 -m comment --comment "name: \\"lab\\" id: \\"aaaa\\"" -j ${OWN}`,
    ): PacketFilter => ({
      backend: 'iptables-legacy',
      tables: [
        {
          name: 'nat',
          chains: [
            { name: 'POSTROUTING', hook: 'postrouting', policy: 'accept', rules: [jump] },
            { name: OWN, hook: null, policy: null, rules },
          ],
        },
      ],
    });

    it('finds a chain that was flushed, and puts its rules back', () => {
      const [found] = failures(run('bridge', ofPod([])));
      expect(found?.object).toEqual({ kind: 'node', name: 'node-1' });
      expect(found?.detail).toBe(
        'The chains that masquerade shop/web-1 have no rule, though POSTROUTING leads to them.',
      );
      expect(found?.remedy.at(-1)?.command).toBe(
        `iptables-legacy -t nat -A ${OWN} -d 10.244.1.0/24 -j ACCEPT && ` +
          `iptables-legacy -t nat -A ${OWN} '!' -d 224.0.0.0/4 -j MASQUERADE`,
      );
    });

    it('names a cut chain of an agent beside the chain of a pod', () => {
      const filter = ofPod([]);
      const rules = ['-A FLANNEL-POSTRTG -s 10.244.0.0/16 -j MASQUERADE'];
      filter.tables[0]?.chains.push({ name: 'FLANNEL-POSTRTG', hook: null, policy: null, rules });
      const outcomes = run('flannel', filter);
      const [found] = failures(outcomes);
      expect(outcomes).toHaveLength(1);
      expect(found?.detail).toContain('The chains that masquerade shop/web-1 have no rule');
      expect(found?.detail).toContain('Chain FLANNEL-POSTRTG (iptables-legacy) has its rules, but no rule');
      expect(found?.evidence).toHaveLength(2);
      const commands = found?.remedy.map(({ command }) => command ?? '') ?? [];
      expect(commands.filter((command) => command.includes(`-A ${OWN}`))).toHaveLength(1);
      expect(commands.filter((command) => command.includes('-A POSTROUTING'))).toHaveLength(1);
      expect(commands.filter((command) => command === 'iptables-legacy-save -t nat')).toHaveLength(1);
    });

    it('finds that POSTROUTING no longer leads to a chain, and puts the rule back as the plugin writes it', () => {
      // By SHA-512 of `lab` and the id.
      const chain = 'CNI-b9ee3f063aaa55cd96e7ee7a';
      const id = 'a'.repeat(64);
      const rules = [`-A ${chain} -d 10.244.1.0/24 -j ACCEPT`];
      const filter = (postrouting: string[]): PacketFilter => ({
        backend: 'iptables-legacy',
        tables: [
          {
            name: 'nat',
            chains: [
              { name: 'POSTROUTING', hook: 'postrouting', policy: 'accept', rules: postrouting },
              { name: chain, hook: null, policy: null, rules },
            ],
          },
        ],
      });
      const jump = `-A POSTROUTING -s 10.244.1.2/32 -m comment --comment "name: \\"lab\\" id: \\"${id}\\"" -j ${chain}`;
      expect(run('bridge', filter([jump]))).toMatchObject([{ result: 'pass' }]);
      const [found] = failures(run('bridge', filter([])));
      expect(found?.detail).toBe(
        'The chains that masquerade shop/web-1 have their rules, but no rule of POSTROUTING leads there.',
      );
      expect(found?.remedy.at(-1)?.command).toBe(
        `iptables-legacy -t nat -A POSTROUTING -s 10.244.1.2/32 -m comment --comment 'name: "lab" id: "${id}"' -j ${chain}`,
      );
      // What one backend has left counts no more where another leads to the chain.
      expect(run('bridge', filter([]), { ...filter([jump]), backend: 'iptables-nft' })).toMatchObject([
        { result: 'pass' },
      ]);
    });

    it('ends soon on a node with chains by the ten thousand that its plugin has left behind', () => {
      const names = Array.from({ length: 20_000 }, (_, at) => `CNI-${at.toString(16).padStart(24, '0')}`);
      const chains = names.map((name) => ({ name, hook: null, policy: null, rules: [] }));
      const rules = names.map((name, at) => `-A POSTROUTING -s 10.${at >> 8}.${at & 255}.7/32 -j ${name}`);
      const postrouting = { name: 'POSTROUTING', hook: 'postrouting', policy: 'accept', rules };
      // A list of chains counts how often it is read.
      let reads = 0;
      const counting = new Proxy([...chains, postrouting], {
        get(target, key, receiver) {
          reads += 1;
          return Reflect.get(target, key, receiver) as unknown;
        },
      });
      const filter: PacketFilter = {
        backend: 'iptables-legacy',
        tables: [{ name: 'nat', chains: counting }],
      };
      expect(run('bridge', filter)).toMatchObject([{ result: 'notApplicable' }]);
      expect(reads).toBeLessThan(1_000_000);
    });

    it('reads it as nft writes it', () => {
      const filter = ofPod([], `ip saddr 10.244.1.2 counter packets 0 bytes 0 jump ${OWN}`);
      expect(failures(run('ptp', { ...filter, backend: 'iptables-nft' }))[0]?.remedy[0]?.command).toBe(
        'iptables-save -t nat',
      );
    });

    it('leaves alone a chain with rules, one of a pod that is gone, and one of another kind', () => {
      const fine = { result: 'notApplicable' };
      expect(run('bridge', ofPod([`-A ${OWN} ! -d 224.0.0.0/4 -j MASQUERADE`]))).toMatchObject([fine]);
      expect(run('bridge', ofPod([], `-A POSTROUTING -s 10.244.1.99/32 -j ${OWN}`))).toMatchObject([fine]);
      expect(run('bridge', ofPod([], '-A POSTROUTING -s 10.244.1.2/32 -j CNI-HOSTPORT-MASQ'))).toMatchObject([
        fine,
      ]);
    });
  });
});
