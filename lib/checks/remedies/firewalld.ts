/** How pods' packets pass firewalld, which judges them by the zones of their links and senders. */
import { familyOf } from '../../computed/cidr.ts';
import type { Drop } from '../../computed/firewall/forwarding.ts';
import { networkOfPods } from '../../computed/path/pod-packets.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { command, repair, repairOnNode } from './steps.ts';

/** `drop`: a rule of firewalld's table. `address`: of a pod. */
export function trustPods({ table, base }: Drop, address: string, node: string): RemedyStep[] {
  const pods = networkOfPods(address);
  const accept = [
    familyOf(address) === 4 ? 'ip' : 'ip6',
    /output/i.test(base) ? 'daddr' : 'saddr',
    pods,
    'accept',
  ];
  return [
    repairOnNode(
      node,
      `let the packets of pods pass, until firewalld loads its rules again. ${pods} stands for the pods of the cluster: compare it with yours.`,
      command('nft', 'insert', 'rule', ...table.split(' '), base, ...accept),
    ),
    repair(
      `Then tell firewalld, on each node that runs it: firewall-cmd --permanent --zone=trusted --add-source=${pods}, and firewall-cmd --reload.`,
    ),
  ];
}
