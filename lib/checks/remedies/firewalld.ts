/** How pods' packets pass firewalld, which judges them by the zones of their links and senders. */
import { networkAround } from '../../computed/cidr.ts';
import type { Drop } from '../../computed/firewall/forwarding.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { command, repair, repairOnNode } from './steps.ts';
import { acceptInNft, isOfSent } from './take-back.ts';

/** `drop`: a rule of firewalld's table. `address`: of a pod. */
export function trustPods(drop: Drop, address: string, node: string): RemedyStep[] {
  const pods = networkAround(address);
  const inNft = acceptInNft(drop, [pods]);
  const toZone = command('firewall-cmd', '--zone=trusted', `--add-source=${pods}`);
  return [
    repairOnNode(
      node,
      `let the packets of pods pass, until firewalld loads its rules again. ${pods} stands for the pods of the cluster: compare it with yours.`,
      // firewalld may own its table: then nft may not write there.
      isOfSent(drop) ? inNft : `${toZone} || ${inNft}`,
    ),
    repair(
      `Then tell firewalld for good, on each node that runs it: firewall-cmd --permanent --zone=trusted --add-source=${pods}`,
    ),
  ];
}
