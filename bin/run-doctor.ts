/** `netns-audit doctor`: prints each prerequisite, and how to fix the broken ones. */
import { SnsNotifier } from '../lib/alert/index.ts';
import { examine } from '../lib/audit/doctor.ts';
import { defaultStore, openStore } from '../lib/audit/index.ts';
import type { ClusterTarget } from '../lib/cluster/index.ts';
import type { AuditError } from '../lib/model/errors.ts';
import { printable } from '../lib/model/printable.ts';
import { EXIT, exitCodeOf, tryingAgain } from './exit.ts';
import { readAlerts } from './read-alerts.ts';
import { version } from './version.ts';

export type DoctorOptions = {
  readonly probeNamespace: string;
  readonly image: string;
  readonly pullSecret?: string;
  readonly privileged?: boolean;
  readonly node?: string;
  readonly deadline: number;
  readonly store?: string;
  readonly topic?: string;
  readonly alerts?: string;
};

const WORDS = { ok: 'ok     ', failed: 'BROKEN ', skipped: 'skipped' } as const;

export async function runDoctor(target: ClusterTarget, options: DoctorOptions): Promise<void> {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const broken: AuditError[] = [];
  try {
    const prerequisites = examine(target, {
      version: version(),
      namespace: options.probeNamespace,
      image: options.image,
      pullSecret: options.pullSecret ?? null,
      privileged: options.privileged === true,
      node: options.node ?? null,
      deadlineSeconds: options.deadline,
      store: openStore(options.store ?? defaultStore()),
      isStoreNamed: options.store !== undefined,
      notifiers: [
        ...(options.topic === undefined ? [] : [new SnsNotifier(options.topic)]),
        ...(options.alerts === undefined ? [] : readAlerts(options.alerts).notifiers),
      ],
      onUnanswered: (error) => process.stderr.write(tryingAgain(error)),
      signal: interrupt.signal,
    });
    for await (const { name, result, detail, error } of prerequisites) {
      process.stdout.write(
        `${`${WORDS[result]}  ${name.padEnd(13)}  ${printable(detail, 500)}`.trimEnd()}\n`,
      );
      if (error === undefined) continue;
      broken.push(error);
      process.stdout.write(`${' '.repeat(24)}${printable(error.remedy, 600)}\n`);
    }
    process.exitCode = broken[0] === undefined ? EXIT.ok : exitCodeOf(broken[0]);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
