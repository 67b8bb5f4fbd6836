/** A node built from real namespaces, for the probe to read. Needs Linux, root and iproute2. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CrossPlan } from '../../lib/model/crossing.ts';
import type { Evidence } from '../../lib/model/evidence.ts';
import { buildEvidence } from '../../lib/probe/evidence.ts';
import { repairScript } from '../../lib/probe/repair-script.ts';
import { probeScript } from '../../lib/probe/script.ts';
import { unpackLog } from '../../lib/probe/unpack.ts';
import { aNode, aPod } from '../checks/evidence.ts';

/** Why the lab cannot run here; null if it can. */
export function whyNoLab(): string | null {
  if (process.platform !== 'linux') return 'the lab needs Linux';
  if (process.getuid?.() !== 0) return 'the lab needs root';
  const missing = ['ip', 'nft', 'jq', 'nsenter', 'unshare', 'bash'].filter(
    (tool) => spawnSync('which', [tool]).status !== 0,
  );
  if (missing.length > 0) return `the lab needs ${missing.join(', ')}`;
  return spawnSync('unshare', ['--mount', '--pid', '--fork', '--net', 'true']).status === 0
    ? null
    : 'the lab may not make namespaces here';
}

/** netshoot has busybox's tools, whose awk and stat differ from Debian's. */
const APPLETS =
  'awk base64 cat cut date find grep gzip head ln mkdir mv readlink rm sed sha256sum sort stat tail tar tr wc xargs';

/** A directory with busybox in place of those tools; null if there is no busybox. */
function busyboxTools(): string | null {
  const { status, stdout } = spawnSync('which', ['busybox'], { encoding: 'utf8' });
  if (status !== 0) return null;
  const directory = mkdtempSync(join(tmpdir(), 'netns-lab-busybox-'));
  for (const applet of APPLETS.split(' ')) symlinkSync(stdout.trim(), join(directory, applet));
  return directory;
}
const busybox = busyboxTools();
process.on('exit', () => {
  if (busybox !== null) rmSync(busybox, { recursive: true });
});

/** What unshare(1) gives a node. */
export const OF_ITS_OWN = ['--mount', '--pid', '--fork', '--kill-child', '--net', '--mount-proc'];

/** A directory for `path`, with this script in place of a program; removed after the test. */
export function insteadOf(program: string, script: string): string {
  const path = mkdtempSync(join(tmpdir(), 'netns-lab-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  writeFileSync(join(path, program), script, { mode: 0o755 });
  return path;
}

/**
 * Builds the lab, probes it and returns the log. `path` goes before the probe's PATH; `leaked` is the number
 * of orphaned namespaces; `limit` is user.max_net_namespaces, set in a user namespace of the lab after
 * everything is built; with `kubelet`, one runs on the node; with `places`, the runtimes keep their files
 * elsewhere; with `apart`, the runtime has its own mount namespace; with `six`, there is an IPv6-only pod
 * whose link has that name, and a half-written runtime spec; `broken` is the number of container specs that
 * are not JSON; with `tables`, it has more pods, and rules for what some of them send; `agent` is that of Cilium, with its socket in a directory elsewhere, or under another name.
 */
export function probeLab(
  options: {
    readonly arguments?: readonly string[];
    readonly path?: string;
    readonly leaked?: number;
    readonly limit?: number;
    readonly kubelet?: boolean;
    readonly places?: boolean;
    readonly apart?: boolean;
    readonly six?: string;
    readonly broken?: number;
    readonly tables?: boolean;
    readonly agent?: 'elsewhere' | 'unknown';
  } = {},
): string {
  const script = readFileSync(new URL('./lab.sh', import.meta.url), 'utf8');
  const prefix = `PATH=${[options.path, busybox, '$PATH'].filter((part) => part).join(':')}\n`;
  return execFileSync(
    'unshare',
    [
      ...(options.limit === undefined ? [] : ['--user', '--map-root-user']),
      ...OF_ITS_OWN,
      'sh',
      '-c',
      script,
      'lab',
      prefix + probeScript(),
      ...(options.arguments ?? []),
    ],
    {
      encoding: 'utf8',
      maxBuffer: 1e8,
      timeout: 110_000,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        LEAKED: String(options.leaked ?? 0),
        LIMIT: String(options.limit ?? ''),
        KUBELET: options.kubelet ? '1' : '',
        PLACES: options.places ? '1' : '',
        APART: options.apart ? '1' : '',
        SIX: options.six ?? '',
        BROKEN: String(options.broken ?? 0),
        TABLES: options.tables ? '1' : '',
        AGENT: options.agent ?? '',
      },
    },
  );
}

/** What the repair of a node said of each object (`refused: why`), by name, and what is left on the node. */
export type Repaired = { readonly answers: ReadonlyMap<string, string>; readonly left: string };

/**
 * Runs the repair of a node in a lab of its own.
 *
 * @param lab - the script that builds it, beside this file
 * @param act - false rehearses it
 * @param environment - what the lab is to do meanwhile
 */
export function repairLab(
  lab: 'repair.sh' | 'leaked.sh',
  act: boolean,
  environment: Readonly<Record<string, string>> = {},
): Repaired & { readonly said: string } {
  const script = readFileSync(new URL(lab, import.meta.url), 'utf8');
  const output = execFileSync(
    'unshare',
    [...OF_ITS_OWN, 'sh', '-c', script, 'lab', repairScript(), act ? '1' : '0'],
    {
      encoding: 'utf8',
      timeout: 110_000,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    },
  );
  const [said = '', left = ''] = output.split('\n---\n');
  const answers = [...said.matchAll(/^(\w+) (\S+) (.*)$/gm)].map(
    ([, word, name, detail]) => [name ?? '', `${word}: ${detail}`] as const,
  );
  return { answers: new Map(answers), left, said };
}

/** The evidence in a log of the lab, with an API that knows the lab's pods. `crossing` is whom they were to ping. */
export async function labEvidence(log: string, crossing?: CrossPlan): Promise<Evidence> {
  const addresses = new Map(
    ['healthy', 'bare', 'filtered', 'six'].map((name, index) => [name, `10.1.1.${index + 2}`]),
  );
  if (crossing?.status === 'planned')
    for (const { name, address } of crossing.sources) addresses.set(name, address);
  const pods = [...addresses].map(([name, address]) => {
    const { unsettled: _, ...pod } = aPod({ name, uid: `uid-of-${name}`, podIPs: [address] });
    return pod;
  });
  const snapshot = {
    takenAt: new Date().toISOString(),
    node: aNode(),
    pods,
    events: [],
    ...(crossing && { crossing }),
  };
  return buildEvidence({
    files: await unpackLog(log),
    before: snapshot,
    after: snapshot,
    settleSeconds: { pod: 0 },
  });
}
