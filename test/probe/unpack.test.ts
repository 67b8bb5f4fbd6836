import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AuditError } from '../../lib/model/errors.ts';
import { BUNDLE_LIMITS, unpackLog } from '../../lib/probe/unpack.ts';
import { asLog, aTarGz, type Entry } from './log.ts';

const good: Entry[] = [
  { name: './', type: 'directory' },
  { name: './meta', content: 'version=1\n' },
  { name: './netns/4026532400/ip.json', content: '[]\n' },
  { name: './netns/4026532400/iptables-legacy', content: '*filter\n' },
  { name: './host/pins', content: `${'file 1 -r--r--r-- 1 /run/netns/a\n'.repeat(200)}` },
];

async function refusal(log: string): Promise<string> {
  try {
    await unpackLog(log);
  } catch (error) {
    expect(error).toBeInstanceOf(AuditError);
    expect((error as AuditError).code).toBe('BUNDLE_INVALID');
    return (error as AuditError).message;
  }
  throw new Error('it was accepted');
}

describe('the log of a probe', () => {
  test('becomes the files that the probe packed', async () => {
    const files = await unpackLog(asLog(await aTarGz(good)));
    expect([...files.keys()]).toEqual([
      'meta',
      'netns/4026532400/ip.json',
      'netns/4026532400/iptables-legacy',
      'host/pins',
    ]);
    expect(new TextDecoder().decode(files.get('meta'))).toBe('version=1\n');
  });

  test('is read as well when the log API ends its lines with carriage returns', async () => {
    const log = asLog(await aTarGz(good)).replaceAll('\n', '\r\n');
    expect((await unpackLog(log)).size).toBe(good.length - 1);
  });

  test.each([
    ['is empty', (_: string) => '', 'without a trailer'],
    ['lost its end', (log: string) => log.slice(0, -30), 'without a trailer'],
    ['lost its beginning', (log: string) => log.slice(8), 'the trailer says'],
    ['has a line of something else in it', (log: string) => `sh: warning!\n${log}`, 'not base64'],
    [
      'has another digest',
      (log: string) => log.replace(/sha256=./, (found) => `sha256=${found.endsWith('0') ? 1 : 0}`),
      'digest',
    ],
  ])('is refused when it %s', async (_, change, reason) => {
    expect(await refusal(change(asLog(await aTarGz(good))))).toContain(reason);
  });

  test('is never a bundle when any one character of it was altered', async () => {
    const log = asLog(await aTarGz(good));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(log.length - 1),
        fc.constantFrom('A', 'b', '7', '+', '=', '\u0000', '\n'),
        async (at, sign) => {
          const altered = log.slice(0, at) + sign + log.slice(at + 1);
          // An added or lost line end between base64 characters changes no byte of the content.
          if (altered.replaceAll(/\s/g, '') === log.replaceAll(/\s/g, '')) return;
          await refusal(altered);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('is never a bundle when it was cut anywhere', async () => {
    const log = asLog(await aTarGz(good)).trimEnd();
    await fc.assert(
      fc.asyncProperty(fc.nat(log.length - 1), async (length) => {
        await refusal(log.slice(0, length));
      }),
    );
  });

  test('is refused, without a crash, when a hostile node signs any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        await refusal(asLog(bytes));
      }),
    );
  });
});

describe('an archive that a hostile node made', () => {
  test.each<[string, Entry]>([
    ['climbs out', { name: '../../etc/passwd', content: 'x' }],
    ['is absolute', { name: '/etc/passwd', content: 'x' }],
    ['is no file of the probe', { name: 'host/../meta', content: 'x' }],
    ['is a link', { name: 'host/pins', type: 'symlink' }],
    ['is a hard link', { name: 'host/pins', type: 'link' }],
    ['pretends to be what only we write', { name: 'api/before.json', content: '{}' }],
  ])('is refused when a path in it %s', async (_, entry) => {
    await refusal(asLog(await aTarGz([{ name: 'meta' }, entry])));
  });

  test('is refused when a file is in it twice', async () => {
    expect(await refusal(asLog(await aTarGz([{ name: 'meta' }, { name: 'meta' }])))).toContain('twice');
  });

  test('is refused when one file is too large', async () => {
    const content = Buffer.alloc(BUNDLE_LIMITS.fileBytes + 1);
    expect(await refusal(asLog(await aTarGz([{ name: 'meta', content }])))).toContain('bytes');
  });

  test('is refused when it unpacks to more than any node has to say', async () => {
    const content = Buffer.alloc(BUNDLE_LIMITS.fileBytes);
    const entries = Array.from({ length: 17 }, (_, index) => ({ name: `netns/${index}/nft`, content }));
    expect(await refusal(asLog(await aTarGz(entries)))).toContain('gzip');
  });
});
