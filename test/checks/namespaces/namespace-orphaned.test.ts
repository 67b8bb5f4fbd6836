import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { namespaceOrphaned } from '../../../lib/checks/namespaces/namespace-orphaned.ts';
import type { NetworkNamespace } from '../../../lib/model/evidence.ts';
import {
  aHost,
  aLink,
  aLoopback,
  aNamespace,
  anEvent,
  aPin,
  aPod,
  aSandbox,
  aStack,
  context,
  failures,
  HOST_NAMESPACE,
} from '../evidence.ts';

const LEAKED = 4026532999;
const path = '/run/netns/cni-dead';

function anOrphan(changes: Partial<NetworkNamespace> = {}): NetworkNamespace {
  return aNamespace({
    inode: LEAKED,
    pins: [path],
    holders: [],
    stack: {
      status: 'present',
      value: aStack({
        links: [
          aLoopback(),
          aLink({ peer: { status: 'matched', namespace: HOST_NAMESPACE, index: 11, name: 'vethdead' } }),
        ],
      }),
    },
    ...changes,
  });
}

function sources(orphan: NetworkNamespace, pinChanges = {}) {
  return {
    namespaces: [
      aNamespace({ inode: HOST_NAMESPACE, host: true, pins: ['/run/docker/netns/default'] }),
      aNamespace(),
      orphan,
    ],
    pins: [aPin(), aPin({ path: orphan.pins[0] ?? path, inode: LEAKED, mounted: [LEAKED], ...pinChanges })],
    sandboxes: [aSandbox()],
    pods: [aPod()],
    host: aHost(),
    events: [],
  };
}

function commandsOf(found: ReturnType<typeof failures>[number] | undefined): string[] {
  return found?.remedy.flatMap(({ command }) => command ?? []) ?? [];
}

/** The command that searches the runtime's specs. */
function search(commands: readonly string[]): string {
  return commands.find((command) => command.startsWith('{ ls ')) ?? '';
}

