import { readFileSync } from 'node:fs';

/**
 * The version in package.json.
 * @throws Error if it has none: not checked by zod, which takes longer to load than the help
 */
export function version(): string {
  const { version: text }: { version?: unknown } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  if (typeof text !== 'string') throw new Error('package.json has no version');
  return text;
}
