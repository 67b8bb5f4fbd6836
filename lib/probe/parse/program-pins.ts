/** `cni/program-pins`: paths of pins below /sys/fs/bpf, as Cilium's agent names them. */
import type { CniConfig } from '../../model/cni.ts';
import { lines } from './lines.ts';

/** More than two for each pod of a large node. */
const KEPT = 5000;

export function parseProgramPins(text: string): NonNullable<CniConfig['programPins']> {
  const paths = lines(text).slice(0, KEPT);
  const named = (pattern: RegExp) => [...new Set(paths.flatMap((path) => pattern.exec(path)?.[1] ?? []))];
  return {
    endpoints: named(/\/endpoints\/(\d{1,5})\/links\/\w{1,40}$/),
    maps: named(/\/globals\/(\w{1,50})$/),
  };
}
