import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from './run.ts';

const cluster = 'clusters:\n  - name: prod\n    eks: { name: prod, region: eu-west-1 }\n';

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'netns-audit-config-')), 'fleet.yaml');
  writeFileSync(path, text);
  return path;
}

it('says that a configuration is in order', async () => {
  const path = file(cluster);
  expect(await run('config', 'check', path)).toEqual({
    out: `${path} is in order: 1 cluster.\n`,
    error: '',
    code: 0,
  });
});

it('names every mistake of a configuration, and ends in 2', async () => {
  const path = file(`${cluster}shedule: {}\ndashboard: maybe\n`);
  const { out, error, code } = await run('config', 'check', path);
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(error).toContain(`netns-audit: ${path} has 2 mistakes:\n${path}:4:1: Unknown key "shedule".`);
  expect(error).toContain(`\n${path}:5:12: dashboard: It is text, not true or false.\n`);
});

it('gives mistakes to programs as JSON', async () => {
  const path = file(`${cluster}shedule: {}\n`);
  const { out, code } = await run('config', 'check', path, '-o', 'json');
  expect(code).toBe(2);
  expect(JSON.parse(out)).toMatchObject({
    file: path,
    mistakes: [{ line: 4, column: 1, path: '' }],
    notes: [],
  });
});

it('says the same wherever the file is read', async () => {
  const path = file(`${cluster}destinations: [{ kind: slack, name: a }]\nexceptions: [{ chek: a }]\n`);
  const destination = `${path}:4:16: destinations[0]: The key url is missing.`;
  const exception = `${path}:5:16: exceptions[0]: Unknown key "chek". Did you mean check?`;
  const check = await run('config', 'check', path);
  expect(check.error).toContain(destination);
  expect(check.error).toContain(exception);
  const fleet = await run('fleet', '--config', path);
  expect(fleet).toEqual(check);
  const alerts = await run('doctor', '--alerts', path, '--store', 'none');
  expect(alerts.error).toContain(destination);
  const exceptions = await run('audit', '--exceptions', path, '--store', 'none');
  expect(exceptions.error).toContain(exception);
});

it('notes what is possible and probably not meant, as an exception for a check that there is not', async () => {
  const exception = (check: string, more = '') =>
    `  - { check: ${check}, objects: ['*'], reason: r, owner: o, expires: 2020-01-01${more} }\n`;
  const path = file(
    `${cluster}exceptions:\n${exception('pod-mtu-mismach', ', clusters: [porod]')}${exception("'pod-*'")}`,
  );
  const { out, code } = await run('config', 'check', path);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    `${path} is in order: 1 cluster.`,
    `${path}:5:14: note: exceptions[0].check: There is no such check. Did you mean pod-mtu-mismatch? netns-audit checks lists them.`,
    expect.stringContaining(':5:77: note: exceptions[0].expires: It is over'),
    expect.stringContaining(
      'note: exceptions[0].clusters: It is for no cluster of this file, which has prod.',
    ),
    expect.stringContaining(':6:69: note: exceptions[1].expires: It is over'),
    '',
  ]);
});
