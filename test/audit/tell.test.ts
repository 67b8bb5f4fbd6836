import { describe, expect, it } from 'vitest';
import type { Message } from '../../lib/alert/index.ts';
import { tell } from '../../lib/audit/tell.ts';
import type { Store } from '../../lib/history/index.ts';
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
});
