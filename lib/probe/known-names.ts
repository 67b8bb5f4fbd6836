/**
 * Names that reveal nothing about a cluster and that checks rely on: they are kept when a bundle's names are
 * replaced.
 */
import { pluginWords } from '../model/cni-plugins.ts';

/** Parts of names, as separated by hyphens, dots, slashes and underscores. */
const words = `
  default kube system public lease kubernetes io k8s dns coredns proxy node nodes master worker control plane pod pods apiserver
  svc cluster local localdomain localhost internal compute ec2 eks gke aks amazonaws amazon aws azure azmk8s com net org dkr ecr registry docker
  quay ghcr gcr pkg dev public gallery cattle tigera operator
  cni calico cilium flannel canal weave antrea ovn multus whereabouts istio linkerd kuma kmesh consul ambient mesh sidecar init validation redirection enabled disabled
  netns audit auditor probe canary repair netshoot nicolaka host container containerd crio cri runc crun podman buildkit pause sandbox runtime
  linux amd64 arm64 x86 true false none null yes inet inet6 ipv4 ipv6 tcp udp sctp icmp link global bridge veth loopback vxlan
  geneve wireguard dummy bond vlan tunnel netkit accept drop reject return jump goto masquerade snat dnat mark filter nat mangle raw
  input output forward prerouting postrouting ingress egress clsact nftables iptables legacy kernel neigh route rule table main unicast
  blackhole unreachable prohibit throw static permanent reachable stale failed up down unknown search nameserver options ndots proc run
  var lib etc usr bin sbin opt root sys tmp conf config json results networks slice scope service systemd kubelet kubepods burstable
  besteffort guaranteed running pending succeeded ready task grpc resolv etcd metrics state
  table chain hook priority policy type counter packets bytes comment set elements iifname oifname saddr daddr dport sport limit rate log
  prefix meta skuid gid uid established related new invalid queue match statistic mode random probability ether promisc multicast broadcast
  qdisc noqueue mtu dev via src scope proto metric onlink table hosts boot id
`;

const known: ReadonlySet<string> = new Set([
  ...words.trim().split(/\s+/),
  ...pluginWords.flatMap((name) => name.split(/[^A-Za-z0-9]+/)),
]);

/** True for a part of a name that reveals nothing: a common word, a number or a hash. */
export function isCommon(part: string): boolean {
  return (
    known.has(part.toLowerCase()) ||
    /^\d{1,11}$|^\d{8}T\d{6}Z$/.test(part) ||
    /^(?:\d+[a-z]|[a-z]\d+)$/.test(part) ||
    /^(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}$/.test(part) ||
    /^(?:eth|ens|eno|enp|lo|net|cni|veth|docker|virbr|br)\d+[a-z0-9]*$/.test(part)
  );
}

/**
 * True for a part that is not replaced: also one that cannot be distinguished from other text, as it is short
 * or could be hexadecimal.
 */
export function staysAsItIs(part: string): boolean {
  return part.length < 3 || isCommon(part) || (/^[0-9a-f]+$/i.test(part) && /[a-f]/i.test(part));
}
