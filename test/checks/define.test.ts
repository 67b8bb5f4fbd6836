import { describe, expect, it } from 'vitest';
import { fail, nodeObject, podObject, type Step } from '../../lib/checks/define.ts';
import { look, podDeletionStep, repair } from '../../lib/checks/remedies/steps.ts';
import type { Repair } from '../../lib/model/repair.ts';

const web = { namespace: 'shop', name: 'web-1' };
const recreate = { kind: 'recreate-pod', ...web } as const;
const failed = (
  remedy: readonly Step[],
  {
    object = podObject(web, 'node-1'),
    said,
  }: { object?: ReturnType<typeof podObject>; said?: Repair | null } = {},
) =>
  fail(object, {
    detail: 'It is broken.',
    confidence: 'confirmed',
    evidence: [],
    remedy,
    ...(said === undefined ? {} : { repair: said }),
  });

describe('what the tool can repair of a failure', () => {
  it('is the only step that changes something, in whatever words', () => {
    expect(failed([look('See it.'), podDeletionStep(web, 'Away with it.')])).toMatchObject({
      repair: recreate,
    });
  });

  it('is nothing where more is to be done, as to other pods, with or without a command', () => {
    expect(failed([podDeletionStep(web, 'x'), repair('Recreate the others too.')])).toMatchObject({
      repair: null,
    });
    expect(failed([repair('Up.', 'ip link set lo up'), podDeletionStep(web, 'x')])).toMatchObject({
      repair: null,
    });
    expect(failed([look('Only look.')])).toMatchObject({ repair: null });
  });

  it('is nothing where the step is for a pod that the finding is not about', () => {
    expect(failed([podDeletionStep({ ...web, name: 'web-2' }, 'x')])).toMatchObject({ repair: null });
    expect(failed([podDeletionStep(web, 'x')], { object: nodeObject('node-1') })).toMatchObject({
      repair: null,
    });
  });

  it('is what the check says of its own, if the tool may touch that', () => {
    const said = { kind: 'delete-veths', name: 'veth0badcafe', index: 7 } as const;
    expect(failed([repair('One.'), repair('Two.')], { said })).toMatchObject({ repair: said });
    expect(failed([podDeletionStep(web, 'x')], { said: null })).toMatchObject({ repair: null });
    expect(failed([], { said: { ...said, name: 'eth0' } })).toMatchObject({ repair: null });
  });

  it('is said of the failure, not of its steps', () => {
    expect(failed([podDeletionStep(web, 'Delete it.')])).toMatchObject({
      remedy: [{ purpose: 'repair', text: 'Delete it.', command: 'kubectl delete pod -n shop web-1' }],
    });
    expect(JSON.stringify(failed([podDeletionStep(web, 'x')])).split('recreate-pod')).toHaveLength(2);
  });
});
