/** `netns-audit doctor --store PLACE`: reads the whole store and prints how to repair it. */
import { examineStore } from '../lib/audit/examine-store.ts';
import { assertThere, openStore } from '../lib/audit/index.ts';
import { AuditError } from '../lib/model/errors.ts';
import { printable, printableLines } from '../lib/model/printable.ts';
import { EXIT } from './exit.ts';

/**
 * Reads a whole store, and prints each damaged part with its remedy.
 *
 * @param place - directory or s3://bucket/prefix
 * @throws AuditError USAGE if there is no store, ABORTED, STORE if it cannot be listed
 */
export async function runDoctorOfStore(place: string): Promise<void> {
  const store = openStore(place);
  if (store === null)
    throw new AuditError('USAGE', '--store none has nothing to look at', {
      remedy: 'Use a directory or s3://bucket/prefix.',
    });
  await assertThere(store);
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const { stdout, stderr } = process;
  const isLive = stderr.isTTY === true && process.env.CI === undefined;
  const clear = (): void => {
    if (isLive) stderr.write('\r\u001b[2K');
  };
  let shown = 0;
  try {
    const { objects, damaged, leftovers } = await examineStore(store, {
      signal: interrupt.signal,
      onDamage: ({ message, remedy }) => {
        clear();
        stdout.write(`DAMAGED  ${printable(message, 1000)}\n`);
        for (const line of printableLines(remedy, 2000).split('\n')) stdout.write(`         ${line}\n`);
      },
      onObject: (count) => {
        if (!isLive || Date.now() - shown < 100) return;
        shown = Date.now();
        stderr.write(`\r\u001b[2K${count} objects read`);
      },
    });
    clear();
    const left = leftovers === 0 ? '' : `, left by killed writers: ${leftovers}`;
    stdout.write(`${printable(store.location)}: objects read: ${objects}, damaged: ${damaged}${left}\n`);
    process.exitCode = damaged + leftovers === 0 ? EXIT.ok : EXIT.undelivered;
  } finally {
    clear();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
