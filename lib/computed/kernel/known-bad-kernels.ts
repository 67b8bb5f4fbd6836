/**
 * Kernels with known defects in network namespaces, as data. A version alone is not a fault, so each entry
 * must be certain. Distributions with long-lived kernels (EL, Amazon Linux, Ubuntu, Debian …) backport fixes,
 * so ranges of upstream versions apply only to releases without a vendor's mark.
 */
export type KnownBadKernel = {
  readonly name: string;
  readonly defect: string;
  /** Where the defect and its fix are described. */
  readonly reference: string;
  readonly fixedIn: string;
  /** Release as `uname -r` prints it. */
  readonly release:
    | { readonly pattern: RegExp }
    /** Upstream: from the first version up to, but not including, the second. */
    | { readonly from: readonly [number, number]; readonly before: readonly [number, number] };
  /** Applies only if this sysctl has this value; if it cannot be read, the entry does not apply. */
  readonly sysctl?: { readonly name: string; readonly value: string };
};

const knownBadKernels: readonly KnownBadKernel[] = [
  {
    name: 'Amazon Linux 2 5.4.217-126.408',
    defect: 'container processes hang, the kubelet reports PLEG as unhealthy and the node goes NotReady',
    reference: 'https://github.com/awslabs/amazon-eks-ami/issues/1071',
    fixedIn: '5.4.219-126.411.amzn2',
    release: { pattern: /^5\.4\.217-126\.408\.amzn2/ },
  },
  {
    name: 'RHEL and CentOS 7 with fs.may_detach_mounts=0',
    defect:
      'a namespace that any other mount namespace still shows cannot be removed (device or resource busy)',
    reference: 'https://github.com/containerd/containerd/issues/6953',
    fixedIn: 'fs.may_detach_mounts=1, or any later release',
    release: { pattern: /^3\.10\.0-.*\.el7/ },
    sysctl: { name: 'fs.may_detach_mounts', value: '0' },
  },
  {
    name: 'Linux before 3.18',
    defect:
      'a namespace that any other mount namespace still shows cannot be removed (device or resource busy)',
    reference: 'mount_namespaces(7), commit 8ed936b5671b',
    fixedIn: '3.18',
    release: { from: [0, 0], before: [3, 18] },
  },
  {
    name: 'Linux 3.18 to 4.0',
    defect: 'a race while a namespace is unmounted can crash the node',
    reference: 'https://github.com/moby/libnetwork/issues/223, commit 8f502d5b9e33',
    fixedIn: '4.1',
    release: { from: [3, 18], before: [4, 1] },
  },
  {
    name: 'Linux 5.0 and 5.1',
    defect: 'neighbour entries are miscounted, so that the table is reported full while it is not',
    reference: 'netdev list, May 2019',
    fixedIn: '5.2',
    release: { from: [5, 0], before: [5, 2] },
  },
];

const VENDOR =
  /\.(?:el|amzn|fc|oe)\d|-(?:generic|aws|azure|gke|gcp|oracle|cloud|default|amd64|arm64|lowlatency)\b|\.cm\d|-cos|\+deb/;

/** The entries that apply to a release under the given sysctls. */
export function knownDefects(release: string, sysctls: Readonly<Record<string, string>>): KnownBadKernel[] {
  return knownBadKernels.filter(
    (kernel) =>
      applies(kernel.release, release) &&
      (kernel.sysctl === undefined || sysctls[kernel.sysctl.name]?.trim() === kernel.sysctl.value),
  );
}

function applies(wanted: KnownBadKernel['release'], release: string): boolean {
  if ('pattern' in wanted) return wanted.pattern.test(release);
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})\./.exec(`${release}.`) ?? [];
  if (major === undefined || minor === undefined || VENDOR.test(release)) return false;
  const version = Number(major) * 1000 + Number(minor);
  const number = ([first, second]: readonly [number, number]) => first * 1000 + second;
  return version >= number(wanted.from) && version < number(wanted.before);
}
