import { familyOf } from '../../computed/cidr.ts';
import { logged, recent, reportedForADay } from '../../computed/kernel/kernel-log.ts';
import { sysctlNumber } from '../../computed/kernel/sysctls.ts';
import type { AuditedObject } from '../../model/finding.ts';
import type { NetworkStack } from '../../model/network.ts';
import { counted } from '../../model/text.ts';
import { defineCheck, fail, notApplicable, type Outcome, pass, unknown } from '../define.ts';
import { raisedByTool, raiseLimits } from '../remedies/raise-limits.ts';
import { lookOnNode } from '../remedies/steps.ts';

const NEARLY = 0.9;
/** Every network namespace has this setting. If it was read, a setting missing beside it does not exist. */
const FORWARDING = 'net.ipv4.ip_forward';
const tables = [
  { family: 4, name: 'arp_cache', entries: 'ipv4' },
  { family: 6, name: 'ndisc_cache', entries: 'ipv6' },
] as const;

/** All namespaces share one table and its limit, so entries of pods count (docs/traps.md T46). */
export const neighbourTableNearFull = defineCheck({
  id: 'neighbour-table-near-full',
  topic: 'kernel',
  severity: 'high',
  title: 'The neighbour tables have room',
  failureTitle: "Node's neighbour table is full or almost full",
  why:
    'One table serves the node and all its pods. When it is full, the kernel cannot resolve new ' +
    'neighbours: pods fail at random to reach each other or the gateway.',
  needs: ['kernel', 'kernelLog', 'hostNetwork', 'namespaces'],
  run({ kernel, kernelLog, hostNetwork, namespaces }, { node, now }) {
    const stacks = [
      hostNetwork,
      ...namespaces.flatMap(({ host, stack }) => (host || stack.status !== 'present' ? [] : [stack.value])),
    ];
    return tables.map(({ family, name, entries }): Outcome => {
      const object: AuditedObject = { kind: 'node', name: node, path: name };
      const overflow = recent(kernelLog, now).filter(({ text }) =>
        new RegExp(`neighbour: ${name}: neighbor table overflow!`).test(text),
      );
      const sysctl = `net.ipv${family}.neigh.default.gc_thresh3`;
      const limit = sysctlNumber(kernel, sysctl) ?? Number.NaN;
      const all = kernel.neighbours[entries];
      const last = overflow.at(-1);
      // The kernel shows these settings only in the first network namespace, so a node that is a container
      // has none.
      if (
        last === undefined &&
        kernel.sysctls[sysctl] === undefined &&
        kernel.sysctls[FORWARDING] !== undefined
      ) {
        return notApplicable(object, `the node has no ${sysctl}: the limit is that of the machine below it`);
      }
      if (last === undefined && (all === null || !(limit > 0))) {
        return unknown(object, `entries of ${name} or ${sysctl} could not be read`);
      }
      // Since 5.2 the kernel does not count the permanent entries of CNI plugins (flannel has one per node).
      const held = all === null ? null : Math.max(0, all - permanent(stacks, family));
      const full = held !== null && limit > 0 && held >= limit * NEARLY;
      if (last === undefined && !full) return pass(object);
      const limits = `net.ipv${family}.neigh.default.gc_thresh` as const;
      // Each is a power of two above the current number, in the kernel's own ratio 1 : 4 : 8.
      const thresholds = [8, 2, 1].map((part, index) => ({
        from: sysctlNumber(kernel, `${limits}${index + 1}`),
        to: raised(limit, held) / part,
      }));
      const value = `${held ?? 'an unknown number'} of ${limit > 0 ? limit : 'an unknown limit'}`;
      return fail(object, {
        detail:
          `${value} entries in ${name}` +
          `${last === undefined ? '.' : `; the kernel reported overflow ${counted(overflow.length, 'time')} in a day, last at ${last.at}. ${reportedForADay(last, 'the number of entries stays below the limit and no such message follows')}`}`,
        confidence: full && last !== undefined ? 'confirmed' : 'probable',
        evidence: [
          {
            what: `entries of ${name} without permanent ones`,
            ...(limit > 0 ? { expected: `less than ${Math.ceil(limit * NEARLY)}` } : {}),
            actual: value,
            source: `/proc/net/stat/${name}, ${sysctl}`,
          },
          ...(last === undefined ? [] : [{ what: 'last overflow', actual: logged(last), source: 'dmesg' }]),
        ],
        remedy: [
          ...(last === undefined
            ? []
            : [
                lookOnNode(
                  node,
                  `check whether it goes on: lines later than ${last.at}, and the entries in use now.`,
                  `dmesg -T | grep '${name}: neighbor table overflow' | tail -n 3; ip -${family} neigh | wc -l; sysctl ${sysctl}`,
                ),
              ]),
          lookOnNode(
            node,
            'find out which links have the most neighbours.',
            `ip -${family} neigh | awk '{print $3}' | sort | uniq -c | sort -rn | head`,
          ),
          ...raiseLimits(node, limits, thresholds),
        ],
        // An overflow of yesterday may long have been met, which a person has to see.
        ...(full ? raisedByTool(limits, thresholds) : {}),
      });
    });
  },
});

function permanent(stacks: readonly NetworkStack[], family: 4 | 6): number {
  return stacks.reduce(
    (sum, { neighbours }) =>
      sum +
      neighbours.filter(
        ({ destination, states }) => familyOf(destination) === family && states.includes('PERMANENT'),
      ).length,
    0,
  );
}

function raised(limit: number, entries: number | null): number {
  return Math.max(
    4096,
    2 ** Math.ceil(Math.log2(2 * Math.max(Number.isFinite(limit) ? limit : 1, entries ?? 1))),
  );
}
