import { describe, expect, it } from 'vitest';
import { linkProgramMissing } from '../../../lib/checks/path/link-program-missing.ts';
import type { LinkProgram } from '../../../lib/model/network.ts';
import { aPodNetwork, context, failures } from '../evidence.ts';
import { aCiliumPod } from '../layouts.ts';

const LINK = 'lxc0a1b2c3d4e5f';
const { network } = aCiliumPod();
const attached = (...programs: string[]) => [{ link: LINK, in: programs, out: [] }];
const filter: LinkProgram = {
  link: LINK,
  place: 'in',
  kind: 'bpf',
  priority: 1,
  name: 'cil_from_container-lxc0a1b2c3d4e5f',
  classic: false,
  drops: null,
};
const run = (attachedPrograms: ReturnType<typeof attached>, ...linkPrograms: LinkProgram[]) =>
  linkProgramMissing.run({ podNetworks: [network], attachedPrograms, linkPrograms }, context);

describe('link-program-missing', () => {
  it('finds a pod of Cilium whose link has no program, and has the agent attach it again', () => {
    const [found] = failures(run(attached()));
    expect(found?.detail).toContain(`No program stands on ${LINK}`);
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'pod', name: 'web-1' } });
    expect(found?.remedy.map(({ command }) => command)).toContain(
      'kubectl delete pod -n kube-system -l k8s-app=cilium --field-selector spec.nodeName=node-1',
    );
  });

  it('passes a program that is attached, and one in a filter as on kernels before 6.6', () => {
    expect(run(attached('cil_from_contai'))).toMatchObject([{ result: 'pass' }]);
    expect(run(attached(), filter)).toMatchObject([{ result: 'pass' }]);
  });

  it.each<[string, Partial<LinkProgram>]>([
    ['on what is sent to the pod', { place: 'out' }],
    ['of classic BPF', { classic: true }],
    ['of another kind', { kind: 'matchall' }],
    ['on another link', { link: 'lxc00000000beef' }],
  ])('is not content with a filter %s', (_, changes) => {
    expect(failures(run(attached(), { ...filter, ...changes }))).toHaveLength(1);
  });

  it('knows nothing of a link that the kernel said nothing about, and judges no pod of another plugin', () => {
    expect(run([])).toMatchObject([{ result: 'unknown' }]);
    const podNetworks = [aPodNetwork()];
    expect(
      linkProgramMissing.run({ podNetworks, attachedPrograms: [], linkPrograms: [] }, context),
    ).toMatchObject([{ result: 'notApplicable' }]);
  });
});
