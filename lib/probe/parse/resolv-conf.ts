/** resolv.conf(5); the probe sends only lines with its keywords. */
import type { ResolvConf, Sources } from '../../model/evidence.ts';
import { addTo } from './collect.ts';
import { lines } from './lines.ts';

/** A container's file may list any number; the resolver uses 3 nameservers, and Kubernetes 32 search domains. */
const USED = 64;

/** The last `search` or `domain` line applies, as in the resolver. */
export function parseResolvConf(content: readonly string[]): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  let searches: string[] = [];
  for (const line of content) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) nameservers.push(values[0].slice(0, 100));
    else if (keyword === 'search' || keyword === 'domain') searches = values;
    else if (keyword === 'options') for (const value of values.slice(0, USED)) options.push(value);
  }
  return {
    exists: true,
    nameservers: nameservers.slice(0, USED),
    searches: searches.slice(0, USED),
    options: options.slice(0, USED),
  };
}

/**
 * Each container's resolv.conf, by its init process; `ended` if that process no longer runs.
 * @param index - lines `# ID PID file|none|odd|ended`; odd is not a regular file, so it is not read and not known
 * @param content - lines as `grep -H` prints them, `/proc/PID/root/etc/resolv.conf:LINE`
 */
export function parseContainerResolvConfs(index: string, content: string): Map<number, ResolvConf | 'ended'> {
  const byPid = new Map<number, string[]>();
  for (const line of lines(content)) {
    const found = /^\/proc\/(\d{1,10})\/root\/etc\/resolv\.conf:(.*)$/.exec(line);
    if (found?.[1] === undefined || found[2] === undefined) continue;
    const pid = Number(found[1]);
    addTo(byPid, pid, found[2]);
  }
  const read = new Map<number, ResolvConf>();
  // Each process once, as the index may repeat it any number of times.
  const readOf = (pid: number): ResolvConf => {
    const conf = read.get(pid) ?? parseResolvConf(byPid.get(pid) ?? []);
    read.set(pid, conf);
    return conf;
  };
  const confs = new Map<number, ResolvConf | 'ended'>();
  for (const line of lines(index)) {
    const found = /^# \S+ (\d{1,10}) (file|none|odd|ended)$/.exec(line);
    if (found?.[1] === undefined) continue;
    const pid = Number(found[1]);
    if (found[2] === 'none') confs.set(pid, { exists: false, nameservers: [], searches: [], options: [] });
    else if (found[2] === 'file') confs.set(pid, readOf(pid));
    else if (found[2] === 'ended') confs.set(pid, 'ended');
  }
  return confs;
}

/**
 * What the probe read from the kubelet's configuration: lines `server ADDRESS`, `domain NAME`, `file PATH`;
 * last `end`.
 */
export function parseKubeletDns(content: readonly string[]): NonNullable<Sources['clusterDns']['kubelet']> {
  if (content.at(-1) !== 'end') throw new Error("the kubelet's configuration of DNS was cut");
  const values = (name: string) =>
    content.flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1, 254)] : []));
  return { servers: values('server').slice(0, USED), domain: values('domain').at(-1) ?? null };
}
