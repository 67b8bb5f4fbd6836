/** What of a store is damaged, told on standard error, each once: the rest is shown. */
import type { OnDamage } from '../lib/history/index.ts';
import { EXIT, explain } from './exit.ts';

/** For who goes on without what is damaged, and whose exit code says something else. */
export function warnOfDamage(): OnDamage {
  const told = new Set<string>();
  return (damage) => {
    if (!told.has(damage.message))
      process.stderr.write(explain(damage).replace(/^netns-audit: /, 'netns-audit: left out: '));
    told.add(damage.message);
  };
}

/** For who shows what is in the store: that something is missing is in the exit code, too. */
export function leftOut(): OnDamage {
  const warn = warnOfDamage();
  return (damage) => {
    warn(damage);
    process.exitCode = EXIT.undelivered;
  };
}
