/** The program and the construct as JavaScript, with all files one folder below the package's root. */
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { DEPENDENCIES, PEERS } from './contents.ts';

/** CommonJS packages in the bundle call require for Node's built-in modules. */
const REQUIRE =
  "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);";

/** @returns the packages that were bundled */
export async function buildProgram(
  root: string,
  outdir: string,
  entryPoints: Record<string, string>,
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    // A command loads its code when it runs: `--help` does not need the AWS clients.
    splitting: true,
    chunkNames: 'chunk-[hash]',
    external: [...PEERS],
    platform: 'node',
    target: 'node22.19',
    format: 'esm',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    mainFields: ['module', 'main'],
    preserveSymlinks: true,
    banner: { js: REQUIRE },
    plugins: [placesKept(root, 'esm')],
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** For apps with either module format: ts-node cannot load an ES module in a CommonJS app. */
export async function buildConstruct(
  root: string,
  outfile: string,
  format: 'esm' | 'cjs',
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['index.ts'],
    outfile,
    bundle: true,
    packages: 'bundle',
    external: [...PEERS, ...DEPENDENCIES],
    platform: 'node',
    target: 'node22.19',
    format,
    legalComments: 'none',
    preserveSymlinks: true,
    banner: format === 'esm' ? { js: REQUIRE } : {},
    plugins: [placesKept(root, format), functionsMade(root)],
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/**
 * The project's modules read files relative to themselves, so each keeps its old location, relative to the
 * package's root.
 */
function placesKept(root: string, format: 'esm' | 'cjs'): Plugin {
  const here = format === 'esm' ? 'import.meta.url' : "require('node:url').pathToFileURL(__filename)";
  return {
    name: 'places-kept',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const file = relative(root, path);
        if (file.startsWith('..') || file.includes('node_modules')) return null;
        const place = `../${file.replace(/\.ts$/, '.js')}`;
        const text = await readFile(path, 'utf8');
        const contents = text.replaceAll('import.meta.url', `new URL('${place}',${here}).href`);
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** The package contains the functions' code, so it needs neither sources nor esbuild. */
function functionsMade(root: string): Plugin {
  return {
    name: 'functions-made',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/bundle\.ts$/ }, () => ({ path: join(root, 'lib/infra/built-functions.ts') }));
    },
  };
}
