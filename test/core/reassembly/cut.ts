// Packets cut into fragments, built with the codecs, for tests of how they are put together again.

import type { PacketMeta } from '../../../src/core/pcap/record.ts';
import type { Part, Sight } from '../../../src/core/reassembly/sight.ts';
import { finish, finishUdp, pseudo4, sum } from '../../../src/core/wire/checksum.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { hex, viewOf } from '../../support/bytes.ts';

export interface Cut {
  readonly offset: number;
  readonly length: number;
  readonly more: boolean;
}

/** The cuts of `total` bytes at these places, which are multiples of 8 between 0 and `total`. */
export function cutsAt(total: number, places: readonly number[]): Cut[] {
  const starts = [0, ...[...new Set(places)].filter((p) => p > 0 && p < total).sort((a, b) => a - b)];
  return starts.map((offset, i) => {
    const end = starts[i + 1] ?? total;
    return { offset, length: end - offset, more: end < total };
  });
}

export function join(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const all = parts.map((part) => (typeof part === 'string' ? hex(part) : part));
  const bytes = new Uint8Array(all.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `length` bytes, each different from its neighbours. */
export function payload(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + seed) & 0xff);
}

export interface Ip4 {
  readonly id?: number;
  readonly protocol?: number;
  readonly src?: number;
  readonly dst?: number;
}

/** An IPv4 packet with one piece of `whole`, or with all of it. */
export function ip4(
  whole: Uint8Array,
  ip: Ip4 = {},
  cut: Cut = { offset: 0, length: whole.length, more: false },
): Uint8Array {
  const packet = join(new Uint8Array(20), whole.subarray(cut.offset, cut.offset + cut.length));
  const view = viewOf(packet);
  view.setUint16(0, 0x4500);
  view.setUint16(2, packet.length);
  view.setUint16(4, ip.id ?? 1);
  view.setUint16(6, (cut.more ? 0x2000 : 0) | (cut.offset >> 3));
  view.setUint16(8, 0x4000 | (ip.protocol ?? 17));
  view.setUint32(12, ip.src ?? 0xc0000201);
  view.setUint32(16, ip.dst ?? 0xc0000202);
  view.setUint16(10, finish(sum(view, 0, 20)));
  return packet;
}

/** An IPv6 packet with a fragment header, behind extension headers that begin with protocol `first`. */
export function ip6(
  whole: Uint8Array,
  cut: Cut,
  {
    id = 1,
    next = 17,
    first = 44,
    before = '',
  }: { id?: number; next?: number; first?: number; before?: string } = {},
): Uint8Array {
  const between = hex(before);
  const fragment = new Uint8Array(8);
  fragment[0] = next;
  viewOf(fragment).setUint16(2, cut.offset | (cut.more ? 1 : 0));
  viewOf(fragment).setUint32(4, id);
  const packet = join(
    '60000000 0000 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002',
    between,
    fragment,
    whole.subarray(cut.offset, cut.offset + cut.length),
  );
  viewOf(packet).setUint16(4, packet.length - 40);
  packet[6] = first;
  return packet;
}

/** A UDP datagram over IPv4 with a right checksum. */
export function udp4(from: number, to: number, data: Uint8Array, ip: Ip4 = {}): Uint8Array {
  const datagram = join(new Uint8Array(8), data);
  const view = viewOf(datagram);
  view.setUint16(0, from);
  view.setUint16(2, to);
  view.setUint16(4, datagram.length);
  const pseudo = pseudo4(ip.src ?? 0xc0000201, ip.dst ?? 0xc0000202, 17, datagram.length);
  view.setUint16(6, finishUdp(sum(view, 0, datagram.length, pseudo)));
  return datagram;
}

export function ethernet(type: number, data: Uint8Array): Uint8Array {
  return join('020000000002 020000000001', type.toString(16).padStart(4, '0'), data);
}

/** A frame in VXLAN, as the UDP datagram that carries it. */
export function tunnelled(frame: Uint8Array, vni: number, port = 4789): Uint8Array {
  const header = new Uint8Array(8);
  vxlan.write(viewOf(header), 0, vni);
  return udp4(50000, port, join(header, frame));
}

export function meta(number: number, seconds = 0, bytes = 0): PacketMeta {
  return {
    number,
    offset: 0,
    seconds,
    nanos: 0,
    timed: true,
    originalLength: bytes,
    linkType: 1,
    interfaceId: 0,
    direction: 0,
    fcsLength: 0,
    optionsStart: 0,
    optionsEnd: 0,
    littleEndian: true,
  };
}

/** Reads an Ethernet frame; the packet stands at an odd place in its view, as it may in a file. */
export function see(
  sight: Sight,
  frame: Uint8Array,
  number = 1,
  seconds = 0,
  original = frame.length,
): readonly Part[] {
  const view = viewOf(join('00 00 00', frame, 'ff'));
  sight.read(view, 3, 3 + frame.length, meta(number, seconds, original));
  return sight.parts;
}

/** The bytes that row `row` of a part carries. */
export function carried(part: Part, row: number): Uint8Array {
  const { view, d } = part;
  return new Uint8Array(view.buffer, view.byteOffset + d.head(row), d.end(row) - d.head(row));
}
