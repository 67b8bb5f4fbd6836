import { describe, expect, it } from 'vitest';
import { exceptionUnused } from '../../../lib/checks/audit/exception-unused.ts';
import { context, failures } from '../evidence.ts';
import { aUse, sourcesWith } from './exception-use.ts';

const run = (...uses: Parameters<typeof sourcesWith>) => exceptionUnused.run(sourcesWith(...uses), context);

describe('exception-unused', () => {
  it('finds one that covers nothing, and says whom to ask', () => {
    const [found] = failures(run(aUse()));
    expect(found?.detail).toBe(
      'The exception of net-team (jumbo frames until the switch is replaced): nothing that it would cover was found.',
    );
    expect(found?.remedy[0]?.text).toContain('Ask net-team');
  });

  it('finds a misspelt check even where not all was audited', () => {
    const [found] = failures(run(aUse({ unknownCheck: true, blind: 'its check did not run' })));
    expect(found?.detail).toContain('no check has this name');
    expect(found?.remedy[0]?.command).toBe('netns-audit checks');
  });

  it('is told when a second audit sees it, as a fault may be away for a night', () => {
    expect(exceptionUnused.observations).toBe(2);
  });

  it('passes one that covers something', () => {
    expect(run(aUse({ covers: ['shop/web-1 on node-1'] }))).toMatchObject([{ result: 'pass' }]);
  });

  it('does not judge what it could not have seen, nor one that has ended', () => {
    expect(run(aUse({ blind: 'not all nodes were audited' }))).toMatchObject([
      { result: 'notApplicable', reason: 'not all nodes were audited' },
    ]);
    expect(run(aUse({ expired: true }))).toMatchObject([{ result: 'notApplicable' }]);
  });
});
