/** All checks, in the order in which reports show them. */

import { addressesChecks } from './addresses/index.ts';
import { auditChecks } from './audit/index.ts';
import { awsChecks } from './aws/index.ts';
import { cniChecks } from './cni/index.ts';
import { connectivityChecks } from './connectivity/index.ts';
import type { AnyCheck } from './define.ts';
import { dnsChecks } from './dns/index.ts';
import { eventsChecks } from './events/index.ts';
import { firewallChecks } from './firewall/index.ts';
import { interfacesChecks } from './interfaces/index.ts';
import { isolationChecks } from './isolation/index.ts';
import { kernelChecks } from './kernel/index.ts';
import { namespacesChecks } from './namespaces/index.ts';
import { pathChecks } from './path/index.ts';
import { routesChecks } from './routes/index.ts';
import { runtimeChecks } from './runtime/index.ts';
import { vethChecks } from './veth/index.ts';

/** Checks across nodes run in this order, and each sees what those before it found. */
export const catalogue: readonly AnyCheck[] = [
  ...interfacesChecks,
  ...vethChecks,
  ...addressesChecks,
  ...routesChecks,
  ...isolationChecks,
  ...namespacesChecks,
  ...runtimeChecks,
  ...cniChecks,
  ...awsChecks,
  ...firewallChecks,
  ...pathChecks,
  ...connectivityChecks,
  ...dnsChecks,
  ...kernelChecks,
  ...eventsChecks,
  ...auditChecks,
];

/** For each check id, why the check matters. */
export const whyByCheck: ReadonlyMap<string, string> = new Map(catalogue.map(({ id, why }) => [id, why]));
