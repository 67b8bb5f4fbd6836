import { expect, it } from 'vitest';
import type { NodeRoutes } from '../../lib/model/node-routes.ts';
import { lostAfter, nodeAddress, ringOf } from '../checks/connectivity/crossings.ts';
import { conclude, failureOf, resultOf } from './nodes.ts';

/** Three nodes: the pods of the first hear nothing from those of the second, and these nothing from those of the third. */
function resultsWith(failures: Readonly<Record<number, ReturnType<typeof failureOf>[]>> = {}) {
  const { crossings, podAddresses, nodeRoutes } = ringOf(3, {
    1: { ping: lostAfter(1) },
    2: { ping: lostAfter(2) },
  });
  return crossings.map((crossing, index) =>
    resultOf(crossing.node, {
      crossing,
      podAddresses: podAddresses.slice(index, index + 1),
      nodeRoutes: nodeRoutes[index] ?? null,
      pods: [`shop/web-${index + 1}`],
      failures: failures[index + 1] ?? [],
    }),
  );
}

const crossed = ({ findings }: ReturnType<typeof conclude>) =>
  findings.filter(({ check }) => check === 'cross-node-unreachable');

it('pods of a node that neither reach others nor are reached are one finding of the node', () => {
  const report = conclude(resultsWith());
  expect(crossed(report).map(({ object, partOf }) => ({ object, partOf }))).toEqual([
    { object: { kind: 'node', name: 'node-2' }, partOf: null },
  ]);
});

it('a cause that was read wins, and what the pings showed is part of it', () => {
  const cause = failureOf('node-forwarding-disabled', { kind: 'node', name: 'node-2' });
  const report = conclude(resultsWith({ 2: [cause] }));
  const found = report.findings.find(({ check }) => check === 'node-forwarding-disabled');
  expect(crossed(report)).toMatchObject([{ partOf: found?.fingerprint }]);
  expect(report.findings).toHaveLength(2);
});

it('a cause that only a comparison of nodes shows wins as well', () => {
  const wrong = { address: nodeAddress(1), mac: '02:de:ad:00:00:02', link: 'eth0', shared: false };
  const { crossings, podAddresses, nodeRoutes } = ringOf(2, {
    1: { ping: lostAfter(1) },
    2: { ping: lostAfter(2) },
  });
  const results = crossings.map((crossing, index) =>
    resultOf(crossing.node, {
      crossing,
      podAddresses: podAddresses.slice(index, index + 1),
      nodeRoutes: {
        ...(nodeRoutes[index] as NodeRoutes),
        macs: [`02:00:00:00:03:0${index + 1}`],
        neighbours: index === 1 ? [wrong] : [],
      },
      pods: [`shop/web-${index + 1}`],
    }),
  );
  const report = conclude(results);
  const cause = report.findings.find(({ check }) => check === 'neighbour-of-node-wrong');
  expect(cause?.object.name).toBe('node-2');
  expect(crossed(report)).toMatchObject([{ object: { name: 'node-2' }, partOf: cause?.fingerprint }]);
});

it('look-ups that fail on the node are part of it', () => {
  const symptom = failureOf('pod-dns-failing', {
    kind: 'pod',
    namespace: 'shop',
    name: 'web-2',
    node: 'node-2',
  });
  const report = conclude(resultsWith({ 2: [symptom] }));
  const [cause] = crossed(report);
  expect(report.findings.find(({ check }) => check === 'pod-dns-failing')?.partOf).toBe(cause?.fingerprint);
});

it('a node speaks for itself only, whatever name it gives itself', () => {
  const results = resultsWith().map((result) =>
    result.node === 'node-3' && result.crossing != null
      ? { ...result, crossing: { ...result.crossing, node: 'node-1' } }
      : result,
  );
  expect(crossed(conclude(results)).map(({ object }) => object.name)).toEqual(['node-2']);
});
