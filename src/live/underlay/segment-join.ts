// TCP segments from a tunnel that follow one another, put together into a frame that stands for them all: what the kernel's
// receive offload does (net/ipv4/tcp_offload.c, af_inet.c, net/ipv6/ip6_offload.c), by its rules:
//
//   same peer, TOS, VXLAN and Ethernet headers, addresses, TTL, ports, acknowledgment, window, options; no IP options or fragments;
//   sequence numbers that follow; IPv4 identifications that follow, or stay with DF set;
//   none longer than the first; one that is shorter, or has PSH or FIN, is the last; CWR may have the first alone;
//   SYN, RST, URG and segments without data or ACK stay alone; so does what has a wrong checksum.
//
// One frame waits, until something comes that does not follow it or nothing more is there: nothing overtakes anything.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import { finish, fold, pseudo4, pseudo6, sum } from '../../core/wire/checksum.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import * as tcp from '../../core/wire/tcp.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import type { TunnelReceiver } from '../../engine/fabric/underlay.ts';
import { SEGMENT_MIN } from '../offload/offload.ts';
import type { TrainCounters } from './live-underlay.ts';

/** Copies [at, at + length) of `bytes` into a frame's slab at `to`. */
export interface Copy {
  into(frame: Frame, to: number, bytes: Uint8Array, at: number, length: number): void;
  frame(bytes: Uint8Array, at: number, length: number): Frame;
}

const IP_AT = vxlan.HEADER_LEN + ethernet.HEADER_LEN;
const SHORTEST = IP_AT + ipv4.HEADER_LEN + tcp.HEADER_LEN;
/** Of VXLAN header and frame: an IP packet is no longer than 65535 bytes. */
const LONGEST = IP_AT + 65_535;
const IPV4_PLAIN = 0x45;
const DONT_FRAGMENT = 0x4000;
/** The fourth word of TCP's header without CWR, PSH and FIN: offset, other flags, window. */
const SAME = ~((tcp.FLAG.CWR | tcp.FLAG.PSH | tcp.FLAG.FIN) << 16);
const LAST = tcp.FLAG.PSH | tcp.FLAG.FIN;
const ALLOWED = tcp.FLAG.ACK | tcp.FLAG.ECE | tcp.FLAG.CWR | LAST;

export class SegmentJoin {
  readonly #pool: FramePool;
  readonly #copy: Copy;
  readonly #next: TunnelReceiver;
  readonly #counters: TrainCounters;
  #held: Frame | null = null;
  #peer: PeerId = 0;
  #tos = 0;
  /** Of what is held: where TCP's header and the payload are from its start, bytes of the first payload, segments so far. */
  #tcp = 0;
  #front = 0;
  #size = 0;
  #segments = 0;
  /** The sequence number that comes next, the first identification and how much it grows. */
  #sequence = 0;
  #id = 0;
  #step = 0;
  /** Of what is looked at. */
  #itsTcp = 0;
  #itsFront = 0;

  constructor(pool: FramePool, copy: Copy, next: TunnelReceiver, counters: TrainCounters) {
    this.#pool = pool;
    this.#copy = copy;
    this.#next = next;
    this.#counters = counters;
  }

