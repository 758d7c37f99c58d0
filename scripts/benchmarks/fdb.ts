// The forwarding database: refreshing a station and looking one up, 10,000 stations, in an order that no cache likes.
// Every contestant reads the MAC from the same bytes, ages entries, and holds destination and time.

import { formatMac, mac } from '../../src/core/wire/address.ts';
import { Fdb } from '../../src/engine/fabric/fdb.ts';
import type { Figure, Round } from './harness.ts';
import { keep, millions, Numbers } from './harness.ts';
import { native } from './native.ts';

const STATIONS = 10_000;
const AGEING = 300_000_000_000;
/** Nanoseconds between two frames. */
const GAP = 1_000;

interface Entry {
  dest: number;
  time: number;
}

/** Learns or looks up the station whose MAC is at `at`; answers a number to keep. */
type Operation = (view: DataView, at: number, now: number) => number;

export function fdbFigures(): Figure[] {
  return [
    {
      name: 'FDB, learn 10,000 stations',
      unit: 'M/s',
      ours: round(ours().learn, 1_000_000),
      peers: [
        { name: 'Map by text, JS', round: round(byText().learn, 100_000) },
        { name: 'Map by number, JS', round: round(byNumber().learn, 500_000) },
        { name: 'open addressing, C', round: native('fdb.c', 'learn', STATIONS, 1_000_000) },
      ],
    },
    {
      name: 'FDB, look up 10,000 stations',
      unit: 'M/s',
      ours: round(filled(ours()), 1_000_000),
      peers: [
        { name: 'Map by text, JS', round: round(filled(byText()), 100_000) },
        { name: 'Map by number, JS', round: round(filled(byNumber()), 500_000) },
        { name: 'open addressing, C', round: native('fdb.c', 'lookup', STATIONS, 1_000_000) },
      ],
    },
  ];
}

/** Locally administered addresses, 8 bytes apart. */
function stations(): DataView {
  const view = new DataView(new ArrayBuffer(STATIONS * 8));
  const numbers = new Numbers();
  for (let at = 0; at < view.byteLength; at += 8) {
    view.setUint16(at, 0x0200 | (numbers.next() & 0xff));
    view.setUint32(at + 2, numbers.next());
  }
  return view;
}

// A loop that calls several contestants inlines none of them. So each gets a loop of its own, compiled from the same text.
function round(operation: Operation, operations: number): Round {
  const loop = new Function(
    'operation, view, operations, start, stations, gap',
    `let kept = 0;
     let station = 0;
     for (let i = 0; i < operations; i++) {
       station = (station + 7919) % stations;
       kept ^= operation(view, station * 8, start + i * gap);
     }
     return kept;`,
  ) as (op: Operation, view: DataView, count: number, start: number, all: number, gap: number) => number;
  const view = stations();
  let now = 0;
  return () => {
    const rate = millions(operations, () => keep(loop(operation, view, operations, now, STATIONS, GAP)));
    now += operations * GAP;
    return rate;
  };
}

interface Table {
  readonly learn: Operation;
  readonly lookup: Operation;
}

/** The look-up of a table that knows every station and does not age within the run. */
function filled(table: Table): Operation {
  const view = stations();
  for (let at = 0; at < view.byteLength; at += 8) table.learn(view, at, 0);
  return table.lookup;
}

function ours(): Table {
  const fdb = new Fdb({ ageing: AGEING });
  return {
    learn: (view, at, now) => fdb.learn(view.getUint16(at), view.getUint32(at + 2), at & 7, now),
    lookup: (view, at, now) => fdb.lookup(view.getUint16(at), view.getUint32(at + 2), now),
  };
}

function byText(): Table {
  const map = new Map<string, Entry>();
  return {
    learn: (view, at, now) => {
      const key = formatMac(mac(view.getUint16(at), view.getUint32(at + 2)));
      const entry = map.get(key);
      if (entry === undefined) map.set(key, { dest: at & 7, time: now });
      else {
        entry.dest = at & 7;
        entry.time = now;
      }
      return 1;
    },
    lookup: (view, at, now) => {
      const entry = map.get(formatMac(mac(view.getUint16(at), view.getUint32(at + 2))));
      return entry === undefined || now - entry.time >= AGEING ? -1 : entry.dest;
    },
  };
}

function byNumber(): Table {
  const map = new Map<number, Entry>();
  return {
    learn: (view, at, now) => {
      const key = mac(view.getUint16(at), view.getUint32(at + 2));
      const entry = map.get(key);
      if (entry === undefined) map.set(key, { dest: at & 7, time: now });
      else {
        entry.dest = at & 7;
        entry.time = now;
      }
      return 1;
    },
    lookup: (view, at, now) => {
      const entry = map.get(mac(view.getUint16(at), view.getUint32(at + 2)));
      return entry === undefined || now - entry.time >= AGEING ? -1 : entry.dest;
    },
  };
}
