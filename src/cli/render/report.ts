// What `vxlab up` says when it is over.

import type { ServiceRow } from '../../apps/runtime.ts';
import type { ConnectionRow } from '../../lab/service-pairs.ts';
import type { ContainerSummary, Population } from '../../lab/summary.ts';
import type { TrafficRow } from '../../lab/traffic.ts';
import type { UpDocument } from '../report.ts';
import { bitRate, count, durationText, millis } from '../units.ts';
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
  if (report.processes !== undefined) parts.push(renderProcesses(report));
  if (report.requests.length > 0) parts.push(renderRequests(report.requests));
  if (report.connections.length > 0) parts.push(renderConnections(report.connections));
  if (report.traffic.length > 0) parts.push(renderTraffic(report.traffic));
  parts.push(totals(report));
  return parts.join('\n');
}

/** The processes of nodes, how they ended, and where the tasks of those that did went. */
function renderProcesses({ processes = [], moves = [] }: UpDocument): string {
  const whereTo = (node: string): string =>
    moves
      .filter(({ from }) => from === node)
      .map(({ container, to }) => `${container} > ${to ?? 'nowhere'}`)
      .join(', ');
  return table(
    [{ head: 'NODE' }, { head: 'PROCESS', align: 'right' }, { head: 'ENDED' }, { head: 'ITS TASKS' }],
    processes.map(({ node, pid, ended }) => [node, String(pid), ended ?? '-', whereTo(node) || '-']),
  );
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

/** What programs asked each other: latencies in milliseconds, what they received in bits a second. */
export function renderRequests(rows: readonly ServiceRow[]): string {
  const { shown, more } = firstOf(rows, MOST);
  const lines = shown.map((row) => [
    row.service,
    row.peer,
    row.kind,
    String(row.requests),
    String(row.failures),
    row.latency.count === 0 ? '-' : millis(row.latency.p50),
    row.latency.count === 0 ? '-' : millis(row.latency.p99),
    row.goodput === 0 ? '-' : bitRate(row.goodput),
    Object.entries(row.errors)
      .map(([code, n]) => `${n} ${code}`)
      .join(', '),
  ]);
  return (
    table(
      [
        { head: 'FROM' },
        { head: 'ASKED' },
        { head: 'BY' },
        { head: 'REQUESTS', align: 'right' },
        { head: 'FAILED', align: 'right' },
        { head: 'P50 MS', align: 'right' },
        { head: 'P99 MS', align: 'right' },
        { head: 'GOODPUT', align: 'right' },
        { head: 'ERRORS' },
      ],
      lines,
    ) + more
  );
}

export function renderConnections(rows: readonly ConnectionRow[]): string {
  const { shown, more } = firstOf(rows, MOST);
  const lines = shown.map((row) => [
    row.from,
    `${row.to}:${row.port}`,
    String(row.connections),
    String(row.bytesSent),
    String(row.bytesReceived),
    String(row.retransmits),
  ]);
  return (
    table(
      [
        { head: 'FROM' },
        { head: 'TO' },
        { head: 'CONNECTIONS', align: 'right' },
        { head: 'BYTES SENT', align: 'right' },
        { head: 'RECEIVED', align: 'right' },
        { head: 'RETRANSMITTED', align: 'right' },
      ],
      lines,
    ) + more
  );
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

function totals({ vxlan, drops, requests, traffic, capture }: UpDocument): string {
  const asked = requests.reduce((sum, row) => sum + row.requests, 0);
  const failed = requests.reduce((sum, row) => sum + row.failures, 0);
  const sent = traffic.reduce((sum, row) => sum + row.sent, 0);
  const received = traffic.reduce((sum, row) => sum + row.received, 0);
  const lines = [
    `${count(vxlan.packets, 'VXLAN packet')}, ${vxlan.bytes} bytes of inner frames`,
    ...(requests.length > 0 ? [`${count(asked, 'request')}, ${failed} failed`] : []),
    ...(sent > 0 || requests.length === 0
      ? [`${count(sent, 'echo request')} sent, ${received} answered`]
      : []),
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
