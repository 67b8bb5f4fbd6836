/** Progress of a run: one line that is overwritten on a terminal, one line per node elsewhere. */
import { styleText } from 'node:util';
import type { Progress } from '../lib/audit/index.ts';
import { printable, printableLines } from '../lib/model/printable.ts';

export type ProgressLine = {
  readonly show: (progress: Progress) => void;
  /** A sentence that stays; the terminal gets it as text only. */
  readonly say: (text: string) => void;
  readonly end: () => void;
};

/** The longest text is the names of leftover pods. */
const LONGEST = 20_000;

/** One line that is overwritten on a terminal, or one line per step where there is none. */
export function progressOn(
  stream: NodeJS.WriteStream,
  options: { quiet: boolean; colour: boolean },
): ProgressLine {
  const live = stream.isTTY === true && process.env.CI === undefined && !options.quiet;
  let open = false;
  const clear = (): void => {
    if (open) stream.write('\r\u001b[2K');
    open = false;
  };
  const write = (text: string): void => {
    if (options.quiet) return;
    clear();
    stream.write(`${text}\n`);
  };
  const say = (text: string): void => write(printableLines(text, LONGEST));
  const warn = (text: string): void => {
    const safe = printableLines(text, LONGEST);
    write(options.colour ? styleText('yellow', safe, { validateStream: false }) : safe);
  };
  return {
    say,
    end: clear,
    show(progress) {
      if (progress.kind === 'swept')
        say(`Removed ${progress.pods.length} leftover probe pods: ${progress.pods.join(', ')}`);
      if (progress.kind === 'planned') {
        if (progress.nodes + progress.skipped === 0)
          say('The cluster has no nodes: there is nothing to probe.');
        else
          say(
            `Auditing ${progress.nodes} ` +
              `${progress.nodes === 1 ? 'node' : 'nodes'}` +
              `${progress.skipped > 0 ? `; ${progress.skipped} cannot be probed` : ''}.`,
          );
      }
      if (progress.kind !== 'node') return;
      const { coverage, done, nodes } = progress;
      const node = printable(coverage.node, 60);
      if (coverage.result !== 'audited')
        warn(`${node}: ${coverage.result}: ${printable(coverage.reason ?? '', 300)}`);
      else if (!live)
        say(
          `${node}: audited (${done} of ${nodes})${progress.findings > 0 ? `, findings: ${progress.findings}` : ''}`,
        );
      if (!live || options.quiet) return;
      clear();
      const width = 24;
      const filled = Math.round((done / nodes) * width);
      stream.write(`[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${done}/${nodes} ${node}`);
      open = true;
    },
  };
}
