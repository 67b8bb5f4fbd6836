/** Numbers as a sparkline, one character each. */

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const PLAIN = ['_', '.', ':', '-', '=', '+', '*', '#'] as const;

/** From 0 to the largest value of `scale`; a gap where there is none. */
export function sparkline(
  values: readonly (number | null)[],
  options: { readonly ascii: boolean; readonly scale?: number },
): string {
  const bars = options.ascii ? PLAIN : BLOCKS;
  const top = options.scale ?? values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  return values
    .map((value) =>
      value === null ? ' ' : (bars[top === 0 ? 0 : Math.ceil((value / top) * (bars.length - 1))] ?? bars[0]),
    )
    .join('');
}

/** Whether the terminal shows only ASCII: judged by the locale, as other tools do. */
export function isAsciiOnly(environment: NodeJS.ProcessEnv): boolean {
  if (environment.TERM === 'dumb' || environment.TERM === 'linux') return true;
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '';
  return !/utf-?8/i.test(locale) && process.platform !== 'darwin' && process.platform !== 'win32';
}
