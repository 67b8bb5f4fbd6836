/**
 * What a healthy node runs beside Kubernetes, and an audit must leave alone: docker, firewalld, a service mesh and
 * a policy engine, each with the rules, links and processes that it makes.
 */
import {
  apply,
  findOnNodes,
  inNetworkOf,
  inNodeNetwork,
  kubectl,
  listPods,
  NAMESPACE,
  onNode,
  type Platform,
  POD_IMAGE,
  type PodOnNode,
  type Variables,
  waitReady,
} from './cluster.ts';
import { baseChain } from './firewalld.ts';
import { inParallel } from './run.ts';

type Software = {
  /** On the node with its programs, or with the injector's programs in the node's network. */
  readonly where: typeof onNode;
  readonly start: string;
  /** Also after a start that failed halfway. */
  readonly stop: string;
};

/** A container of docker: pinned where docker pins, in a cgroup such as docker's, on no pod's bridge. */
const dockerContainer: Software = {
  where: onNode,
  start: `mkdir -p /run/docker/netns; : >/run/docker/netns/e2e0c0ffee00
unshare --net=/run/docker/netns/e2e0c0ffee00 true
nsenter --net=/run/docker/netns/e2e0c0ffee00 setsid sleep 86399 >/dev/null 2>&1 </dev/null &
for top in /sys/fs/cgroup/systemd /sys/fs/cgroup; do [ ! -d $top ] || break; done
group=$top/system.slice/docker-$(printf '%064d' 7).scope
mkdir -p $group; echo $! >$group/cgroup.procs`,
  stop: `pkill -f '^sleep 86399$'; umount /run/docker/netns/e2e0c0ffee00; rm -f /run/docker/netns/e2e0c0ffee00
rmdir /run/docker/netns /run/docker`,
};

/** As docker 28 writes them, with the rule that its documents have for a node that forwards for others as well. */
const dockerNetwork: Software = {
  where: inNodeNetwork,
  start: `ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0; ip link set docker0 up
pid=$(grep -lx sleep /proc/[0-9]*/comm | cut -d / -f 3 | while read -r p; do ! tr '\\0' ' ' </proc/$p/cmdline | grep -qx 'sleep 86399 ' || echo $p; done | head -n 1)
ip link add vethe2ed0c1 type veth peer name eth0 netns "$pid"; ip link set vethe2ed0c1 master docker0 up
nsenter --net=/proc/$pid/ns/net sh -ec 'ip address add 172.17.0.2/16 dev eth0; ip link set eth0 up; ip link set lo up; ip route add default via 172.17.0.1'
for chain in DOCKER DOCKER-BRIDGE DOCKER-CT DOCKER-FORWARD DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do iptables -N $chain; done
iptables -I DOCKER-USER ! -i docker0 ! -o docker0 -j ACCEPT
iptables -A DOCKER ! -i docker0 -o docker0 -j DROP
iptables -A DOCKER-BRIDGE -o docker0 -j DOCKER
iptables -A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
iptables -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
for chain in DOCKER-CT DOCKER-ISOLATION-STAGE-1 DOCKER-BRIDGE; do iptables -A DOCKER-FORWARD -j $chain; done
iptables -A DOCKER-FORWARD -i docker0 -j ACCEPT
iptables -A FORWARD -j DOCKER-USER; iptables -A FORWARD -j DOCKER-FORWARD; iptables -P FORWARD DROP
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8188 -j DNAT --to-destination 172.17.0.2:80
iptables -t raw -A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP`,
  stop: `iptables -P FORWARD ACCEPT
iptables -D FORWARD -j DOCKER-USER; iptables -D FORWARD -j DOCKER-FORWARD
for chain in $(iptables -S | sed -n 's/^-N \\(DOCKER.*\\)/\\1/p'); do iptables -F $chain; done
for chain in $(iptables -S | sed -n 's/^-N \\(DOCKER.*\\)/\\1/p'); do iptables -X $chain; done
iptables -t nat -D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -D OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -F DOCKER; iptables -t nat -X DOCKER
iptables -t raw -D PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
ip link delete vethe2ed0c1; ip link delete docker0`,
};

