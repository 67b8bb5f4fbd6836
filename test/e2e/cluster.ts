/**
 * The cluster under test, accessed with kubectl, and the injector: a privileged pod on each node through
 * which tests break things the way accidents do, with ordinary commands on the node or in a pod's network
 * namespace.
 */
import { type RunOptions, type RunResult, run, waitFor } from './run.ts';

/** Kubernetes namespace of everything that these tests create. */
export const NAMESPACE = 'netns-audit-e2e';
export const INJECTOR_IMAGE = process.env.NETNS_AUDIT_E2E_INJECTOR_IMAGE ?? 'nicolaka/netshoot:v0.16';
export const POD_IMAGE = process.env.NETNS_AUDIT_E2E_POD_IMAGE ?? 'docker.io/library/busybox:1';

/** The parts of API objects that the tests read. */
export type Metadata = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
};
export type Pod = {
  readonly metadata: Metadata;
  readonly spec: { readonly nodeName?: string; readonly hostNetwork?: boolean };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
};
export type Node = {
  readonly metadata: Metadata;
  readonly spec: { readonly taints?: readonly { readonly key: string; readonly effect: string }[] };
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
};

/** kubectl with the tests' KUBECONFIG; throws its output if it fails. */
export async function kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryKubectl(args, options);
  if (result.exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}${result.stdout}`);
  return result.stdout;
}

export function tryKubectl(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run('kubectl', args, options);
}

export async function getJson<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as T;
}

export async function listPods(...selection: readonly string[]): Promise<readonly Pod[]> {
  const { items } = await getJson<{ items: readonly Pod[] }>(['pods', '-n', NAMESPACE, ...selection]);
  return items;
}

/** Applies objects (as JSON, or YAML text). */
export async function apply(objects: readonly object[] | string): Promise<void> {
  if (objects.length === 0) return;
  const input =
    typeof objects === 'string'
      ? objects
      : JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await kubectl(['apply', '-f', '-'], { input });
}

export function isReady(object: Pod | Node): boolean {
  return object.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

async function linuxNodes(): Promise<readonly Node[]> {
  const { items } = await getJson<{ items: readonly Node[] }>(['nodes', '-l', 'kubernetes.io/os=linux']);
  return items;
}

/** Linux nodes that take ordinary pods, by name. */
export async function schedulableNodes(): Promise<readonly string[]> {
  return (await linuxNodes())
    .filter(
      (node) => isReady(node) && !node.spec.taints?.some((taint) => taint.effect !== 'PreferNoSchedule'),
    )
    .map((node) => node.metadata.name)
    .sort();
}

/**
 * Waits a minute for the nodes of a cluster that has just started: each is Ready, and without the taint that the
 * node controller removes some seconds later. Tests that begin before would know of some of the nodes only.
 */
export async function nodesSettled(): Promise<void> {
  await waitFor(
    'every Linux node to be Ready, without the taint node.kubernetes.io/not-ready',
    async () => {
      const nodes = await linuxNodes();
      const starting = ({ spec }: Node) =>
        spec.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready') ?? false;
      return nodes.length > 0 && nodes.every((node) => isReady(node) && !starting(node));
    },
    { seconds: 60 },
  ).catch((error: Error) => console.warn(`end-to-end tests: ${error.message}; they leave out the others`));
}

/** Starts the injector on every node and waits until it runs there. */
export async function startInjector(): Promise<void> {
  await apply([
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: NAMESPACE,
        labels: {
          'pod-security.kubernetes.io/enforce': 'privileged',
          'pod-security.kubernetes.io/warn': 'privileged',
        },
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'injector', namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: { app: 'injector' } },
        template: {
          metadata: { labels: { app: 'injector' } },
          spec: {
            hostPID: true,
            hostNetwork: true,
            terminationGracePeriodSeconds: 0,
            automountServiceAccountToken: false,
            tolerations: [{ operator: 'Exists' }],
            containers: [
              {
                name: 'injector',
                image: INJECTOR_IMAGE,
                imagePullPolicy: 'IfNotPresent',
                // Need not reap what tests leave behind: in the node's PID namespace, its PID 1 does that.
                command: ['sh', '-c', 'trap exit TERM; while :; do sleep 3600 & wait; done'],
                securityContext: { privileged: true },
              },
            ],
          },
        },
      },
    },
  ]);
  await kubectl(['rollout', 'status', '-n', NAMESPACE, 'daemonset/injector', '--timeout=120s']);
}

/** Removes all objects of these tests. */
export async function removeEverything(): Promise<void> {
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=true', '--timeout=120s']);
}

const injectors = new Map<string, string>();

async function injectorOn(node: string): Promise<string> {
  const known = injectors.get(node);
  if (known !== undefined) return known;
  for (const pod of await listPods('-l', 'app=injector')) {
    if (pod.spec.nodeName !== undefined && pod.metadata.deletionTimestamp === undefined) {
      injectors.set(pod.spec.nodeName, pod.metadata.name);
    }
  }
  const found = injectors.get(node);
  if (found === undefined) throw new Error(`no injector on node ${node}`);
  return found;
}

/** Values that scripts get as shell variables. */
export type Variables = Readonly<Record<string, string>>;

function assignments(variables: Variables): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('');
}

async function exec(
  node: string,
  words: readonly string[],
  script: string,
  variables: Variables,
): Promise<string> {
  const pod = await injectorOn(node);
  const result = await tryKubectl(['exec', '-i', '-n', NAMESPACE, pod, '--', ...words], {
    input: `set -e\n${assignments(variables)}${script}\n`,
  });
  if (result.exitCode !== 0) {
    throw new Error(`on ${node}: exit ${result.exitCode}: ${result.stderr}${result.stdout}\n${script}`);
  }
  return result.stdout;
}

/** A script on the node itself, as root, with the node's own programs. */
export function onNode(node: string, script: string, variables: Variables = {}): Promise<string> {
  return exec(
    node,
    ['nsenter', '-t', '1', '-m', '-u', '-i', '-n', '-p', '--', 'sh', '-s'],
    script,
    variables,
  );
}

/** A script in the node's network namespace with the injector's programs; /proc/1/root is the node's file system. */
export function inNodeNetwork(node: string, script: string, variables: Variables = {}): Promise<string> {
  return exec(node, ['sh', '-s'], script, variables);
}

/** A script in the network namespace of a process of the node, with the injector's programs. */
export function inNetworkOf(
  node: string,
  pid: string,
  script: string,
  variables: Variables = {},
): Promise<string> {
  return exec(node, ['nsenter', `--net=/proc/${pid}/ns/net`, 'sh', '-s'], script, variables);
}

/** A pod as its node sees it: the variables that scripts get. */
export type PodOnNode = {
  readonly pod: Pod;
  readonly node: string;
  /**
   * POD, UID, IP, PID (a process of a container), NETNS (inode), PIN (path; empty if there is none),
   * HOST_LINK, GATEWAY.
   */
  readonly variables: Variables;
};

// A container's processes are recognized by the kubelet's /etc/hosts mounted in them, with every runtime.
const describePods = `
ip -o link > /tmp/links.$$
for p in /proc/[0-9]*; do
  uid=$(sed -n 's#.*/pods/\\([0-9a-f-]\\{36\\}\\)/etc-hosts /etc/hosts .*#\\1#p' "$p/mountinfo" 2>/dev/null | head -n 1) || :
  [ -n "$uid" ] || continue
  case "$seen" in *"$uid"*) continue ;; esac
  seen="$seen $uid"
  inode=$(readlink "$p/ns/net" | tr -dc 0-9)
  pin=$(awk -v i="net:[$inode]" '$4 == i { print $5; exit }' /proc/1/mountinfo)
  [ "$(readlink /proc/1/ns/net)" != "net:[$inode]" ] || { echo "$uid|\${p#/proc/}|$inode||||"; continue; }
  index=$(nsenter --net="$p/ns/net" ip -o link show eth0 2>/dev/null | sed -n 's/.*eth0@if\\([0-9]*\\):.*/\\1/p') || :
  link=$(sed -n "s/^$index: \\([^@:]*\\)[@:].*/\\1/p" /tmp/links.$$)
  mac=$(nsenter --net="$p/ns/net" cat /proc/self/net/dev >/dev/null 2>&1; nsenter --net="$p/ns/net" ip -o link show eth0 2>/dev/null | sed -n 's#.*link/ether \\([0-9a-f:]*\\) .*#\\1#p') || :
  gateway=$(nsenter --net="$p/ns/net" ip route show default 2>/dev/null | awk '{ print $3; exit }') || :
  echo "$uid|\${p#/proc/}|$inode|$pin|$link|$gateway|$mac"
