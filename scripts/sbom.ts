/**
 * The software bill of materials of the package: CycloneDX 1.6, from package-lock.json alone, so its bytes
 * are the same everywhere. `npm run sbom > sbom.json`. (`npm sbom --omit dev` of npm 11.19 omits packages
 * that a development package also needs, such as zod.)
 */
import { readFileSync } from 'node:fs';

type Entry = {
  version: string;
  license?: string;
  integrity?: string;
  dev?: boolean;
  optional?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Entry>;
};
const shipped = new Map(Object.entries(packages).filter(([, { dev }]) => dev !== true));

const nameOf = (path: string): string =>
  path === '' ? 'netns-auditor' : path.replace(/^.*node_modules\//, '');
/** From the package URL specification: the @ of a scope is escaped. */
const purlOf = (path: string, { version }: Entry): string =>
  `pkg:npm/${nameOf(path).replace('@', '%40')}@${version}`;
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Resolves a package as Node.js does: in the folder beside the importing package, or in a parent folder. */
function found(from: string, name: string): string | null {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (shipped.has(path)) return path;
    if (folder === '') return null;
  }
}

function component(path: string, entry: Entry) {
  const purl = purlOf(path, entry);
  const [algorithm = '', digest = ''] = (entry.integrity ?? '').split('-');
  const scoped = /^(@[^/]+)\/(.+)$/.exec(nameOf(path));
  return {
    type: path === '' ? 'application' : 'library',
    'bom-ref': purl,
    ...(scoped === null ? {} : { group: scoped[1] }),
    name: scoped?.[2] ?? nameOf(path),
    version: entry.version,
    ...(path === '' ? {} : { scope: entry.optional === true ? 'optional' : 'required' }),
    ...(algorithm === 'sha512'
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
      : {}),
    ...(entry.license === undefined ? {} : { licenses: [{ expression: entry.license }] }),
    purl,
  };
}

/** A package may be in several folders. */
const once = <T>(entries: readonly (readonly [string, T])[]): T[] =>
  [...new Map(entries)].sort(([a], [b]) => byText(a, b)).map(([, value]) => value);

const root = packages[''] as Entry;
const all = [...shipped];
const dependsOn = (path: string, entry: Entry): string[] =>
  Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
    .map((name) => found(path, name))
    .filter((target) => target !== null)
    .map((target) => purlOf(target, shipped.get(target) as Entry));
const graph = Map.groupBy(all, ([path, entry]) => purlOf(path, entry));

console.log(
  JSON.stringify(
    {
      $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { lifecycles: [{ phase: 'pre-build' }], component: component('', root) },
      components: once(
        all
          .filter(([path]) => path !== '')
          .map(([path, entry]) => [purlOf(path, entry), component(path, entry)]),
      ),
      dependencies: [...graph]
        .map(([ref, entries]) => ({
          ref,
          dependsOn: [...new Set(entries.flatMap(([path, entry]) => dependsOn(path, entry)))].sort(byText),
        }))
        .sort((a, b) => byText(a.ref, b.ref)),
    },
    null,
    2,
  ),
);
