// What `vxlab up` says when it is over.

import type { ContainerSummary, Population } from '../../lab/summary.ts';
import type { TrafficRow } from '../../lab/traffic.ts';
import type { UpDocument } from '../report.ts';
import { count, durationText, millis } from '../units.ts';
import type { Colors } from './paint.ts';
import { firstOf, table } from './table.ts';

/** Rows shown of a long table. */
const MOST = 40;

export function renderReport(report: UpDocument, paint: Colors): string {
  const parts = [
    paint.bold(
      `stack ${report.stack}: profile ${report.profile}, seed ${report.seed}, ` +
        `${report.underlay === 'udp' ? 'UDP sockets' : 'emulated underlay'}, ${durationText(report.duration)}\n`,
    ),
    renderPopulation(report),
  ];
  if (report.traffic.length > 0) parts.push(renderTraffic(report.traffic));
  parts.push(totals(report));
  return parts.join('\n');
}

export function renderPopulation({ nodes, networks, containers, pending }: Population): string {
  const shownNodes = firstOf(nodes, MOST);
  const shown = firstOf(containers, MOST);
  const waiting = pending.length === 0 ? '' : `no node may take ${pending.join(', ')}\n`;
  return [
    table(
      [{ head: 'NODE' }, { head: 'ROLE' }, { head: 'ADDRESS' }, { head: 'CONTAINERS', align: 'right' }],
      shownNodes.shown.map((node) => [node.name, node.role, node.address, String(node.containers)]),
    ) + shownNodes.more,
    table(
      [
        { head: 'NETWORK' },
        { head: 'VNI', align: 'right' },
        { head: 'SUBNET' },
        { head: 'GATEWAY' },
        { head: 'MTU', align: 'right' },
      ],
      networks
        .slice(0, MOST)
        .map((net) => [net.name, String(net.vni), net.subnet, net.gateway, String(net.mtu)]),
    ) + firstOf(networks, MOST).more,
    table(
      [{ head: 'CONTAINER' }, { head: 'NODE' }, { head: 'ADDRESSES' }],
      shown.shown.map((container) => [container.name, container.node, addresses(container)]),
    ) +
      shown.more +
      waiting,
  ].join('\n');
}

function addresses(container: ContainerSummary): string {
  return container.addresses.map(({ device, address }) => `${device} ${address}`).join(', ') || 'none';
}

export function renderTraffic(rows: readonly TrafficRow[]): string {
  const { shown, more } = firstOf(rows, MOST);
  const lines = shown.map((row) => [
    row.from,
    row.to,
    row.address,
    row.fromNode === row.toNode ? `within ${row.fromNode}` : `${row.fromNode} > ${row.toNode}`,
    String(row.sent),
    String(row.received),
    row.rtt === null ? '-' : `${millis(row.rtt.min)}/${millis(row.rtt.avg)}/${millis(row.rtt.max)}`,
  ]);
  return (
    table(
      [
        { head: 'FROM' },
        { head: 'TO' },
        { head: 'ADDRESS' },
        { head: 'NODES' },
        { head: 'SENT', align: 'right' },
        { head: 'RECEIVED', align: 'right' },
        { head: 'RTT MIN/AVG/MAX MS' },
      ],
      lines,
    ) + more
  );
}

function totals({ vxlan, drops, traffic, capture }: UpDocument): string {
  const sent = traffic.reduce((sum, row) => sum + row.sent, 0);
  const received = traffic.reduce((sum, row) => sum + row.received, 0);
  const lines = [
    `${count(vxlan.packets, 'VXLAN packet')}, ${vxlan.bytes} bytes of inner frames`,
    `${count(sent, 'echo request')} sent, ${received} answered`,
    drops.length === 0
      ? 'nothing dropped'
      : `dropped: ${drops.map(({ reason, count: n }) => `${n} ${reason}`).join(', ')}`,
  ];
  if (capture !== null) {
    const taps = `${count(capture.packets, 'packet')} on ${count(capture.interfaces.length, 'interface')}`;
    lines.push(`capture ${capture.file}: ${taps}`);
  }
  return `${lines.join('\n')}\n`;
}
