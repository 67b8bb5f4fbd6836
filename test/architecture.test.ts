/** The rooms of lib/ and which may import which: docs/architecture.md. Types count like values. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url).pathname;
const files = globSync('{bin,lambda,lib}/**/*.ts', { cwd: root }).toSorted();

/** Everything else a room may import; a room may always import itself. */
const MIDDLE = ['probe', 'computed', 'checks', 'cluster', 'history', 'report', 'alert', 'repair'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  probe: ['model'],
  computed: ['model'],
  checks: ['model', 'computed'],
  cluster: ['model'],
  history: ['model'],
  report: ['model'],
  // A mail names objects and coverage in the words of the reports: the only import between two middle rooms.
  alert: ['model', 'report'],
  repair: ['model'],
  config: ['model'],
  diagnosis: ['model', 'computed', 'checks', 'history'],
  audit: ['model', ...MIDDLE, 'diagnosis'],
  // Its tables are where the store puts things, and mistakes in props read like those in files.
  infra: ['model', 'history/keys.ts', 'config/explain.ts'],
};

/** Clients of AWS and Kubernetes, and their dependencies. */
const CLIENTS = /^(?:@aws-sdk|@aws-crypto|@smithy|@kubernetes)\/|^undici$/;
const WITH_CLIENTS = ['cluster', 'history', 'alert', 'infra'];

const LONGEST = 300;

const EXPORTED =
  /^export (?:async )?(?:abstract )?(?:class|const|enum|function\*?|interface|let|type) (\w+)/gm;
/** Names that several files export, and why. */
const SAME_NAME: Readonly<Record<string, string>> = {
  handler: 'AWS calls each function by this name',
  bundle: 'the package has built-functions.ts in place of bundle.ts',
};

type Import = { readonly file: string; readonly room: string | null; readonly target: string };

const roomOf = (path: string): string | null => /^lib\/([a-z]+)\//.exec(path)?.[1] ?? null;

/** Static and dynamic imports and re-exports; relative ones as paths from the root. */
const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => ({
    file,
    room: roomOf(file),
    target: specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
  }));
});

const described = ({ file, target }: Import): string => `${file} imports ${target}`;

describe('the house', () => {
  it('has no other rooms than those of docs/architecture.md', () => {
    const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
    const rooms = new Set(files.map(roomOf).filter((room) => room !== null));
    for (const room of rooms) {
      expect(Object.keys(MAY_IMPORT)).toContain(room);
      expect(text).toContain(`lib/${room}/`);
    }
  });

  it.each(Object.entries(MAY_IMPORT))('%s imports from %j only', (room, allowed) => {
    const wrong = imports.filter((each) => {
      const other = roomOf(each.target);
      const fine = allowed.some(
        (may) => each.target === `lib/${may}` || each.target.startsWith(`lib/${may}/`),
      );
      return each.room === room && other !== null && other !== room && !fine;
    });
    expect(wrong.map(described)).toEqual([]);
  });

  it('lib imports nothing of bin, lambda, scripts, bench and test', () => {
    const wrong = imports.filter(
      ({ room, target }) => room !== null && /^(?:bin|lambda|scripts|bench|test)\//.test(target),
    );
    expect(wrong.map(described)).toEqual([]);
  });

  it('clients of AWS and Kubernetes stay in the rooms that are for them', () => {
    const wrong = imports.filter(
      ({ room, target }) => CLIENTS.test(target) && !WITH_CLIENTS.includes(room ?? ''),
    );
    expect(wrong.map(described)).toEqual([]);
  });

  it('functions import the file of their own step: through the index each would carry the clients of all', () => {
    const wrong = imports.filter(
      ({ file, target }) => file.startsWith('lambda/') && target === 'lib/audit/fleet/index.ts',
    );
    expect(wrong.map(described)).toEqual([]);
  });

  it('takes of zod what is used: named z, all its languages would come along, a quarter MB to read at each cold start', () => {
    const whole = files.filter((file) =>
      /import \{ z \} from 'zod'/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(whole.filter((file) => !file.startsWith('bin/'))).toEqual([]);
  });

  it('the CDK stays in infra and its app', () => {
    const wrong = imports.filter(
      ({ file, room, target }) =>
        /^(?:aws-cdk-lib|constructs|cdk-nag)(?:\/|$)/.test(target) &&
        room !== 'infra' &&
        file !== 'bin/app.ts',
    );
    expect(wrong.map(described)).toEqual([]);
  });

  it('checks and what they compute read no files, no clock and no network: they are pure', () => {
    const wrong = imports.filter(
      ({ room, target }) =>
        (room === 'checks' || room === 'computed') && /^node:(?!net$|crypto$|util$)/.test(target),
    );
    expect(wrong.map(described)).toEqual([]);
  });

  it('topics of what checks compute import only those before them', () => {
    const topics = ['', 'addresses', 'kernel', 'pods', 'routes', 'firewall', 'path'];
    const topicOf = (path: string) => /^lib\/computed\/(?:([a-z-]+)\/)?[^/]+$/.exec(path)?.[1] ?? '';
    const own = imports.filter(
      ({ room, target }) => room === 'computed' && target.startsWith('lib/computed/'),
    );
    expect(new Set(own.map(({ file }) => topicOf(file)))).toEqual(new Set(topics));
    const wrong = own.filter(
      ({ file, target }) => topics.indexOf(topicOf(target)) > topics.indexOf(topicOf(file)),
    );
    expect(wrong.map(described)).toEqual([]);
  });

  it('a topic of the checks holds checks alone', () => {
    const others = globSync('lib/checks/*/*.ts', { cwd: root }).filter(
      (file) =>
        !/^lib\/checks\/(?:frames|remedies)\/|\/index\.ts$/.test(file) &&
        !/\bdefine(?:Cluster|Pod)?Check\(/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(others).toEqual([]);
  });

  it(`no file of lib has more than ${LONGEST} lines`, () => {
    const long = files
      .filter((file) => file.startsWith('lib/'))
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > LONGEST);
    expect(long).toEqual([]);
  });

  it('no files of lib import each other in a circle', () => {
    const of = Map.groupBy(
      imports.filter(({ target }) => target.startsWith('lib/')),
      ({ file }) => file,
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' → '));
      if (way.includes(file) || done.has(file)) return;
      for (const { target } of of.get(file) ?? []) visit(target, [...way, file]);
      done.add(file);
    };
    for (const file of of.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('gives one name to one thing', () => {
    const exported = globSync('{bin,lambda,lib,scripts}/**/*.ts', { cwd: root }).flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return [...text.matchAll(EXPORTED)].map(([, name = '']) => ({ name, file }));
    });
    expect(exported.length).toBeGreaterThan(1000);
    const doubled = [...Map.groupBy(exported, ({ name }) => name)]
      .map(([name, places]) => ({ name, files: [...new Set(places.map(({ file }) => file))] }))
      .filter(({ name, files }) => files.length > 1 && !(name in SAME_NAME));
    expect(doubled).toEqual([]);
  });

  it('sees imports at all', () => {
    expect(imports.length).toBeGreaterThan(300);
    expect(imports.map(described)).toContain('lib/audit/canary.ts imports lib/model/own-pods.ts');
  });
});