  /** A datagram at [at, at + length), VXLAN header first. Any bytes will do. */
  take(bytes: Uint8Array, view: DataView, at: number, length: number, peer: PeerId, tos: number): void {
    const whole = this.#candidate(view, at, length);
    if (whole && this.#held !== null && this.#follows(this.#held, view, at, length, peer, tos)) {
      if (this.#append(this.#held, bytes, view, at, length)) return;
    }
    this.flush();
    const frame = this.#copy.frame(bytes, at, length);
    const alone = !whole || length - this.#itsFront < SEGMENT_MIN;
    if (alone || (view.getUint8(at + this.#itsTcp + 13) & LAST) !== 0) {
      return this.#next.input(frame, peer, tos);
    }
    this.#held = frame;
    this.#peer = peer;
    this.#tos = tos;
    this.#tcp = this.#itsTcp;
    this.#front = this.#itsFront;
    this.#size = length - this.#front;
    this.#segments = 1;
    this.#sequence = (tcp.seq(view, at + this.#tcp) + this.#size) >>> 0;
    this.#id = ipv4.id(view, at + IP_AT);
  }

  /** Hands on what waits. */
  flush(): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    if (this.#segments > 1) this.#close(held);
    this.#next.input(held, this.#peer, this.#tos);
  }

  /** Forgets what waits. */
  clear(): void {
    this.#held?.release();
    this.#held = null;
  }

  /** Whether it may be joined to others; says where its parts are. */
  #candidate(view: DataView, at: number, length: number): boolean {
    if (length <= SHORTEST) return false;
    const type = view.getUint16(at + IP_AT - 2);
    const ip = at + IP_AT;
    if (type === ETHERTYPE.ipv4) {
      this.#itsTcp = IP_AT + ipv4.HEADER_LEN;
      if (view.getUint8(ip) !== IPV4_PLAIN || view.getUint8(ip + 9) !== PROTO.tcp) return false;
      if ((view.getUint16(ip + 6) & ~DONT_FRAGMENT) !== 0) return false;
      if (view.getUint16(ip + 2) !== length - IP_AT) return false;
    } else if (type === ETHERTYPE.ipv6) {
      this.#itsTcp = IP_AT + ipv6.HEADER_LEN;
      if (length <= this.#itsTcp + tcp.HEADER_LEN) return false;
      if (view.getUint8(ip) >>> 4 !== 6 || view.getUint8(ip + 6) !== PROTO.tcp) return false;
      if (view.getUint16(ip + 4) !== length - this.#itsTcp) return false;
    } else return false;
    const transport = at + this.#itsTcp;
    const header = tcp.dataOffset(view, transport);
    this.#itsFront = this.#itsTcp + header;
    if (header < tcp.HEADER_LEN || this.#itsFront >= length) return false;
    const flags = view.getUint16(transport + 12) & 0x0fff;
    return (flags & ~ALLOWED) === 0 && (flags & tcp.FLAG.ACK) !== 0;
  }

  #follows(held: Frame, view: DataView, at: number, length: number, peer: PeerId, tos: number): boolean {
    const front = this.#front;
    const transport = this.#tcp;
    if (peer !== this.#peer || tos !== this.#tos || front !== this.#itsFront || transport !== this.#itsTcp)
      return false;
    if (length - front > this.#size || held.end - held.start + length - front > LONGEST) return false;
    const was = held.view;
    const h = held.start;
    if (tcp.seq(view, at + transport) !== this.#sequence) return false;
    // VXLAN and Ethernet headers.
    if (!same(was, h, view, at, 20) || was.getUint16(h + 20) !== view.getUint16(at + 20)) return false;
    if (transport === IP_AT + ipv4.HEADER_LEN) {
      if (was.getUint16(h + 22) !== view.getUint16(at + 22) || !same(was, h + 34, view, at + 34, 8))
        return false;
      // Flags, TTL and protocol.
      if (was.getUint32(h + 28) !== view.getUint32(at + 28)) return false;
      if (!this.#counts(view, at + IP_AT)) return false;
    } else {
      if (was.getUint32(h + IP_AT) !== view.getUint32(at + IP_AT)) return false;
      if (!same(was, h + IP_AT + 8, view, at + IP_AT + 8, 32)) return false;
      if (view.getUint8(at + IP_AT + 7) !== was.getUint8(h + IP_AT + 7)) return false;
    }
    const t = at + transport;
    if (was.getUint32(h + transport) !== view.getUint32(t)) return false;
    if (was.getUint32(h + transport + 8) !== view.getUint32(t + 8)) return false;
    if (((was.getUint32(h + transport + 12) ^ view.getUint32(t + 12)) & SAME) !== 0) return false;
    if ((view.getUint8(t + 13) & tcp.FLAG.CWR) !== 0) return false;
    const options = tcp.HEADER_LEN;
    return same(was, h + transport + options, view, t + options, front - transport - options);
  }

  /** Whether the IPv4 identification is the next one. */
  #counts(view: DataView, ip: number): boolean {
    const id = ipv4.id(view, ip);
    if (this.#segments === 1) {
      const fixed = id === this.#id && (view.getUint16(ip + 6) & DONT_FRAGMENT) !== 0;
      this.#step = fixed ? 0 : 1;
    }
    return id === ((this.#id + this.#step * this.#segments) & 0xffff);
  }

  /** False when a checksum is wrong, of what is held or of what came. */
  #append(given: Frame, bytes: Uint8Array, view: DataView, at: number, length: number): boolean {
    if (!sound(view, at, this.#itsTcp, length)) return false;
    let held = given;
    if (this.#segments === 1) {
      if (!sound(held.view, held.start, this.#tcp, held.end - held.start)) return false;
      held = this.#pool.take(LONGEST);
      const own = given.end - given.start;
      held.bytes.set(given.bytes.subarray(given.start, given.end), held.start);
      held.end = held.start + own;
      this.#held = held;
      given.release();
    }
    const more = length - this.#front;
    this.#copy.into(held, held.end, bytes, at + this.#front, more);
    held.end += more;
    this.#sequence = (this.#sequence + more) >>> 0;
    this.#segments++;
    this.#counters.joined++;
    const last = view.getUint8(at + this.#tcp + 13) & LAST;
    if (last !== 0) {
      const flags = held.start + this.#tcp + 13;
      held.view.setUint8(flags, held.view.getUint8(flags) | last);
    }
    if (last !== 0 || more < this.#size) this.flush();
    return true;
  }

  /** What is joined gets its lengths. */
  #close(held: Frame): void {
    const { view } = held;
    const ip = held.start + IP_AT;
    held.segment = this.#size;
    if (this.#tcp === IP_AT + ipv4.HEADER_LEN) {
      view.setUint16(ip + 2, held.end - ip);
      view.setUint16(ip + 10, 0);
      view.setUint16(ip + 10, finish(sum(view, ip, ip + ipv4.HEADER_LEN)));
    } else view.setUint16(ip + 4, held.end - ip - ipv6.HEADER_LEN);
  }
}

/** Whether so many bytes are the same; a multiple of four. */
function same(a: DataView, from: number, b: DataView, at: number, length: number): boolean {
  for (let i = 0; i < length; i += 4) if (a.getUint32(from + i) !== b.getUint32(at + i)) return false;
  return true;
}

/** Whether the checksums of a plain packet are right. */
function sound(view: DataView, at: number, transport: number, length: number): boolean {
  const ip = at + IP_AT;
  const from = at + transport;
  const end = at + length;
  if (transport === IP_AT + ipv4.HEADER_LEN) {
    if (fold(sum(view, ip, from)) !== 0xffff) return false;
    const pseudo = pseudo4(view.getUint32(ip + 12), view.getUint32(ip + 16), PROTO.tcp, end - from);
    return fold(sum(view, from, end, pseudo)) === 0xffff;
  }
  return fold(sum(view, from, end, pseudo6(view, ip, PROTO.tcp, end - from))) === 0xffff;
}
