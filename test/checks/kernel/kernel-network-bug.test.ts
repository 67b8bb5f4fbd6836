import { describe, expect, it } from 'vitest';
import { kernelNetworkBug } from '../../../lib/checks/kernel/kernel-network-bug.ts';
import { context, failures } from '../evidence.ts';
import { line } from './evidence.ts';

const run = (texts: string[], secondsAgo = 60) =>
  kernelNetworkBug.run({ kernelLog: texts.map((text) => line(secondsAgo, text)) }, context);
const trap = (frame: string) => [
  'BUG: kernel NULL pointer dereference, address: 0000000000000018',
  `RIP: 0010:${frame}+0x10/0x200`,
  'Call Trace:',
  ' <TASK>',
  ' do_syscall_64+0x5d/0x90',
];

describe('kernel-network-bug', () => {
  it.each(['veth_xmit', 'fib_table_lookup', 'cleanup_net', '__dev_queue_xmit', 'nf_nat_inet_fn'])(
    'finds a trap in %s',
    (frame) => {
      const [found] = failures(run(trap(frame)));
      expect(found?.detail).toContain(`in ${frame}: BUG: kernel NULL pointer dereference`);
    },
  );

  it('finds a reference counter that broke in network code, below the frame that says so', () => {
    const log = [
      'refcount_t: underflow; use-after-free.',
      'RIP: 0010:refcount_warn_saturate+0xba/0x110',
      'Call Trace:',
      ' dst_release+0x7c/0x90',
    ];
    expect(failures(run(log))).toHaveLength(1);
  });

  it('finds a BUG that names a file of the network code', () => {
    expect(failures(run(['kernel BUG at net/core/dev.c:11000!']))).toHaveLength(1);
  });

  it.each([
    ['in the file system', trap('ext4_writepages')],
    ['that only came through a socket', trap('sock_write_iter')],
    ['that only came through the receiving of packets', trap('net_rx_action')],
    [
      'whose network frame is a leftover on the stack',
      [...trap('ext4_writepages').slice(0, 3), ' ? tcp_sendmsg+0x1/0x2'],
    ],
    ['of work queues', ['BUG: workqueue lockup - pool cpus=0 node=0', ' veth_poll+0x1/0x20']],
    [
      'that is only a warning',
      ['WARNING: CPU: 1 PID: 7 at net/core/dev.c:3000', 'RIP: 0010:netif_rx+0x1/0x20'],
    ],
  ])('passes a defect %s', (_, log) => {
    expect(run(log)[0]?.result).toBe('pass');
  });

  it('only suspects a soft lockup, and by the place where the CPU stood', () => {
    const lockup = (frame: string) => [
      'watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [node:1]',
      `RIP: 0010:${frame}+0x1/0x20`,
      ' tcp_v4_rcv+0x1/0x20',
    ];
    expect(failures(run(lockup('br_fdb_update')))[0]).toMatchObject({
      confidence: 'suspected',
      severity: 'high',
    });
    expect(failures(run(lockup('smp_call_function_many')))).toEqual([]);
  });

  it('says when it was last seen, how long it is told, and when it is over', () => {
    expect(failures(run(trap('veth_xmit'), 7200))[0]?.detail).toMatch(
      /last at 2026-11-20T00:00:00\.000Z in veth_xmit: .* reported until 2026-11-21T00:00:00\.000Z, a day after that message; it is over once the node has booted again\.$/,
    );
  });

  it('names the latest of many, and how many it leaves out', () => {
    const many = [60, 50, 40, 30, 20, 10, 5].flatMap((minutes) =>
      trap('veth_xmit').map((text) => line(minutes * 60, text)),
    );
    const evidence = failures(kernelNetworkBug.run({ kernelLog: many }, context))[0]?.evidence ?? [];
    expect(evidence[0]?.actual).toContain('2026-11-20T01:55:00');
    expect(evidence.at(-1)).toEqual({ what: 'not listed here', actual: '2 more', source: 'dmesg' });
  });

  it('passes what was two days ago', () => {
    expect(run(trap('veth_xmit'), 172_800)[0]?.result).toBe('pass');
  });

  it('quotes the log in one line', () => {
    const log = trap('veth_xmit');
    log[0] = `BUG: \u001b]0;x\u0007<script>${'a'.repeat(1000)}`;
    const [found] = failures(run(log));
    expect(found?.detail).not.toMatch(/\p{Cc}/u);
    expect(found?.detail.length).toBeLessThan(400);
  });
});
