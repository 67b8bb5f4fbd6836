import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EventBus, Message, Notifier } from '../../lib/alert/index.ts';
import { tell } from '../../lib/audit/tell.ts';
import { DirectoryStore, keys, type Store } from '../../lib/history/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import { AuditError } from '../../lib/model/errors.ts';
import { nothingDamaged } from '../history/nothing-damaged.ts';
import { aFinding, aReport } from '../report/sample.ts';

const { thresholds } = settingsSchema.parse({});

function aBucket(): Store {
  const objects = new Map<string, Uint8Array>();
  return {
    location: 's3://audits/netns',
    putOnce: async (key, body) => {
      objects.set(key, body);
      return 'written';
    },
    get: async (key) => {
      const body = objects.get(key);
      return body === undefined ? null : { body, etag: '' };
    },
    replace: async () => true,
    async *list(prefix) {
      for (const key of objects.keys()) if (key.startsWith(prefix)) yield key;
    },
  };
}

describe('a message', () => {
  it('links the page of the report, which people can read', async () => {
    const sent: Message[] = [];
    const send = async (message: Message): Promise<string> => `${sent.push(message)}`;
    const told = await tell(aBucket(), aReport({ findings: [aFinding()] }), thresholds, {
      notifiers: [{ destination: 'topic', send }],
      consoleRegion: 'eu-west-1',
      onDamage: nothingDamaged,
    });
    expect(told).toBe(true);
    const page = encodeURIComponent(
      'netns/reports/cluster=prod-eu/dt=2026-01-02/20260102T030405Z-0a1b2c3d/report.html',
    );
    expect(sent[0]?.text).toContain(
      `https://eu-west-1.console.aws.amazon.com/s3/object/audits?region=eu-west-1&prefix=${page}\n`,
    );
  });

  it('goes by the record before one that is damaged, and says so where none can be read', async () => {
    const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-tell-')));
    onTestFinished(async () => await rm(store.location, { recursive: true }));
    const sent: Message[] = [];
    const damages: string[] = [];
    const deps = {
      notifiers: [
        {
          destination: 'topic',
          send: async (message: Message): Promise<string> => `${sent.push(message)}`,
        },
      ],
      consoleRegion: null,
      onDamage: ({ message }: { message: string }): void => void damages.push(message),
    };
    const dayOf = async (day: number): Promise<string> => {
      const runId = `2026010${day}T030405Z-0a1b2c3d`;
      const report = aReport({ runId, startedAt: `2026-01-0${day}T03:04:05Z`, findings: [aFinding()] });
      await tell(store, report, thresholds, deps);
      return keys.alerts({ cluster: 'prod-eu', runId });
    };
    const first = await dayOf(2);
    const second = await dayOf(3);
    expect(sent).toHaveLength(1);
    await writeFile(join(store.location, second), '{');
    const third = await dayOf(4);
    expect(sent).toHaveLength(1);
    expect(damages[0]).toContain(second);
    for (const key of [first, third]) await writeFile(join(store.location, key), '{');
    await dayOf(5);
    expect(sent[1]?.text).toContain('The record of earlier messages cannot be read');
  });
});

