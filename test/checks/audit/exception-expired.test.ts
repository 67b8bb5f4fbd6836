import { describe, expect, it } from 'vitest';
import { exceptionExpired } from '../../../lib/checks/audit/exception-expired.ts';
import { context, failures } from '../evidence.ts';
import { aUse, sourcesWith } from './exception-use.ts';

const run = (...uses: Parameters<typeof sourcesWith>) => exceptionExpired.run(sourcesWith(...uses), context);

describe('exception-expired', () => {
  it('names the owner, the last day and what is no longer covered', () => {
    const [found] = failures(run(aUse({ expired: true, covers: ['shop/web-1 on node-1'] })));
    expect(found?.object).toEqual({ kind: 'exception', name: 'pod-mtu-mismatch on shop/*' });
    expect(found?.detail).toBe(
      'The exception of net-team (jumbo frames until the switch is replaced) ended after 2026-11-15. It no longer covers shop/web-1 on node-1.',
    );
    expect(found?.remedy[0]?.text).toContain('have its owner (net-team) set a new last day');
  });

  it('asks to take out one that covered nothing any more', () => {
    const [found] = failures(run(aUse({ expired: true })));
    expect(found?.detail).toContain('Nothing that it covered was found.');
    expect(found?.remedy[0]?.text).toBe('Take it out of the configuration.');
  });

  it('passes one that holds', () => {
    expect(run(aUse())).toMatchObject([{ result: 'pass' }]);
  });
});
