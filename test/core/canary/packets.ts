// A capture of one TCP connection inside VXLAN, made of what one side says and where its segments are cut.

import type { CanarySearchOptions } from '../../../src/core/canary/search.ts';
import { CanarySearch } from '../../../src/core/canary/search.ts';
import { NODE_INFLATE } from '../../../src/live/node-inflate.ts';
import { viewOf } from '../../support/bytes.ts';
import { cutsAt, ethernet, ip4, join, meta, tunnelled } from '../reassembly/cut.ts';

/** Bytes in front of the TCP payload: Ethernet, IP, UDP, VXLAN, Ethernet, IP, TCP. */
export const FRONT: number = 14 + 20 + 8 + 8 + 14 + 20 + 20;

export interface Segment {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** The bytes cut at these places into segments. */
export function segments(bytes: Uint8Array, cuts: readonly number[]): Segment[] {
  const places = [
    0,
    ...[...new Set(cuts)].filter((cut) => cut > 0 && cut < bytes.length).sort((a, b) => a - b),
  ];
  return places.map((from, i) => ({
    seq: 1000 + from,
    bytes: bytes.slice(from, places[i + 1] ?? bytes.length),
  }));
}

/** Ethernet of one segment inside the tunnel. */
export function inner({ seq, bytes }: Segment, flags = 0x18): Uint8Array {
  const header = new Uint8Array(20);
  const view = viewOf(header);
  view.setUint16(0, 40_000);
  view.setUint16(2, 80);
  view.setUint32(4, seq >>> 0);
  view.setUint32(8, 1);
  view.setUint16(12, 0x5000 | flags);
  view.setUint16(14, 0xffff);
  return ethernet(0x800, ip4(join(header, bytes), { protocol: 6, src: 0x0a000103, dst: 0x0a000104 }));
}

/** The frames on the underlay: SYN, then a segment a frame. */
export function frames(list: readonly Segment[], vni = 4097): Uint8Array[] {
  const syn = inner({ seq: 999, bytes: new Uint8Array(0) }, 0x02);
  return [syn, ...list.map((segment) => inner(segment))].map((frame) =>
    ethernet(0x800, ip4(tunnelled(frame, vni))),
  );
}

/** A frame's outer IP packet cut into fragments. */
export function fragments(frame: Uint8Array, places: readonly number[], id: number): Uint8Array[] {
  const datagram = frame.slice(14 + 20);
  return cutsAt(datagram.length, places).map((cut) => ethernet(0x800, ip4(datagram, { id }, cut)));
}

export function search(
  canary: string,
  list: readonly Uint8Array[],
  options: CanarySearchOptions = { inflate: NODE_INFLATE },
): CanarySearch {
  const found = new CanarySearch(bytesOf(canary), options);
  for (const [i, frame] of list.entries()) {
    // At an odd place in its view, as in a file.
    const view = viewOf(join('00 00 00', frame, 'ff'));
    found.packet(view, 3, 3 + frame.length, meta(i + 1, i, frame.length));
  }
  found.end();
  return found;
}
