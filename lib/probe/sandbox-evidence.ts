/** The sandboxes that existed while the node was read, if these are the files of the runtime that runs the probe. */
import type { CniResult, Part, Sandbox } from '../model/evidence.ts';
import type { Pod } from '../model/kubernetes.ts';
import { integer } from './parse/lines.ts';
import type { ProcessLine } from './parse/processes.ts';
import { parseContainerResolvConfs } from './parse/resolv-conf.ts';
import { listedPids, parseSandboxes } from './parse/sandboxes.ts';
import { both } from './parts.ts';
import type { Reader } from './reader.ts';

/** The part `sandboxes`: failed if the records are another runtime's. */
export function sandboxEvidence(
  { need, read, part }: Reader,
  others: {
    readonly processes: readonly ProcessLine[];
    readonly results: readonly CniResult[];
    readonly pods: readonly Pod[];
    /** The probe's own pid, as it reported it. */
    readonly own: string;
  },
): Part<Sandbox[]> {
  const listed = both(
    part('containers', () => need('sandboxes.before')),
    () => part('sandboxes_again', () => need('sandboxes.after')),
  );
  return both(listed, () =>
    part('sandboxes', () => {
      const own = integer(others.own);
      const all = parseSandboxes(
        {
          before: need('sandboxes.before'),
          after: need('sandboxes.after'),
          specs: `${need('sandboxes.ndjson')}\n${read('sandboxes.new') ?? ''}`,
          times: read('sandboxes.files') ?? '',
          kept: read('sandboxes.kept') ?? '',
          shims: read('sandboxes.shims') ?? '',
          places: read('sandboxes.places') ?? '',
        },
        others.processes,
        others.results,
        parseContainerResolvConfs(read('resolv.index') ?? '', read('resolv') ?? ''),
        others.pods,
      );
      if (!listedPids(need('sandboxes.before')).includes(own)) {
        throw new Error(
          "the probe's own container is not among those found: these are not the files of the kubelet's runtime",
        );
      }
      return all;
    }),
  );
}
