import type { AnyCheck } from '../define.ts';
import { clusterDnsUnserved } from './cluster-dns-unserved.ts';
import { nodeClusterDnsWrong } from './node-cluster-dns-wrong.ts';
import { nodeResolvConfLoop } from './node-resolv-conf-loop.ts';
import { resolvConfMissing } from './resolv-conf-missing.ts';
import { resolvConfUnexpected } from './resolv-conf-unexpected.ts';

export const dnsChecks: readonly AnyCheck[] = [
  clusterDnsUnserved,
  nodeClusterDnsWrong,
  resolvConfMissing,
  resolvConfUnexpected,
  nodeResolvConfLoop,
];
