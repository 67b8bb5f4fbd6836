/**
 * The code of a function: one folder that esbuild writes, byte for byte the same for the same sources. No
 * Docker, no network.
 */
import { cpSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { State } from './states.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Parts of packages that load only where no function runs. A path with a star stays in the bundle as
 * written; any other would be rewritten to point to this folder.
 */
export const NEVER_LOADED = [
  // undici's other HTTP parser, behind UNDICI_USE_MILO, and its parser for processors without SIMD.
  '../milo/*',
  '../llhttp/llhttp-wasm.*',
  // Names the browser in a header.
  'bowser',
  // Lambda puts credentials in the environment, which is read first: no profile, sign-in or program is.
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
];

const made = new Map<string, string>();

/**
 * @param securityHub - with the Security Hub client, which is large and only loaded where findings go there
 * @returns the folder, with index.mjs in it; created once per process
 */
export function bundle(state: State, { securityHub = false } = {}): string {
  const key = `${state} ${securityHub}`;
  const folder = made.get(key) ?? make(state, securityHub);
  made.set(key, folder);
  return folder;
}

function make(state: State, securityHub: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), `netns-auditor-${state}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: {
      index: join('lambda', `${state}.ts`),
      // Runs as its own process, found beside the function.
      ...(state === 'audit-nodes' ? { 'judge-process': 'lib/audit/judge-process.ts' } : {}),
    },
    outdir: folder,
    bundle: true,
    external: [...NEVER_LOADED, ...(securityHub ? [] : ['@aws-sdk/client-securityhub'])],
    // A cold start never reads the parts of a client that a state does not use.
    splitting: true,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    legalComments: 'none',
    mainFields: ['module', 'main'],
    // Paths decide names and order in the bundle: those below the root, wherever a linked node_modules really is.
    preserveSymlinks:
      lstatSync(join(ROOT, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false,
    // Bundled CommonJS packages call require for Node's built-in modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  // lib/probe/script.ts reads its parts beside the code.
  cpSync(join(ROOT, 'lib/probe/probe'), join(folder, 'probe'), { recursive: true });
  // Pages of reports explain checks.
  if (state === 'conclude-cluster')
    cpSync(join(ROOT, 'docs/checks'), join(folder, 'checks'), { recursive: true });
  return folder;
}
