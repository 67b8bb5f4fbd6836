/** Options and colors of the text report. */
import { styleText } from 'node:util';
import type { Severity } from '../model/finding.ts';
import type { NodeCoverage, Verdict } from '../model/report.ts';

export type TextOptions = {
  readonly colour: boolean;
  /** Columns of the terminal; commands are never wrapped, as somebody will copy them. */
  readonly width: number;
  /** Lists suppressed findings; else only counts them. */
  readonly verbose?: boolean;
  /** Shows every finding with evidence and repair; else only new or critical ones, and a few of many alike. */
  readonly details?: boolean;
  /**
   * Location of the store, as `--store` names it; null if there is none. @default the directory that needs no
   * naming
   */
  readonly store?: string | null;
  /** Why each check matters: its first sentence says what the fault does. @default nothing is said */
  readonly why?: ReadonlyMap<string, string>;
  /** The command that shows whether repairs of these findings helped; null if none does. @default null */
  readonly checkAgain?: string | null;
  /** Options of the audit that `remediate` needs again, to reach the same cluster for example. @default none */
  readonly remediateWith?: readonly string[];
  /** A pod prints it, into its log: nobody can give that audit other options. @default false */
  readonly inPod?: boolean;
};

type Style = Parameters<typeof styleText>[0];

const styles = {
  // Distinct in more than the shade of one color.
  critical: ['bold', 'inverse', 'red'],
  high: ['bold', 'red'],
  medium: 'yellow',
  low: 'cyan',
  healthy: ['bold', 'green'],
  degraded: ['bold', 'yellow'],
  incomplete: ['bold', 'magenta'],
  audited: 'green',
  partial: 'magenta',
  failed: 'magenta',
  skipped: 'dim',
  resolved: 'green',
  strong: 'bold',
  aside: 'dim',
} as const satisfies Record<
  Severity | Verdict | NodeCoverage['result'] | 'resolved' | 'strong' | 'aside',
  Style
>;

/** Text in the color of its meaning, if colors are wanted. */
export function paint(
  meaning: keyof typeof styles,
  text: string,
  { colour }: Pick<TextOptions, 'colour'>,
): string {
  return colour ? styleText(styles[meaning] as Style, text, { validateStream: false }) : text;
}
