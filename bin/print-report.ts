/** Prints a report to standard output, and sets its exit code. */
import { whyByCheck } from '../lib/checks/catalogue.ts';
import { hasFindings, isIncomplete } from '../lib/diagnosis/verdict.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { type Format, type PageOptions, write } from '../lib/report/index.ts';
import { EXIT } from './exit.ts';
import { type FailOn, reportWidth, wantsColour } from './options.ts';

/** @param page - what a page shows besides the report */
export function printReport(
  report: ClusterReport,
  options: {
    output: Format;
    failOn: FailOn;
    color: boolean;
    verbose?: boolean;
    details?: boolean;
    store?: string | null;
    checkAgain?: string | null;
    remediateWith?: readonly string[];
    inPod?: boolean;
  },
  page: Partial<PageOptions> = {},
): void {
  const { stdout } = process;
  stdout.write(
    write(report, options.output, {
      colour: wantsColour(stdout, options.color),
      width: reportWidth(stdout),
      why: whyByCheck,
      ...page,
      verbose: options.verbose === true,
      details: options.details === true,
      ...(options.store === undefined ? {} : { store: options.store }),
      inPod: options.inPod === true,
      ...(options.remediateWith === undefined ? {} : { remediateWith: options.remediateWith }),
      ...(options.checkAgain === undefined ? {} : { checkAgain: options.checkAgain }),
    }),
  );
  const fails = options.failOn !== 'never' && hasFindings(report, options.failOn);
  process.exitCode = fails ? EXIT.findings : isIncomplete(report) ? EXIT.incomplete : EXIT.ok;
}
