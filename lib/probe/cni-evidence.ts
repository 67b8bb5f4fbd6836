/** What the CNI plugins have on the node: configuration, results and assigned addresses. */
import type { CniConfig, Evidence } from '../model/evidence.ts';
import type { Snapshot } from '../model/kubernetes.ts';
import { calicoIpam } from './cni-records-evidence.ts';
import { parseCniConfig, parseCniResults } from './parse/cni.ts';
import { emptiedNetworks, parseAwsIpam, parseHostLocal } from './parse/ipam.ts';
import { lines } from './parse/lines.ts';
import { realPaths } from './parse/mounts.ts';
import { parseProgramPins } from './parse/program-pins.ts';
import type { Reader } from './reader.ts';

/**
 * CNI configuration, cached results and IPAM stores of a node.
 * @param after - the API snapshot after the probe ended
 * @param nodeTime - ISO time of the node's own clock; ages are measured against it
 */
export function cniEvidence(
  { need, read, part }: Reader,
  after: Snapshot,
  nodeTime: string,
): Pick<Evidence, 'cniConfig' | 'cniResults' | 'ipam'> {
  const cniResults = part('cni_results', () => {
    const elsewhere = realPaths(read('sandboxes.places') ?? '');
    return parseCniResults(need('cni/results.ndjson')).map((result) => ({
      ...result,
      namespacePath: result.namespacePath === null ? null : elsewhere(result.namespacePath),
    }));
  });
  const cniConfig: Evidence['cniConfig'] = part('cni', () => ({
    ...parseCniConfig(
      need('cni/config.ndjson'),
      read('cni/directories') ?? '',
      read('cni/binaries') ?? '',
      read('cni/binary-directories') ?? '',
      read('cni/subnet.env'),
    ),
    lostSockets: lines(read('cni/lost-sockets') ?? '').slice(0, 10),
    ...programPins(read('cni/program-pins'), read('cni/program-pins.after')),
  }));
  const ipam = part('ipam', () => {
    const config = cniConfig.status === 'present' ? cniConfig.value : null;
    // If a configuration has its own directory, an empty or missing default directory proves nothing.
    const directories = /"dataDir":"/.test(read('cni/config.ndjson') ?? '') ? null : read('cni/networks');
    const emptied =
      directories === null || config === null || cniResults.status !== 'present'
        ? []
        : emptiedNetworks(directories, config, cniResults.value);
    return [
      ...parseHostLocal(
        read('cni/host-local') ?? '',
        read('cni/host-local-files') ?? '',
        { directories: directories ?? '', emptied, later: read('cni/host-local.after') },
        config,
      ),
      ...parseAwsIpam(read('cni/aws-ipam.ndjson') ?? '', read('cni/aws-ipam.after')),
      ...calicoIpam(after, config, { nodeTime }),
    ];
  });
  return { cniConfig, cniResults, ipam };
}

/** Null for what was not read. The agent replaces pins: an endpoint counts if it was there twice, a map if it was once. */
function programPins(before: string | null, after: string | null): Pick<CniConfig, 'programPins'> {
  if (before === null || after === null) return {};
  const [first, last] = [parseProgramPins(before), parseProgramPins(after)];
  const endpoints = first.endpoints.filter((id) => last.endpoints.includes(id));
  return { programPins: { endpoints, maps: [...new Set([...first.maps, ...last.maps])] } };
}
