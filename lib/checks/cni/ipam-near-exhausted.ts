import { ipamObject } from '../../computed/addresses/allocations.ts';
import { familyOf } from '../../computed/cidr.ts';
import { counted, quote } from '../../model/text.ts';
import { defineCheck, fail, notApplicable, pass } from '../define.ts';
import { cordon, uncordon } from '../remedies/node.ts';
import { repair } from '../remedies/steps.ts';

const NEARLY = 0.9;

export const ipamNearExhausted = defineCheck({
  id: 'ipam-near-exhausted',
  topic: 'cni',
  severity: 'high',
  title: 'The node has addresses left for new pods',
  failureTitle: 'Node is almost out of pod addresses',
  why:
    'Once the range is used up, every new pod on the node stays in ContainerCreating with "no IP ' +
    'addresses available in range set", while the scheduler keeps placing pods there.',
  needs: ['ipam', 'sandboxes', 'node', 'pods'],
  run({ ipam, sandboxes, node: { maxPods }, pods }, { node }) {
    const ids = new Set(sandboxes.map(({ id }) => id));
    const running = pods.filter(({ phase }) => phase === 'Pending' || phase === 'Running').length;
    return ipam.map((store) => {
      const object = ipamObject(store, node);
      if (store.kind === 'aws')
        return notApplicable(object, 'ipamd attaches more addresses when it needs them');
      if (store.kind === 'calico')
        return notApplicable(object, 'Calico gives the node another block when it needs one');
      if (store.capacity === null || store.capacity <= 0) {
        return notApplicable(object, 'the size of the range is not known');
      }
      // Dual stack takes one address of each family; the capacity is that of the IPv4 range, if there is one.
      const families = new Set(store.allocations.map(({ address }) => familyOf(address)));
      const taken = store.allocations.filter(({ address }) => !families.has(4) || familyOf(address) === 4);
      const free = Math.max(0, store.capacity - taken.length);
      const enough = maxPods !== null && free > 0 && free >= maxPods - running;
      if (taken.length < store.capacity * NEARLY || enough) return pass(object);
      const unowned = taken.filter(({ containerId }) => !ids.has(containerId)).length;
      return fail(object, {
        detail:
          `${taken.length} of ${store.capacity} addresses of ${quote(store.network, 60)} are taken, ${free} ` +
          `free${unowned === 0 ? '' : `; ${unowned} of them by no sandbox (see ipam-leaked)`}.`,
        confidence: 'confirmed',
        // A node that has all the pods it takes needs no more addresses.
        ...(free === 0 && running < (maxPods ?? Number.POSITIVE_INFINITY)
          ? { severity: 'critical' as const }
          : {}),
        evidence: [
          {
            what: 'addresses taken',
            expected: `less than ${Math.ceil(store.capacity * NEARLY)} of ${store.capacity}`,
            actual: String(taken.length),
            source: store.path,
          },
          {
            what: 'taken by no sandbox',
            expected: '0',
            actual: String(unowned),
            source: `${store.path} and the runtime's sandboxes`,
          },
          {
            what: 'pods on the node',
            actual: `${running} of ${maxPods ?? 'an unknown number'}`,
            source: 'API: pods, node.status.allocatable',
          },
        ],
        remedy: [
          ...(unowned === 0
            ? []
            : [
                repair(
                  `Free the ${counted(unowned, 'address', 'addresses')} that no sandbox has, as ipam-leaked says.`,
                ),
              ]),
          cordon(node, 'Keep new pods away.'),
          repair("Give the node a larger range, or set the kubelet's maxPods below the size of the range."),
          uncordon(node, 'Once addresses are free'),
        ],
      });
    });
  },
});
