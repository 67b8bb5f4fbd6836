import { logged, recent, reportedForADay } from '../../computed/kernel/kernel-log.ts';
import { sysctlNumber } from '../../computed/kernel/sysctls.ts';
import type { KernelMessage } from '../../model/evidence.ts';
import type { AuditedObject } from '../../model/finding.ts';
import {
  defineCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  podObject,
  unknown,
} from '../define.ts';
import { lookOnNode, repairOnNode } from '../remedies/steps.ts';

const NEARLY = 0.9;
const FULL = /(?:nf|ip)_conntrack: (?:nf_conntrack: )?table full, dropping packet/;
const LIMIT = 'net.netfilter.nf_conntrack_max';

/** Each namespace counts its own entries against one limit for the node (docs/traps.md T46). */
export const conntrackNearFull = defineCheck({
  id: 'conntrack-near-full',
  topic: 'kernel',
  severity: 'high',
  title: 'The connection tracking tables have room',
  failureTitle: 'Connection tracking table is full or almost full',
  why:
    'When the table is full, the kernel drops the first packet of every new connection: DNS and new ' +
    'requests fail at random while established connections go on.',
  needs: ['kernel', 'kernelLog', 'podNetworks'],
  run({ kernel, kernelLog, podNetworks }, { node, now }) {
    const limit = sysctlNumber(kernel, LIMIT) ?? Number.NaN;
    const last = recent(kernelLog, now).findLast(({ text }) => FULL.test(text));
    const isFull = (entries: number | null) => entries !== null && limit > 0 && entries >= limit * NEARLY;
    const pods = podNetworks.flatMap(({ pod, stack, namespace }): Outcome[] => {
      const entries = stack?.conntrackEntries ?? null;
      const object = podObject(pod, node);
      if (entries === null || !(limit > 0)) return [];
      return [
        isFull(entries) ? failure(object, node, entries, limit, last, `netns ${namespace}`) : pass(object),
      ];
    });
    const object = nodeObject(node);
    const entries = kernel.conntrackEntries;
    if (isFull(entries))
      return [failure(object, node, entries, limit, last, "the node's own netns"), ...pods];
    if (last !== undefined && !pods.some(({ result }) => result === 'fail')) {
      // The table was full within the day, in a namespace that the message does not name.
      return [failure(object, node, entries, limit, last, "the node's own netns"), ...pods];
    }
    if (entries !== null && limit > 0) return [pass(object), ...pods];
    return entries === null && !(limit > 0)
      ? [notApplicable(object, 'connection tracking is not loaded'), ...pods]
      : [unknown(object, `the number of entries or ${LIMIT} could not be read`), ...pods];
  },
});

function failure(
  object: AuditedObject,
  node: string,
  entries: number | null,
  limit: number,
  last: KernelMessage | undefined,
  where: string,
): Outcome {
  const now = `${entries ?? 'an unknown number'} of ${limit > 0 ? limit : 'an unknown number of'} entries`;
  const nearly = entries !== null && limit > 0 && entries >= limit * NEARLY;
  return fail(object, {
    detail: `${now} now${last === undefined ? '.' : `; the kernel dropped packets for a full table, last at ${last.at}. ${reportedForADay(last, 'the number of entries stays below the limit and no such message follows')}`}`,
    confidence: nearly && last !== undefined ? 'confirmed' : 'probable',
    evidence: [
      {
        what: 'connection tracking entries',
        ...(limit > 0 ? { expected: `less than ${Math.ceil(limit * NEARLY)}` } : {}),
        actual: now,
        source: `net.netfilter.nf_conntrack_count (${where}), ${LIMIT}`,
      },
      ...(last === undefined ? [] : [{ what: 'last report', actual: logged(last), source: 'dmesg' }]),
    ],
    remedy: [
      ...(last === undefined
        ? []
        : [
            lookOnNode(
              node,
              `check whether it goes on: lines later than ${last.at}, and the entries in use now.`,
              `dmesg -T | grep 'table full' | tail -n 3; sysctl net.netfilter.nf_conntrack_count ${LIMIT}`,
            ),
          ]),
      lookOnNode(
        node,
        'find out who has the most connections (in the namespace of the pod, if a pod is named).',
        "conntrack -L 2>/dev/null | grep -o -m 100000 'src=[^ ]*' | sort | uniq -c | sort -rn | head",
      ),
      repairOnNode(
        node,
        'raise the limit; kube-proxy sets it again at its start (conntrack.maxPerCore), so change it there as well.',
        `sysctl -w ${LIMIT}=${2 * Math.max(Number.isFinite(limit) ? limit : 0, entries ?? 0, 65_536)}`,
      ),
    ],
  });
}
