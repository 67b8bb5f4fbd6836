/** A report on standard output, and the exit code that it means. */
import { reasons } from '../lib/checks/catalogue.ts';
import { hasFindings, isIncomplete } from '../lib/diagnosis/verdict.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import type { Totals } from '../lib/model/totals.ts';
import { type Format, write } from '../lib/report/index.ts';
import { EXIT } from './exit.ts';
import { type FailOn, reportWidth, wantsColour } from './options.ts';

/** @param past - earlier runs, which a page draws */
export function printReport(
  report: ClusterReport,
  options: {
    output: Format;
    failOn: FailOn;
    color: boolean;
    verbose?: boolean;
    details?: boolean;
    store?: string | null;
  },
  past: readonly Totals[] | null = null,
): void {
  const { stdout } = process;
  stdout.write(
    write(report, options.output, {
      colour: wantsColour(stdout, options.color),
      width: reportWidth(stdout),
      why: reasons,
      past,
      verbose: options.verbose === true,
      details: options.details === true,
      ...(options.store === undefined ? {} : { store: options.store }),
    }),
  );
  const fails = options.failOn !== 'never' && hasFindings(report, options.failOn);
  process.exitCode = fails ? EXIT.findings : isIncomplete(report) ? EXIT.incomplete : EXIT.ok;
}