describe('namespace-orphaned', () => {
  it('finds a pinned namespace that nobody uses, and names what it still holds', () => {
    const [found, ...more] = failures(namespaceOrphaned.run(sources(anOrphan()), context));
    expect(more).toEqual([]);
    expect(found?.object).toEqual({ kind: 'namespace', name: 'cni-dead', node: 'node-1', path });
    expect(found).toMatchObject({ severity: 'medium', confidence: 'confirmed' });
    expect(found?.detail).toContain('eth0 10.244.1.2 (vethdead on the node)');
  });

  it('says which one the tool may delete, by inode and time', () => {
    const [found] = failures(namespaceOrphaned.run(sources(anOrphan()), context));
    expect(found?.repair).toEqual({
      kind: 'delete-namespaces',
      path,
      inode: LEAKED,
      made: Date.parse(aPin().modifiedAt) / 1000,
    });
  });

  it('finds it beside hostNetwork pods too: its pair leads to the node, not to them', () => {
    const hostNetwork = aSandbox({
      id: 'b'.repeat(64),
      uid: 'host-network',
      network: 'node',
      namespacePath: null,
      networkNamespace: HOST_NAMESPACE,
      containers: [],
    });
    const all = { ...sources(anOrphan()), sandboxes: [aSandbox(), hostNetwork] };
    expect(failures(namespaceOrphaned.run(all, context))).toHaveLength(1);
  });

  describe('that is empty, while the kubelet takes down a pod that the API has forgotten,', () => {
    const stack = { status: 'present' as const, value: aStack({ links: [aLoopback()] }) };
    const empty = anOrphan({ stack });
    const killing = anEvent({
      reason: 'Killing',
      uid: 'gone',
      name: 'gone',
      lastSeen: '2026-11-20T01:59:00Z',
    });
    const atOnce = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
    const run = (events: (typeof killing)[], orphan = empty, pin = {}, how = atOnce) =>
      namespaceOrphaned.run(
        { ...sources(orphan, { modifiedAt: '2026-11-20T01:00:00Z', ...pin }), events },
        how,
      );

    it('is left to the runtime by an audit that judges at once', () => {
      expect(run([killing]).at(-1)).toMatchObject({
        result: 'notApplicable',
        reason: 'may be of pod shop/gone, which the kubelet is taking down',
      });
    });

    it('is found by any other, which tells it only when the next one sees it again', () => {
      expect(failures(run([killing], empty, {}, context))).toHaveLength(1);
    });

    it.each<[string, Parameters<typeof run>]>([
      ['nothing says so', [[]]],
      ['it was stopped long ago', [[{ ...killing, lastSeen: '2026-11-20T01:50:00Z' }]]],
      ['only a container of a pod that is there was restarted', [[{ ...killing, uid: aPod().uid }]]],
      ['the kubelet failed to', [[killing, { ...killing, reason: 'FailedKillPod' }]]],
      ['it still holds a pair, which the plugin would have released', [[killing], anOrphan()]],
      ['it was made after the pod was stopped', [[killing], empty, { modifiedAt: '2026-11-20T01:59:30Z' }]],
    ])('is found where %s', (_, given) => {
      expect(failures(run(...given))).toHaveLength(1);
    });

    it('explains one namespace and no more', () => {
      const second = { ...anOrphan({ stack, inode: 99 }), pins: ['/run/netns/cni-second'] };
      const base = sources(empty, { modifiedAt: '2026-11-20T01:00:00Z' });
      const pin = base.pins.at(-1);
      if (pin === undefined) throw new Error('the orphan has no pin');
      const both = {
        ...base,
        namespaces: [...base.namespaces, second],
        pins: [...base.pins, { ...pin, path: '/run/netns/cni-second', inode: 99, mounted: [99] }],
        // There is one event for each container.
        events: [killing, killing],
      };
      expect(failures(namespaceOrphaned.run(both, atOnce))).toHaveLength(1);
    });
  });

  it('prints a deletion that refuses when the pin changed or somebody came in', () => {
    const [found] = failures(namespaceOrphaned.run(sources(anOrphan()), context));
    const commands = commandsOf(found);
    const deletion = commands.find((command) => command.includes('umount'));
    expect(deletion).toContain(`stat -L -c %i ${path})" = ${LEAKED} && test -z "$(find `);
    expect(deletion).toContain(`; ${search(commands)}; `);
    // If all steps are pasted, nobody reads the output of the earlier ones: the last asks again.
    for (const place of [
      'k8s.io/*/config.json',
      '/var/lib/cni/results/*',
      '/var/lib/cni/cache/results/*',
      '/run/cni/results/*',
    ])
      expect(deletion?.split('umount')[0]).toContain(place);
    expect(deletion).toMatch(/nsenter -t 1 -m -- umount \S+cni-dead && nsenter -t 1 -m -- rm \S+cni-dead$/);
    expect(commands.at(-1)).toBe('ip link show vethdead');
  });

  it('has the specs of every runtime searched before the deletion, where the probe finds them', () => {
    const [found] = failures(namespaceOrphaned.run(sources(anOrphan()), context));
    const searched = search(commandsOf(found));
    for (const place of [
      '/run/containerd/',
      '/run/k3s/',
      '/run/k0s/',
      '/microk8s/',
      '/storage/*-containers/',
      '/docker/',
    ]) {
      expect(searched).toContain(place);
    }
  });

  it('has the search for specs speak up where the runtime keeps them elsewhere, so that the deletion refuses', () => {
    const [found] = failures(namespaceOrphaned.run(sources(anOrphan()), context));
    const state = mkdtempSync(join(tmpdir(), 'netns-audit-specs-'));
    onTestFinished(() => rmSync(state, { recursive: true }));
    const said = () => {
      const line = search(commandsOf(found)).replaceAll('/run/containerd', state);
      return execFileSync('sh', ['-c', `${line}; true`], { encoding: 'utf8', stdio: 'pipe' });
    };
    const spec = (id: string, content: string) => {
      const bundle = join(state, 'io.containerd.runtime.v2.task/k8s.io', id);
      mkdirSync(bundle, { recursive: true });
      writeFileSync(join(bundle, 'config.json'), content);
    };
    const elsewhere = 'the specs of the sandboxes are not where they are looked for\n';
    expect(said()).toBe(elsewhere);
    // The files may be left over from a runtime other than the one that runs the pods.
    spec('f'.repeat(64), '{}');
    expect(said()).toBe(elsewhere);
    spec(aSandbox().id, '{"path":"/run/netns/cni-other"}');
    expect(said()).toBe('');
    spec('e'.repeat(64), `{"path":"${path}"}`);
    expect(said()).toMatch(/e\/config\.json\n$/);
  });

  it('knows the place of the specs by the sandboxes that are there the longest', () => {
    const young = Array.from({ length: 5 }, (_, index) =>
      aSandbox({ id: `young-${index}`, uid: `${index}`, createdAt: `2026-11-19T03:0${index}:00Z` }),
    );
    const all = { ...sources(anOrphan()), sandboxes: [...young, aSandbox()] };
    const [found] = failures(namespaceOrphaned.run(all, context));
    expect(search(commandsOf(found))).toContain(`grep -qF -e ${aSandbox().id} -e young-0 -e young-1 ||`);
  });

  it.each([path, '/run/netns/01234567-89ab-cdef-0123-456789abcdef', "/run/netns/cni-it's; $(date)"])(
    'prints commands for %s that a shell understands',
    (pinned) => {
      const [found] = failures(namespaceOrphaned.run(sources(anOrphan({ pins: [pinned] })), context));
      for (const line of commandsOf(found)) execFileSync('sh', ['-n'], { input: line });
      expect(commandsOf(found)).toHaveLength(6);
    },
  );

  it('enters the mounts of CRI-O where OpenShift gives it its own, and else those of PID 1', () => {
    const crio = anOrphan({ pins: ['/run/netns/01234567-89ab-cdef-0123-456789abcdef'] });
    const [found] = failures(namespaceOrphaned.run(sources(crio), context));
    const deletion = commandsOf(found).find((command) => command.includes('umount'));
    expect(
      deletion?.match(/--mount="\$\(ls \/run\/kubens\/mnt 2>\/dev\/null \|\| echo \/proc\/1\/ns\/mnt\)"/g),
    ).toHaveLength(3);
    expect(deletion).not.toContain('-t 1');
  });

  it('is worse when a device of the node is trapped inside, and gives it back first', () => {
    const trapped = anOrphan({
      stack: {
        status: 'present',
        value: aStack({
          links: [aLink({ name: 'ens5', kind: null, peer: null, parentDevice: '0000:00:05.0' })],
        }),
      },
    });
    const [found] = failures(namespaceOrphaned.run(sources(trapped), context));
    expect(found?.severity).toBe('high');
    expect(found?.remedy.some(({ command }) => command?.endsWith('ip link set ens5 netns 1'))).toBe(true);
  });

  it('only suspects a name that no runtime gives', () => {
    const [found] = failures(namespaceOrphaned.run(sources(anOrphan({ pins: ['/run/netns/vpn'] })), context));
    expect(found).toMatchObject({ severity: 'low', confidence: 'suspected' });
  });

  it.each(['cilium-health', 'qrouter-1', 'netns-0a', 'lb_x', '1-abcdef'])(
    'leaves %s to its owner',
    (name) => {
      const known = anOrphan({ pins: [`/run/netns/${name}`] });
      expect(failures(namespaceOrphaned.run(sources(known), context))).toEqual([]);
    },
  );

  it('waits for a namespace that was only just made, unless told to judge at once', () => {
    const young = sources(anOrphan(), { modifiedAt: '2026-11-20T01:50:00Z' });
    expect(failures(namespaceOrphaned.run(young, context))).toEqual([]);
    const atOnce = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
    expect(failures(namespaceOrphaned.run(young, atOnce))).toHaveLength(1);
  });

  it('never takes the namespace of a pod that is being created, even when judging at once', () => {
    const creating = {
      ...sources(anOrphan(), { modifiedAt: '2026-11-20T01:59:30Z' }),
      pods: [aPod({ name: 'web-2', uid: 'new', phase: 'Pending' })],
    };
    const atOnce = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
    const outcome = namespaceOrphaned.run(creating, atOnce).at(-1);
    expect(outcome).toMatchObject({ result: 'notApplicable', reason: expect.stringContaining('shop/web-2') });
  });

  it('is not held up by a pod that has its sandbox and waits for an image', () => {
    const waiting = {
      ...sources(anOrphan(), { modifiedAt: '2026-11-20T01:59:30Z' }),
      pods: [aPod({ phase: 'Pending' })],
    };
    const atOnce = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
    expect(failures(namespaceOrphaned.run(waiting, atOnce))).toHaveLength(1);
  });

  it('leaves a mount that no path leads to any more', () => {
    const below = { ...sources(anOrphan()), pins: [aPin()] };
    expect(failures(namespaceOrphaned.run(below, context))).toEqual([]);
  });

  it('leaves a stopped sandbox that still owns the pin to sandbox-stale', () => {
    const stopped = aSandbox({ state: 'stopped', namespacePath: `/var${path}`, networkNamespace: null });
    const stale = { ...sources(anOrphan()), sandboxes: [aSandbox(), stopped] };
    expect(failures(namespaceOrphaned.run(stale, context))).toEqual([]);
  });

  it('leaves one with a process inside to namespace-held', () => {
    const held = anOrphan({
      holders: [{ pid: 7, command: 'sh', via: 'process', containerId: null, ofPod: false }],
    });
    expect(failures(namespaceOrphaned.run(sources(held), context))).toEqual([]);
  });

  it('leaves what docker inside a pod made to that pod', () => {
    const nested = anOrphan({
      stack: {
        status: 'present',
        value: aStack({
          links: [
            aLink({ peer: { status: 'matched', namespace: aNamespace().inode, index: 9, name: 'vethin' } }),
          ],
        }),
      },
    });
    expect(failures(namespaceOrphaned.run(sources(nested), context))).toEqual([]);
  });

  it('does not know when no sandbox could be read: every pod would look like an orphan', () => {
    const [outcome] = namespaceOrphaned.run({ ...sources(anOrphan()), sandboxes: [] }, context);
    expect(outcome?.result).toBe('unknown');
  });

  it('still finds it when its content could not be read', () => {
    const unread = anOrphan({ stack: { status: 'failed', reason: 'Invalid argument' } });
    const [found] = failures(namespaceOrphaned.run(sources(unread), context));
    expect(found?.detail).toContain('its content could not be read');
  });

  it('still finds it when there were too many to look into each', () => {
    const unread = anOrphan({ stack: { status: 'absent', reason: 'left out' } });
    const [found] = failures(namespaceOrphaned.run(sources(unread), context));
    expect(found?.detail).toContain('it holds what was not read');
  });
});
