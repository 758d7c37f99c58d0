// The demo's story on one screen.

import { layerMarks } from '../../core/inspect/hexdump.ts';
import type { Story } from '../demo.ts';
import { count, millis } from '../units.ts';
import { paintedDump } from './hex.ts';
import type { Colors } from './paint.ts';
import { table } from './table.ts';

/** What to try after the demo. */
export const NEXT: readonly string[] = [
  'vxlab trace appserver mysql.1',
  'vxlab show fdb --node worker1',
  'vxlab up --for 10s --capture out.pcapng',
];

export function renderStory(story: Story, paint: Colors): string {
  return [
    `${paint.bold(`Stack ${story.stack} on ${count(story.nodes.length, 'node')}, the way Docker Swarm does it`)}\n${who(story)}`,
    `${paint.bold('Who talks to whom')}: a ping a second for two seconds\n${talk(story)}`,
    `${paint.bold(`What crosses`)}: frame ${story.frame.number} on ${story.frame.tap}, ${story.frame.bytes.length} bytes, 50 of them the tunnel's\n${paintedDump(story.frame.bytes, layerMarks(story.packet), paint)}`,
    `${paint.bold('What an eavesdropper on the underlay reads')}\n${overheard(story, paint)}`,
    `${paint.bold('Next')}\n${NEXT.map((line) => `  ${line}\n`).join('')}`,
  ].join('\n');
}

function short(story: Story, name: string): string {
  return name.startsWith(`${story.stack}_`) ? name.slice(story.stack.length + 1) : name;
}

function who(story: Story): string {
  const here = (node: string): string =>
    story.containers
      .filter((container) => container.node === node)
      .map(({ name }) => short(story, name))
      .join(', ') || 'nothing';
  const networks = story.networks
    .filter(({ ingress }) => !ingress)
    .map(({ name, vni, subnet }) => `${short(story, name)} ${subnet} VNI ${vni}`);
  const nodes = table(
    [{ head: 'NODE' }, { head: 'VTEP' }, { head: 'RUNS' }],
    story.nodes.map(({ name, address }) => [name, address, here(name)]),
  );
  return `${nodes}networks: ${networks.join(', ')}\n`;
}

function talk(story: Story): string {
  return table(
    [
      { head: 'FROM' },
      { head: 'TO' },
      { head: 'ADDRESS' },
      { head: 'NODES' },
      { head: 'SENT', align: 'right' },
      { head: 'RECEIVED', align: 'right' },
      { head: 'RTT AVG MS', align: 'right' },
    ],
    story.traffic.map((row) => [
      short(story, row.from),
      short(story, row.to),
      row.address,
      row.fromNode === row.toNode ? `within ${row.fromNode}` : `${row.fromNode} > ${row.toNode}`,
      String(row.sent),
      String(row.received),
      row.rtt === null ? '-' : millis(row.rtt.avg),
    ]),
  );
}

function overheard(story: Story, paint: Colors): string {
  const { secret, packet, vxlan, frames } = story;
  const vni = packet.layers
    .find(({ protocol }) => protocol === 'vxlan')
    ?.fields.find(({ name }) => name === 'vxlan.vni');
  return (
    `frame ${secret.frame}, byte ${secret.offset}: ${paint.red(secret.text)}\n` +
    `from ${short(story, secret.from)} to ${short(story, secret.to)} port ${secret.port} in VNI ${vni?.text ?? '?'}, byte for byte: VXLAN does not encrypt\n` +
    `${vxlan.packets} of ${frames} underlay frames were VXLAN; every one can be read like this\n`
  );
}
