// Watches both hosts' segments as they leave and as they arrive, and writes down what a TCP may not do, whatever the network
// did to its segments: RFC 9293 (windows, acknowledgements), RFC 6691 (MSS), RFC 2018 (SACK), RFC 7323 (time stamps).
// What lies between the hosts may change windows, so an edge is what arrived, not what was sent.

import type { Frame } from '../../src/core/frame/frame.ts';
import { pseudo4, pseudo6 } from '../../src/core/wire/checksum.ts';
import { ethernet, ipv4 } from '../../src/core/wire/index.ts';
import { PROTO } from '../../src/core/wire/numbers.ts';
import * as tcp from '../../src/core/wire/tcp.ts';
import type { TcpTimestamps } from '../../src/core/wire/tcp-options.ts';
import * as options from '../../src/core/wire/tcp-options.ts';
import type { Host } from '../../src/engine/host/host.ts';
import { tcpAt } from './road.ts';

const { ACK, FIN, RST, SYN } = tcp.FLAG;

/** One direction of a connection: what its sender said, and what of it arrived. */
class Way {
  /** The first number, from the SYN; offsets below count from it. */
  initial = 0;
  /** One past the last that was sent, and that arrived in order. */
  sent = 0;
  arrived = 0;
  /** Where the FIN stands, or -1. */
  fin = -1;
  /** What the sender's SYN asked for; a scale of -1 is none. */
  mss = 536;
  scale = -1;
  /** The edge of the receiver's window as it came back to the sender. */
  allowed = 0;
  /** What the sender acknowledged last of the other direction, and the edge that it promised there. */
  acked = 0;
  promised = 0;
  stamp = -1;
  reset = false;
  /** The ports have another connection now, or a late SYN made one of its own: its rules are not followed any further. */
  again = false;
  /** What arrived, as ranges in order: left, right, left, right... */
  ranges: number[] = [];
}

export class Referee {
  readonly faults: string[] = [];
  readonly #ways: Map<string, Way> = new Map();
  readonly #again: Map<Host, number> = new Map();
  segments = 0;
  #isQuiet = false;

  /** Segments that a host sent again. */
  resent(host: Host): number {
    return this.#again.get(host) ?? 0;
  }

  sent(host: Host, frame: Frame): void {
    const { view, start, end } = frame;
    const at = tcpAt(view, start);
    if (at < 0) return;
    this.segments++;
    this.#isQuiet = false;
    const ip = start + ethernet.HEADER_LEN;
    const mtu = host.interfaces[0]?.mtu ?? 0;
    if (end - ip > mtu) this.#fault(host, view, at, `${end - ip} bytes where ${mtu} fit`);
    const four = at === ip + 20;
    const length = end - at;
    const pseudo = four
      ? pseudo4(ipv4.src(view, ip), ipv4.dst(view, ip), PROTO.tcp, length)
      : pseudo6(view, ip, PROTO.tcp, length);
    if (!tcp.checksumOk(view, at, end, pseudo)) this.#fault(host, view, at, 'wrong checksum');
    if (options.check(view, at) !== 0) this.#fault(host, view, at, 'wrong options');
    const flags = tcp.flags(view, at);
    const [way, back] = this.#both(host, view, at);
    if ((flags & RST) !== 0) {
      way.reset = true;
      return;
    }
    const payload = end - tcp.payloadAt(view, at);
    if ((flags & SYN) !== 0) this.#syn(host, view, at, way, back);
    this.#isQuiet = way.again;
    const from = (tcp.seq(view, at) - way.initial) | 0;
    const right = from + payload + (flags & FIN) + ((flags & SYN) >> 1);
    if (right > from) this.#numbers(host, view, at, from, right, payload);
    if ((flags & ACK) !== 0) this.#acknowledges(host, view, at, way, back);
    this.#stamp(host, view, at, way);
  }

