/**
 * Creates the victims of faults, injects the faults, and repairs them: with the remedy as printed, or with
 * the fault's own script.
 */
import type { Finding } from '../../../lib/model/finding.ts';
import {
  apply,
  findOnNodes,
  getJson,
  inNetworkOf,
  inNodeNetwork,
  isReady,
  kubectl,
  listPods,
  NAMESPACE,
  type Node,
  onNode,
  POD_IMAGE,
  type Pod,
  type PodOnNode,
  schedulableNodes,
  type Variables,
  waitReady,
} from '../cluster.ts';
import { inParallel, run, waitFor } from '../run.ts';
import { type Fault, fill } from './fault.ts';

export type Injected = {
  readonly fault: Fault;
  readonly node: string;
  readonly victims: readonly PodOnNode[];
  readonly variables: Variables;
};

function victimCount(fault: Fault): number {
  return fault.pods ?? 1;
}

/** A Deployment, so that a deleted victim is recreated, as the remedies expect. */
function victim(fault: Fault, node: string): object {
  const labels = { fault: fault.id, part: 'victim' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: fault.id, namespace: NAMESPACE, labels },
    spec: {
      replicas: victimCount(fault),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: fault.annotations ?? {} },
        spec: {
          nodeSelector: { 'kubernetes.io/hostname': node },
          terminationGracePeriodSeconds: 0,
          automountServiceAccountToken: false,
          ...fault.podSpec,
          containers: [
            {
              name: 'main',
              image: POD_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              command: ['sleep', '86400'],
              ...fault.container,
            },
          ],
        },
      },
    },
  };
}

async function runScript(fault: Fault, node: string, script: string, variables: Variables): Promise<string> {
  if (fault.where === 'cluster') return here(script, variables);
  if (fault.where === 'node') return onNode(node, script, variables);
  if (fault.where === 'node-network') return inNodeNetwork(node, script, variables);
  return inNetworkOf(node, variables.PID ?? '', script, variables);
}

async function here(script: string, variables: Variables): Promise<string> {
  const { exitCode, stdout, stderr } = await run('sh', ['-ec', script], {
    env: { ...process.env, ...variables, POD_NAMESPACE: NAMESPACE },
  });
  if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
}

/** Injects all faults, spread over the nodes in turn, each into its own victims. */
export async function inject(
  faults: readonly Fault[],
  nodes: readonly string[],
): Promise<readonly Injected[]> {
  const placed = faults.map((fault, index) => ({ fault, node: nodes[index % nodes.length] as string }));
  const withPods = placed.filter(({ fault }) => victimCount(fault) > 0);
  await apply(withPods.map(({ fault, node }) => victim(fault, node)));
  if (withPods.length > 0) {
    const count = withPods.reduce((sum, { fault }) => sum + victimCount(fault), 0);
    await waitReady('part=victim', count);
  }
  const found = await findOnNodes(await listPods('-l', 'part=victim'));
  const taken = new Set(
    (await getJson<{ items: readonly Pod[] }>(['pods', '--all-namespaces'])).items.map(
      (pod) => pod.status.podIP,
    ),
  );
  const failed: unknown[] = [];
  const injected = await inParallel(placed, async ({ fault, node }): Promise<Injected> => {
    const victims = found.filter((one) => one.pod.metadata.labels?.fault === fault.id);
    const variables: Record<string, string> = { NODE: node, ...victims[0]?.variables };
    variables.FREE_IP = freeAddress(variables.IP ?? '', taken);
    for (const [name, value] of Object.entries(victims[1]?.variables ?? {}))
      variables[`OTHER_${name}`] = value;
    try {
      const printed = await runScript(fault, node, fault.inject, variables);
      for (const [, name, value] of printed.matchAll(/^([A-Z][A-Z_]*)=(.*)$/gm))
        variables[name as string] = value as string;
      if (fault.unready) await waitFor(`${node} to be NotReady`, async () => !isReady(await getNode(node)));
    } catch (error) {
      failed.push(error);
    }
    return { fault, node, victims, variables };
  });
  if (failed.length === 0) return injected;
  // What is left of the others would be found in every later batch. Remedies need a finding: what they mend has a
  // clean-up as well, or goes with its pod.
  await inParallel(injected, (one) => repair(one, undefined).catch(() => undefined));
  await cleanUp(injected).catch(() => undefined);
  throw failed[0];
}

/** The highest address of the pod's /24 that no pod has: host-local gives every address in turn, .254 too. */
function freeAddress(address: string, taken: ReadonlySet<string | undefined>): string {
  const network = address.slice(0, address.lastIndexOf('.'));
  for (let last = 254; last > 1; last--) {
    const candidate = `${network}.${last}`;
    if (!taken.has(candidate)) return candidate;
  }
  return '';
}

/**
 * Runs the commands of the finding's remedy as printed: kubectl on this machine, all others on the node. Some
 * are read-only, and their exit code means nothing; the next audit proves that the fault is gone.
 */
export async function applyRemedy(finding: Finding, node: string): Promise<void> {
  const commands = finding.remedy.flatMap((step) => (step.command === undefined ? [] : [step.command]));
  if (commands.length === 0) throw new Error(`the remedy of ${finding.check} has no command`);
  for (const line of commands) {
    if (/\b(drain|reboot)\b/.test(line)) throw new Error(`no remedy for a test: ${line}`);
    if (line.startsWith('kubectl ')) {
      const result = await run('sh', ['-c', line]);
      if (result.exitCode !== 0) throw new Error(`${line}: ${result.stderr}`);
    } else {
      // 127: no such command; 2 of sh -n: no such syntax.
      await onNode(finding.object.node ?? node, `sh -n <<'E2E'\n${line}\nE2E\n(${line}\n) || [ $? != 127 ]`);
    }
  }
}

