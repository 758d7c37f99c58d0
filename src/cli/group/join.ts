// The commands that make a machine, or a network namespace, one node of the stack with what the kernel has: a VXLAN device and a
// bridge for each network that has tasks there, a namespace for each container, and what the control plane would have written
// (ip-link(8), bridge(8); libnetwork drivers/overlay does the same by netlink).

import { formatIp, formatMac } from '../../core/wire/address.ts';
import type { Network } from '../../engine/orchestrate/network.ts';
import type { Node } from '../../engine/orchestrate/node.ts';
import type { World } from '../../engine/orchestrate/world.ts';

/** @param names nodes of the world that are real ones @param port UDP port of the tunnels */
export function joinScript(world: World, names: readonly string[], port: number): string {
  const parts = names.map((name) => part(world, world.nodes.get(name) as Node, port));
  return `#!/bin/sh
# Nodes of stack ${world.plan.stack} that are real ones: sh FILE NODE makes this machine or namespace the node, sh FILE NODE down
# takes it away. Tasks that move later are not in it.
set -e
case "$1 \${2:-up}" in
${parts.join('')}*) echo "usage: $0 ${names.join('|')} [up|down]" >&2; exit 2 ;;
esac
`;
}

function part(world: World, node: Node, port: number): string {
  const networks = [...world.networks.values()].filter(
    ({ plan, sandboxes }) => !plan.ingress && sandboxes.has(node.name),
  );
  const up = [...networks.flatMap((network) => networkUp(world, network, node, port)), ...containersUp(node)];
  const down = [
    ...[...node.containers.keys()].map((name) => `ip netns del ${name}`),
    ...networks.flatMap(({ plan: { vni } }) => [`ip link del vx${vni}`, `ip link del br${vni}`]),
  ];
  return `"${node.name} up")\n${indented(up)};;\n"${node.name} down")\n${indented(down)};;\n`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}\n`).join('');
}

function networkUp(world: World, network: Network, node: Node, port: number): string[] {
  const { plan, profile, db } = network;
  const [dev, bridge] = [`vx${plan.vni}`, `br${plan.vni}`];
  const isPinned = profile.control === 'pinned';
  const how = [
    `id ${plan.vni} dstport ${port} local ${formatIp(node.ip)}`,
    isPinned ? 'nolearning proxy' : 'learning',
    ...(profile.flood === 'multicast'
      ? [
          `group ${formatIp(world.ground.peers.addressOf(network.group))} dev "\${DEV:?the underlay interface}"`,
        ]
      : []),
  ];
  const addressOf = (name: string): string => formatIp((world.nodes.get(name) as Node).ip);
  const others = [...network.sandboxes.keys()].filter((name) => name !== node.name);
  return [
    `ip link add ${dev} type vxlan ${how.join(' ')}`,
    `ip link add ${bridge} type bridge`,
    `ip link set ${dev} master ${bridge} mtu ${plan.mtu}`,
    `ip link set ${dev} up; ip link set ${bridge} up`,
    ...(profile.flood === 'replicate'
      ? others.map((name) => `bridge fdb append 00:00:00:00:00:00 dev ${dev} dst ${addressOf(name)}`)
      : []),
    ...db
      .rows()
      .filter(({ peer }) => peer !== node.peer)
      .flatMap(({ mac, ips, peer }) => [
        `bridge fdb add ${formatMac(mac)} dev ${dev} dst ${formatIp(world.ground.peers.addressOf(peer))} self permanent`,
        ...ips.map((ip) => `ip neigh add ${formatIp(ip)} lladdr ${formatMac(mac)} dev ${dev} nud permanent`),
      ]),
  ];
}

/** Interface names have 15 characters at most: `v4097-3` is the third that is attached. */
function containersUp({ containers }: Node): string[] {
  let veths = 0;
  return [...containers.values()].flatMap(({ name, task }) => [
    `ip netns add ${name}; ip -n ${name} link set lo up`,
    ...(task?.endpoints ?? []).flatMap(({ network, ip, mac }, i) => {
      if (network.ingress) return [];
      const [veth, device] = [`v${network.vni}-${++veths}`, `eth${i}`];
      return [
        `ip link add ${veth} type veth peer name ${device} netns ${name}`,
        `ip -n ${name} link set ${device} address ${formatMac(mac)} mtu ${network.mtu} up`,
        `ip -n ${name} addr add ${formatIp(ip)}/${network.subnet.prefix} dev ${device}`,
        `ip link set ${veth} master br${network.vni} up`,
      ];
    }),
  ]);
}
