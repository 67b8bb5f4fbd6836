import type { AnyCheck } from '../define.ts';
import { firewallBackendsMixed } from './firewall-backends-mixed.ts';
import { kubeProxyGone } from './kube-proxy-gone.ts';
import { masqueradeRulesDetached } from './masquerade-rules-detached.ts';
import { meshRulesMissing } from './mesh-rules-missing.ts';
import { nodeFirewallDrops } from './node-firewall-drops.ts';
import { nodeFirewallDropsPod } from './node-firewall-drops-pod.ts';
import { nodeIpsecDropsPod } from './node-ipsec-drops-pod.ts';
import { podFirewallBlocksAll } from './pod-firewall-blocks-all.ts';
import { podFirewallUnexpected } from './pod-firewall-unexpected.ts';
import { podIpsecBlocks } from './pod-ipsec-blocks.ts';
import { serviceRulesDetached } from './service-rules-detached.ts';
import { serviceRulesStale } from './service-rules-stale.ts';
import { tunnelPortBlocked } from './tunnel-port-blocked.ts';

export const firewallChecks: readonly AnyCheck[] = [
  nodeFirewallDropsPod,
  nodeIpsecDropsPod,
  podFirewallUnexpected,
  podFirewallBlocksAll,
  podIpsecBlocks,
  meshRulesMissing,
  nodeFirewallDrops,
  firewallBackendsMixed,
  serviceRulesDetached,
  kubeProxyGone,
  serviceRulesStale,
  masqueradeRulesDetached,
  tunnelPortBlocked,
];
