// Captures through the traffic rules, as the doctor runs them, and captures changed packet by packet before.

import { Crossing } from '../../../src/core/dissect/crossing.ts';
import { Dissection, L } from '../../../src/core/dissect/layer.ts';
import { dissect } from '../../../src/core/dissect/walk.ts';
import type { Finding, Rule } from '../../../src/core/doctor/rule.ts';
import { TRAFFIC_RULES } from '../../../src/core/doctor/traffic/rules.ts';
import { AnyReader, PcapngWriter } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { update16 } from '../../../src/core/wire/checksum.ts';
import * as icmp from '../../../src/core/wire/icmp.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

type Make = () => Rule;

/** What rules find in a capture file; all traffic rules unless told. */
export function findIn(file: Uint8Array, make: readonly Make[] = TRAFFIC_RULES): Finding[] {
  const rules = make.map((one) => one());
  const sight = new Sight();
  const crossing = new Crossing();
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    for (const rule of rules) rule.observe(sight, meta);
    const { view: at, d } = sight.last;
    for (let row = 0; crossing.find(at, d, row); row = crossing.vxlan + 1) {
      for (const rule of rules) rule.cross?.(crossing, sight, meta);
    }
  });
  reader.push(file);
  reader.end();
  return rules.flatMap((rule) => rule.findings());
}

/** The same for a capture of fixtures/captures by its name. */
export function findInCapture(name: string, ...make: readonly Make[]): Finding[] {
  return findIn(captureBytes(name), make.length === 0 ? TRAFFIC_RULES : make);
}

/** `error CODE title`, one line each. */
export function lines(findings: readonly Finding[]): string[] {
  return findings.map((one) => `${one.severity} ${one.code} ${one.title}`);
}

/** A packet to write: copies of these bytes at this time. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Microseconds. */
  readonly at: number;
  readonly tap?: number;
  readonly direction?: number;
}

/** The packets of a capture, times in microseconds from the first one. */
export function piecesOf(name: string): Piece[] {
  const packets = packetsOf(captureBytes(name));
  const first = packets[0]?.time ?? 0n;
  return packets.map((packet) => ({
    bytes: packet.bytes.slice(),
    at: Number((packet.time ?? first) - first) / 1e3,
  }));
}

/** An Ethernet pcapng file of pieces in the order of their times, with as many interfaces as there are taps. */
export function fileOf(pieces: readonly Piece[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((bytes) => chunks.push(bytes.slice()));
  const taps = Math.max(0, ...pieces.map((piece) => piece.tap ?? 0));
  for (let i = 0; i <= taps; i++) writer.addInterface({ linkType: 1, name: `tap${i}` });
  for (const { bytes, at, tap = 0, direction = 0 } of pieces.toSorted((x, y) => x.at - y.at)) {
    const time = 1_700_000_000_000_000 + Math.round(at);
    const nanos = (time % 1e6) * 1e3;
    writer.writePacket(
      tap,
      Math.floor(time / 1e6),
      nanos,
      viewOf(bytes),
      0,
      bytes.length,
      bytes.length,
      direction,
    );
  }
  writer.flush();
  return new Uint8Array(Buffer.concat(chunks));
}

/** A copy of a packet changed by `edit`, which is given the view, the rows and the first tunnelled frame. */
export function changed(
  piece: Piece,
  edit: (view: DataView, d: Dissection, crossing: Crossing) => void,
): Piece {
  const bytes = piece.bytes.slice();
  const view = viewOf(bytes);
  const d = new Dissection();
  dissect(view, 0, bytes.length, 1, d);
  const crossing = new Crossing();
  crossing.find(view, d);
  edit(view, d, crossing);
  return { ...piece, bytes };
}

/** Sets an inner IPv4 field of a packet and carries the header's checksum on. */
export function setInner16(
  view: DataView,
  d: Dissection,
  crossing: Crossing,
  offset: number,
  value: number,
): void {
  const at = d.start(crossing.network) + offset;
  const before = view.getUint16(at);
  view.setUint16(at, value);
  const sum = d.start(crossing.network) + 10;
  view.setUint16(sum, update16(view.getUint16(sum), before, value));
}

/** The same packet sent again by its host: other identifications inside and outside, at another time. */
export function sentAgain(piece: Piece, at: number, id: number): Piece {
  return changed({ ...piece, at }, (view, d, crossing) => {
    setInner16(view, d, crossing, 4, id);
    view.setUint16(d.start(crossing.ip) + 4, id ^ 0x5555);
  });
}

/** The packet with other bytes as its TCP payload; lengths fit, checksums are left alone. */
export function withPayload(piece: Piece, payload: Uint8Array): Piece {
  const view = viewOf(piece.bytes);
  const d = new Dissection();
  dissect(view, 0, piece.bytes.length, 1, d);
  const crossing = new Crossing();
  crossing.find(view, d);
  const from = d.head(crossing.transport);
  const bytes = new Uint8Array(from + payload.length);
  bytes.set(piece.bytes.subarray(0, from));
  bytes.set(payload, from);
  const after = viewOf(bytes);
  for (const row of [crossing.ip, crossing.network]) {
    if (d.kind(row) === L.ipv4) after.setUint16(d.start(row) + 2, bytes.length - d.start(row));
    else after.setUint16(d.start(row) + 4, bytes.length - d.start(row) - 40);
  }
  after.setUint16(d.start(crossing.udp) + 4, bytes.length - d.start(crossing.udp));
  return { ...piece, bytes };
}

/** Text as bytes, one for each character. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** What a packet carries: the first tunnelled frame that `pick` agrees to, or -1. */
export function indexOf(
  pieces: readonly Piece[],
  pick: (view: DataView, d: Dissection, crossing: Crossing) => boolean,
): number {
  return pieces.findIndex((piece) => {
    let is = false;
    changed(piece, (view, d, crossing) => {
      is = crossing.vxlan >= 0 && pick(view, d, crossing);
    });
    return is;
  });
}

/** An ICMP error, inside a tunnel or not, with another type, code and second word; its checksum is mended. */
export function asError(piece: Piece, type: number, code: number, word: number): Piece {
  return changed(piece, (view, d) => {
    const at = d.start(d.transport);
    icmp.writeError(view, at, d.end(d.transport), type, code, word);
  });
}