  arrived(host: Host, frame: Frame): void {
    const { view, start, end } = frame;
    const at = tcpAt(view, start);
    // Who damages segments on the way must not damage our books.
    if (at < 0 || !this.#isWhole(view, start, at, end)) return;
    const flags = tcp.flags(view, at);
    // `way` is the direction that this segment goes, from the other host to this one.
    const [back, way] = this.#both(host, view, at, true);
    if ((flags & RST) !== 0) return;
    const from = (tcp.seq(view, at) - way.initial) | 0;
    const right = from + end - tcp.payloadAt(view, at) + (flags & FIN) + ((flags & SYN) >> 1);
    if (right > from) add(way.ranges, from, right);
    way.arrived = way.ranges[0] === 0 ? (way.ranges[1] as number) : 0;
    if ((flags & ACK) === 0) return;
    const ack = (tcp.ack(view, at) - back.initial) | 0;
    back.allowed = Math.max(back.allowed, ack + (tcp.window(view, at) << shift(flags, way, back)));
  }

  #syn(host: Host, view: DataView, at: number, way: Way, back: Way): void {
    const seq = tcp.seq(view, at);
    if (way.sent > 0 && seq !== way.initial) {
      // One whose SYN was never acknowledged may have given up and begun anew.
      if (!way.reset && way.fin < 0 && way.sent > 1)
        this.#fault(host, view, at, 'another first number for the same connection');
      Object.assign(way, new Way());
      way.again = true;
      back.again = true;
    }
    way.initial = seq;
    way.mss = Math.max(0, options.mss(view, at)) || way.mss;
    way.scale = options.windowScale(view, at);
  }

