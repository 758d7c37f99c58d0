// Packets of conversations, made for tests: TCP segments and UDP datagrams, bare or in VXLAN.

import type { PacketMeta } from '../../../src/core/pcap/record.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { ETHERTYPE, PROTO, VXLAN_PORT } from '../../../src/core/wire/numbers.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { viewOf } from '../../support/bytes.ts';

export const { SYN, FIN, RST, ACK, PSH } = tcp.FLAG;

export interface Parcel {
  readonly src?: string;
  readonly dst?: string;
  readonly srcPort: number;
  readonly dstPort: number;
  /** Absent: UDP. */
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly payload?: Uint8Array | string;
  /** null or absent: in no tunnel. */
  readonly vni?: number | null;
  readonly id?: number;
  readonly vteps?: readonly [string, string];
}

const [MAC_A, MAC_B] = [0x02420a000102, 0x02420a000103];

export function bytesOf(text: Uint8Array | string): Uint8Array {
  return typeof text === 'string' ? new Uint8Array(Buffer.from(text, 'latin1')) : text;
}

/** The Ethernet frame, with checksums left out where nobody looks at them. */
export function frameOf(parcel: Parcel): Uint8Array {
  const payload = bytesOf(parcel.payload ?? '');
  const isTcp = parcel.seq !== undefined;
  const header = isTcp ? tcp.HEADER_LEN : 8;
  const inner = new Uint8Array(34 + header + payload.length);
  const view = viewOf(inner);
  const [src, dst] = [parseIp(parcel.src ?? '10.0.1.2'), parseIp(parcel.dst ?? '10.0.1.3')] as [
    number,
    number,
  ];
  ethernet.write(view, 0, src < dst ? MAC_B : MAC_A, src < dst ? MAC_A : MAC_B, ETHERTYPE.ipv4);
  inner.set(payload, 34 + header);
  ipv4.write(view, 14, inner.length, src, dst, isTcp ? PROTO.tcp : PROTO.udp, 64, 0, parcel.id ?? 0, true);
  view.setUint16(34, parcel.srcPort);
  view.setUint16(36, parcel.dstPort);
  if (isTcp) {
    tcp.writeRaw(view, 34, {
      srcPort: parcel.srcPort,
      dstPort: parcel.dstPort,
      seq: (parcel.seq as number) >>> 0,
      ack: (parcel.ack ?? 0) >>> 0,
      dataOffset: 20,
      reserved: 0,
      flags: parcel.flags ?? (parcel.ack === undefined ? 0 : ACK),
      window: 1000,
      checksum: 0,
      urgent: 0,
    });
  } else {
    view.setUint16(38, 8 + payload.length);
  }
  if (parcel.vni === undefined || parcel.vni === null) return inner;
  return wrapped(inner, parcel.vni, parcel.vteps ?? ['192.0.2.11', '192.0.2.12']);
}

/** The frame in VXLAN. */
export function wrapped(inner: Uint8Array, vni: number, [src, dst]: readonly [string, string]): Uint8Array {
  const bytes = new Uint8Array(50 + inner.length);
  const view = viewOf(bytes);
  bytes.set(inner, 50);
  ethernet.write(view, 0, 0x525400000011, 0x525400000012, ETHERTYPE.ipv4);
  ipv4.write(
    view,
    14,
    bytes.length,
    parseIp(src) as number,
    parseIp(dst) as number,
    PROTO.udp,
    64,
    0,
    0,
    true,
  );
  view.setUint16(34, 50_000);
  view.setUint16(36, VXLAN_PORT);
  view.setUint16(38, bytes.length - 34);
  vxlan.write(view, 42, vni);
  return bytes;
}

/** Gives frames to whoever looks at packets, numbered from 1. */
export class Tap {
  readonly sight: Sight = new Sight();
  /** Every packet that was seen, by its number less one. */
  readonly packets: Uint8Array[] = [];
  readonly #look: (sight: Sight, meta: PacketMeta) => void;
  readonly #keep: boolean;
  number = 0;

  constructor(look: (sight: Sight, meta: PacketMeta) => void, keep = true) {
    this.#look = look;
    this.#keep = keep;
  }

  /** @param captured bytes that a snapshot length leaves of it */
  see(bytes: Uint8Array, captured = bytes.length): void {
    const n = Math.min(captured, bytes.length);
    if (this.#keep) this.packets.push(bytes.slice(0, n));
    const meta: PacketMeta = {
      number: ++this.number,
      offset: 0,
      seconds: 0,
      nanos: 0,
      timed: true,
      originalLength: bytes.length,
      linkType: 1,
      interfaceId: 0,
      direction: 0,
      fcsLength: 0,
      optionsStart: 0,
      optionsEnd: 0,
      littleEndian: true,
    };
    this.sight.read(viewOf(bytes), 0, n, meta);
    this.#look(this.sight, meta);
  }

  send(...parcels: readonly Parcel[]): void {
    for (const parcel of parcels) this.see(frameOf(parcel));
  }
}

/** A TCP connection that is played: keeps the numbers of both sides. */
export class Dialogue {
  readonly #ends: Omit<Parcel, 'srcPort' | 'dstPort'>;
  readonly clientPort: number;
  readonly serverPort: number;
  client: number;
  server: number;
  #id = 1;

  constructor(serverPort: number, ends: Omit<Parcel, 'srcPort' | 'dstPort'> = {}, clientPort = 40_000) {
    this.#ends = ends;
    this.clientPort = clientPort;
    this.serverPort = serverPort;
    this.client = 0xffff_fff0;
    this.server = 0x7fff_fff0;
  }

  opened(): Parcel[] {
    const syn = this.#from('client', '', SYN);
    this.client++;
    const synAck = this.#from('server', '', SYN | ACK);
    this.server++;
    return [syn, synAck, this.#from('client', '', ACK)];
  }

  says(payload: string | Uint8Array, size = 1448): Parcel[] {
    return this.#said('client', payload, size);
  }

  answers(payload: string | Uint8Array, size = 1448): Parcel[] {
    return this.#said('server', payload, size);
  }

  closed(): Parcel[] {
    const fin = this.#from('client', '', FIN | ACK);
    this.client++;
    const finAck = this.#from('server', '', FIN | ACK);
    this.server++;
    return [fin, finAck, this.#from('client', '', ACK)];
  }

  reset(): Parcel[] {
    return [this.#from('server', '', RST | ACK)];
  }

  #said(who: 'client' | 'server', payload: string | Uint8Array, size: number): Parcel[] {
    const bytes = bytesOf(payload);
    const parcels: Parcel[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      parcels.push(this.#from(who, piece, ACK | PSH));
      if (who === 'client') this.client += piece.length;
      else this.server += piece.length;
    }
    return parcels;
  }

  #from(who: 'client' | 'server', payload: string | Uint8Array, flags: number): Parcel {
    const isClient = who === 'client';
    const { src = '10.0.1.2', dst = '10.0.1.3', vteps = ['192.0.2.11', '192.0.2.12'] } = this.#ends;
    return {
      ...this.#ends,
      src: isClient ? src : dst,
      dst: isClient ? dst : src,
      vteps: isClient ? vteps : [vteps[1], vteps[0]],
      srcPort: isClient ? this.clientPort : this.serverPort,
      dstPort: isClient ? this.serverPort : this.clientPort,
      seq: isClient ? this.client : this.server,
      ack: isClient ? this.server : this.client,
      flags,
      payload,
      id: this.#id++,
    };
  }
}
