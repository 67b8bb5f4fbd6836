/** The manifest of a plugin in krew's format: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/ */

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * @param release.url - where the archives are, without their names
 * @param release.digests - a line of sha256sum for each archive
 * @throws Error if a line is not one of sha256sum, or an archive has another version
 */
export function krewManifest(release: {
  readonly version: string;
  readonly url: string;
  readonly homepage: string;
  readonly digests: readonly string[];
}): object {
  const { version, url, homepage, digests } = release;
  if (digests.length === 0) throw new Error('there is no archive: npm run archive');
  return {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'netns-audit' },
    spec: {
      version: `v${version}`,
      homepage,
      shortDescription: 'Audit the network namespaces of pods',
      description: [
        'Finds what neither Kubernetes nor the runtime notices: a Running pod without',
        'eth0, a veth without a peer, a missing route, leaked network namespaces. It',
        'starts a short-lived pod on each node, compares what the kernel, the runtime',
        'and the CNI plugin report with the API, and shows the command that repairs.',
        '',
      ].join('\n'),
      caveats: [
        'It creates pods that use the network and process namespaces of their nodes, in',
        'the namespace netns-audit. To grant only the rights that it needs:',
        '  kubectl netns-audit manifests | kubectl apply -f -',
        '',
      ].join('\n'),
      platforms: digests.map((line) => {
        const [, sha256, name, of, os, architecture = ''] =
          /^([0-9a-f]{64}) {2}(netns-audit-(\S+)-(darwin|linux)-(arm64|x64)\.tar\.gz)\n$/.exec(line) ?? [];
        if (sha256 === undefined || of !== version)
          throw new Error(`no digest of an archive of ${version}: ${line}`);
        return {
          selector: { matchLabels: { os, arch: ARCHITECTURES[architecture] } },
          uri: `${url.replace(/\/$/, '')}/${name}`,
          sha256,
          bin: 'netns-audit/kubectl-netns_audit',
        };
      }),
    },
  };
}
