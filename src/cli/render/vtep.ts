// What a live VTEP has done, for people: a report of a few lines, and one line that a terminal writes over each second.

import type { VtepReport } from '../../live/vtep/vtep-report.ts';
import { bitRate, count } from '../units.ts';

export function renderVtepReport(report: VtepReport): string {
  const { underlay: it, segments } = report;
  const lost = it.kernelDrops === null ? '' : `, ${it.kernelDrops} dropped by the kernel`;
  const lines = [
    `${report.local}:${report.port} ${report.backend} mtu ${report.mtu}, ${report.seconds} s`,
    `    RX: ${it.receivedBytes} bytes ${count(it.received, 'datagram')}${lost}`,
    `    TX: ${it.sentBytes} bytes ${count(it.sent, 'datagram')}${refusedWords(it.sendErrors, it.queueFull)}`,
    ...trainLines(it.trains),
    ...(it.truncated > 0 ? [`    ${it.truncated} too long for the overlay`] : []),
    ...dropLines(it.drops),
  ];
  for (const segment of segments) {
    lines.push(
      `vni ${segment.vni}: ${count(segment.macs, 'MAC')} behind other VTEPs`,
      `    RX: ${segment.rxBytes} bytes ${count(segment.rxFrames, 'frame')}`,
      `    TX: ${segment.txBytes} bytes ${count(segment.txFrames, 'frame')}`,
      ...dropLines(segment.drops),
      ...offloadLines(segment.offload),
    );
  }
  return `${lines.join('\n')}\n`;
}

function trainLines(trains: VtepReport['underlay']['trains']): string[] {
  if (trains.sent + trains.received + trains.joined === 0) return [];
  const way = (name: string, datagrams: number, n: number): string =>
    `${name} ${count(datagrams, 'datagram')} in ${count(n, 'train')}`;
  const sent = way('sent', trains.sentDatagrams, trains.sent);
  const received = way('received', trains.receivedDatagrams, trains.received);
  return [`    ${sent}, ${received}, ${trains.joined} joined to segments`];
}

function refusedWords(errors: number, full: number): string {
  const words = [
    ...(errors > 0 ? [`${errors} refused by the kernel`] : []),
    ...(full > 0 ? [`${full} dropped because too many waited`] : []),
  ];
  return words.map((one) => `, ${one}`).join('');
}

function dropLines(drops: Readonly<Record<string, number>>): string[] {
  const words = Object.entries(drops).map(([reason, n]) => `${n} ${reason}`);
  return words.length === 0 ? [] : [`    dropped: ${words.join(', ')}`];
}

function offloadLines(offload: VtepReport['segments'][number]['offload']): string[] {
  if (offload === null || offload.completed + offload.cut + offload.whole === 0) return [];
  const cut = offload.cut === 0 ? '' : `, ${offload.cut} long segments cut into ${offload.pieces}`;
  const whole = offload.whole === 0 ? '' : `, ${offload.whole} passed on whole`;
  return [`    done for a network card: ${count(offload.completed, 'checksum')} completed${cut}${whole}`];
}

/** The second between two reports in one line. */
export function statusLine(before: VtepReport, now: VtepReport): string {
  const seconds = Math.max(0.001, now.seconds - before.seconds);
  const way = (name: string, frames: number, bytes: number): string =>
    `${name} ${Math.round(frames / seconds)}/s ${bitRate((bytes * 8) / seconds)}`;
  const rx = way(
    'rx',
    now.underlay.received - before.underlay.received,
    now.underlay.receivedBytes - before.underlay.receivedBytes,
  );
  const tx = way(
    'tx',
    now.underlay.sent - before.underlay.sent,
    now.underlay.sentBytes - before.underlay.sentBytes,
  );
  const macs = now.segments.reduce((sum, segment) => sum + segment.macs, 0);
  return `${Math.floor(now.seconds)} s  ${rx}  ${tx}  ${count(macs, 'MAC')}  ${dropsIn(now)} dropped`;
}

function dropsIn({ underlay, segments }: VtepReport): number {
  const all = [underlay.drops, ...segments.map(({ drops }) => drops)];
  const counted = all.flatMap((drops) => Object.values(drops)).reduce((sum, n) => sum + n, 0);
  return (
    counted + underlay.sendErrors + underlay.queueFull + underlay.truncated + (underlay.kernelDrops ?? 0)
  );
}
