import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Message } from '../../lib/alert/index.ts';
import { tell } from '../../lib/audit/tell.ts';
import { DirectoryStore, keys, type Store } from '../../lib/history/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
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
    const publish = async (message: Message): Promise<string> => `${sent.push(message)}`;
    const told = await tell(aBucket(), aReport({ findings: [aFinding()] }), thresholds, {
      notifier: { destination: 'topic', publish },
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
      notifier: {
        destination: 'topic',
        publish: async (message: Message): Promise<string> => `${sent.push(message)}`,
      },
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
    expect(sent[1]?.text).toContain('What was told before cannot be read');
  });
});
