/** The text of probe.sh as it goes into the pod: without comments and indentation, to stay far below etcd's limits. */
import { readFileSync } from 'node:fs';

/** Strips what sh does not need. Lines of embedded awk and jq programs have no lines that begin with `#` either. */
export function compactScript(source: string): string {
  return source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}

let script: string | undefined;

/** The probe's script; read once from beside this module (bundles keep probe.sh beside their entry point). */
export function probeScript(): string {
  script ??= compactScript(readFileSync(new URL('./probe.sh', import.meta.url), 'utf8'));
  return script;
}
