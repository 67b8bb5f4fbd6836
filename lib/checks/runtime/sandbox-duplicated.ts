import type { Sandbox } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { defineCheck, fail, notApplicable, pass, podObject } from '../define.ts';
import { stopSandbox } from '../remedies/sandbox.ts';
import { repair } from '../remedies/steps.ts';

/** The kubelet or runtime lost track of an earlier attempt, which holds a second address. */
export const sandboxDuplicated = defineCheck({
  id: 'sandbox-duplicated',
  topic: 'runtime',
  about: 'sandboxes',
  severity: 'high',
  title: 'No pod has two ready sandboxes',
  failureTitle: 'Pod has more than one ready sandbox',
  why:
    'The pod runs twice on the node, or an earlier attempt was never stopped. Each sandbox holds an ' +
    'address and links, and only one is in the API. If they have the same address, connections go to ' +
    'either.',
  needs: ['sandboxes'],
  run({ sandboxes }, { node, now, settleSeconds }) {
    const ready = sandboxes.filter(({ state, uid }) => state === 'ready' && uid !== '');
    const byPod = Map.groupBy(
      ready,
      ({ namespace, name, uid }) => `${namespacedName({ namespace, name })}/${uid}`,
    );
    return [...byPod.values()].map((group) => {
      const [first] = group;
      const object = podObject(first ?? { namespace: '', name: '' }, node);
      if (group.length < 2) return pass(object);
      const ordered = group.toSorted(byAge);
      const newest = ordered.at(-1);
      if (!group.every(({ stable }) => stable))
        return notApplicable(object, 'the sandboxes changed while they were looked at');
      const age = newest?.createdAt == null ? null : (now - Date.parse(newest.createdAt)) / 1000;
      if (age !== null && age < settleSeconds.pod)
        return notApplicable(object, 'a new sandbox was only just created: the old one may be stopping');
      const live = group.filter(({ process }) => process === 'running');
      return fail(object, {
        detail: `${group.length} ready sandboxes of one pod: ${ordered.map(describe).join(', ')}.`,
        confidence: live.length >= 2 ? 'confirmed' : 'probable',
        evidence: [
          {
            what: 'ready sandboxes of the pod',
            expected: 'one',
            actual: ordered.map(describe).join(', '),
            source: "the runtime's sandbox specs",
          },
          {
            what: 'of which with a live process',
            expected: '1',
            actual: String(live.length),
            source: '/proc/PID/cgroup',
          },
        ],
        remedy: [
          repair(
            `Keep the newest (${newest?.id.slice(0, 13)}), which the kubelet works with, and stop the earlier ones.`,
          ),
          ...ordered.slice(0, -1).map((sandbox) => stopSandbox(sandbox, node)),
        ],
      });
    });
  },
});

function byAge(a: Sandbox, b: Sandbox): number {
  return (a.attempt ?? 0) - (b.attempt ?? 0) || (a.createdAt ?? '').localeCompare(b.createdAt ?? '');
}

function describe(sandbox: Sandbox): string {
  const attempt = sandbox.attempt === null ? '' : ` (attempt ${sandbox.attempt})`;
  const inode = sandbox.networkNamespace === null ? '' : ` in net:[${sandbox.networkNamespace}]`;
  return `${sandbox.id.slice(0, 13)}${attempt}${inode}`;
}
