import { describe, expect, it } from 'vitest';
import { probePod, repairPod } from '../../lib/probe/index.ts';
import { repairScript } from '../../lib/probe/repair-script.ts';

const common = { runId: 'run', node: 'node-1', expires: new Date(0), activeDeadlineSeconds: 600 };
const orphan = { name: 'cni-00000000-0000-4000-8000-000000000001', inode: 4026532999, made: 1_700_000_000 };
const pod = (act: boolean, orphans = [orphan]) => repairPod({ ...common, orphans, act, settleSeconds: 900 });

describe('the pod that repairs a node', () => {
  it('is told the namespaces as they were found, and nothing that a shell would run', () => {
    const [container] = pod(true).spec.containers;
    expect(container?.args).toEqual([
      'act=1',
      'settle=900',
      'total=540',
      `orphan=${orphan.name}:4026532999:1700000000`,
    ]);
    expect(container?.command[2]?.replaceAll('$$', () => '$')).toBe(repairScript());
    expect(pod(false).spec.containers[0]?.args[0]).toBe('act=0');
  });

  it('has no more rights than the probe, runs where nobody else may start pods, and is known as what it is', () => {
    const [own] = pod(true).spec.containers;
    const [probe] = probePod(common).spec.containers;
    expect(own?.securityContext).not.toHaveProperty('privileged', true);
    const rights = own?.securityContext.capabilities.add ?? [];
    expect(rights).toContain('SYS_ADMIN');
    expect(probe?.securityContext).toMatchObject({
      capabilities: { add: expect.arrayContaining([...rights]) },
    });
    expect(pod(true).metadata.namespace).toBe('netns-audit-remediate');
    expect(pod(true).metadata.labels['app.kubernetes.io/component']).toBe('repair');
  });

  it('is an object that the API server takes, and arguments that Linux does, with two thousand namespaces', () => {
    const many = pod(
      true,
      Array.from({ length: 2000 }, () => orphan),
    );
    expect(JSON.stringify(many).length).toBeLessThan(500_000);
  });
});
