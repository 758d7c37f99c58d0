// What a network card would have done, done here. Linux leaves checksums and the cutting of long TCP segments to the card; on
// a virtual cable there is none, and whoever reads frames from it gets them as they are (Documentation/networking/
// checksum-offloads.rst, segmentation-offloads.rst).
//
// Where the kernel tells (virtio-net headers), `finishAt` completes what it names. Where it does not, a checksum field that holds
// the pseudo header's sum is one that nobody completed: that is the state that Linux leaves it in.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import { finish, finishUdp, fold, sum } from '../../core/wire/checksum.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import * as tcp from '../../core/wire/tcp.ts';
import { Transport } from './transport.ts';

export interface OffloadCounters {
  /** Checksums completed. */
  completed: number;
  /** Frames that were cut, and what became of them. */
  cut: number;
  pieces: number;
}

/** Takes frames over that are as a wire would have them. Must not come back to the one that cuts. */
export interface Pieces {
  piece(frame: Frame): void;
}

const LAST_ONLY = tcp.FLAG.FIN | tcp.FLAG.PSH;
const FIRST_ONLY = tcp.FLAG.CWR;
/** Fewer bytes a piece are no segment size that anybody has. */
const SIZE_MIN = 64;

export class Offload {
  readonly counters: OffloadCounters = { completed: 0, cut: 0, pieces: 0 };
  readonly #pool: FramePool;
  readonly #at: Transport = new Transport();

  constructor(pool: FramePool) {
    this.#pool = pool;
  }

  /**
   * Completes a checksum: the bytes from `start` on are summed, the field is `offset` behind.
   * False when there is no such place in the frame.
   */
  finishAt(frame: Frame, start: number, offset: number): boolean {
    const { view, end } = frame;
    const from = frame.start + start;
    if (from + offset + 2 > end) return false;
    const field = finish(sum(view, from, end));
    view.setUint16(from + offset, field === 0 && offset === 6 ? 0xffff : field);
    this.counters.completed++;
    return true;
  }

  /** Completes the checksum if nobody did. The frame must have one holder. */
  complete(frame: Frame): void {
    const { view } = frame;
    const at = this.#at;
    if (!at.find(view, frame.start, frame.end)) return;
    const field = view.getUint16(at.checksumAt);
    const length = at.end - at.at;
    const pseudo = at.pseudo(view, length);
    if (field !== fold(pseudo) || fold(sum(view, at.at, at.end, pseudo)) === 0xffff) return;
    view.setUint16(at.checksumAt, 0);
    this.#write(view, at.end, pseudo);
    this.counters.completed++;
  }

  /**
   * Hands on a frame in pieces of `size` bytes of payload, or as it is when it is no longer than that or has neither TCP nor UDP.
   * @param size bytes of TCP or UDP payload; 0 for what makes IP packets of at most `mtu` bytes
   */
  cut(frame: Frame, mtu: number, size: number, to: Pieces): void {
    const { view } = frame;
    const at = this.#at;
    if (!at.find(view, frame.start, frame.end)) return to.piece(frame);
    const headers = at.at + at.header(view) - at.ip;
    const most = Math.min(size > 0 ? size : mtu - headers, mtu - headers);
    const payload = at.end - at.ip - headers;
    // A datagram is one; only the kernel can say that it was several.
    if (payload <= most || most < SIZE_MIN || (at.protocol === PROTO.udp && size === 0))
      return to.piece(frame);
    this.#pieces(frame, headers, payload, most, to);
  }

  #pieces(frame: Frame, headers: number, payload: number, size: number, to: Pieces): void {
    const { bytes, start } = frame;
    const { ip, at: transport, protocol } = this.#at;
    const front = ip - start + headers;
    const sequence = protocol === PROTO.tcp ? tcp.seq(frame.view, transport) : 0;
    const flags = protocol === PROTO.tcp ? tcp.flags(frame.view, transport) : 0;
    const first = this.#at.six ? 0 : ipv4.id(frame.view, ip);
    this.counters.cut++;
    for (let from = 0, n = 0; from < payload; from += size, n++) {
      const length = Math.min(size, payload - from);
      const piece = this.#pool.take(front + length);
      piece.bytes.set(bytes.subarray(start, start + front), piece.start);
      const source = start + front + from;
      piece.bytes.set(bytes.subarray(source, source + length), piece.start + front);
      const { view } = piece;
      // The places, moved from the long frame to its piece.
      const shift = piece.start - start;
      this.#at.ip = ip + shift;
      this.#at.at = transport + shift;
      this.#lengths(view, piece.end, (first + n) & 0xffff);
      if (protocol === PROTO.tcp) {
        const last = from + length === payload;
        const kept = flags & ~(last ? 0 : LAST_ONLY) & ~(n === 0 ? 0 : FIRST_ONLY);
        tcp.setSeq(view, this.#at.at, (sequence + from) >>> 0);
        tcp.setFlags(view, this.#at.at, kept);
      } else view.setUint16(this.#at.at + 4, piece.end - this.#at.at);
      view.setUint16(this.#at.checksumAt, 0);
      this.#write(view, piece.end, this.#at.pseudo(view, piece.end - this.#at.at));
      this.counters.pieces++;
      to.piece(piece);
    }
    frame.release();
  }

  #lengths(view: DataView, end: number, id: number): void {
    const { ip, six } = this.#at;
    if (six) {
      view.setUint16(ip + 4, end - ip - ipv6.HEADER_LEN);
      return;
    }
    view.setUint16(ip + 2, end - ip);
    view.setUint16(ip + 4, id);
    view.setUint16(ip + 10, 0);
    view.setUint16(ip + 10, finish(sum(view, ip, ip + ipv4.headerLength(view, ip))));
  }

  /** Writes the checksum of [transport, end); the field holds 0. */
  #write(view: DataView, end: number, pseudo: number): void {
    const { at, protocol, checksumAt } = this.#at;
    const total = sum(view, at, end, pseudo);
    view.setUint16(checksumAt, protocol === PROTO.udp ? finishUdp(total) : finish(total));
  }
}
