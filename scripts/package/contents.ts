/** The one list of what the package is made from. */

/**
 * Modules that are started, each by the name of its file in program/; one that is not there is left out. Whoever starts one
 * from beside itself finds a file in its old place that leads there.
 */
export const PROGRAMS: Readonly<Record<string, string>> = {
  'netns-audit': 'bin/netns-audit.ts',
  'judge-process': 'lib/audit/judge-process.ts',
};

/** Copied as they are, to the same place: what the program reads from beside its modules, and what people read. */
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

/** Of docs/, what the package leaves out: a terminal shows no pictures, and the registry takes them from the repository. */
export const PICTURES = 'docs/pictures';

/** Brought by whoever uses them: the construct must have the very CDK of its app, and SQL is for who asks for it. */
export const PEERS: readonly string[] = ['aws-cdk-lib', 'constructs', '@duckdb/node-api'];

/** The declarations of the construct speak of its types. */
export const DEPENDENCIES: readonly string[] = ['zod'];
