import { knownDefects } from '../../computed/kernel/known-bad-kernels.ts';
import { quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, pass } from '../define.ts';
import { cordon, drain, uncordon } from '../remedies/node.ts';
import { repair } from '../remedies/steps.ts';

/** A version is a risk, not a fault: severity low. */
export const kernelKnownBad = defineCheck({
  id: 'kernel-known-bad',
  topic: 'kernel',
  severity: 'low',
  title: 'The kernel has no known defect in network namespaces',
  failureTitle: 'Kernel has a known bug in network namespaces',
  why:
    'Some kernels leak, miscount or fail to remove network namespaces. Faults on such a node return ' +
    'until its kernel is replaced, whatever you do to its pods.',
  needs: ['host', 'kernel'],
  run({ host: { kernelRelease }, kernel: { sysctls } }, { node }) {
    const object = nodeObject(node);
    const defects = knownDefects(kernelRelease, sysctls);
    const first = defects[0];
    if (first === undefined) return [pass(object)];
    const release = quote(kernelRelease, 80);
    return [
      fail(object, {
        detail: `${release}: ${defects.map(({ name, defect }) => `${name}: ${defect}`).join('; ')}.`,
        confidence: 'probable',
        evidence: defects.map(({ fixedIn, reference, sysctl }) => ({
          what: 'kernel release',
          expected: fixedIn,
          actual: sysctl === undefined ? release : `${release}, ${sysctl.name}=${sysctl.value}`,
          source: `uname -r (${reference})`,
        })),
        remedy: [
          cordon(node, `Move the node to an image with ${first.fixedIn}: keep new pods away first.`),
          drain(node, 'Move the pods away.'),
          repair('Then replace the node, or upgrade its kernel and reboot.'),
          uncordon(node, 'Once it is back with the other kernel and Ready'),
        ],
      }),
    ];
  },
});
