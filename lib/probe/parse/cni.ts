/** CNI files: network configurations, plugin binaries, cached results. */
import * as z from 'zod';
import type { CniConfig, CniResult } from '../../model/evidence.ts';
import { nameSchema } from '../grammar.ts';
import { limited } from '../limits.ts';
import { parsePairs } from './kernel.ts';
import { jsonLines, lines, optionalInteger } from './lines.ts';
import { each } from './schemas.ts';

const text = z.string().max(500);
const ipam = z
  .object({
    type: text.nullish(),
    subnet: text.nullish(),
    ranges: each(each(z.object({ subnet: text.nullish() }))).nullish(),
  })
  .nullish();
const plugin = z.object({
  type: text.nullish(),
  name: text.nullish(),
  mtu: z.number().int().nullish().catch(null),
  hairpin: z.boolean().nullish().catch(null),
  isolation: z.boolean().nullish().catch(null),
  subnetFile: text.nullish().catch(null),
  bridge: text.nullish().catch(null).pipe(nameSchema('link').nullish()),
  ipam: ipam.catch(null),
  delegates: each(z.object({ type: text.nullish() }))
    .catch([])
    .default([]),
});
const configLine = z.object({
  dir: text.startsWith('/'),
  file: nameSchema('file'),
  error: text.optional(),
  name: text.nullish().catch(null),
  plugins: each(plugin).nullish(),
  single: plugin.nullish(),
});

/**
 * `cni/config.ndjson`, `cni/binaries` (`MODE SIZE PATH`), `cni/binary-directories` (where containerd looks
 * for plugins; empty if it does not say). The first configuration directory with files counts.
 */
export function parseCniConfig(
  configs: string,
  directories: string,
  binaries: string,
  binaryDirectories = '',
  subnetFile: string | null = null,
): CniConfig {
  const parsed = limited('cniConfigs', jsonLines(configs, configLine));
  const directory = parsed[0]?.dir ?? lines(directories)[0] ?? '/etc/cni/net.d';
  const own = lines(binaryDirectories);
  const ownSet = new Set(own);
  const files = lines(binaries)
    .flatMap((line) => {
      const [, mode, size, path] = /^(-\S{9}) (\d+) (\S+)$/.exec(line) ?? [];
      return mode === undefined || path === undefined
        ? []
        : [
            {
              path,
              why:
                size === '0' ? ('empty' as const) : mode.includes('x') ? null : ('not executable' as const),
            },
          ];
    })
    .filter(({ path }) => own.length === 0 || ownSet.has(directoryOf(path)));
  const executables = files.flatMap(({ path, why }) => (why === null ? [path] : []));
  const binaryDirectory =
    own[0] ?? (executables[0] === undefined ? '/opt/cni/bin' : directoryOf(executables[0]));
  return {
    directory,
    files: parsed
      .filter(({ dir }) => dir === directory)
      .map((file) => {
        const plugins = file.plugins ?? (file.single ? [file.single] : []);
        const types = plugins.flatMap(({ type }) => type ?? []);
        return {
          name: file.file,
          error: file.error ?? configError(file.name ?? null, plugins.length, types.length),
          network: file.name ?? null,
          plugins: types,
          ipam: plugins.flatMap((one) => one.ipam?.type ?? []),
          subnets: plugins.flatMap((one) => [
            ...(one.ipam?.subnet ? [one.ipam.subnet] : []),
            ...(one.ipam?.ranges ?? []).flat().flatMap(({ subnet }) => subnet ?? []),
          ]),
          mtu: plugins.find(({ mtu }) => mtu)?.mtu ?? null,
          bridge: plugins.find(({ bridge }) => bridge)?.bridge ?? null,
          hairpin: plugins.some(({ hairpin }) => hairpin === true),
          isolation: plugins.some(({ isolation }) => isolation === true),
          subnetFile: plugins.find(({ subnetFile }) => subnetFile)?.subnetFile ?? null,
        };
      }),
    binaryDirectory,
    binaries: [...new Set(executables.map(nameOf))],
    unusable: files.flatMap(({ path, why }) => (why === null ? [] : [{ name: nameOf(path), why }])),
    ...(subnetFile === null ? {} : { subnetFile: parseSubnetFile(subnetFile) }),
  };
}