done
rm -f /tmp/links.$$`;

/** Looks up the given pods on their nodes. Pods of the node's network have no HOST_LINK and no GATEWAY. */
export async function findOnNodes(pods: readonly Pod[]): Promise<readonly PodOnNode[]> {
  const nodes = [...new Set(pods.map((pod) => pod.spec.nodeName ?? ''))].filter((name) => name !== '');
  const rows = new Map<string, readonly string[]>();
  for (const text of await Promise.all(nodes.map((node) => inNodeNetwork(node, describePods)))) {
    for (const line of text.trim().split('\n')) {
      const [uid = '', ...rest] = line.split('|');
      rows.set(uid, rest);
    }
  }
  return pods.map((pod) => {
    const row = rows.get(pod.metadata.uid);
    if (row === undefined) throw new Error(`no process of pod ${pod.metadata.name} on ${pod.spec.nodeName}`);
    const [pid = '', inode = '', pin = '', link = '', gateway = '', mac = ''] = row;
    return {
      pod,
      node: pod.spec.nodeName ?? '',
      variables: {
        POD: pod.metadata.name,
        UID: pod.metadata.uid,
        IP: pod.status.podIP ?? '',
        NODE: pod.spec.nodeName ?? '',
        PID: pid,
        NETNS: inode,
        PIN: pin,
        HOST_LINK: link,
        GATEWAY: gateway,
        MAC: mac,
      },
    };
  });
}

/** Properties of the cluster's network: faults say which of them they need. */
export type Platform = {
  /** Type of the first plugin of the first CNI configuration, such as bridge, ptp, aws-cni. */
  readonly plugin: string;
  /** Type of its IPAM, such as host-local; empty if it has none. */
  readonly ipam: string;
  /** Types of all plugins of that configuration. */
  readonly plugins: readonly string[];
  readonly crictl: boolean;
  /** Nothing rewrites the endpoints of the cluster's DNS. */
  readonly dnsByHand: boolean;
  /** kube-proxy runs in its mode nftables. */
  readonly serviceMaps: boolean;
};

export async function detectPlatform(node: string): Promise<Platform> {
  const text = await inNodeNetwork(
    node,
    `cd /proc/1/root/etc/cni/net.d; jq -c '{plugin: (.plugins[0].type // .type), ipam: (.plugins[0].ipam.type // .plugins[0].delegate.ipam.type // ""), plugins: [(.plugins // [.])[].type]}' "$(ls | grep -E '\\.(conf|conflist|json)$' | sort | head -n 1)"`,
  );
  const crictl = await onNode(node, 'command -v crictl || echo none');
  const tables = await inNodeNetwork(node, 'nft list tables');
  const found = JSON.parse(text) as Pick<Platform, 'plugin' | 'ipam' | 'plugins'>;
  const ofDns = ['-n', 'kube-system', '-l', 'kubernetes.io/service-name=kube-dns'];
  const slices = await kubectl(['get', 'endpointslices', ...ofDns, '-o', 'json']);
  return {
    ...found,
    crictl: !crictl.startsWith('none'),
    dnsByHand: !slices.includes('endpointslice.kubernetes.io/managed-by'),
    serviceMaps: /^table ip6? kube-proxy$/m.test(tables),
  };
}

/** Waits until every pod of the selection is Ready, and returns them. */
export function waitReady(selector: string, count: number): Promise<readonly Pod[]> {
  return waitFor(`${count} ready pods of ${selector}`, async () => {
    const pods = (await listPods('-l', selector)).filter(
      (pod) => pod.metadata.deletionTimestamp === undefined,
    );
    return pods.length === count && pods.every(isReady) ? pods : null;
  });
}
