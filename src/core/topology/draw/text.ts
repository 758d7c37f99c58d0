// An overlay as a tree of text: VTEP, then network, then endpoint; below it the networks, the groups and what was cut off.
// A question mark stands behind a subnet or gateway that is a guess.

import type { Overlay, OverlayEndpoint, OverlayNetwork, OverlaySeat } from '../overlay.ts';
import {
  commonSubnet,
  endpointTitle,
  limitText,
  linksOf,
  networkFacts,
  networkTitle,
  otherNames,
  packetsText,
  shown,
  subnetText,
  vtepFacts,
} from './words.ts';

interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/** Ends with a line feed. */
export function drawText(overlay: Overlay): string {
  if (overlay.networks.length === 0) return `no VXLAN in ${packetsText(overlay.packets)}\n`;
  const lines: string[] = [];
  for (const [within, vteps] of linksOf(overlay)) {
    const common = commonSubnet(vteps);
    const where = within === null ? 'underlay' : `inside VNI ${within}`;
    lines.push(common === null ? where : `${where}  ${common.text}`);
    const branches = vteps.map((vtep): Branch => {
      const facts = vtepFacts(vtep, common?.cidr ?? null);
      const counts = `${vtep.sent} sent, ${vtep.received} received`;
      return {
        text: `VTEP ${vtep.ip}  ${[...facts, counts].join(', ')}`,
        below: overlay.networks
          .filter((network) => network.within === within)
          .flatMap((network) =>
            network.seats.filter((seat) => seat.vtep === vtep.ip).map((seat) => seatBranch(network, seat)),
          ),
      };
    });
    addTree(lines, branches, '');
  }
  lines.push('', 'networks');
  addTree(lines, overlay.networks.map(networkBranch), '');
  if (overlay.groups.length > 0) {
    lines.push('', 'multicast groups');
    addTree(
      lines,
      overlay.groups.map(({ ip, networks, packets, members, left }) => {
        const carried =
          networks.length === 0 ? 'no VXLAN' : `VNI ${networks.join(', ')}, ${packetsText(packets)}`;
        const joined = members.length === 0 ? '' : `, joined by ${shown(members, 8)}`;
        const gone = left.length === 0 ? '' : `, left by ${shown(left, 8)}`;
        return { text: `${ip}  ${carried}${joined}${gone}`, below: [] };
      }),
      '',
    );
  }
  if (overlay.limits.length > 0) {
    lines.push('', `not everything is here: there was room for ${limitText(overlay)}`);
  }
  return `${lines.join('\n')}\n`;
}

function seatBranch(network: OverlayNetwork, seat: OverlaySeat): Branch {
  const flood =
    seat.flood.length === 0
      ? ''
      : `  floods to ${shown(seat.flood, 8)}${seat.replicates ? ' (the same frame to several)' : ''}`;
  const [subnet] = network.subnets.filter(({ vtep }) => vtep === null || vtep === seat.vtep);
  return {
    text: `${networkTitle(network)}${subnet === undefined ? '' : `  ${subnetText({ ...subnet, vtep: null })}`}${flood}`,
    below: seat.endpoints.map((endpoint) => ({ text: endpointText(endpoint), below: [] })),
  };
}

function endpointText(endpoint: OverlayEndpoint): string {
  const title = endpointTitle(endpoint);
  const parts = [title];
  if (endpoint.mac !== null && endpoint.mac !== title) parts.push(endpoint.mac);
  const addresses = endpoint.addresses.filter((address) => address !== title);
  if (addresses.length > 0) parts.push(shown(addresses));
  const names = otherNames(endpoint);
  if (names.length > 0) parts.push(`also ${shown(names)}`);
  const routed = endpoint.routed.filter((address) => address !== title);
  if (routed.length > 0) parts.push(`routes for ${shown(routed)}`);
  if (endpoint.vlans.length > 0) parts.push(`VLAN ${shown(endpoint.vlans.map(String))}`);
  if (endpoint.moved.length > 0) parts.push(`moved here from ${shown(endpoint.moved)}`);
  parts.push(packetsText(endpoint.packets));
  return parts.join('  ');
}

function networkBranch(network: OverlayNetwork): Branch {
  const subnets =
    network.subnets.length === 0 ? 'no subnet known' : shown(network.subnets.map(subnetText), 8);
  return {
    text: `${networkTitle(network)}  ${subnets}`,
    below: [
      { text: networkFacts(network).join(', '), below: [] },
      { text: `${packetsText(network.packets)}, ${network.bytes} bytes`, below: [] },
    ],
  };
}

function addTree(lines: string[], branches: readonly Branch[], indent: string): void {
  for (const [i, { text, below }] of branches.entries()) {
    const last = i === branches.length - 1;
    lines.push(`${indent}${last ? '└── ' : '├── '}${text}`);
    addTree(lines, below, `${indent}${last ? '    ' : '│   '}`);
  }
}