/** Undoes one fault. */
export async function repair(injected: Injected, finding: Finding | undefined): Promise<void> {
  const { fault, node, variables } = injected;
  if (fault.repair === 'remedy') {
    if (finding === undefined) throw new Error(`${fault.id} was not found, so there is no remedy to try`);
    await applyRemedy(finding, node);
  } else {
    await runScript(fault, node, fault.repair, variables);
  }
}

/** Leaves nothing of these faults behind, whatever happened before. */
export async function cleanUp(injected: readonly Injected[]): Promise<void> {
  await inParallel(injected, async ({ fault, node, variables }) => {
    if (fault.cleanup !== undefined)
      await runScript(
        { ...fault, where: fault.where === 'pod-network' ? 'node' : fault.where },
        node,
        fault.cleanup,
        variables,
      );
  });
  await removeVictims();
}

export async function removeVictims(): Promise<void> {
  await kubectl([
    'delete',
    'deployment',
    '-n',
    NAMESPACE,
    '-l',
    'part=victim',
    '--ignore-not-found',
    '--wait=false',
  ]);
  await waitFor('the victims to be gone', async () => (await listPods('-l', 'part=victim')).length === 0);
  for (const node of await schedulableNodes()) {
    await waitFor(`the runtime of ${node} to have taken the victims' sandboxes apart`, () =>
      isQuiet(node),
    ).catch((error: Error) => console.warn(`end-to-end tests: ${error.message}`));
  }
  await kubectl(['delete', 'events', '-n', NAMESPACE, '--all', '--wait=false']);
}

/**
 * True if the node pins no more namespaces than it has pods that need one: pods leave the API before their
 * sandboxes are gone.
 */
async function isQuiet(node: string): Promise<boolean> {
  const { items } = await getJson<{ items: readonly Pod[] }>([
    'pods',
    '-A',
    '--field-selector',
    `spec.nodeName=${node}`,
  ]);
  const own = items.filter(
    (pod) => pod.status.podIP !== undefined && !pod.spec.hostNetwork && pod.status.phase === 'Running',
  );
  const pins = await inNodeNetwork(node, `grep -c ' /run/netns/cni-.* - nsfs ' /proc/1/mountinfo || :`);
  return Number(pins) <= own.length;
}

function getNode(name: string): Promise<Node> {
  return getJson<Node>(['node', name]);
}

/** After remedies, waits until every Deployment of victims and every node is intact again. */
export async function waitVictims(faults: readonly Fault[]): Promise<void> {
  const count = faults.reduce((sum, fault) => sum + victimCount(fault), 0);
  if (count > 0) await waitReady('part=victim', count);
  await waitFor('all nodes to be Ready', async () => {
    const { items } = await getJson<{ items: readonly Node[] }>(['nodes', '-l', 'kubernetes.io/os=linux']);
    return items.every(isReady);
  });
}

/** The object that the fault's finding must be about. */
export function expectedObject(injected: Injected): Readonly<Record<string, string>> {
  const { fault, variables } = injected;
  if (fault.object === undefined) return { kind: 'pod', namespace: NAMESPACE, name: variables.POD ?? '' };
  return Object.fromEntries(
    Object.entries(fault.object).map(([key, value]) => [key, fill(value, variables)]),
  );
}

/** Removes what an interrupted run left on the nodes; needs nothing but the names that the faults use. */
export async function cleanNodes(nodes: readonly string[]): Promise<void> {
  await removeVictims();
  await inParallel(nodes, async (node) => {
    await onNode(
      node,
      `for p in /proc/[0-9]*; do case "$(tr '\\0' ' ' 2>/dev/null < "$p/cmdline" || :)" in 'sleep 8640'[2-9]*) kill "\${p#/proc/}" ;; esac; done
for pin in $(awk '/e2e-cover/ { print $5 }' /proc/self/mountinfo); do umount "$pin" 2>/dev/null && rm -f "$pin" 2>/dev/null || :; done
for pin in /run/netns/cni-e2e*; do [ -e "$pin" ] || continue; umount "$pin" 2>/dev/null || :; rm -f "$pin"; done
for link in veth0e2e0004 veth0e2e0009 e2eheld0 e2ehidden0; do ip link del $link 2>/dev/null || :; done; for pref in 30400 92 93 94; do ip rule del pref $pref 2>/dev/null || :; done
iptables -D FORWARD -j DROP 2>/dev/null || :; echo 1 > /proc/sys/net/ipv4/ip_forward
rm -f /etc/cni/net.d/00-e2e.conf /etc/cni/net.d/00-e2e.conflist; [ ! -e /opt/cni/bin/.portmap.e2e ] || mv /opt/cni/bin/.portmap.e2e /opt/cni/bin/portmap
cd /etc/cni/net.d; for file in /run/e2e-*.conflist; do [ -e "$file" ] || continue; cat "$file" > "\${file#/run/e2e-}"; rm "$file"; done
for copy in /run/e2e-mounts/*; do [ ! -e "$copy" ] || umount "$copy"; done; rm -rf /run/e2e-mounts
rm -rf /run/containerd/io.containerd.runtime.v2.task/k8s.io/e2e[0-9]* /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/e2e* /var/lib/cni/results/e2e-*
rm -f /opt/cni/bin/e2e-share
rm -f /run/e2e-cover /run/e2e.pid.*
for file in /var/lib/cni/networks/*/[0-9]*; do [ ! -f "$file" ] || { [ -s "$file" ] && ! grep -q '^e2e0' "$file"; } || rm -f "$file"; done`,
    );
  });
}
