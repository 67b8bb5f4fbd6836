/** The package's package.json: the clone's without what only a clone needs, such as its own Node.js. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { DEPENDENCIES } from './contents.ts';

const versions = z.record(z.string(), z.string());
const clone = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  keywords: z.array(z.string()),
  license: z.string(),
  // Only once there is a public repository: npm shows it, and checks provenance against it.
  repository: z.object({ type: z.string(), url: z.string() }).optional(),
  engines: z.object({ node: z.string() }),
  dependencies: versions,
  devDependencies: versions,
  peerDependencies: versions,
});

/**
 * The npm package's package.json, from the clone's: no scripts, no development dependencies, and peers as
 * tested.
 * @param root - folder of the clone
 */
export function packageManifest(root: string): object {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));
  const { dependencies, devDependencies, peerDependencies, ...rest } = clone.parse(read('package.json'));
  const cdk = z.object({ peerDependencies: versions }).parse(read('node_modules/aws-cdk-lib/package.json'));
  const peers = {
    ...peerDependencies,
    // The version with which the templates were tested, or newer.
    'aws-cdk-lib': `^${devDependencies['aws-cdk-lib']}`,
    constructs: cdk.peerDependencies.constructs ?? `^${devDependencies.constructs}`,
  };
  return {
    ...rest,
    type: 'module',
    sideEffects: ['./bin/*', './program/*'],
    bin: {
      'netns-audit': 'bin/netns-audit.js',
      'kubectl-netns_audit': 'bin/netns-audit.js',
      'netns-auditor': 'bin/netns-audit.js',
      'kubectl_complete-netns_audit': 'bin/netns-audit.js',
    },
    exports: {
      '.': {
        import: { types: './construct/index.d.ts', default: './construct/index.js' },
        require: { types: './construct-cjs/index.d.ts', default: './construct-cjs/index.js' },
      },
      './schema/*': './schema/*',
      './package.json': './package.json',
    },
    main: './construct-cjs/index.js',
    types: './construct-cjs/index.d.ts',
    dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, `^${dependencies[name]}`])),
    peerDependencies: peers,
    // Users who only audit from the command line need none of them.
    peerDependenciesMeta: Object.fromEntries(Object.keys(peers).map((name) => [name, { optional: true }])),
  };
}
