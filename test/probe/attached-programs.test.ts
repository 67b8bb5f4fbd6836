import { describe, expect, it } from 'vitest';
import { parseAttachedPrograms, withProgramsBefore } from '../../lib/probe/parse/attached-programs.ts';

const parse = (text: string) =>
  parseAttachedPrograms(new TextEncoder().encode(text), (index) => `link${index}`);

describe('programs that stand on links without a filter', () => {
  it('are read in their order, for each direction', () => {
    expect(parse('4\tcil_from_contai,other\t\n5\t\tcil_from_host\n6\t\t\nend\n')).toEqual([
      { link: 'link4', in: ['cil_from_contai', 'other'], out: [] },
      { link: 'link5', in: [], out: ['cil_from_host'] },
      { link: 'link6', in: [], out: [] },
    ]);
  });

  it('are named in the filters behind them, of the same direction', () => {
    const filter = { kind: 'bpf', priority: 1, name: null, classic: true, drops: 'all' } as const;
    const programs = (['in', 'out', 'queue'] as const).map((place) => ({ ...filter, link: 'link4', place }));
    const before = withProgramsBefore(programs, parse('4\tcil_from_contai,other\t\nend\n'));
    expect(before.map(({ place, behind }) => [place, behind])).toEqual([
      ['in', 'cil_from_contai'],
      ['out', undefined],
      ['queue', undefined],
    ]);
  });

  it('are not read from a file that was cut', () => {
    expect(() => parse('4\tcil_from_contai\t\n5\t')).toThrow('not whole');
  });
});
