// Frames and tunnels made by hand, for cases that no capture in fixtures has.

import { PcapWriter } from '../../../src/core/pcap/pcap-writer.ts';
import type { Mac } from '../../../src/core/wire/address.ts';
import { isIp6, parseMac } from '../../../src/core/wire/address.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import { ETHERTYPE, PROTO } from '../../../src/core/wire/numbers.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import * as udp from '../../../src/core/wire/udp.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { viewOf } from '../../support/bytes.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** `head` bytes in front of a payload, filled in by `write`. */
function wrap(head: number, payload: Uint8Array, write: (view: DataView, end: number) => void): Bytes {
  const bytes = new Uint8Array(head + payload.length);
  bytes.set(payload, head);
  write(viewOf(bytes), bytes.length);
  return bytes;
}

export function ether(from: string, to: string, type: number, payload: Uint8Array): Bytes {
  const macs: [Mac, Mac] = [parseMac(to), parseMac(from)];
  return wrap(14, payload, (view) => ethernet.write(view, 0, macs[0], macs[1], type));
}

export function ip(from: string, to: string, protocol: number, payload: Uint8Array, ttl = 64): Bytes {
  const [src, dst] = [parseIp(from), parseIp(to)];
  if (!isIp6(src) && !isIp6(dst)) {
    return wrap(20, payload, (view, end) => ipv4.write(view, 0, end, src, dst, protocol, ttl, 0, 1, false));
  }
  if (!isIp6(src) || !isIp6(dst)) throw new Error('one family');
  return wrap(40, payload, (view, end) => ipv6.write(view, 0, end, src, dst, protocol, ttl, 0, 0));
}

export function datagram(from: number, to: number, payload: Uint8Array): Bytes {
  return wrap(8, payload, (view, end) => udp.write(view, 0, end, from, to, -1));
}

/** IPv4 or IPv6 with UDP in an Ethernet frame. */
export function packet(
  from: { readonly mac: string; readonly ip: string },
  to: { readonly mac: string; readonly ip: string },
  { ttl = 64, payload = new Uint8Array(8), port = 9 } = {},
): Bytes {
  const type = from.ip.includes(':') ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
  return ether(from.mac, to.mac, type, ip(from.ip, to.ip, PROTO.udp, datagram(40000, port, payload), ttl));
}

export function arpFrame(
  op: number,
  from: { readonly mac: string; readonly ip: string },
  to: { readonly mac: string; readonly ip: string },
): Bytes {
  const body = wrap(28, new Uint8Array(0), (view) => {
    const [mine, theirs] = [parseIp(from.ip) as number, parseIp(to.ip) as number];
    arp.write(view, 0, op, parseMac(from.mac), mine, parseMac(to.mac), theirs);
  });
  const broadcast = op === arp.OP.request ? 'ff:ff:ff:ff:ff:ff' : to.mac;
  return ether(from.mac, broadcast, ETHERTYPE.arp, body);
}

export interface TunnelOptions {
  readonly src: string;
  readonly dst: string;
  readonly vni: number;
  readonly port?: number;
  readonly ttl?: number;
  readonly policy?: number;
}

/** The frame in a VXLAN packet; VTEPs' MACs are made of the last byte of their IPv4 addresses. */
export function tunnel(frame: Uint8Array, options: TunnelOptions): Bytes {
  const { src, dst, vni, port = 4789, ttl = 64, policy } = options;
  const header = wrap(8, frame, (view) => {
    if (policy === undefined) vxlan.write(view, 0, vni);
    else vxlan.writeGbp(view, 0, vni, policy);
  });
  const inside = ip(src, dst, PROTO.udp, datagram(50000, port, header), ttl);
  return ether(nodeMac(src), nodeMac(dst), ETHERTYPE.ipv4, inside);
}

export function nodeMac(address: string): string {
  const last = Number(address.split('.').at(-1)).toString(16).padStart(2, '0');
  return `52:54:00:00:00:${last}`;
}

/** A pcap file of Ethernet frames. */
export function fileOf(frames: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => parts.push(bytes));
  for (const [i, frame] of frames.entries()) {
    writer.writePacket(0, i, 0, viewOf(frame), 0, frame.length, frame.length);
  }
  writer.flush();
  return new Uint8Array(Buffer.concat(parts));
}
