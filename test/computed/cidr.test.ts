import { describe, expect, it } from 'vitest';
import {
  addressKey,
  containing,
  contains,
  prefixLength,
  sameAddress,
  subnetOf,
} from '../../lib/computed/cidr.ts';

describe('cidr', () => {
  it('tells whether an address lies in a subnet, in both families', () => {
    expect(contains('10.244.1.0/24', '10.244.1.200')).toBe(true);
    expect(contains('10.244.1.0/24', '10.244.2.1')).toBe(false);
    expect(contains('fd00:1::/64', 'fd00:1::5')).toBe(true);
    expect(contains('10.0.0.0/8', 'fd00::1')).toBe(false);
  });

  it('takes what is no subnet or address as not contained, never as an error', () => {
    for (const cidr of ['10.244.1.0', '10.244.1.0/33', '10.244.1.0/-1', 'nonsense/8', '']) {
      expect(contains(cidr, '10.244.1.1')).toBe(false);
    }
    expect(contains('10.0.0.0/8', 'nonsense')).toBe(false);
  });

  it.each([
    ['10.244.1.0/24', '10.244.1.200'],
    ['10.244.1.0/24', '10.244.2.1'],
    ['fd00:1::/64', 'fd00:1::5'],
    ['fd00:1::/64', 'fd00:1:0:0:0::5'],
    ['fd00:1::/64', 'fd00:1:0:1::5'],
    ['fd00::/7', 'fc00::1'],
    ['::/0', 'fd00::1'],
    ['::ffff:10.0.0.0/104', '::ffff:a01:203'],
    ['fd00::1/128', 'fd00::1'],
    ['fd00::1/128', 'fd00::2'],
    ['fd00::/129', 'fd00::1'],
    ['fd00::/x', 'fd00::1'],
    ['10.0.0.0/8', 'fd00::1'],
    ['nonsense/8', 'fd00::1'],
    ['fd00::/8', 'nonsense:'],
  ])('says the same of %s and %s in many comparisons', (cidr, address) => {
    const remembering = containing();
    for (const _ of [1, 2]) expect(remembering(cidr, address)).toBe(contains(cidr, address));
  });

  it('knows one IPv6 address in its several spellings', () => {
    expect(sameAddress('fd00:0:0::1', 'fd00::1')).toBe(true);
    expect(sameAddress('fd00::1', 'fd00::2')).toBe(false);
  });

  it('gives the subnet of an address', () => {
    expect(subnetOf('10.244.1.7', 24)).toBe('10.244.1.0/24');
    expect(subnetOf('10.244.1.77', 26)).toBe('10.244.1.64/26');
    expect(subnetOf('10.244.1.77', 32)).toBe('10.244.1.77/32');
    expect(contains(subnetOf('fd00:1::5', 64), 'fd00:1::99')).toBe(true);
    expect(prefixLength(subnetOf('fd00:1::5', 64))).toBe(64);
  });
});

describe('one address among many', () => {
  it.each([
    ['fd00::1', 'fd00:0:0:0:0:0:0:1'],
    ['FD00::A', 'fd00::a'],
    ['::ffff:10.244.1.7', '::ffff:af4:107'],
    ['::', '0:0:0:0:0:0:0:0'],
  ])('is found by any of its texts: %s is %s', (a, b) => {
    expect(addressKey(a)).toBe(addressKey(b));
    expect(sameAddress(a, b)).toBe(true);
  });

  it.each([
    ['10.244.1.7', '10.244.1.70'],
    ['fd00::1', 'fd00::10'],
    ['not an address', 'another'],
  ])('is told from others: %s is not %s', (a, b) => {
    expect(addressKey(a)).not.toBe(addressKey(b));
  });
});
