/** The kernel's own routing answers, with the names of the node's links. */
import type { Part, Sources } from '../model/evidence.ts';
import { parseAttachedPrograms, withProgramsBefore } from './parse/attached-programs.ts';
import { parseForwarding } from './parse/forwarding.ts';
import { parseIpsecPolicies } from './parse/ipsec-policies.ts';
import { parseLinkCounters } from './parse/link-counters.ts';
import { parseLinkPrograms } from './parse/link-programs.ts';
import type { NameOf } from './parse/netlink-routes.ts';
import { parseRouting } from './parse/routing.ts';
import { both, value } from './parts.ts';
import type { Reader } from './reader.ts';
import type { BundleFiles } from './unpack.ts';

const FILE = 'host/routing';

/** The part `routing`: absent if the probe's image has no perl. */
export function routingEvidence(
  { steps, read, part }: Reader,
  files: BundleFiles,
  hostNetwork: Part<Sources['hostNetwork']>,
): Part<Sources['routing']> {
  if (steps.problems.get('netlink') === undefined && !files.has(FILE) && !steps.dropped.has(FILE))
    return { status: 'absent', reason: 'the probe image has no perl, which asks the kernel' };
  return both(hostNetwork, () =>
    part('netlink', () => {
      // Throws if the file was dropped from the bundle.
      read(FILE);
      const names = new Map(value(hostNetwork).links.map(({ index, name }) => [index, name]));
      return parseRouting(files.get(FILE) ?? new Uint8Array(), (index) => names.get(index) ?? `if${index}`);
    }),
  );
}

const PROGRAMS = 'host/programs';
const ATTACHED = 'host/attached';
const FORWARDING = 'host/forwarding';
const POLICIES = 'host/xfrm';

/** Programs on the node's links, with the names of the links. */
export const programsEvidence = (
  reader: Reader,
  files: BundleFiles,
  hostNetwork: Part<Sources['hostNetwork']>,
): Part<Sources['linkPrograms']> =>
  ofLinks({ reader, files, hostNetwork }, PROGRAMS, 'what stands on its links', (bytes, nameOf) => {
    const attached = attachedEvidence(reader, files, hostNetwork);
    const before = attached.status === 'present' ? attached.value : [];
    return withProgramsBefore(parseLinkPrograms(bytes, nameOf), before);
  });

/** Programs that stand on the node's links without a filter, with the names of the links. */
export const attachedEvidence = (
  reader: Reader,
  files: BundleFiles,
  hostNetwork: Part<Sources['hostNetwork']>,
): Part<Sources['attachedPrograms']> =>
  ofLinks(
    { reader, files, hostNetwork },
    ATTACHED,
    'which programs are attached to its links',
    parseAttachedPrograms,
  );

/** Where the node's bridges and tunnels send frames, with the names of the links. */
export const forwardingEvidence = (
  reader: Reader,
  files: BundleFiles,
  hostNetwork: Part<Sources['hostNetwork']>,
): Part<Sources['forwarding']> =>
  ofLinks(
    { reader, files, hostNetwork },
    FORWARDING,
    'where bridges and tunnels send frames',
    parseForwarding,
  );

const COUNTERS = 'host/counters';

/** What passed pods' links and what was lost there; absent if the probe's image has no perl. */
export function countersEvidence(
  { raw, read, part }: Reader,
  host: Part<Sources['host']>,
): Part<Sources['linkCounters']> {
  if (raw(COUNTERS) === null)
    return { status: 'absent', reason: 'the kernel of the node was not asked for the counters of links' };
  return both(host, () =>
    part('netlink', () => parseLinkCounters(read(COUNTERS) ?? '', value(host).networkNamespace)),
  );
}

/** Which packets IPsec protects or drops on the node. */
export const policiesEvidence = (
  reader: Reader,
  files: BundleFiles,
  hostNetwork: Part<Sources['hostNetwork']>,
): Part<Sources['ipsecPolicies']> =>
  ofLinks({ reader, files, hostNetwork }, POLICIES, 'for its policies of IPsec', parseIpsecPolicies);

type Read = {
  readonly reader: Reader;
  readonly files: BundleFiles;
  readonly hostNetwork: Part<Sources['hostNetwork']>;
};

function ofLinks<T>(
  { reader: { read, part }, files, hostNetwork }: Read,
  file: string,
  asked: string,
  parse: (bytes: Uint8Array, nameOf: NameOf) => T,
): Part<T> {
  const bytes = files.get(file);
  if (bytes === undefined)
    return { status: 'absent', reason: `the kernel of the node was not asked ${asked}` };
  return both(hostNetwork, () =>
    part('netlink', () => {
      read(file);
      const names = new Map(value(hostNetwork).links.map(({ index, name }) => [index, name]));
      return parse(bytes, (index) => names.get(index) ?? `if${index}`);
    }),
  );
}
