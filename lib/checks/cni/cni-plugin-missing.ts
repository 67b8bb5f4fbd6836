import { loadedConfig } from '../../computed/loaded-config.ts';
import { cniPlugin, LOOPBACK } from '../../model/cni-plugins.ts';
import { listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { agentRepair, restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/** Uninstalling a mesh or CNI plugin removes the binary before the configuration (istio.io#16748). */
export const cniPluginMissing = defineCheck({
  id: 'cni-plugin-missing',
  topic: 'cni',
  severity: 'critical',
  title: 'Every plugin of the CNI configuration is installed',
  failureTitle: 'CNI plugin in the configuration is not installed',
  why:
    'The runtime fails on the whole chain: no new pod on the node gets a network, and deleted pods stay ' +
    'in Terminating, because DEL needs the same binaries.',
  needs: ['cniConfig', 'node'],
  run({ cniConfig, node: { containerRuntime } }, { node }) {
    const object = nodeObject(node);
    const config = loadedConfig(cniConfig);
    if (config === undefined) {
      return [notApplicable(object, 'no CNI configuration can be loaded: see cni-config-invalid')];
    }
    const named = [...config.plugins, ...config.ipam];
    const needed = [
      ...named,
      ...named.flatMap((type) => cniPlugin(type)?.delegates ?? []),
      // CRI-O and containerd 1 always run a plugin to bring up lo; containerd 2 may do it itself.
      ...(/^(containerd:\/\/v?1\.|cri-o:)/.test(containerRuntime) ? [LOOPBACK] : []),
    ];
    const installed = new Set(cniConfig.binaries);
    const missing = [...new Set(needed)].filter((type) => !installed.has(type));
    if (missing.length === 0) return [pass(object)];
    const names = missing.map((type) => quote(type, 60));
    const whyOf = (type: string) => cniConfig.unusable.find(({ name }) => name === type)?.why;
    const [only, more] = missing.filter(
      (type) => whyOf(type) === 'not executable' || agentRepair(type) !== null,
    );
    return [
      fail(object, {
        detail:
          `The runtime cannot run what ${quote(config.name, 80)} names: ` +
          `${listed(missing.map((type) => `${quote(type, 60)} is ${whyOf(type) ?? 'not there'}`))} ` +
          `(${quote(cniConfig.binaryDirectory)}).`,
        confidence: 'confirmed',
        evidence: [
          {
            what: 'plugins of the chain',
            actual: listed(
              [...new Set(needed)].map((type) => quote(type, 60)),
              20,
            ),
            source: `${cniConfig.directory}/${quote(config.name, 80)}`,
          },
          {
            what: 'executable files',
            expected: listed(names),
            actual:
              listed(
                cniConfig.binaries.map((name) => quote(name, 60)),
                40,
              ) || 'none',
            source: cniConfig.binaryDirectory,
          },
        ],
        remedy: missing.flatMap((type) =>
          whyOf(type) === 'not executable'
            ? [
                repairOnNode(
                  node,
                  'make it executable again.',
                  command('chmod', '0755', `${cniConfig.binaryDirectory}/${type}`),
                ),
              ]
            : agentRepair(type) === null
              ? [
                  lookOnNode(
                    node,
                    `${quote(type, 60)} comes with the node's image (package containernetworking-plugins) or with ` +
                      'whatever wrote the configuration: install it again, or, if it was uninstalled on purpose, take it ' +
                      'out of the chain.',
                    command('ls', '-l', cniConfig.binaryDirectory, `${cniConfig.directory}/${config.name}`),
                  ),
                ]
              : [restartAgent(type, node)],
        ),
        repair:
          only === undefined || more !== undefined || whyOf(only) === 'not executable'
            ? null
            : agentRepair(only),
      }),
    ];
  },
});