/** What pods and nodes send is in the zone "trusted"; anything else is refused at the end of each chain, as it does. */
const firewalld: Software = {
  where: inNodeNetwork,
  start: `nft -f - <<RULES
table inet firewalld {
  ${baseChain('INPUT')}
  ${baseChain('FORWARD')}
  chain filter_INPUT_ZONES {
    ip saddr { $TRUSTED } goto filter_IN_trusted
    iifname "docker0" goto filter_IN_docker
    goto filter_IN_public
  }
  chain filter_FORWARD_ZONES {
    ip saddr { $TRUSTED } goto filter_FWD_trusted
    iifname "docker0" goto filter_FWD_docker
    goto filter_FWD_public
  }
  chain filter_IN_trusted { accept; }
  chain filter_FWD_trusted { accept; }
  chain filter_IN_docker { accept; }
  chain filter_FWD_docker { accept; }
  chain filter_IN_public { tcp dport { 22, 6443, 10250 } accept; meta l4proto { icmp, ipv6-icmp } accept; }
  chain filter_FWD_public { oifname "docker0" reject with icmpx admin-prohibited; }
}
RULES`,
  stop: 'nft delete table inet firewalld',
};

/** What the agent of Istio's ambient mode has on each node: probes of the kubelet keep a sender that it knows. */
const meshOnNode: Software = {
  where: inNodeNetwork,
  start: `iptables -t nat -N ISTIO_POSTRT; iptables -t nat -A POSTROUTING -j ISTIO_POSTRT
for ip in $MESHED; do iptables -t nat -A ISTIO_POSTRT -d $ip -p tcp -m owner --socket-exists -j SNAT --to-source 169.254.7.127; done`,
  stop: `iptables -t nat -D POSTROUTING -j ISTIO_POSTRT; iptables -t nat -F ISTIO_POSTRT; iptables -t nat -X ISTIO_POSTRT`,
};

const inMeshedPod = `iptables-legacy -t nat -N ISTIO_PRERT; iptables-legacy -t nat -N ISTIO_OUTPUT
iptables-legacy -t nat -A PREROUTING -j ISTIO_PRERT; iptables-legacy -t nat -A OUTPUT -j ISTIO_OUTPUT
iptables-legacy -t nat -A ISTIO_PRERT -s 169.254.7.127/32 -p tcp -j ACCEPT
iptables-legacy -t nat -A ISTIO_PRERT ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -j REDIRECT --to-ports 15006
iptables-legacy -t nat -A ISTIO_OUTPUT -d 169.254.7.127/32 -p tcp -j ACCEPT
iptables-legacy -t nat -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -j ACCEPT
iptables-legacy -t nat -A ISTIO_OUTPUT -p tcp -j REDIRECT --to-ports 15001`;

/** kube-router's, for a pod whose policy lets its own kind in alone. */
const policyEngine: Software = {
  where: inNodeNetwork,
  start: `iptables -N KUBE-ROUTER-FORWARD; iptables -N KUBE-NWPLCY-E2E; iptables -I FORWARD -j KUBE-ROUTER-FORWARD
n=0; for ip in $POLICED; do
  n=$((n + 1)); pod=KUBE-POD-FW-E2E$n; iptables -N $pod
  iptables -A KUBE-NWPLCY-E2E -s $ip -j MARK --set-xmark 0x10000/0x10000
  for side in -d -s; do iptables -A KUBE-ROUTER-FORWARD $side $ip -j $pod; done
  iptables -A $pod -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -A $pod -d $ip -m addrtype --src-type LOCAL -j ACCEPT
  iptables -A $pod -d $ip -j KUBE-NWPLCY-E2E
  iptables -A $pod -s $ip -j MARK --set-xmark 0x10000/0x10000
  iptables -A $pod -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with icmp-port-unreachable
  iptables -A $pod -j MARK --set-xmark 0/0x10000
  iptables -A $pod -j MARK --set-xmark 0x20000/0x20000
done
iptables -A KUBE-ROUTER-FORWARD -m mark --mark 0x20000/0x20000 -j ACCEPT`,
  stop: `iptables -D FORWARD -j KUBE-ROUTER-FORWARD; iptables -F KUBE-ROUTER-FORWARD; iptables -X KUBE-ROUTER-FORWARD
for chain in $(iptables -S | sed -n 's/^-N \\(KUBE-POD-FW-E2E.*\\)/\\1/p'); do iptables -F $chain; iptables -X $chain; done
iptables -F KUBE-NWPLCY-E2E; iptables -X KUBE-NWPLCY-E2E`,
};

