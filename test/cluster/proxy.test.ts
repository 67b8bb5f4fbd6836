import { expect, test } from 'vitest';
import { proxyFromEnvironment } from '../../lib/cluster/proxy.ts';

const proxy = 'http://proxy.example:3128';

test.each([
  ['https://api.example:6443', {}, null],
  ['https://api.example:6443', { HTTPS_PROXY: proxy }, proxy],
  ['https://api.example:6443', { https_proxy: 'proxy.example:3128' }, proxy],
  ['https://api.example', { HTTP_PROXY: proxy }, null],
  ['http://api.example', { HTTP_PROXY: proxy }, proxy],
  ['https://localhost:6443', { HTTPS_PROXY: proxy }, null],
  ['https://127.0.0.1:6443', { HTTPS_PROXY: proxy }, null],
  ['https://[::1]:6443', { HTTPS_PROXY: proxy }, null],
  ['https://api.example', { HTTPS_PROXY: proxy, NO_PROXY: '*' }, null],
  ['https://10.1.2.3', { HTTPS_PROXY: proxy, NO_PROXY: 'x.org, 10.0.0.0/8' }, null],
  ['https://11.1.2.3', { HTTPS_PROXY: proxy, NO_PROXY: '10.0.0.0/8' }, proxy],
  ['https://[fd00::1]', { HTTPS_PROXY: proxy, no_proxy: 'fd00::/8' }, null],
  ['https://[fd00::1]', { HTTPS_PROXY: proxy, no_proxy: 'fd00::1' }, null],
  ['https://10.1.2.3', { HTTPS_PROXY: proxy, NO_PROXY: '10.1.2.3' }, null],
  ['https://a.eks.example', { HTTPS_PROXY: proxy, NO_PROXY: 'example' }, null],
  ['https://a.eks.example', { HTTPS_PROXY: proxy, NO_PROXY: '.eks.example' }, null],
  ['https://eks.example', { HTTPS_PROXY: proxy, NO_PROXY: '.eks.example' }, proxy],
  ['https://notexample', { HTTPS_PROXY: proxy, NO_PROXY: 'example' }, proxy],
  ['https://api.example:6443', { HTTPS_PROXY: proxy, NO_PROXY: 'api.example:6443' }, null],
  ['https://api.example:6443', { HTTPS_PROXY: proxy, NO_PROXY: 'api.example:443' }, proxy],
] as const)('%s is reached as kubectl would with %j', (server, environment, expected) => {
  expect(proxyFromEnvironment(server, environment)).toBe(expected);
});
