import { describe, expect, it } from 'vitest';
import { parseProgramPins } from '../../lib/probe/parse/program-pins.ts';

describe("pins of Cilium's programs", () => {
  it('are read as ids of endpoints and names of maps', () => {
    const text = [
      '/sys/fs/bpf/cilium/endpoints/98/links/cil_from_container',
      '/sys/fs/bpf/cilium/endpoints/98/links/cil_to_container',
      '/sys/fs/bpf/tc/globals/cilium_calls_00098',
      '/sys/fs/bpf/tc/globals/cilium_lxc',
    ].join('\n');
    expect(parseProgramPins(text)).toEqual({
      endpoints: ['98'],
      maps: ['cilium_calls_00098', 'cilium_lxc'],
    });
  });

  it('are none where the shell found nothing, or names are of somebody else', () => {
    const text = [
      '/sys/fs/bpf/cilium/endpoints/*/links/*',
      '/sys/fs/bpf/cilium/endpoints/98/links/*',
      '/sys/fs/bpf/tc/globals/cilium_*',
      '/sys/fs/bpf/tc/globals/cilium_x y',
    ].join('\n');
    expect(parseProgramPins(text)).toEqual({ endpoints: [], maps: [] });
    expect(parseProgramPins('')).toEqual({ endpoints: [], maps: [] });
  });
});