const isEnforced = ({ plugin }: Platform): boolean => ['calico', 'cilium-cni'].includes(plugin);

/** Two pods in a mesh, and two that a NetworkPolicy guards. */
function pods(): readonly object[] {
  const deployment = (name: string, annotations: Variables) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE, labels: { part: 'other-software' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, part: 'other-software' }, annotations },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            { name: 'main', image: POD_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '86400'] },
          ],
        },
      },
    },
  });
  return [
    deployment('meshed', { 'ambient.istio.io/redirection': 'enabled' }),
    deployment('policed', {}),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'policed', namespace: NAMESPACE, labels: { part: 'other-software' } },
      spec: {
        podSelector: { matchLabels: { app: 'policed' } },
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'policed' } } }] }],
      },
    },
  ];
}

/** Starts all of it on every node; a network that enforces policies itself gets no second policy engine. */
export async function startOtherSoftware(nodes: readonly string[], platform: Platform): Promise<void> {
  await stopOtherSoftware(nodes);
  await apply(pods());
  const found = await findOnNodes(await waitReady('part=other-software', 4));
  const of = (app: string) => found.filter(({ pod }) => pod.metadata.labels?.app === app);
  await inParallel(of('meshed'), (pod) => inNetworkOf(pod.node, pod.variables.PID ?? '', inMeshedPod));
  const trusted = (await trustedRanges(found)).join(', ');
  const all = [
    dockerContainer,
    dockerNetwork,
    firewalld,
    meshOnNode,
    ...(isEnforced(platform) ? [] : [policyEngine]),
  ];
  const addresses = (on: string, app: string) =>
    of(app).flatMap(({ node, variables }) => (node === on ? [variables.IP ?? ''] : []));
  await inParallel(nodes, async (node) => {
    const variables = {
      TRUSTED: trusted,
      MESHED: addresses(node, 'meshed').join(' '),
      POLICED: addresses(node, 'policed').join(' '),
    };
    for (const { where, start } of all) await where(node, start, variables);
  });
}

/** /16 networks of the pods and of the nodes. */
async function trustedRanges(found: readonly PodOnNode[]): Promise<readonly string[]> {
  const ofNodes = (await listPods('-l', 'app=injector')).map(({ status }) => status.podIP ?? '');
  const addresses = [...ofNodes, ...found.map(({ variables }) => variables.IP ?? '')];
  return [...new Set(addresses.map((address) => `${address.split('.').slice(0, 2).join('.')}.0.0/16`))];
}

/** Leaves nothing of it behind. */
export async function stopOtherSoftware(nodes: readonly string[]): Promise<void> {
  await inParallel(nodes, async (node) => {
    for (const { where, stop } of [policyEngine, meshOnNode, firewalld, dockerNetwork, dockerContainer])
      await where(node, `set +e\nexec 2>/dev/null\n${stop}\ntrue`);
  });
  const ours = ['deployment,networkpolicy', '-n', NAMESPACE, '-l', 'part=other-software'];
  await kubectl(['delete', ...ours, '--ignore-not-found']);
}

/** Ends kube-proxy and the CNI's agent on a node; whatever started them starts them again. */
export async function restartAgents(node: string): Promise<void> {
  await onNode(
    node,
    'for name in kube-proxy flanneld calico-node ipamd aws-k8s-agent cilium-agent; do pkill -x $name || :; done',
  );
}
