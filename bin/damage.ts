/** Reports damaged parts of a store on standard error, each once; the rest is shown. */
import type { OnDamage } from '../lib/history/index.ts';
import { EXIT, explain } from './exit.ts';

/** For commands that go on without the damaged part, and whose exit code means something else. */
export function warnOfDamage(): OnDamage {
  const shown = new Set<string>();
  return (damage) => {
    if (!shown.has(damage.message))
      process.stderr.write(explain(damage).replace(/^netns-audit: /, 'netns-audit: left out: '));
    shown.add(damage.message);
  };
}

/** For commands that show the store: their exit code also says that something is missing. */
export function leftOut(): OnDamage {
  const warn = warnOfDamage();
  return (damage) => {
    warn(damage);
    process.exitCode = EXIT.undelivered;
  };
}