  /** A segment that takes numbers: bytes, SYN or FIN at [from, right). */
  #numbers(host: Host, view: DataView, at: number, from: number, right: number, payload: number): void {
    const flags = tcp.flags(view, at);
    const [way, back] = this.#both(host, view, at);
    const fin = flags & FIN;
    const last = right - fin;
    if (payload > 0) {
      const header = tcp.dataOffset(view, at) - tcp.HEADER_LEN;
      if (payload + header > back.mss)
        this.#fault(host, view, at, `${payload} bytes beyond the MSS ${back.mss}`);
      if (last > way.allowed) this.#fault(host, view, at, `${last - way.allowed} bytes beyond the window`);
      if (way.fin >= 0 && last > way.fin) this.#fault(host, view, at, 'bytes behind the FIN');
    }
    if (fin !== 0) {
      if (way.fin >= 0 && way.fin !== last) this.#fault(host, view, at, 'the FIN has moved');
      way.fin = last;
    }
    if (from > way.sent) this.#fault(host, view, at, `${from - way.sent} numbers were left out`);
    // The answer to a SYN that crossed ours has our SYN's number, and is no repetition.
    const crossed = (flags & (SYN | ACK)) === (SYN | ACK) && way.sent === 1 && way.promised === 0;
    if (from < way.sent && !crossed) this.#again.set(host, this.resent(host) + 1);
    way.sent = Math.max(way.sent, right);
  }

  #acknowledges(host: Host, view: DataView, at: number, way: Way, back: Way): void {
    const ack = (tcp.ack(view, at) - back.initial) | 0;
    if (ack < way.acked) this.#fault(host, view, at, 'acknowledges less than before');
    if (ack > back.arrived)
      this.#fault(host, view, at, `acknowledges ${ack - back.arrived} that never arrived`);
    way.acked = ack;
    const edge = ack + (tcp.window(view, at) << shift(tcp.flags(view, at), way, back));
    // A SYN that goes again says what an unscaled field can say; a scaled one is cut to whole units (RFC 7323 s.2.4).
    const scale = shift(tcp.flags(view, at), way, back);
    if (edge + (1 << scale) <= way.promised && (tcp.flags(view, at) & SYN) === 0)
      this.#fault(host, view, at, `takes ${way.promised - edge} of its window back`);
    way.promised = Math.max(edge, way.promised);
    this.#sack(host, view, at, back, ack);
  }

  #sack(host: Host, view: DataView, at: number, back: Way, ack: number): void {
    const o = options.sackAt(view, at);
    if (o < 0) return;
    const count = options.sackCount(view, o);
    if (count === 0) this.#fault(host, view, at, 'SACK without a block');
    for (let i = 0; i < count; i++) {
      const left = (options.sackLeft(view, o, i) - back.initial) | 0;
      const right = (options.sackRight(view, o, i) - back.initial) | 0;
      if (right <= left) this.#fault(host, view, at, `SACK block ${i} is empty`);
      if (!has(back.ranges, left, right))
        this.#fault(host, view, at, `SACK block ${i} tells of what never arrived`);
      // Only the first may tell of what came twice (RFC 2883).
      if (i > 0 && left <= ack) this.#fault(host, view, at, `SACK block ${i} lies below the acknowledgement`);
    }
  }

  #stamp(host: Host, view: DataView, at: number, way: Way): void {
    const stamp: TcpTimestamps = { value: 0, echo: 0 };
    if (!options.timestamps(view, at, stamp)) return;
    if (way.stamp >= 0 && ((stamp.value - way.stamp) | 0) < 0)
      this.#fault(host, view, at, 'the time stamp goes back');
    way.stamp = stamp.value;
  }

  #isWhole(view: DataView, start: number, at: number, end: number): boolean {
    const ip = start + ethernet.HEADER_LEN;
    const length = end - at;
    const pseudo =
      at === ip + 20
        ? pseudo4(ipv4.src(view, ip), ipv4.dst(view, ip), PROTO.tcp, length)
        : pseudo6(view, ip, PROTO.tcp, length);
    return tcp.check(view, at, end) === 0 && tcp.checksumOk(view, at, end, pseudo);
  }

  /** The direction from this host to the other and the one back, of a segment that it sends, or gets. */
  #both(host: Host, view: DataView, at: number, gets = false): [Way, Way] {
    const [src, dst] = [tcp.srcPort(view, at), tcp.dstPort(view, at)];
    const [here, there] = gets ? [dst, src] : [src, dst];
    return [this.#way(`${host.name} ${here} ${there}`), this.#way(`${other(host)} ${there} ${here}`)];
  }

  #way(key: string): Way {
    let way = this.#ways.get(key);
    if (way === undefined) {
      way = new Way();
      this.#ways.set(key, way);
    }
    return way;
  }

  #fault(host: Host, view: DataView, at: number, text: string): void {
    if (this.#isQuiet || this.faults.length >= 5) return;
    const { srcPort, dstPort } = tcp.read(view, at);
    const flags = tcp.flags(view, at).toString(16);
    const when = host.ground.clock.now;
    this.faults.push(`${host.name} ${srcPort}>${dstPort} flags ${flags} at ${when} ns: ${text}`);
  }
}

/** Two hosts, a and b (road.ts). */
function other(host: Host): string {
  return host.name === 'a' ? 'b' : 'a';
}

/** How the window field of a segment that goes `way` is to be read (RFC 7323 s.2.2). */
function shift(flags: number, way: Way, back: Way): number {
  return (flags & SYN) !== 0 || way.scale < 0 || back.scale < 0 ? 0 : way.scale;
}

function add(ranges: number[], left: number, right: number): void {
  let i = 0;
  while (i < ranges.length && (ranges[i + 1] as number) < left) i += 2;
  let j = i;
  let [from, to] = [left, right];
  while (j < ranges.length && (ranges[j] as number) <= right) {
    from = Math.min(from, ranges[j] as number);
    to = Math.max(to, ranges[j + 1] as number);
    j += 2;
  }
  ranges.splice(i, j - i, from, to);
}

function has(ranges: readonly number[], left: number, right: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if ((ranges[i] as number) <= left && right <= (ranges[i + 1] as number)) return true;
  }
  return false;
}
