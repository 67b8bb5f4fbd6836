/** The way of a pod's packets to its node, drawn once for each place where it can break. */
import type { Finding } from '../../model/finding.ts';

const stations = ['namespace', 'interface', 'hostSide', 'bridge', 'node'] as const;
const joints = ['pair', 'attachment'] as const;
type Place = (typeof stations)[number] | (typeof joints)[number] | 'unknown';

const words: Record<Place, string> = {
  namespace: "in the pod's network namespace",
  interface: "at the pod's interface",
  pair: "between the pod's interface and its host side",
  hostSide: "at the host side of the pod's veth pair",
  attachment: 'between the host side and the bridge',
  bridge: "at the bridge or the node's route to the pod",
  node: 'on the node',
  unknown: 'somewhere on the way',
};

/** Where the checks of a topic find a path broken; single checks that find it elsewhere stand below. */
const ofTopic: Partial<Record<Finding['topic'], Place>> = {
  interfaces: 'interface',
  veth: 'pair',
  addresses: 'interface',
  routes: 'bridge',
  isolation: 'namespace',
  runtime: 'namespace',
  aws: 'bridge',
  firewall: 'namespace',
  path: 'node',
  connectivity: 'unknown',
  dns: 'namespace',
};

const ofCheck: Readonly<Record<string, Place>> = {
  'pod-loopback-down': 'namespace',
  'host-interface-in-pod': 'namespace',
  'veth-host-side-down': 'hostSide',
  'veth-bridge-detached': 'attachment',
  'pod-default-route-missing': 'namespace',
  'pod-gateway-route-missing': 'namespace',
  'pod-gateway-neighbour-wrong': 'namespace',
  'pod-route-blackhole': 'namespace',
  'pod-mac-duplicate': 'bridge',
  'node-forwarding-disabled': 'node',
  'node-firewall-drops': 'node',
};

/** Null for what is not about a pod's path. */
export function brokenPlace({ check, topic, object }: Finding): Place | null {
  return object.kind === 'pod' ? (ofCheck[check] ?? ofTopic[topic] ?? null) : null;
}

/** The drawing of a broken place; {@link drawings} has to be in the page. */
export function drawing(place: Place): string {
  const caption =
    place === 'unknown' ? 'The path is broken somewhere on the way.' : `The path is broken ${words[place]}.`;
  return `<figure><svg viewBox="0 0 480 84" role="img" aria-label="Path of the pod from its network namespace over its interface, the host side of its veth pair and the bridge or route to the node. ${caption}"><use href="#path"/>${place === 'unknown' ? '' : `<use href="#path-${place}"/>`}</svg><figcaption>${caption}</figcaption></figure>`;
}

const STEP = 96;
const labels = [
  ['network', 'namespace'],
  ['eth0'],
  ['host side', '(veth)'],
  ['bridge', 'or route'],
  ['node'],
];

/** Shapes that {@link drawing} refers to: once in a page, so that a thousand findings cost little. */
export function drawings(): string {
  const boxes = labels.map((lines, index) => {
    const x = index * STEP + 2;
    const text = lines.map(
      (line, row) =>
        `<text class="word" x="${x + 41}" y="${(lines.length === 1 ? 47 : 38) + row * 16}">${line}</text>`,
    );
    const joint = index === 0 ? '' : `<path class="joint" d="M${x - 14} 42h14"/>`;
    return `${joint}<rect class="station" x="${x}" y="18" width="82" height="48" rx="6"/>${text.join('')}`;
  });
  const atStation = stations.map((place, index) => {
    const x = index * STEP + 2;
    return `<symbol id="path-${place}" viewBox="0 0 480 84"><rect class="broken dashed" x="${x}" y="18" width="82" height="48" rx="6"/>${cross(x + 76, 18)}</symbol>`;
  });
  const atJoint = joints.map(
    (place, index) =>
      `<symbol id="path-${place}" viewBox="0 0 480 84">${cross((index + 2) * STEP - 5, 42)}</symbol>`,
  );
  return `<svg class="defs" aria-hidden="true" focusable="false"><symbol id="path" viewBox="0 0 480 84">${boxes.join('')}</symbol>${atStation.join('')}${atJoint.join('')}</svg>`;
}

function cross(x: number, y: number): string {
  return `<path class="broken" d="M${x - 8} ${y - 8}l16 16m0-16l-16 16"/>`;
}
