/**
 * Creates the files of a new check: `npm run new:check TOPIC ID [pod | node | cluster]`. Everything compiles,
 * and the test of the check fails with a sentence that says what to write.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faultEntry, type Kind, pageFile, templates } from './new-check/templates.ts';

const USAGE = 'Usage: npm run new:check TOPIC ID [pod | node | cluster]';

const ID = /^[a-z]+(?:-[a-z]+)+$/;

/** The file below test/e2e/faults, and the list in it, by topic; faults of other topics are faults of the node. */
const FAULTS: Readonly<Record<string, readonly [file: string, list: string]>> = {
  interfaces: ['pod-network.ts', 'podNetworkFaults'],
  veth: ['pod-network.ts', 'podNetworkFaults'],
  addresses: ['pod-network.ts', 'podNetworkFaults'],
  routes: ['pod-network.ts', 'podNetworkFaults'],
  isolation: ['pod-content.ts', 'podContentFaults'],
  firewall: ['pod-content.ts', 'podContentFaults'],
  dns: ['pod-content.ts', 'podContentFaults'],
  namespaces: ['namespaces.ts', 'namespaceFaults'],
  runtime: ['runtime.ts', 'runtimeFaults'],
  cni: ['cni.ts', 'cniFaults'],
  connectivity: ['connectivity.ts', 'connectivityFaults'],
};

/** Topics to which a check can be added: those whose folder has an index. */
function topicsIn(root: string): readonly string[] {
  return readdirSync(join(root, 'lib/checks'))
    .filter((topic) => existsSync(join(root, 'lib/checks', topic, 'index.ts')))
    .toSorted();
}

/** The source with a text after the first match of a pattern. */
function inserted(file: string, source: string, behind: RegExp, text: string): string {
  const match = behind.exec(source);
  if (match === null) throw new Error(`${file} has no ${behind.source}`);
  const end = match.index + match[0].length;
  return source.slice(0, end) + text + source.slice(end);
}

/** What the user named; by default checks of pods have ids that begin with `pod-`, and all others are of nodes. */
function kindOf(kind: string, id: string): Kind {
  if (kind === 'pod' || kind === 'node' || kind === 'cluster') return kind;
  if (kind !== '') throw new Error(USAGE);
  return id.startsWith('pod-') ? 'pod' : 'node';
}

/**
 * @param root - folder of the project
 * @param of - what it judges
 * @returns the files that were written or changed, relative to the root, the check first
 * @throws Error if the topic does not exist, the id is invalid, a file exists already, or a list that gets an
 * entry is not found; then nothing is written
 */
export function newCheck(root: string, topic: string, id: string, of: Kind): readonly string[] {
  const topics = topicsIn(root);
  if (!topics.includes(topic)) throw new Error(`There is no topic "${topic}". Topics: ${topics.join(', ')}`);
  if (!ID.test(id))
    throw new Error(
      `"${id}" is no id: two or more lower-case words with hyphens, such as pod-interface-down`,
    );
  const name = id.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const { check, test } = templates[of];
  const files = {
    [`lib/checks/${topic}/${id}.ts`]: check(topic, id, name),
    [`test/checks/${topic}/${id}.test.ts`]: test(topic, id, name),
    [`docs/checks/${id}.md`]: pageFile(topic, id),
  };
  for (const file of Object.keys(files))
    if (existsSync(join(root, file))) throw new Error(`${file} is there already: choose another id`);

  const index = `lib/checks/${topic}/index.ts`;
  const withImport = inserted(
    index,
    readFileSync(join(root, index), 'utf8'),
    /^import type .*\n/m,
    `import { ${name} } from './${id}.ts';\n`,
  );
  const [faults, list] = FAULTS[topic] ?? ['node.ts', 'nodeFaults'];
  const faultsFile = `test/e2e/faults/${faults}`;
  const all = {
    ...files,
    // Added at the end, as reports use the order of this list.
    [index]: inserted(
      index,
      withImport,
      /^export const \w+Checks: readonly AnyCheck\[\] = \[[^\]]*?(?=,?\s*\];)/m,
      `, ${name}`,
    ),
    [faultsFile]: inserted(
      faultsFile,
      readFileSync(join(root, faultsFile), 'utf8'),
      new RegExp(`^export const ${list}: readonly Fault\\[\\] = \\[\\n`, 'm'),
      faultEntry(id),
    ),
  };
  for (const [file, text] of Object.entries(all)) writeFileSync(join(root, file), text);
  return Object.keys(all);
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('../', import.meta.url));
  const [topic = '', id = '', kind = ''] = process.argv.slice(2);
  try {
    if (topic === '' || id === '') throw new Error(USAGE);
    const files = newCheck(root, topic, id, kindOf(kind, id));
    const format = ['biome', 'check', '--write', ...files.filter((file) => file.endsWith('.ts'))];
    const formatted = spawnSync('npx', format, { cwd: root, encoding: 'utf8' });
    if (formatted.status !== 0) console.error(`Not formatted (npm run format): ${formatted.stderr}`);
    console.log(`Written, or added to:\n${files.map((file) => `  ${file}`).join('\n')}`);
    console.log(
      `\nNow write the check, its test and its page until this passes:\n  npx vitest run ${id} catalogue`,
    );
    console.log(
      'Then the steps from 6 on of "Add a check" in CONTRIBUTING.md: its mutation, its fault and its severity.',
    );
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
}
