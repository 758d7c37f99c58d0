// The demo's story on one screen.

import { layerMarks } from '../../core/inspect/hexdump.ts';
import type { Story } from '../demo.ts';
import { count, millis } from '../units.ts';
import { paintedDump } from './hex.ts';
import type { Colors } from './paint.ts';
import { table } from './table.ts';

/** What to try after the demo. */
export const NEXT: readonly string[] = [
  'vxlab exec webserver -- curl http://appserver/customers/7',
  'vxlab trace appserver mysql.1',
  'vxlab up --for 10s --capture out.pcapng',
];

export function renderStory(story: Story, paint: Colors): string {
  const { frame } = story;
  return [
    `${paint.bold(`Stack ${story.stack} on ${count(story.nodes.length, 'node')}, the way Docker Swarm does it`)}\n${who(story)}`,
    `${paint.bold('Who asks whom')}, in three seconds of virtual time\n${talk(story)}`,
    `${paint.bold('One customer, tier by tier')}: what crossed the underlay, and the text in it\n${steps(story)}`,
    `${paint.bold(`What crosses`)}: frame ${frame.number} on ${frame.tap}, ${frame.bytes.length} bytes, 50 of them the tunnel's\n${paintedDump(frame.bytes, layerMarks(story.packet), paint)}`,
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
      { head: 'ASKS' },
      { head: 'BY NAME' },
      { head: 'REQUESTS', align: 'right' },
      { head: 'FAILED', align: 'right' },
      { head: 'P50 MS', align: 'right' },
      { head: 'P99 MS', align: 'right' },
    ],
    story.requests.map((row) => [
      row.service,
      row.kind === 'app-server' ? 'MySQL' : 'HTTP',
      row.peer,
      String(row.requests),
      String(row.failures),
      millis(row.latency.p50),
      millis(row.latency.p99),
    ]),
  );
}

function steps(story: Story): string {
  return table(
    [
      { head: 'FRAME', align: 'right' },
      { head: 'MS', align: 'right' },
      { head: 'VNI' },
      { head: 'FROM' },
      { head: 'TO' },
      { head: 'READS' },
    ],
    story.steps.map((step) => [
      String(step.frame),
      millis(step.time - (story.steps[0]?.time ?? 0)),
      String(step.vni),
      short(story, step.from),
      short(story, step.to),
      step.reads === '' ? '-' : cut(step.reads),
    ]),
  );
}

/** What a line has room for. */
const READS = 54;

function cut(text: string): string {
  return text.length <= READS ? text : `${text.slice(0, READS - 3)}...`;
}

function overheard(story: Story, paint: Colors): string {
  const lines = story.overheard.map(
    ({ frame, offset, text }) => `frame ${frame}, byte ${offset}: ${paint.red(text)}\n`,
  );
  return (
    lines.join('') +
    `byte for byte: VXLAN does not encrypt; ${story.vxlan.packets} of ${story.frames} underlay frames were VXLAN and can be read like this\n`
  );
}
