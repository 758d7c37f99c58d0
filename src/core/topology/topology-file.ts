// An overlay as a file that `vxlab up` runs: format vxlab-topology/1, YAML, described in docs/topology.md.
//
// Only the outermost tunnels can be run. What a capture does not tell is made up so that the same capture always gives the
// same file; what is left out is said in comments.

import type { Overlay } from './overlay.ts';
import type { Container, TopologyPlan } from './topology-plan.ts';
import { planOf } from './topology-plan.ts';

/** Ends with a line feed. */
export function topologyFile(overlay: Overlay): string {
  const plan = planOf(overlay);
  const lines = ['schema: vxlab-topology/1', ...plan.remarks.map((remark) => `# ${remark}`)];
  lines.push('underlay:', `  mtu: ${plan.underlay.mtu}`, `  prefix: ${plan.underlay.prefix}`);
  section(lines, 'nodes', plan.nodes, ({ name, address }) => [
    `  ${name}:`,
    `    address: ${quoted(address)}`,
  ]);
  section(lines, 'networks', plan.networks, networkLines);
  section(lines, 'containers', plan.containers, containerLines);
  return `${lines.join('\n')}\n`;
}

function section<T>(
  lines: string[],
  name: string,
  list: readonly T[],
  write: (one: T) => readonly string[],
): void {
  if (list.length === 0) lines.push(`${name}: {}`);
  else lines.push(`${name}:`, ...list.flatMap(write));
}

function networkLines(network: TopologyPlan['networks'][number]): string[] {
  const lines = [`  ${network.name}:`, `    vni: ${network.vni}`, `    subnet: ${quoted(network.subnet)}`];
  if (network.gateway !== null) lines.push(`    gateway: ${quoted(network.gateway)}`);
  if (network.mtu !== null) lines.push(`    mtu: ${network.mtu}`);
  lines.push(`    port: ${network.port}`, `    flood: ${network.flood}`);
  if (network.group !== null) lines.push(`    group: ${quoted(network.group)}`);
  return lines;
}

function containerLines({ name, node, attachments }: Container): string[] {
  const lines = [`  ${name}:`, `    node: ${node}`, '    networks:'];
  for (const { network, ip, mac, remark } of attachments) {
    if (remark !== null) lines.push(`      # ${remark}`);
    lines.push(`      ${network}:`, `        ip: ${quoted(ip)}`);
    if (mac !== null) lines.push(`        mac: ${quoted(mac)}`);
  }
  return lines;
}

/** Colons and dots have meanings of their own to some readers of YAML. */
function quoted(text: string): string {
  return `"${text}"`;
}
