import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REPAIR_PARTS, repairScript } from '../../lib/probe/repair-script.ts';
import { EMBEDDED, PARTS, probePart, probeScript } from '../../lib/probe/script.ts';

const folder = new URL('../../lib/probe/probe/', import.meta.url);
const files = readdirSync(folder).toSorted();
const text = (file: string): string => readFileSync(new URL(file, folder), 'utf8');
const repairs = new URL('../../lib/probe/repair/', import.meta.url);

const embeddedIn = (code: string): string[] => [...code.matchAll(EMBEDDED)].map(([, file = '']) => file);
const embedded = PARTS.flatMap((part) => embeddedIn(text(part)));
/** Functions `job_NAME` of all parts. */
const jobs = PARTS.flatMap((part) => [...text(part).matchAll(/^job_(\w+)\(\)/gm)].map(([, job = '']) => job));

describe('the parts of the probe', () => {
  it('are all in the script, each once', () => {
    expect([...PARTS, ...embedded].toSorted()).toEqual(files);
    expect(probeScript().match(EMBEDDED)).toBeNull();
  });

  it.each(files)('%s has at most 300 lines', (file) => {
    expect(text(file).split('\n').length - 1).toBeLessThanOrEqual(300);
  });

  it.each(embedded)('%s has no single quote outside of comments, as it stands between two', (file) => {
    const code = text(file)
      .split('\n')
      .filter((line) => !line.trim().startsWith('#'));
    expect(code.filter((line) => line.includes("'"))).toEqual([]);
  });
});

describe('the parts of a repair', () => {
  const own = REPAIR_PARTS.flatMap(([from, name]) => (from === './repair/' ? [name as string] : []));
  const code = (file: string): string => readFileSync(new URL(file, repairs), 'utf8');
  const programs = own.flatMap((part) => embeddedIn(code(part)));

  it('are all in its script, with those of the probe that find the runtime', () => {
    expect([...own, ...programs].toSorted()).toEqual(readdirSync(repairs).toSorted());
    expect(repairScript().match(EMBEDDED)).toBeNull();
    expect(repairScript()).toContain(probePart('runtimes.sh'));
  });

  it.each(programs)('%s has no single quote outside of comments, as it stands between two', (file) => {
    const lines = code(file).split('\n');
    expect(lines.filter((line) => !line.trim().startsWith('#') && line.includes("'"))).toEqual([]);
  });
});

describe('the list of jobs', () => {
  const lines = text('jobs.txt').split('\n');
  const scheduled = lines.filter((line) => /^\w/.test(line));
  const added = lines.flatMap((line) => /^# (\w+) {2,}\S/.exec(line)?.[1] ?? []);

  it('names each function job_NAME, and no job without one', () => {
    expect([...scheduled, ...added].toSorted()).toEqual(jobs.toSorted());
  });

  it('is what the script begins with', () => {
    expect(probePart('schedule.sh')).toContain(`lines '${scheduled.join('\n')}' >jobs`);
  });

  it.each(scheduled)('names the part that has %s, and what it writes', (job) => {
    const comment = lines[lines.indexOf(job) - 1] ?? '';
    const part = PARTS.find((each) => new RegExp(`^job_${job}\\(\\)`, 'm').test(text(each)));
    expect(comment).toMatch(/^# [\w-]+\.sh.*: ./);
    expect(comment).toContain(part);
  });

  it('names only files that the parts write', () => {
    const shell = files
      .filter((file) => file !== 'jobs.txt')
      .map(text)
      .join('\n');
    const named = lines
      .flatMap((line) => line.match(/\b(?:host|kernel|cni|active|netns)\/[a-z][a-z0-9.-]+\b/g) ?? [])
      .filter((path) => !shell.includes(`b/${path}`));
    expect(
      named.filter((path) => !/^host\/(?:ip\.json|rule6\.json|nft|nft\.err|conntrack)$/.test(path)),
    ).toEqual([]);
  });
});
