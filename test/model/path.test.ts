import { expect, it } from 'vitest';
import { canonicalPath } from '../../lib/model/path.ts';

it.each(['/run/netns/a', '/var/run/netns/a', '/var/run//netns/a', '/run/netns//a', '//var/run/netns/a'])(
  'a runtime that writes %s means the pin /run/netns/a',
  (written) => {
    expect(canonicalPath(written)).toBe('/run/netns/a');
  },
);

it('leaves other directories alone', () => {
  expect(canonicalPath('/var/runner/netns/a')).toBe('/var/runner/netns/a');
});
