// An overlay as nodes and edges: what Mermaid and Graphviz draw.
//
//   VTEP (a box) { seat -- endpoint, endpoint, ... }     seat == network     network .. group     network -- VTEP in it

import type { Overlay, OverlayEndpoint, OverlayNetwork, OverlaySeat } from '../overlay.ts';
import {
  endpointTitle,
  networkFacts,
  networkTitle,
  otherNames,
  packetsText,
  shown,
  subnetText,
  vtepFacts,
} from './words.ts';

/** Endpoints of a seat that are drawn; how many more there are is said. */
const ENDPOINTS_MAX = 24;

export type GraphShape = 'network' | 'seat' | 'endpoint' | 'group' | 'note';

export interface GraphNode {
  /** A letter and a number. */
  readonly id: string;
  readonly shape: GraphShape;
  readonly lines: readonly string[];
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `tunnel` between seat and network, `link` to an endpoint, `group` to a multicast group, `carries` to a VTEP within. */
  readonly kind: 'tunnel' | 'link' | 'group' | 'carries';
  readonly label: string;
}

/** A VTEP and what is in it. */
export interface GraphBox {
  readonly id: string;
  readonly lines: readonly string[];
  readonly nodes: readonly GraphNode[];
}

export interface Graph {
  readonly boxes: readonly GraphBox[];
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export function graphOf(overlay: Overlay): Graph {
  const edges: GraphEdge[] = [];
  const nodes: GraphNode[] = overlay.networks.map((network, i) => ({
    id: `n${i}`,
    shape: 'network',
    lines: [
      networkTitle(network),
      shown(network.subnets.map(subnetText), 3),
      shown(networkFacts(network), 3),
    ].filter((line) => line !== ''),
  }));
  let seats = 0;
  let endpoints = 0;
  const boxes = overlay.vteps.map((vtep, i): GraphBox => {
    const inside: GraphNode[] = [];
    for (const [n, network] of overlay.networks.entries()) {
      const seat =
        network.within === vtep.within ? network.seats.find((one) => one.vtep === vtep.ip) : undefined;
      if (seat === undefined) continue;
      const id = `s${seats++}`;
      inside.push({ id, shape: 'seat', lines: seatLines(network, seat) });
      edges.push({ from: id, to: `n${n}`, kind: 'tunnel', label: sentText(overlay, network, seat) });
      for (const endpoint of seat.endpoints.slice(0, ENDPOINTS_MAX)) {
        const below = `e${endpoints++}`;
        inside.push({ id: below, shape: 'endpoint', lines: endpointLines(endpoint) });
        edges.push({ from: id, to: below, kind: 'link', label: '' });
      }
      const more = seat.endpoints.length - ENDPOINTS_MAX;
      if (more > 0) {
        const below = `e${endpoints++}`;
        inside.push({ id: below, shape: 'note', lines: [`and ${more} more`] });
        edges.push({ from: id, to: below, kind: 'link', label: '' });
      }
    }
    if (vtep.within !== null) {
      const around = overlay.networks.findIndex(({ key }) => key === vtep.within);
      const [first] = inside;
      if (around >= 0 && first !== undefined) {
        edges.push({ from: `n${around}`, to: first.id, kind: 'carries', label: '' });
      }
    }
    return {
      id: `v${i}`,
      lines: [`VTEP ${vtep.ip}`, vtepFacts(vtep, null).join(', ')].filter((line) => line !== ''),
      nodes: inside,
    };
  });
  for (const [i, group] of overlay.groups.entries()) {
    if (group.networks.length === 0) continue;
    const joined = group.members.length === 0 ? [] : [`joined by ${shown(group.members)}`];
    nodes.push({ id: `g${i}`, shape: 'group', lines: [`group ${group.ip}`, ...joined] });
    for (const key of group.networks) {
      const n = overlay.networks.findIndex((network) => network.key === key);
      edges.push({ from: `n${n}`, to: `g${i}`, kind: 'group', label: packetsText(group.packets) });
    }
  }
  return { boxes, nodes, edges };
}

function seatLines(network: OverlayNetwork, seat: OverlaySeat): string[] {
  const lines = [networkTitle(network)];
  if (seat.flood.length > 0) lines.push(`floods to ${shown(seat.flood)}`);
  return lines;
}

export function endpointLines(endpoint: OverlayEndpoint): string[] {
  const title = endpointTitle(endpoint);
  const lines = [title];
  const addresses = endpoint.addresses.filter((address) => address !== title);
  if (addresses.length > 0) lines.push(shown(addresses, 2));
  const names = otherNames(endpoint);
  if (names.length > 0) lines.push(`also ${shown(names, 2)}`);
  if (endpoint.mac !== null && endpoint.mac !== title) lines.push(endpoint.mac);
  const routed = endpoint.routed.filter((address) => address !== title);
  if (routed.length > 0) lines.push(`routes for ${shown(routed, 2)}`);
  if (endpoint.vlans.length > 0) lines.push(`VLAN ${shown(endpoint.vlans.map(String))}`);
  if (endpoint.moved.length > 0) lines.push(`moved from ${shown(endpoint.moved, 2)}`);
  return lines;
}

/** Packets that the seat sent. */
function sentText(overlay: Overlay, network: OverlayNetwork, seat: OverlaySeat): string {
  let sent = 0;
  for (const tunnel of overlay.tunnels) {
    if (tunnel.network === network.key && tunnel.src === seat.vtep) sent += tunnel.packets;
  }
  return packetsText(sent);
}
