import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { planText, question, resultText, sum, summary } from '../../bin/remediate-text.ts';
import type { ActResult } from '../../lib/audit/index.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { mostObjects } from '../../lib/probe/index.ts';
import { actsWithin } from '../../lib/repair/act.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { leaked } from '../repair/calico.ts';
import { aFinding, aLeakedPair, anOrphan, aReport, leakedRecords, somethingLost } from '../report/sample.ts';
import { run } from './run.ts';

describe('whoever asks for repairs of a check', () => {
  it('is told that there is none of that name, and not that there is nothing to repair', async () => {
    const { error, code } = await run('remediate', '--only', 'namespaces-orphaned');
    expect(error).toContain('--only namespaces-orphaned: there is no such check');
    expect(code).toBe(2);
  });
});

describe('whoever names a pod that a reboot may lose', () => {
  it('is told where that is no name of a pod', async () => {
    const { error, code } = await run('remediate', '--lose-pod', 'shop/web-1', 'web-2');
    expect(error).toContain('--lose-pod web-2 is not namespace/name');
    expect(code).toBe(2);
  });
});

describe('whoever asks for a drain', () => {
  it('is told where a pod is named', async () => {
    const { error, code } = await run('remediate', '--drain', '--pod', 'shop/web-1');
    expect(error).toContain('--drain does not go with --pod');
    expect(code).toBe(2);
  });

  it('gets no other repair', () => {
    const restart = aFinding({
      check: 'cni-agent-down',
      object: { kind: 'node', name: 'node-1' },
      repair: { kind: 'restart-agent', namespace: 'kube-system', selector: 'k8s-app=calico-node' },
    });
    const asked = { check: 'cni-agent-down', node: 'node-1' };
    const kinds = (drain: boolean) =>
      planRepairs(aReport({ findings: [restart] }), { ...asked, drain }).acts.map(({ kind }) => kind);
    expect(kinds(false)).toEqual(['restart-agent']);
    expect(kinds(true)).toEqual([]);
  });
});

describe('the manifests', () => {
  const kindsOf = async (...args: string[]): Promise<string[]> =>
    parseAllDocuments((await run('manifests', ...args)).out).map((document) => {
      const { kind, metadata } = document.toJS();
      return `${kind} ${metadata.namespace ?? '-'} ${metadata.name}`;
    });

  it('have what repairs need only where it is asked for, with a policy of its own for the pods', async () => {
    const without = await kindsOf();
    expect(without.filter((each) => each.includes('remediate'))).toEqual([]);
    const more = (await kindsOf('--remediate')).filter((each) => !without.includes(each));
    expect(more).toEqual(
      expect.arrayContaining([
        'Namespace - netns-audit-remediate',
        'Role netns-audit-remediate netns-auditor-remediate',
        'ValidatingAdmissionPolicy - netns-auditor-remediate',
        'ValidatingAdmissionPolicyBinding - netns-auditor-remediate',
      ]),
    );
    expect(await kindsOf('--remediate', '--no-admission-policy')).not.toContain(
      'ValidatingAdmissionPolicy - netns-auditor-remediate',
    );
  });

  it("have the rights to write Calico's own records only where they are asked for by name", async () => {
    const without = await kindsOf('--remediate');
    expect((await kindsOf('--remediate', '--calico')).filter((each) => !without.includes(each))).toEqual([
      'ClusterRole - netns-auditor-calico',
      'ClusterRoleBinding - netns-auditor-calico',
    ]);
    const bound = parseAllDocuments((await run('manifests', '--calico')).out)
      .map((document) => document.toJS())
      .find(
        ({ kind, metadata }) => kind === 'ClusterRoleBinding' && metadata.name === 'netns-auditor-calico',
      );
    expect(bound.subjects.map(({ name }: { name: string }) => name)).toEqual(['netns-auditor-calico']);
    expect((await kindsOf('--remediate', '--reboot')).some((each) => each.includes('calico'))).toBe(false);
  });

  it('have the right to reboot nodes only where it is asked for by name', async () => {
    const without = await kindsOf('--remediate');
    expect(without.filter((each) => each.includes('reboot'))).toEqual([]);
    expect((await kindsOf('--remediate', '--reboot')).filter((each) => !without.includes(each))).toEqual([
      'ClusterRole - netns-auditor-reboot',
      'ClusterRoleBinding - netns-auditor-reboot',
    ]);
  });
});

