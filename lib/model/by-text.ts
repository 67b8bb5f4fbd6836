/** Orders text by its characters, whatever the locale: the same everywhere, and as programs on nodes sort. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
