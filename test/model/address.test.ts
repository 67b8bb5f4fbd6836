import { expect, it } from 'vitest';
import { spelled } from '../../lib/model/address.ts';
import { addressAt } from '../../lib/model/calico-ipam.ts';

it.each([
  ['10.1.2.0/26', 1, '10.1.2.1'],
  ['10.1.2.64/26', 63, '10.1.2.127'],
  ['fd00::/122', 1, 'fd00::1'],
  ['fd00:10:244::/122', 0, 'fd00:10:244::'],
  ['fd00:10:244::1:40/122', 10, 'fd00:10:244::1:4a'],
  ['fd00:1:2:3:4:5::/122', 1, 'fd00:1:2:3:4:5:0:1'],
  ['fd00:0:0:1:1::/122', 1, 'fd00::1:1:0:0:1'],
  ['2001:db8:42:10:a:b:c:0/122', 63, '2001:db8:42:10:a:b:c:3f'],
])(
  'an address of a block is written as Kubernetes writes it: of %s the %i. is %s',
  (cidr, ordinal, address) => {
    expect(addressAt(cidr, ordinal)).toBe(address);
  },
);

it.each([
  ['FD00:0:0:0::1', 'fd00::1'],
  ['10.1.2.3', '10.1.2.3'],
  ['no address', 'no address'],
])('%s is spelled %s', (address, expected) => {
  expect(spelled(address)).toBe(expected);
});
