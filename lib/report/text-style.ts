/** How the text report is set: its options, and its colours. */
import { styleText } from 'node:util';
import type { Severity } from '../model/finding.ts';
import type { NodeCoverage, Verdict } from '../model/report.ts';

export type TextOptions = {
  readonly colour: boolean;
  /** Columns of the terminal; commands are never wrapped, as somebody will copy them. */
  readonly width: number;
  /** Names what exceptions cover; else it is counted. */
  readonly verbose?: boolean;
  /** Shows every finding with its proof and repair; else those that are new or critical, and of many alike some. */
  readonly details?: boolean;
  /** Where the report is kept, as `--store` names it; null where it is not. @default the directory that needs no naming */
  readonly store?: string | null;
};

type Style = Parameters<typeof styleText>[0];

const styles = {
  // Told apart by more than the shade of one colour.
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

/** Text in the colours of what it means, where colours are wanted. */
export function paint(
  meaning: keyof typeof styles,
  text: string,
  { colour }: Pick<TextOptions, 'colour'>,
): string {
  return colour ? styleText(styles[meaning] as Style, text, { validateStream: false }) : text;
}
