/** The only list of what the package consists of. */

/**
 * Modules that run as separate processes or workers, each by its file name in program/; missing ones are
 * skipped. A module that starts one by a path relative to itself finds, at the old path, a file that leads
 * there.
 */
export const PROGRAMS: Readonly<Record<string, string>> = {
  'netns-audit': 'bin/netns-audit.ts',
  'judge-process': 'lib/audit/judge-process.ts',
};

/** Copied unchanged to the same place: files that the program reads relative to its modules, and documents. */
export const FILES: readonly string[] = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'demo',
  'deploy',
  'docs',
  'lib/probe/probe',
  'lib/probe/repair',
  'schema',
];

/** Left out of docs/: a terminal shows no pictures, and the registry takes them from the repository. */
export const PICTURES = 'docs/pictures';

/** Peer dependencies: the construct must use the app's own CDK, and SQL is only for users who want it. */
export const PEERS: readonly string[] = ['aws-cdk-lib', 'constructs', '@duckdb/node-api'];

/** The construct's declarations use its types. */
export const DEPENDENCIES: readonly string[] = ['zod'];
