// Hosts behind VTEPs, and the packets that their conversations make on the underlay, written with the codecs one by one, so that a
// test can leave one out, send it from elsewhere, or spoil it.

import { Doctor } from '../../../src/core/doctor/doctor.ts';
import type { Finding } from '../../../src/core/doctor/rule.ts';
import { AnyReader } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import type { Ip, Mac } from '../../../src/core/wire/address.ts';
import { isIp6, parseMac, writeMac } from '../../../src/core/wire/address.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import { finish, pseudo4, pseudo6, sum } from '../../../src/core/wire/checksum.ts';
import * as icmp from '../../../src/core/wire/icmp.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import * as nd from '../../../src/core/wire/nd.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import { parseIp, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import * as udp from '../../../src/core/wire/udp.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import type { Piece } from './traffic-run.ts';
import { fileOf } from './traffic-run.ts';

export interface Node {
  readonly ip: Ip;
  readonly mac: Mac;
}
export interface Host extends Node {
  readonly vtep: Node;
}

export function node(ip: string, mac: string): Node {
  return { ip: parseIp(ip), mac: parseMac(mac) };
}

export function host(ip: string, mac: string, vtep: Node): Host {
  return { ...node(ip, mac), vtep };
}

export const VTEP_A: Node = node('192.0.2.1', '52:54:00:00:00:01');
export const VTEP_B: Node = node('192.0.2.2', '52:54:00:00:00:02');
export const VTEP_C: Node = node('192.0.2.3', '52:54:00:00:00:03');
export const A: Host = host('10.0.0.1', '0a:00:00:00:00:01', VTEP_A);
export const B: Host = host('10.0.0.2', '0a:00:00:00:00:02', VTEP_B);
export const C: Host = host('10.0.0.3', '0a:00:00:00:00:03', VTEP_C);
export const GROUP: Node = node('239.1.1.1', '01:00:5e:01:01:01');

const BROADCAST = 0xffff_ffff_ffff;
const SECOND = 1e6;

export interface Outer {
  readonly vni?: number;
  readonly port?: number;
  readonly srcPort?: number;
  readonly ttl?: number;
  /** Set where the outer UDP checksum is to be zero. */
  readonly zero?: true;
  readonly tap?: number;
}

function bytes(length: number, fill: (view: DataView) => void): Uint8Array {
  const out = new Uint8Array(length);
  fill(viewOf(out));
  return out;
}

function ethernet(view: DataView, to: Mac, from: Mac, type: number): void {
  writeMac(view, 0, to);
  writeMac(view, 6, from);
  view.setUint16(12, type);
}

export function arpRequest(from: Host, target: Ip, sender: Ip = from.ip, to: Mac = BROADCAST): Uint8Array {
  return bytes(42, (view) => {
    ethernet(view, to, from.mac, 0x0806);
    arp.write(view, 14, arp.OP.request, from.mac, sender as number, 0, target as number);
  });
}

export function arpReply(from: Host, to: Host, ip: Ip = from.ip): Uint8Array {
  return bytes(42, (view) => {
    ethernet(view, to.mac, from.mac, 0x0806);
    arp.write(view, 14, arp.OP.reply, from.mac, ip as number, to.mac, to.ip as number);
  });
}

let identification = 0;

export function echo(from: Host, to: Host, seq: number, reply = false): Uint8Array {
  const type = reply ? icmp.TYPE.echoReply : icmp.TYPE.echo;
  return bytes(14 + 20 + 8 + 56, (view) => {
    ethernet(view, to.mac, from.mac, 0x0800);
    const id = ++identification & 0xffff;
    ipv4.write(view, 14, view.byteLength, from.ip as number, to.ip as number, PROTO.icmp, 64, 0, id, false);
    icmp.writeEcho(view, 34, view.byteLength, type, 7, seq);
  });
}

/** A datagram of so many bytes of payload, with ports that make it a flow of its own. */
export function datagram(from: Host, to: Host, srcPort: number, size = 32): Uint8Array {
  return bytes(14 + 20 + 8 + size, (view) => {
    ethernet(view, to.mac, from.mac, 0x0800);
    const [src, dst] = [from.ip as number, to.ip as number];
    const id = ++identification & 0xffff;
    ipv4.write(view, 14, view.byteLength, src, dst, PROTO.udp, 64, 0, id, true);
    udp.write(view, 34, view.byteLength, srcPort, 9999, pseudo4(src, dst, PROTO.udp, 8 + size));
  });
}

export function solicitation(from: Host, target: string): Uint8Array {
  return bytes(14 + 40 + 32, (view) => {
    ethernet(view, 0x3333ff000000 + (parseIp6(target).d & 0xffffff), from.mac, 0x86dd);
    const [src, dst] = [parseIp6('2001:db8::1'), parseIp6(`ff02::1:ff00:${target.split(':').at(-1)}`)];
    ipv6.write(view, 14, view.byteLength, src, dst, PROTO.icmpv6, 255, 0, 0);
    nd.writeSolicitation(
      view,
      54,
      view.byteLength,
      parseIp6(target),
      from.mac,
      pseudo6(view, 14, PROTO.icmpv6, 32),
    );
  });
}

export function advertisement(from: Host, to: Host, target: string): Uint8Array {
  return bytes(14 + 40 + 32, (view) => {
    ethernet(view, to.mac, from.mac, 0x86dd);
    const [src, dst] = [parseIp6(target), parseIp6('2001:db8::1')];
    ipv6.write(view, 14, view.byteLength, src, dst, PROTO.icmpv6, 255, 0, 0);
    nd.writeAdvertisement(
      view,
      54,
      view.byteLength,
      src,
      from.mac,
      nd.FLAG.solicited | nd.FLAG.override,
      pseudo6(view, 14, PROTO.icmpv6, 32),
    );
  });
}

/** A frame in a tunnel from VTEP to VTEP at so many seconds. */
export function tunnelled(at: number, from: Node, to: Node, frame: Uint8Array, outer: Outer = {}): Piece {
  const { vni = 100, port = 4789, srcPort, ttl = 64, zero, tap = 0 } = outer;
  const six = isIp6(from.ip);
  const ip = 14;
  const head = ip + (six ? 40 : 20);
  const packet = bytes(head + 16 + frame.length, (view) => {
    const end = view.byteLength;
    new Uint8Array(view.buffer).set(frame, head + 16);
    vxlan.write(view, head + 8, vni);
    ethernet(view, to.mac, from.mac, six ? 0x86dd : 0x0800);
    const id = ++identification & 0xffff;
    if (isIp6(from.ip) && isIp6(to.ip)) ipv6.write(view, ip, end, from.ip, to.ip, PROTO.udp, ttl, 0, 0);
    else ipv4.write(view, ip, end, from.ip as number, to.ip as number, PROTO.udp, ttl, 0, id, false);
    const pseudo = six && !zero ? pseudo6(view, ip, PROTO.udp, end - head) : -1;
    udp.write(view, head, end, srcPort ?? entropy(frame), port, pseudo);
  });
  return { bytes: packet, at: at * SECOND, tap };
}

/** A source port that depends on the inner headers, as VTEPs make it. */
function entropy(frame: Uint8Array): number {
  return 49152 + (frame.subarray(0, 38).reduce((sum, byte) => (sum * 31 + byte) & 0x3fff, 7) & 0x3fff);
}

/** A question for the MAC and its answer, then echo requests and replies, one a second. */
export function talk(at: number, one: Host, other: Host, pings = 3, outer: Outer = {}): Piece[] {
  const there = (when: number, frame: Uint8Array): Piece =>
    tunnelled(when, one.vtep, other.vtep, frame, outer);
  const back = (when: number, frame: Uint8Array): Piece =>
    tunnelled(when, other.vtep, one.vtep, frame, outer);
  const pieces = [there(at, arpRequest(one, other.ip)), back(at + 0.001, arpReply(other, one))];
  for (let i = 0; i < pings; i++) {
    pieces.push(there(at + i + 0.002, echo(one, other, i)), back(at + i + 0.003, echo(other, one, i, true)));
  }
  return pieces;
}

/** An ICMP error about a packet, sent by `from` to the packet's sender; 28 bytes more of it are quoted than the header. */
export function unreachable(about: Piece, from: Node, to: Node, code: number, type = 3): Piece {
  const quoted = about.bytes.subarray(14, 14 + 20 + 60);
  const packet = bytes(14 + 20 + 8 + quoted.length, (view) => {
    new Uint8Array(view.buffer).set(quoted, 42);
    ethernet(view, to.mac, from.mac, 0x0800);
    ipv4.write(view, 14, view.byteLength, from.ip as number, to.ip as number, PROTO.icmp, 64, 0xc0, 1, false);
    icmp.writeError(view, 34, view.byteLength, type, code, 0);
  });
  return { bytes: packet, at: about.at + 100, tap: about.tap ?? 0 };
}

/** An ESP packet between two nodes. */
export function esp(at: number, from: Node, to: Node, sequence: number): Piece {
  const packet = bytes(14 + 20 + 80, (view) => {
    ethernet(view, to.mac, from.mac, 0x0800);
    view.setUint32(34, 0xc0ffee01);
    view.setUint32(38, sequence);
    ipv4.write(
      view,
      14,
      view.byteLength,
      from.ip as number,
      to.ip as number,
      PROTO.esp,
      64,
      0,
      sequence,
      true,
    );
  });
  return { bytes: packet, at: at * SECOND };
}

/** The same packet in IPv4 fragments of `size` bytes of payload. */
export function fragments(piece: Piece, size: number): Piece[] {
  const payload = piece.bytes.subarray(34);
  const out: Piece[] = [];
  for (let at = 0; at < payload.length; at += size) {
    const part = payload.subarray(at, at + size);
    const packet = new Uint8Array(34 + part.length);
    packet.set(piece.bytes.subarray(0, 34));
    packet.set(part, 34);
    const view = viewOf(packet);
    const more = at + size < payload.length;
    view.setUint16(16, 20 + part.length);
    view.setUint16(20, (more ? 0x2000 : 0) | (at >>> 3));
    view.setUint16(24, 0);
    view.setUint16(24, finish(sum(view, 14, 34)));
    out.push({ ...piece, bytes: packet, at: piece.at + at / 1000 });
  }
  return out;
}

/** What the doctor finds in a capture file. */
export function diagnosed(file: Uint8Array): Finding[] {
  const doctor = new Doctor();
  const sight = new Sight();
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    doctor.observe(sight, meta);
  });
  reader.push(file);
  reader.end();
  return doctor.findings();
}

export function diagnosedPieces(...pieces: readonly Piece[]): Finding[] {
  return diagnosed(fileOf(pieces));
}

export function diagnosedCapture(name: string): Finding[] {
  return diagnosed(captureBytes(name));
}

/** `severity CODE` of each finding whose code begins with one of these words; of all without any. */
export function told(findings: readonly Finding[], ...codes: readonly string[]): string[] {
  return findings
    .filter(({ code }) => codes.length === 0 || codes.some((word) => code.startsWith(word)))
    .map(({ severity, code }) => `${severity} ${code}`);
}

/** The only finding of a code. */
export function only(findings: readonly Finding[], code: string): Finding {
  const found = findings.filter((one) => one.code === code);
  if (found.length !== 1)
    throw new Error(`${found.length} findings ${code} among ${told(findings).join(', ')}`);
  return found[0] as Finding;
}
