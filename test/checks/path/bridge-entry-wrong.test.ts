import { describe, expect, it } from 'vitest';
import { bridgeEntryWrong } from '../../../lib/checks/path/bridge-entry-wrong.ts';
import type { ForwardingEntry } from '../../../lib/model/network.ts';
import { aPodNetwork, context, failures } from '../evidence.ts';

const network = aPodNetwork();
const mac = network.link?.mac ?? '';
const port = network.hostLink?.name ?? '';
const bridge = network.hostLink?.master ?? '';

const anEntry = (changes: Partial<ForwardingEntry> = {}): ForwardingEntry => ({
  mac,
  link: 'vethother',
  bridge,
  destination: null,
  fixed: true,
  ...changes,
});
const run = (...forwarding: ForwardingEntry[]) =>
  bridgeEntryWrong.run({ podNetworks: [network], forwarding }, context);

describe('bridge-entry-wrong', () => {
  it("finds an entry that sends the pod's frames to another port, and says how to remove it", () => {
    const [found] = failures(run(anEntry()));
    expect(found?.detail).toBe(
      `An entry of ${bridge} that the pod's frames do not move sends what is for ${mac} to vethother; the pod is behind ${port}.`,
    );
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'pod', name: 'web-1' } });
    expect(found?.remedy.at(-1)?.command).toBe(`bridge fdb del ${mac} dev vethother master`);
  });

  it.each<[string, ForwardingEntry]>([
    ['an entry for its own port', anEntry({ link: port })],
    ['what the bridge corrects by itself', anEntry({ fixed: false })],
    ['an entry for another MAC address', anEntry({ mac: '02:00:00:00:00:77' })],
    ['an entry of another bridge', anEntry({ bridge: 'docker0' })],
    ['an entry of a device, of no bridge', anEntry({ bridge: null })],
  ])('passes %s', (_, entry) => {
    expect(run(entry)).toMatchObject([{ result: 'pass' }]);
  });

  it('does not judge a pod of a plugin that uses no bridge', () => {
    const podNetworks = [aPodNetwork({ plugin: 'ptp' })];
    expect(bridgeEntryWrong.run({ podNetworks, forwarding: [anEntry()] }, context)).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });
});