describe('what is said of repairs', () => {
  const plan = (...findings: Finding[]) => {
    const report = aReport({ findings });
    return { report, plan: planRepairs(report, {}) };
  };
  const orphans = Array.from({ length: 7 }, (_, at) => anOrphan(at + 1));

  it('names how many namespaces of which node would go, some of them, and what is refused', () => {
    const planned = plan(...orphans, anOrphan(8, { runs: 1 }), aFinding());
    const text = planText(planned.plan, planned.report, 5, 400);
    expect(text).toContain('Delete 7 orphaned namespaces.');
    expect(text).toMatch(/^node-1 +7: (cni-\S+, ){4}cni-\S+ and 2 more$/m);
    expect(text).toContain('Recreate 1 pod.');
    expect(text).toContain('--limit lets 5 of these be tried.');
    expect(text).toMatch(
      /cni-\S+8 on node-1 \(namespace-orphaned\): one audit has seen it, and two are wanted/,
    );
    expect(question(actsWithin(planned.plan.acts, 3, mostObjects), 'prod-eu')).toBe(
      `  node-1: ${orphans
        .slice(0, 3)
        .map(({ object }) => object.name)
        .join(', ')}\nDelete 3 orphaned namespaces of prod-eu? Type yes: `,
    );
    expect(question(actsWithin(planned.plan.acts, 8, mostObjects), 'prod-eu')).toMatch(
      /\n {2}pod shop\/web-1 on node-1\nDelete 7 orphaned namespaces and recreate 1 pod of prod-eu\? Type yes: $/,
    );
    expect(text).toContain('that host-local keeps no record of its address');
  });

  it('names the pairs and records of a node, and asks for them by what they are', () => {
    const planned = plan(aLeakedPair(1), leakedRecords(), anOrphan(1));
    const text = planText(planned.plan, planned.report, 10, 400);
    expect(text).toMatch(/^Delete 1 pair that leads into no pod\./m);
    expect(text).toMatch(/^node-1 +1: veth00000001$/m);
    expect(text).toMatch(/^Free 2 addresses of host-local, under its own lock/m);
    expect(text).toMatch(/^node-1 +2: lab\/10\.1\.1\.5, lab\/fd00::5$/m);
    expect(question(actsWithin(planned.plan.acts, 10, mostObjects), 'prod-eu')).toMatch(
      /\nDelete 1 pair and free 2 addresses and delete 1 orphaned namespace of prod-eu\? Type yes: $/,
    );
  });

  it('names addresses of Calico by their blocks, and takes no more than the limit', () => {
    const addresses = ['10.244.1.9', '10.244.1.10'];
    const found = aFinding({
      check: 'ipam-leaked',
      object: { kind: 'file', name: 'calico-ipam', node: 'node-1' },
      repair: {
        kind: 'release-allocations',
        allocations: addresses.map((address) => ({ ...leaked, address })),
      },
      runs: 2,
    });
    const planned = plan(found);
    const text = planText(planned.plan, planned.report, 10, 400);
    expect(text).toMatch(/^Free 2 addresses in Calico's blocks, through the API server, if at that moment/m);
    expect(text).toMatch(/^node-1 +2: 10-244-1-8-30\/10\.244\.1\.9, 10-244-1-8-30\/10\.244\.1\.10$/m);
    expect(question(actsWithin(planned.plan.acts, 1, mostObjects), 'prod-eu')).toBe(
      '  node-1: 10-244-1-8-30/10.244.1.9\nFree 1 address of Calico of prod-eu? Type yes: ',
    );
    const [act] = planned.plan.acts;
    if (act === undefined) throw new Error('no act');
    const answers = [
      { name: '10-244-1-8-30/10.244.1.9', word: 'refused', detail: 'its block is gone' },
    ] as const;
    expect(resultText({ act, result: 'refused', detail: '0 freed, 1 refused', answers })).toContain(
      'its block is gone: 10-244-1-8-30/10.244.1.9',
    );
  });

  it('names what pods lost, and says how to take back what was put back', () => {
    const planned = plan(somethingLost());
    const text = planText(planned.plan, planned.report, 10, 400);
    expect(text).toMatch(/^Put back 2 objects that running pods, or their node, lost\./m);
    expect(text).toMatch(/^node-1 +2: shop\/web-1\/learning, shop\/web-1\/isolated$/m);
    const [act] = planned.plan.acts;
    if (act === undefined) throw new Error('no act');
    expect(question([act], 'prod-eu')).toMatch(/\nPut back 2 objects of prod-eu\? Type yes: $/);
    const answers = [
      { name: 'shop/web-1/learning', word: 'done' as const, detail: 'it is as it should be' },
      { name: 'shop/web-1/isolated', word: 'refused' as const, detail: 'its plugins isolate their ports' },
    ];
    expect(resultText({ act, result: 'done', detail: '1 put back, 1 refused', answers })).toBe(
      `done: shop/web-1/learning, shop/web-1/isolated on node-1: 1 put back, 1 refused
  refused: its plugins isolate their ports: shop/web-1/isolated
  To take it back, as root on node-1:
    ip link set veth12345678 type bridge_slave learning off`,
    );
  });

  it('names the node that would be rebooted, and what is done before and after', () => {
    const hung = aFinding({
      check: 'kernel-netns-hung',
      object: { kind: 'node', name: 'node-1' },
      repair: { kind: 'reboot-node' },
    });
    const report = aReport({ findings: [hung] });
    const named = planRepairs(report, { check: 'kernel-netns-hung', node: 'node-1' });
    const text = planText(named, report, 10, 400);
    expect(text).toMatch(/^Drain and reboot 1 node\. It is cordoned, its pods are evicted, /m);
    expect(text).toMatch(/^node-1 +kernel-netns-hung$/m);
    expect(question(named.acts, 'prod-eu')).toBe(
      '  node node-1\nDrain and reboot 1 node of prod-eu? Type yes: ',
    );
    expect(planText(planRepairs(report, {}), report, 10, 400)).toContain(
      'node-1 (kernel-netns-hung): the tool reboots a node only if it is named: --only CHECK --node NODE',
    );
  });

  it('names the node that would be drained in place of a reboot, and then how it is replaced', () => {
    const hung = aFinding({
      check: 'kernel-netns-hung',
      object: { kind: 'node', name: 'node-1' },
      repair: { kind: 'reboot-node' },
    });
    const report = aReport({ findings: [hung] });
    const named = planRepairs(report, { check: 'kernel-netns-hung', node: 'node-1', drain: true });
    expect(planText(named, report, 10, 400)).toMatch(
      /^Drain 1 node in place of a reboot\. It is cordoned, /m,
    );
    const [act] = named.acts;
    if (act === undefined) throw new Error('no act');
    expect(question([act], 'prod-eu')).toBe('  node node-1\nDrain 1 node of prod-eu? Type yes: ');
    const next = ['End it:', '  aws autoscaling terminate-instance-in-auto-scaling-group'];
    expect(resultText({ act, result: 'done', detail: '2 pods were moved', answers: [], next })).toBe(
      'done: node-1: 2 pods were moved\n  End it:\n    aws autoscaling terminate-instance-in-auto-scaling-group',
    );
    expect(planText(planRepairs(report, { drain: true }), report, 10, 400)).toContain(
      'the tool drains a node only if it is named: --only CHECK --node NODE',
    );
  });

  it('tells the reason of each namespace that was refused, and counts namespaces', () => {
    const [act] = plan(...orphans).plan.acts;
    if (act === undefined) throw new Error('no act');
    const answers = orphans.map(({ object: { name } }, at) =>
      at < 5
        ? { name, word: 'done' as const, detail: 'no link no address' }
        : { name, word: 'refused' as const, detail: 'its pin is gone' },
    );
    const result: ActResult = { act, result: 'done', detail: '5 deleted, 2 refused', answers };
    expect(resultText(result)).toMatch(
      /5 deleted, 2 refused\n {2}refused: its pin is gone: cni-\S+6, cni-\S+7$/,
    );
    const of = { wanted: 7, beyond: 290, isRehearsal: false };
    expect(summary([result], of)).toBe('5 of 7 in order, 2 refused. 290 more were not tried (--limit).');
    const unseen: ActResult = {
      ...result,
      result: 'unseen',
      answers: answers.map((answer) => ({ ...answer, word: answer.word === 'done' ? 'would' : 'left' })),
    };
    expect(summary([unseen], { ...of, beyond: 0, isRehearsal: true })).toBe(
      '5 of 7 would be repaired, 0 refused, 2 left; nothing was changed.',
    );
  });

  it('counts what is as it should be as in order, although there was nothing to do', () => {
    const [act] = plan(...orphans).plan.acts;
    if (act === undefined) throw new Error('no act');
    const settled = { name: 'shop/a', word: 'refused' as const, detail: 'it is as it should be' };
    const other = { ...settled, name: 'shop/b', detail: 'it is gone' };
    const result: ActResult = { act, result: 'done', detail: '', answers: [settled, other] };
    expect(resultText(result)).toContain(
      '\n  in order already: it is as it should be: shop/a\n  refused: it is gone',
    );
    const of = { wanted: 2, beyond: 0, isRehearsal: false };
    expect(summary([result], of)).toBe('1 of 2 in order, 1 refused.');
    expect(sum([result], (word) => word === 'refused')).toBe(1);
    expect(summary([result], { ...of, isRehearsal: true })).toBe(
      '0 of 2 would be repaired, 1 refused, 1 in order already; nothing was changed.',
    );
  });
});
