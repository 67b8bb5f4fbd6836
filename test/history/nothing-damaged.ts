/** For tests of whole stores: what is damaged there ends them. */
import type { OnDamage } from '../../lib/history/index.ts';

export const nothingDamaged: OnDamage = (damage) => {
  throw damage;
};
