import { describe, expect, test } from 'vitest';
import { parseProcesses } from '../../lib/probe/parse/processes.ts';

describe('a process in a cgroup', () => {
  const id = 'a'.repeat(64);
  const uid = '783b7a87-bb95-487b-855c-52ee591d146f';
  test.each([
    [`/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-${id}.scope`, uid, true],
    [`/../../../burstable/pod${uid}/${id}`, uid, true],
    [`/k8s.io/${id}`, null, true],
    [`/../${id}`, null, true],
    [`/system.slice/crio-${id}.scope`, null, true],
    [`/system.slice/nerdctl-${id}.scope`, null, false],
    [`/default/${id}`, null, false],
    [`/docker/${id}`, null, false],
    [`/machine.slice/machine-libpod_pod_${id}.slice/libpod-${id}.scope`, null, false],
    ['/system.slice/containerd.service', null, false],
  ])('%s is of a pod or of none', (cgroup, podUid, ofPod) => {
    const [process] = parseProcesses(`7\t1\t2\t3\tS\t0\t${cgroup}\tsh`);
    expect(process).toMatchObject({ podUid, ofPod });
  });
});
