/** For tests of intact stores: any damage fails them. */
import type { OnDamage } from '../../lib/history/index.ts';

export const nothingDamaged: OnDamage = (damage) => {
  throw damage;
};
