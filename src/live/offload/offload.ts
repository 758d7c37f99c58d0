// What a network card would have done, done here. Linux leaves checksums and the cutting of long TCP segments to the card; on
// a virtual cable there is none, and whoever reads frames from it gets them as they are (Documentation/networking/
// checksum-offloads.rst, segmentation-offloads.rst).
//
// Where the kernel tells (virtio-net headers), `finishAt` completes what it names. Where it does not, a checksum field that holds
// the pseudo header's sum is one that nobody completed: that is the state that Linux leaves it in.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import { finish, finishUdp, fold, sum } from '../../core/wire/checksum.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import { PieceHeaders } from './piece-headers.ts';
import { Transport } from './transport.ts';

export interface OffloadCounters {
  /** Checksums completed. */
  completed: number;
  /** Frames that were cut, and what became of them. */
  cut: number;
  pieces: number;
  /** Frames that stand for several and were passed on as they are. */
  whole: number;
}

/** Takes frames over that are as a wire would have them. Must not come back to the one that cuts. */
export interface Pieces {
  piece(frame: Frame): void;
}

/** Linux's smallest segment size (TCP_MIN_GSO_SIZE). */
export const SEGMENT_MIN = 8;

export class Offload {
  readonly counters: OffloadCounters = { completed: 0, cut: 0, pieces: 0, whole: 0 };
  readonly #pool: FramePool;
  readonly #at: Transport = new Transport();
  readonly #headers: PieceHeaders = new PieceHeaders();

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
   * Hands on a frame in pieces of `size` bytes of payload, or as it is when it is one packet or cannot be cut.
   * @param size bytes of TCP or UDP payload; 0 for what makes IP packets of at most `mtu` bytes
   */
  cut(frame: Frame, mtu: number, size: number, to: Pieces): void {
    const piece = this.#pieceOf(frame, mtu, size);
    if (piece === 0) to.piece(frame);
    else this.#pieces(frame, piece, to);
  }

  /** Says of a frame that it stands for several, as `cut` would make them; false when it does not, or cannot. */
  mark(frame: Frame, mtu: number, size: number): boolean {
    const piece = this.#pieceOf(frame, mtu, size);
    if (piece === 0) return false;
    frame.segment = piece;
    this.counters.whole++;
    return true;
  }

  /** Bytes of payload of each piece; 0 when there is nothing to cut. */
  #pieceOf(frame: Frame, mtu: number, size: number): number {
    const headers = this.#headers;
    const { view, start, end } = frame;
    if (!headers.read(view, start, start, end)) return 0;
    const room = mtu - headers.packetHeaders;
    // A stream may be cut anywhere. Datagrams are as long as their sender made them, and only the kernel can say that they are several.
    if (!headers.stream && (size === 0 || size > room)) return 0;
    const piece = size > 0 ? Math.min(size, room) : room;
    return headers.payload <= piece || piece < SEGMENT_MIN ? 0 : piece;
  }

  #pieces(frame: Frame, size: number, to: Pieces): void {
    const { bytes } = frame;
    const { front, payload, payloadAt } = this.#headers;
    this.#headers.prepare();
    this.counters.cut++;
    for (let from = 0, n = 0; from < payload; from += size, n++) {
      const length = Math.min(size, payload - from);
      const piece = this.#pool.take(front + length);
      const source = payloadAt + from;
      this.#headers.write(piece.view, piece.start, n, source, length, from + length === payload);
      piece.bytes.set(bytes.subarray(source, source + length), piece.start + front);
      this.counters.pieces++;
      to.piece(piece);
    }
    frame.release();
  }

  /** Writes the checksum of [transport, end); the field holds 0. */
  #write(view: DataView, end: number, pseudo: number): void {
    const { at, protocol, checksumAt } = this.#at;
    const total = sum(view, at, end, pseudo);
    view.setUint16(checksumAt, protocol === PROTO.udp ? finishUdp(total) : finish(total));
  }
}
