import { describe, expect, it } from 'vitest';
import { AuditError, unlessFailed } from '../../lib/model/errors.ts';

const damaged = new AuditError('STORE', 'the store is damaged', { remedy: 'Move it away.' });
const fails = (error: Error) => () => Promise.reject(error);

describe('what is left out when it cannot be read', () => {
  it('is null for an error that says what happened', async () => {
    expect(await unlessFailed(() => Promise.resolve(1))).toBe(1);
    expect(await unlessFailed(fails(damaged))).toBeNull();
    expect(await unlessFailed(fails(damaged), (code) => code === 'STORE')).toBeNull();
  });

  it('is never a defect of the code, nor an error of another kind than expected', async () => {
    await expect(unlessFailed(fails(new TypeError('x is undefined')))).rejects.toThrow('x is undefined');
    await expect(unlessFailed(fails(damaged), (code) => code === 'ALERT')).rejects.toBe(damaged);
  });
});
