/** Devices that block the kernel while it deletes a network namespace (KL1). */
import type { KernelMessage } from '../../model/evidence.ts';
import { quote } from '../../model/text.ts';
import { isActive, recent } from './kernel-log.ts';

/** Any device name, including `vlan.eth.3` and `azv1-2`, which \w would miss. */
const WAITING = /unregister_netdevice: waiting for (\S+) to become free\. Usage count = (-?\d{1,10})(?!\d)/;
/** One or two messages are ordinary when namespaces are deleted under load (docs/traps.md T36). */
const REPEATED = 3;

export type WaitingDevice = {
  readonly device: string;
  readonly lines: readonly KernelMessage[];
  readonly count: number;
};

/** Devices that the kernel still waits for: its message repeats, is recent, and the usage count does not fall. */
export function waitingDevices(log: readonly KernelMessage[], now: number): WaitingDevice[] {
  const byDevice = new Map<string, { line: KernelMessage; count: number }[]>();
  for (const line of recent(log, now)) {
    const [, device, count] = WAITING.exec(line.text) ?? [];
    if (device === undefined) continue;
    // Device names in the kernel have at most 15 characters.
    const name = quote(device, 15);
    byDevice.set(name, [...(byDevice.get(name) ?? []), { line, count: Number(count) }]);
  }
  return [...byDevice].flatMap(([device, lines]) => {
    const [third, second, last] = lines.slice(-REPEATED);
    if (third === undefined || second === undefined || last === undefined) return [];
    const falling = last.count < second.count && second.count < third.count;
    if (falling || !isActive(last.line, now)) return [];
    return [{ device, lines: lines.map(({ line }) => line), count: last.count }];
  });
}
