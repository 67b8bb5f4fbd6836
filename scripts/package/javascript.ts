/** The program and the construct as JavaScript, all in files one folder below the root of the package. */
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { DEPENDENCIES, PEERS } from './contents.ts';

/** CommonJS packages in it call require for what Node has built in. */
const REQUIRE =
  "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);";

/** @returns which packages came along */
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
    // A command loads its part when it runs: `--help` has no use for clients of AWS.
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

/** For apps in either form of modules: ts-node takes no ES module where an app is CommonJS. */
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

/** Modules of ours read files beside them: each goes on taking itself to be where it was, below the root of the package. */
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

/** The code of the functions is in the package: it wants neither sources nor esbuild. */
function functionsMade(root: string): Plugin {
  return {
    name: 'functions-made',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/bundle\.ts$/ }, () => ({ path: join(root, 'lib/infra/built-functions.ts') }));
    },
  };
}