/** `cni/subnet.env`: whether the file is there, and its `NAME=VALUE` lines. */
function parseSubnetFile(text: string): NonNullable<CniConfig['subnetFile']> {
  const [first, ...rest] = lines(text);
  const pairs = [...parsePairs(rest.join('\n'))].filter(([name]) => /^[A-Z][A-Z0-9_]{0,40}$/.test(name));
  return { exists: first === 'found', variables: Object.fromEntries(pairs.slice(0, 50)) };
}

const nameOf = (path: string) => path.replace(/^.*\//, '');
const directoryOf = (path: string) => path.replace(/\/[^/]*$/, '');

function configError(name: string | null, plugins: number, types: number): string | null {
  if (name === null || name === '') return 'it has no name';
  if (plugins === 0) return 'it has no plugins';
  return types < plugins ? 'a plugin has no type' : null;
}

const address = nameSchema('address');
const legacyIp = z.object({ ip: address, gateway: address.nullish() }).nullish();
const resultLine = z.object({
  file: text,
  error: text.optional(),
  containerId: nameSchema('id').nullish(),
  networkName: text.nullish(),
  ifName: nameSchema('link').nullish(),
  netns: text.nullish(),
  args: each(z.tuple([text, text]))
    .catch([])
    .default([]),
  plugins: each(text.nullable()).nullish(),
  result: z
    .object({
      interfaces: each(z.object({ name: text, mac: text.nullish(), sandbox: text.nullish() })).nullish(),
      ips: each(
        z.object({ address, gateway: address.nullish(), interface: z.number().int().nullish() }),
      ).nullish(),
      ip4: legacyIp,
      ip6: legacyIp,
      routes: each(z.object({ dst: address, gw: address.nullish() })).nullish(),
    })
    .nullish(),
});

/** `cni/results.ndjson`: libcni's cache as reduced by jq. Unreadable entries are left out: they prove nothing. */
export function parseCniResults(ndjson: string): CniResult[] {
  return limited('cniResults', jsonLines(ndjson, resultLine)).flatMap((entry) => {
    if (entry.error !== undefined || !entry.containerId || !entry.result) return [];
    const { result } = entry;
    const args = new Map(entry.args);
    const ips = [
      ...(result.ips ?? []),
      ...[result.ip4, result.ip6].flatMap((ip) => (ip ? [{ ...ip, address: ip.ip }] : [])),
    ];
    return [
      {
        containerId: entry.containerId,
        network: entry.networkName ?? '',
        interface: entry.ifName ?? 'eth0',
        namespacePath: entry.netns ?? result.interfaces?.find(({ sandbox }) => sandbox)?.sandbox ?? null,
        podNamespace: args.get('K8S_POD_NAMESPACE') ?? null,
        podName: args.get('K8S_POD_NAME') ?? null,
        podUid: args.get('K8S_POD_UID') ?? null,
        plugins: (entry.plugins ?? []).flatMap((type) => type ?? []),
        addresses: ips.map((ip) => {
          const [address = '', length = ''] = ip.address.split('/');
          return {
            address,
            prefixLength:
              length === '' ? (address.includes(':') ? 128 : 32) : (optionalInteger(length.slice(0, 3)) ?? 0),
            gateway: ip.gateway ?? null,
            interface: 'interface' in ip ? (ip.interface ?? null) : null,
          };
        }),
        routes: (result.routes ?? []).map(({ dst, gw }) => ({ destination: dst, gateway: gw ?? null })),
        interfaces: (result.interfaces ?? []).map(({ name, mac, sandbox }) => ({
          name,
          mac: mac ?? null,
          inPod: Boolean(sandbox),
          ...(sandbox && /^\d{1,3}$/.test(sandbox) ? { device: Number(sandbox) } : {}),
        })),
      },
    ];
  });
}
