// Reads the books of a soak from all sides: the VTEP's report and tables, the kernels' counters of interfaces and protocols.

import type { Books, Sent } from './ledger.ts';
import type { Stage } from './stage.ts';
import { NODES, TAP } from './stage.ts';
import type { Subject } from './subject.ts';

/** The books, once nothing moves any more. */
export async function quietBooks(stage: Stage, subject: Subject, sent: Sent): Promise<Books> {
  let before = '';
  for (let tries = 0; tries < 50; tries++) {
    const books = await read(stage, subject, sent);
    // Time goes on, counters do not.
    const now = JSON.stringify({ ...books, report: { ...books.report, seconds: 0 } });
    if (now === before) return books;
    before = now;
    await stage.place.pause(200);
  }
  throw new Error('counters move although nothing is sent');
}

async function read(stage: Stage, subject: Subject, sent: Sent): Promise<Books> {
  const [report, links] = [await subject.report(), await subject.links()];
  const of = (name: string): { rx: number; tx: number } => {
    const rows = links.filter((row) => row.name === name);
    const add = (way: 'rxPackets' | 'txPackets'): number => rows.reduce((all, row) => all + row[way], 0);
    return { rx: add('rxPackets'), tx: add('txPackets') };
  };
  const icmp = stage.protocols(stage.node(1));
  const station = stage.protocols(stage.station);
  const others = NODES.slice(1).map((n) => stage.packets(stage.node(n), 'eth0'));
  const { rx, tx } = stage.packets(stage.station, TAP);
  return {
    report,
    wire: stage.packets(stage.node(1), 'eth0'),
    others: {
      rx: others.reduce((all, one) => all + one.rx, 0),
      tx: others.reduce((all, one) => all + one.tx, 0),
    },
    icmp: { rx: icmp.get('Icmp.InMsgs') ?? 0, tx: icmp.get('Icmp.OutMsgs') ?? 0 },
    tap: { rx, tx },
    port: of(TAP),
    bridgeRx: of('br0').rx,
    // A veth's bridge end gets what the host sends.
    hostsRx: of('veth0').rx,
    station: (station.get('Udp.InDatagrams') ?? 0) + (station.get('Udp.RcvbufErrors') ?? 0),
    sent: { ...sent },
  };
}
