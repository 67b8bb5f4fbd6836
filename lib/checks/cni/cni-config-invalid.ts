import { lexically } from '../../computed/loaded-config.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, look, lookOnNode, podsOnNode, repairOnNode } from '../remedies/steps.ts';

/** containerd reads only the first file: if that is broken, it has no network, whatever the other files contain. */
export const cniConfigInvalid = defineCheck({
  id: 'cni-config-invalid',
  topic: 'cni',
  severity: 'critical',
  title: 'The node has a CNI configuration that its runtime loads',
  failureTitle: 'Node has no valid CNI configuration',
  why:
    'Without it the runtime can neither set up nor tear down the network of a pod: the node goes ' +
    'NotReady, new pods stay in ContainerCreating, deleted ones in Terminating.',
  needs: ['cniConfig', 'node'],
  run({ cniConfig, node: { containerRuntime, createdAt, ready } }, { node, now, settleSeconds }) {
    const object = nodeObject(node);
    const files = lexically(cniConfig.files);
    const first = files[0];
    const firstValid = files.find(({ error }) => error === null);
    if (first !== undefined && first === firstValid) return [pass(object)];
    // The kubelet reports the node ready only while its runtime has a configuration loaded.
    if (first === undefined && ready) {
      return [
        notApplicable(
          object,
          `the node is ready, so its runtime has a configuration in another place than ${quote(cniConfig.directory)}`,
        ),
      ];
    }
    if (firstValid === undefined && now - Date.parse(createdAt) < settleSeconds.pod * 1000) {
      return [
        notApplicable(object, 'the node is new: its CNI agent may not have written the configuration yet'),
      ];
    }
    const skips = firstValid !== undefined && !containerRuntime.startsWith('containerd');
    return [
      fail(object, {
        detail:
          first === undefined
            ? `No CNI configuration in ${quote(cniConfig.directory)}.`
            : `${quote(first.name, 80)} in ${quote(cniConfig.directory)} is the first and cannot be loaded: ` +
              `${quote(first.error ?? '')}.` +
              `${skips ? ` The runtime goes on with ${quote(firstValid.name, 80)}, perhaps another network.` : ''}`,
        confidence: 'probable',
        ...(skips ? { severity: 'high' as const } : {}),
        evidence:
          first === undefined
            ? [
                {
                  what: 'CNI configuration files',
                  expected: 'at least one',
                  actual: 'none',
                  source: cniConfig.directory,
                },
              ]
            : rowsOf(files, 5, ({ name, error, network }) => ({
                what: quote(name, 80),
                expected: 'loads',
                actual: error === null ? `loads, network ${quote(network ?? '', 60)}` : quote(error),
                source: `${cniConfig.directory}/${quote(name, 80)}`,
              })),
        remedy: remedy(cniConfig.directory, first?.name, node),
      }),
    ];
  },
});

function remedy(directory: string, file: string | undefined, node: string): RemedyStep[] {
  return [
    file === undefined
      ? lookOnNode(
          node,
          'look at what is there, such as a temporary file that was never renamed.',
          command('ls', '-la', directory),
        )
      : lookOnNode(node, 'look at the file.', command('cat', '--', `${directory}/${file}`)),
    look(
      "Restart the CNI agent's pod on this node: it writes its configuration when it starts. Find it:",
      podsOnNode(node),
    ),
    ...(file === undefined
      ? []
      : [
          repairOnNode(
            node,
            'if no agent owns the file (a leftover of an uninstalled plugin), move it out of the way.',
            command('mv', '--', `${directory}/${file}`, `/root/${file}.broken`),
          ),
        ]),
  ];
}