describe('several destinations', () => {
  const dayOf = (day: number, findings = [aFinding()]) =>
    aReport({ runId: `2026010${day}T030405Z-0a1b2c3d`, startedAt: `2026-01-0${day}T03:04:05Z`, findings });

  async function aStore(): Promise<Store> {
    const store = new DirectoryStore(await mkdtemp(join(tmpdir(), 'netns-audit-tell-')));
    onTestFinished(async () => await rm(store.location, { recursive: true }));
    return store;
  }

  function aNotifier(destination: string, more: Partial<Notifier> = {}) {
    const state = { isAway: false, got: [] as Message[] };
    const send = async (message: Message): Promise<string> => {
      if (state.isAway)
        throw new AuditError('ALERT', `${destination} is away`, { remedy: 'Wait.', retryable: true });
      return `${state.got.push(message)}`;
    };
    return { state, notifier: { destination, send, ...more } satisfies Notifier };
  }

  it('one that is away gets later what it missed, once, and the others hear nothing twice', async () => {
    const store = await aStore();
    const [mail, chat] = [aNotifier('mail a'), aNotifier('slack b')];
    const deps = { notifiers: [mail.notifier, chat.notifier], consoleRegion: null, onDamage: nothingDamaged };
    chat.state.isAway = true;
    await expect(tell(store, dayOf(2), thresholds, deps)).rejects.toThrow('slack b is away');
    await expect(tell(store, dayOf(3), thresholds, deps)).rejects.toThrow('slack b is away');
    chat.state.isAway = false;
    expect(await tell(store, dayOf(4), thresholds, deps)).toBe(false);
    await tell(store, dayOf(5), thresholds, deps);
    expect(mail.state.got.map(({ subject }) => subject)).toHaveLength(1);
    expect(chat.state.got.map(({ subject, chat: text }) => [subject, text])).toEqual(
      mail.state.got.map(({ subject, chat: text }) => [subject, text]),
    );
  });

  it('the same run, told again, sends what was missing and forgets it', async () => {
    const store = await aStore();
    const [mail, chat] = [aNotifier('mail a'), aNotifier('slack b')];
    const deps = { notifiers: [mail.notifier, chat.notifier], consoleRegion: null, onDamage: nothingDamaged };
    chat.state.isAway = true;
    await expect(tell(store, dayOf(2), thresholds, deps)).rejects.toThrow('slack b is away');
    chat.state.isAway = false;
    expect(await tell(store, dayOf(2), thresholds, deps)).toBe(true);
    await tell(store, dayOf(2), thresholds, deps);
    await tell(store, dayOf(3), thresholds, deps);
    expect([mail.state.got.length, chat.state.got.length]).toEqual([1, 1]);
  });

  it('where nobody takes the news they are news again', async () => {
    const store = await aStore();
    const mail = aNotifier('mail a');
    const deps = { notifiers: [mail.notifier], consoleRegion: null, onDamage: nothingDamaged };
    mail.state.isAway = true;
    await expect(tell(store, dayOf(2), thresholds, deps)).rejects.toThrow('mail a is away');
    mail.state.isAway = false;
    expect(await tell(store, dayOf(3), thresholds, deps)).toBe(true);
  });

  it('each hears of what is as bad as it asked for, and one that keeps the state gets it after each run', async () => {
    const store = await aStore();
    const picky = aNotifier('mail picky', { minSeverity: 'critical' });
    const keeper = aNotifier('alertmanager c', { takes: 'state' });
    const deps = {
      notifiers: [picky.notifier, keeper.notifier],
      consoleRegion: null,
      onDamage: nothingDamaged,
    };
    const findings = [aFinding({ severity: 'high' })];
    for (const day of [2, 3]) await tell(store, dayOf(day, findings), thresholds, deps);
    expect(picky.state.got).toEqual([]);
    expect(keeper.state.got.map(({ alerts }) => alerts.map(({ labels }) => labels.severity))).toEqual([
      ['high'],
      ['high'],
    ]);
    await tell(store, dayOf(4, [aFinding({ severity: 'critical' })]), thresholds, deps);
    expect(picky.state.got).toHaveLength(1);
  });
});

describe('events for programs', () => {
  const report = aReport({ findings: [aFinding()] });
  const failing = (retryable: boolean) => async (): Promise<void> => {
    throw new AuditError('ALERT', 'the bus is away', { remedy: 'wait', retryable });
  };
  const telling = async (store: Store, put: EventBus['put'], sent: Message[]) =>
    await tell(store, report, thresholds, {
      notifiers: [{ destination: 'topic', send: async (message) => `${sent.push(message)}` }],
      bus: { put },
      consoleRegion: null,
      onDamage: nothingDamaged,
    });

  it('are sent once for each run, whatever is tried again', async () => {
    const store = aBucket();
    const events: unknown[] = [];
    const put = async (all: readonly unknown[]): Promise<void> => void events.push(...all);
    await telling(store, put, []);
    await telling(store, put, []);
    expect(events).toMatchObject([{ type: 'Finding changed' }, { type: 'Cluster audited' }]);
  });

  it('are tried again with all else, where that can help', async () => {
    const store = aBucket();
    const sent: Message[] = [];
    await expect(telling(store, failing(true), sent)).rejects.toThrow('the bus is away');
    expect(sent).toEqual([]);
    await telling(store, async () => {}, sent);
    expect(sent).toHaveLength(1);
  });

  it('hold up no mail where the bus will not take them, and are an error all the same', async () => {
    const sent: Message[] = [];
    await expect(telling(aBucket(), failing(false), sent)).rejects.toThrow('the bus is away');
    expect(sent).toHaveLength(1);
  });
});
