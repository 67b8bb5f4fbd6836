import { loadableConfigs } from '../../computed/loaded-config.ts';
import { counted, listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/**
 * A second plugin from a trial, or a backup copy of a file, sorts before the real configuration (multus#1387,
 * flannel#1437).
 */
export const cniConfigOrder = defineCheck({
  id: 'cni-config-order',
  topic: 'cni',
  severity: 'high',
  title: 'New pods get the network that running pods have',
  failureTitle: 'A different CNI configuration now takes precedence',
  why:
    'The runtime uses the first file by name. New pods get the network of that file: addresses from ' +
    'another range, which other nodes and network policies do not know, while existing pods continue as ' +
    'before.',
  needs: ['cniConfig', 'podNetworks', 'node'],
  run({ cniConfig, podNetworks, node: { containerRuntime } }, { node }) {
    const object = nodeObject(node);
    if (!containerRuntime.startsWith('containerd:'))
      return [notApplicable(object, 'the runtime may choose its network by name')];
    const loadable = loadableConfigs(cniConfig);
    const [config] = loadable;
    if (config === undefined || loadable.length < 2) return [pass(object)];
    const attached = podNetworks.filter(({ results }) => results.length > 0);
    const elsewhere = attached.filter(
      ({ results }) => !results.some(({ network }) => network === config.network),
    );
    // If some pods already have it, somebody changed it on purpose, and the other pods are older than the
    // change.
    if (attached.length === 0 || elsewhere.length < attached.length) return [pass(object)];
    const networks = [...new Set(elsewhere.flatMap(({ results }) => results.map(({ network }) => network)))];
    const name = quote(config.name, 80);
    return [
      fail(object, {
        detail:
          `New pods get the network ${quote(config.network ?? '?', 60)} of ${name}, as it comes first by ` +
          `name; ${counted(attached.length, 'running pod')} have ` +
          `${listed(networks.map((one) => quote(one, 60)))}.`,
        confidence: 'confirmed',
        evidence: [
          {
            what: 'configurations that the runtime can load, in its order',
            expected: 'one, or that of the running pods first',
            actual: listed(
              loadable.map((file) => `${quote(file.name, 80)} (${quote(file.network ?? '?', 60)})`),
            ),
            source: cniConfig.directory,
          },
          {
            what: 'networks of running pods',
            actual: listed(networks.map((one) => quote(one, 60))),
            source: 'CNI result cache',
          },
        ],
        remedy: [
          lookOnNode(
            node,
            'find out which file should be used, and who wrote the other. Unless you are changing the network, it is not the first.',
            command('ls', '-l', cniConfig.directory),
          ),
          repairOnNode(
            node,
            'move the unwanted one away; the runtime then uses the next by itself.',
            command('mv', `${cniConfig.directory}/${config.name}`, `/root/${config.name}.unused`),
          ),
        ],
      }),
    ];
  },
});
