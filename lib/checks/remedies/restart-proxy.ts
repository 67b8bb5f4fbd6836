/** How kube-proxy is restarted, by the process that it runs in. */
import type { RemedyStep } from '../../model/finding.ts';
import { command, repairOnNode } from './steps.ts';

/** @param process - as the kernel names it */
export function restartProxy(process: string, node: string): RemedyStep {
  const unit = process === 'k3s-agent' ? 'k3s-agent' : 'k3s';
  if (process === 'kube-proxy')
    return repairOnNode(
      node,
      'restart kube-proxy, which writes all of its rules when it starts. Its kubelet, or its unit, starts it ' +
        'again; connections go on.',
      command('pkill', '-KILL', '-x', 'kube-proxy'),
    );
  return repairOnNode(
    node,
    'restart the service that kube-proxy runs in; it writes all of its rules when it starts. Pods keep running.',
    process === 'kubelite'
      ? command('snap', 'restart', 'microk8s.daemon-kubelite')
      : command('systemctl', 'restart', unit),
  );
}
