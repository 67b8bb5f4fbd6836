/**
 * Creates the files of a new check: `npm run new:check TOPIC ID`. An id that begins with `pod-` gets the
 * frame for checks of pods. Everything compiles, and the test of the check fails with a sentence that says
 * what to write.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** Ids of checks of pods begin with `pod-`; these checks have their own frame. */
const isOfPods = (id: string): boolean => id.startsWith('pod-');

const podCheckFile = (topic: string, id: string, name: string): string => `\
import { definePodCheck } from '../define-pod-check.ts';

/** Say why this is a fault, and cite the kernel, the CNI plugin or the issue that it comes from. */
export const ${name} = definePodCheck({
  id: '${id}',
  topic: '${topic}',
  severity: 'medium',
  title: 'Say in a few words what passes',
  failureTitle: 'Say in at most eight words what fails',
  why: 'Say in at most 400 characters what happens to the pod where it fails.',
  // Parts of Evidence (lib/model/evidence.ts); judge sees these and no others.
  needs: ['podNetworks'],
  // Why a pod is not judged: questions of lib/computed, such as networkElsewhere, or of your own. They are asked in this order.
  unless: ['namespace unread'],
  // Answer 'pass', { detail, confidence, evidence, remedy }, { unknown: why }, or in words why the pod is not judged. What another
  // check reports as the cause stands in explainedBy: [failing(thatCheck)].
  judge(_network) {
    return { unknown: '${id} is not written yet' };
  },
});
`;

const podTestFile = (topic: string, id: string, name: string): string => `\
import { describe, expect, it } from 'vitest';
import { ${name} } from '../../../lib/checks/${topic}/${id}.ts';
import { aPodNetwork, context } from '../evidence.ts';

describe('${id}', () => {
  it('passes a healthy pod', () => {
    const [outcome] = ${name}.run({ podNetworks: [aPodNetwork()] }, context);
    expect(
      outcome?.result,
      'Write judge() in lib/checks/${topic}/${id}.ts, then a test here for each outcome: pass, fail, not applicable, unknown',
    ).toBe('pass');
  });
});
`;

const checkFile = (topic: string, id: string, name: string): string => `\
import { defineCheck, nodeObject, unknown } from '../define.ts';

/** Say why this is a fault, and cite the kernel, the CNI plugin or the issue that it comes from. */
export const ${name} = defineCheck({
  id: '${id}',
  topic: '${topic}',
  severity: 'medium',
  title: 'Say in a few words what passes',
  failureTitle: 'Say in at most eight words what fails',
  why: 'Say in at most 400 characters what happens to pods or the node where it fails.',
  // Parts of Evidence (lib/model/evidence.ts); run sees these and no others.
  needs: ['host'],
  run(_sources, { node }) {
    return [unknown(nodeObject(node), '${id} is not written yet')];
  },
});
`;

const testFile = (topic: string, id: string, name: string): string => `\
import { describe, expect, it } from 'vitest';
import { ${name} } from '../../../lib/checks/${topic}/${id}.ts';
import { aHost, context } from '../evidence.ts';

describe('${id}', () => {
  it('passes a healthy node', () => {
    const [outcome] = ${name}.run({ host: aHost() }, context);
    expect(
      outcome?.result,
      'Write run() in lib/checks/${topic}/${id}.ts, then a test here for each outcome: pass, fail, not applicable, unknown',
    ).toBe('pass');
  });
});
`;

const pageFile = (topic: string, id: string): string => `\
# ${id}

Severity: medium · Topic: ${topic} · Reference: \`netns-audit checks ${id}\`

## What it checks

Say what is compared with what.

## Why it matters

Say what breaks for users.

## Evidence

Say where each value is read, and how sure it is: *confirmed*, *probable* or *suspected*.

## How to fix

Say what the remedy does, with its commands.

## When not to act

Say when it looks like this fault and is none.

## Known limitations

Say what it cannot see.
`;

const fault = (id: string): string => `\
  {
    id: '${id}',
    check: '${id}',
    where: 'node-network',
    inject: 'echo "write in test/e2e/faults how to make the fault that ${id} finds" >&2; exit 1',
    shows: [],
    repair: 'remedy',
  },
`;

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

/**
 * @param root - folder of the project
 * @returns the files that were written or changed, relative to the root, the check first
 * @throws Error if the topic does not exist, the id is invalid, a file exists already, or a list that gets an
 * entry is not found; then nothing is written
 */
export function newCheck(root: string, topic: string, id: string): readonly string[] {
  const topics = topicsIn(root);
  if (!topics.includes(topic)) throw new Error(`There is no topic "${topic}". Topics: ${topics.join(', ')}`);
  if (!ID.test(id))
    throw new Error(
      `"${id}" is no id: two or more lower-case words with hyphens, such as pod-interface-down`,
    );
  const name = id.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const [writeCheck, writeTest] = isOfPods(id) ? [podCheckFile, podTestFile] : [checkFile, testFile];
  const files = {
    [`lib/checks/${topic}/${id}.ts`]: writeCheck(topic, id, name),
    [`test/checks/${topic}/${id}.test.ts`]: writeTest(topic, id, name),
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
      fault(id),
    ),
  };
  for (const [file, text] of Object.entries(all)) writeFileSync(join(root, file), text);
  return Object.keys(all);
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('../', import.meta.url));
  const [topic = '', id = ''] = process.argv.slice(2);
  try {
    if (topic === '' || id === '') throw new Error('Usage: npm run new:check TOPIC ID');
    const files = newCheck(root, topic, id);
    const format = ['biome', 'check', '--write', ...files.filter((file) => file.endsWith('.ts'))];
    const formatted = spawnSync('npx', format, { cwd: root, encoding: 'utf8' });
    if (formatted.status !== 0) console.error(`Not formatted (npm run format): ${formatted.stderr}`);
    console.log(`Written, or added to:\n${files.map((file) => `  ${file}`).join('\n')}`);
    console.log(`\nNow write the check until this passes:\n  npx vitest run ${id} catalogue`);
    console.log(
      'Then the steps from 6 on of "Add a check" in CONTRIBUTING.md: its mutation, its fault and its page.',
    );
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
}
