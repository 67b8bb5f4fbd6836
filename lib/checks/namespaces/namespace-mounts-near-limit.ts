import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHARE = 0.8;
/** One `ip netns add` mounts every pin a second time, which is harmless. */
const COPIES = 2;
const FEW = 50;

/** A Bidirectional mount of the pin directory multiplies its mounts until no more can be created (containerd#1546). */
export const namespaceMountsNearLimit = defineCheck({
  id: 'namespace-mounts-near-limit',
  topic: 'namespaces',
  severity: 'high',
  title: 'The node has room for more mounts',
  failureTitle: 'Mounts near their limit, or pins mounted repeatedly',
  why:
    'At fs.mount-max no namespace can be pinned and no volume mounted: new pods fail with "no space ' +
    'left on device", however much disk space is free.',
  needs: ['mounts'],
  run({ mounts }, { node }) {
    const object = nodeObject(node);
    const { pinned } = mounts;
    const evidence = [
      {
        what: 'mounts',
        ...(mounts.limit === null ? {} : { expected: `under ${Math.floor(mounts.limit * SHARE)}` }),
        actual: `${mounts.total}${mounts.limit === null ? '' : ` of ${mounts.limit}`}`,
        source: '/proc/1/mountinfo, fs.mount-max',
      },
      {
        what: 'mounts of namespaces',
        expected: `${pinned}, one a namespace`,
        actual: String(mounts.nsfs),
        source: '/proc/1/mountinfo',
      },
    ];
    const look = lookOnNode(
      node,
      'find out which directories are mounted most often',
      `awk '{print $5}' /proc/1/mountinfo | sort | uniq -c | sort -rn | head`,
    );
    const cause =
      'Find the pod that mounts the pin directory with "mountPropagation: Bidirectional" and give it ' +
      'HostToContainer; then drain and reboot the node, as the copies do not go away by themselves.';
    if (mounts.limit !== null && mounts.total > mounts.limit * SHARE) {
      return [
        fail(object, {
          detail: `${mounts.total} of at most ${mounts.limit} mounts are in use, ${mounts.nsfs} of them for ${pinned} pinned namespaces.`,
          confidence: 'confirmed',
          evidence,
          remedy: [
            look,
            repair(cause),
            repairOnNode(
              node,
              'raise the limit as a stop-gap, until the next boot',
              `sysctl -w fs.mount-max=${mounts.limit * 2}`,
            ),
          ],
        }),
      ];
    }
    if (mounts.nsfs > FEW && mounts.nsfs > pinned * COPIES) {
      return [
        fail(object, {
          detail: `${pinned} pinned namespaces take ${mounts.nsfs} mounts: they are being multiplied.`,
          confidence: 'probable',
          severity: 'medium',
          evidence,
          remedy: [look, repair(cause)],
        }),
      ];
    }
    return [
      mounts.limit === null
        ? notApplicable(object, 'this kernel has no limit of mounts (fs.mount-max)')
        : pass(object),
    ];
  },
});
