import { defineCheck, fail, nodeObject, pass } from '../define.ts';
import { command, repair } from '../remedies.ts';
import { quote } from '../text.ts';
import { knownDefects } from './known-bad-kernels.ts';

/** A version is a risk, not a fault: low, whatever else is found. */
export const kernelKnownBad = defineCheck({
  id: 'kernel-known-bad',
  topic: 'kernel',
  severity: 'low',
  title: 'The kernel has no known defect in network namespaces',
  failureTitle: 'Kernel with a known defect in network namespaces',
  why: 'Some kernels leak, miscount or fail to remove network namespaces. Faults on such a node come back until its kernel is replaced, whatever is done to its pods.',
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
          repair(`Move the node to an image with ${first.fixedIn}.`, command('kubectl', 'cordon', node)),
          repair(
            'Then drain it, and replace it or upgrade and reboot.',
            command('kubectl', 'drain', node, '--ignore-daemonsets', '--delete-emptydir-data'),
          ),
        ],
      }),
    ];
  },
});
