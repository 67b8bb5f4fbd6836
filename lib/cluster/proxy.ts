/** The proxy of the environment, by the rules of Go's net/http, which kubectl uses: also NO_PROXY with networks. */
import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that HTTPS_PROXY (HTTP_PROXY without TLS) sets for that server; null if it is reached directly. */
export function proxyFromEnvironment(server: string, environment: Environment): string | null {
  const { protocol, hostname, port } = new URL(server);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const proxy = variable(environment, `${scheme}_proxy`);
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (proxy === '' || isLoopback(host)) return null;
  const exceptions = variable(environment, 'no_proxy')
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .filter((each) => each !== '');
  const own = port || (scheme === 'https' ? '443' : '80');
  if (exceptions.some((each) => isException(each, host, own))) return null;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Whether the proxy is usable. Its text must not be in messages: it may contain a password. */
export function isProxy(url: string): boolean {
  try {
    const { protocol, username, password } = new URL(url);
    decodeURIComponent(username + password);
    return /^(https?|socks5?):$/.test(protocol);
  } catch {
    return false;
  }
}

function variable(environment: Environment, name: string): string {
  return environment[name.toUpperCase()] || environment[name] || '';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * `*`, `10.0.0.0/8`, `10.1.2.3`, `example.com` (and all below), `.example.com` (only below); each but the
 * first with a port.
 */
function isException(exception: string, host: string, port: string): boolean {
  if (exception === '*') return true;
  const network = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(exception);
  if (network?.[1] !== undefined) return isWithin(host, network[1], Number(network[2]));
  const [, name = '', wanted] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(exception) ?? [];
  if (isIP(exception) !== 0) return host === exception;
  if (wanted !== undefined && wanted !== port) return false;
  const domain = name.replace(/^\*/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function isWithin(host: string, network: string, length: number): boolean {
  const [own, family] = [isIP(host), isIP(network)];
  if (own === 0 || own !== family || length > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, length, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
