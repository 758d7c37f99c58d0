// Datagrams that wait for the end of Node's turn, or until they are many. Those of one flow that lie in one size leave as a train
// (trains.ts), the others together with one sendmmsg on a raw socket, with outer headers of our own. A frame that stands for
// several is cut here: its pieces are a train whose headers are written one after another and whose payload stays where it is.
//
// Within a flow nothing overtakes: what has a flow's port, receiver and TOS leaves in the order in which it came.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Ip } from '../../core/wire/address.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import type { Libc } from '../kernel/libc.ts';
import type { SendBatch } from '../kernel/send-batch.ts';
import { Slabs } from '../kernel/slabs.ts';
import { PieceHeaders } from '../offload/piece-headers.ts';
import type { UnderlayCounters } from './live-underlay.ts';
import type { OuterHeaders } from './outer-headers.ts';
import type { Trains } from './trains.ts';
import { TRAIN, TRAIN_BYTES, TRAIN_MAX } from './trains.ts';

/** Datagrams that wait at most. */
const QUEUE = 64;
/** So many of a flow at once are worth a socket. */
const WORTH = 8;
/** Room for a piece's headers: VXLAN, Ethernet with two tags, IPv6 with extensions, TCP with options. */
const HEADERS_MAX = 256;

/** Who datagrams are for. */
export interface Receiver {
  readonly ip: Ip;
  /** A multicast group: raw sockets alone know its interface. */
  readonly group: boolean;
  /** The kernel's socket addresses and where they lie: for a raw socket, which has no port, and for a UDP socket. */
  readonly raw: SocketName;
  readonly udp: SocketName;
}

export interface SocketName {
  readonly bytes: Uint8Array;
  readonly at: number;
}

export class DatagramQueue {
  readonly #raw: SendBatch;
  readonly #trains: Trains | null;
  readonly #outer: OuterHeaders;
  readonly #pool: FramePool;
  readonly #counters: UnderlayCounters;
  readonly #slabs: Slabs;
  readonly #frames: Frame[] = [];
  readonly #receivers: Receiver[] = [];
  readonly #ports: Int32Array = new Int32Array(QUEUE);
  readonly #tos: Int32Array = new Int32Array(QUEUE);
  readonly #gone: Uint8Array = new Uint8Array(QUEUE);
  /** The places of one flow's datagrams. */
  readonly #run: Int32Array = new Int32Array(TRAIN_MAX);
  readonly #headers: PieceHeaders = new PieceHeaders();
  readonly #scratch: DataView = new DataView(new ArrayBuffer(TRAIN_MAX * HEADERS_MAX));
  readonly #scratchAt: number;
  #awaited = false;

  /** @param trains null where every datagram is to leave by itself */
  constructor(
    libc: Libc,
    raw: SendBatch,
    trains: Trains | null,
    outer: OuterHeaders,
    pool: FramePool,
    counters: UnderlayCounters,
  ) {
    this.#raw = raw;
    this.#trains = trains;
    this.#outer = outer;
    this.#pool = pool;
    this.#counters = counters;
    this.#slabs = new Slabs(libc);
    this.#scratchAt = libc.addressOf(new Uint8Array(this.#scratch.buffer));
  }

  /** Takes over a frame that begins with its VXLAN header. */
  push(frame: Frame, to: Receiver, port: number, tos: number): void {
    this.#counters.sent++;
    this.#counters.sentBytes += frame.end - frame.start;
    if (this.#trains === null) return this.#single(frame, to, port, tos);
    const i = this.#frames.length;
    this.#frames.push(frame);
    this.#receivers.push(to);
    this.#ports[i] = port;
    this.#tos[i] = tos;
    if (i + 1 === QUEUE) this.flush();
    else if (!this.#awaited) {
      this.#awaited = true;
      queueMicrotask(this.flush);
    }
  }

  /**
   * Takes over a frame that stands for several: each becomes a datagram of its own.
   * @param room bytes of UDP payload that a datagram may have
   */
  pushLong(frame: Frame, to: Receiver, port: number, tos: number, room: number): void {
    const headers = this.#headers;
    const { view, start, end } = frame;
    const known = headers.read(view, start, start + vxlan.HEADER_LEN, end);
    const { front, payload } = headers;
    const size = Math.min(frame.segment, room - front);
    if (!known || size <= 0) {
      this.#counters.sent++;
      this.#counters.sentBytes += end - start;
      this.#counters.sendErrors++;
      return frame.release();
    }
    headers.prepare();
    this.flush();
    const trains = this.#trains;
    const pieces = Math.ceil(payload / size);
    const whole = front <= HEADERS_MAX && !to.group && trains?.ready(port, true) === true;
    if (!whole || !this.#train(trains, frame, to, port, tos, size, pieces)) {
      for (let n = 0; n < pieces; n++) this.#piece(frame, to, port, tos, size, n, pieces);
    }
    frame.release();
  }

  /** Sends what waits, for the last time. */
  close(): void {
    this.flush();
    this.#raw.flush();
  }

  readonly flush = (): void => {
    this.#awaited = false;
    const frames = this.#frames;
    const count = frames.length;
    if (count === 0) return;
    const gone = this.#gone;
    gone.fill(0, 0, count);
    for (let i = 0; i < count; i++) if (gone[i] === 0) this.#flow(i, count);
    frames.length = 0;
    this.#receivers.length = 0;
  };

  /** Sends what is first in the queue, with those of its flow that fit into a train with it. */
  #flow(first: number, count: number): void {
    const frames = this.#frames;
    const run = this.#run;
    const to = this.#receivers[first] as Receiver;
    const port = this.#ports[first] as number;
    const tos = this.#tos[first] as number;
    const frame = frames[first] as Frame;
    const size = frame.end - frame.start;
    let bytes = size;
    let length = 1;
    run[0] = first;
    for (let i = first + 1; i < count && length < TRAIN_MAX; i++) {
      if (this.#ports[i] !== port || this.#receivers[i] !== to || this.#gone[i] === 1) continue;
      const next = frames[i] as Frame;
      const more = next.end - next.start;
      if (this.#tos[i] !== tos || more > size || bytes + more > TRAIN_BYTES) break;
      bytes += more;
      run[length++] = i;
      if (more < size) break;
    }
    for (let i = 0; i < length; i++) this.#gone[run[i] as number] = 1;
    const trains = this.#trains;
    if (length > 1 && !to.group && trains?.ready(port, length >= WORTH)) {
      this.#raw.flush();
      for (let i = 0; i < length; i++) {
        const one = frames[run[i] as number] as Frame;
        trains.add(this.#slabs.addressOf(one.bytes) + one.start, one.end - one.start);
      }
      const result = trains.send(port, to.udp.at, to.udp.bytes.length, size, tos);
      if (result !== TRAIN.unable) {
        this.#count(result, length);
        for (let i = 0; i < length; i++) (frames[run[i] as number] as Frame).release();
        return;
      }
    }
    for (let i = 0; i < length; i++) this.#single(frames[run[i] as number] as Frame, to, port, tos);
  }

  #single(frame: Frame, to: Receiver, port: number, tos: number): void {
    this.#outer.push(frame, to.ip, port, tos);
    this.#raw.push(frame, to.raw.at, to.raw.bytes.length);
  }

  /** Sends pieces as one train, or as two and so on. False, and nothing has left, when the kernel cannot. */
  #train(
    trains: Trains,
    frame: Frame,
    to: Receiver,
    port: number,
    tos: number,
    size: number,
    pieces: number,
  ): boolean {
    const headers = this.#headers;
    const { front, payload, payloadAt } = headers;
    const most = Math.max(1, Math.min(TRAIN_MAX, Math.floor(TRAIN_BYTES / (front + size))));
    const share = Math.ceil(pieces / Math.ceil(pieces / most));
    const slab = this.#slabs.addressOf(frame.bytes);
    this.#raw.flush();
    for (let n = 0; n < pieces; ) {
      const first = n;
      let length = 0;
      for (; length < share && n < pieces; length++, n++) {
        const from = n * size;
        const bytes = Math.min(size, payload - from);
        const at = length * HEADERS_MAX;
        headers.write(this.#scratch, at, n, payloadAt + from, bytes, n === pieces - 1);
        trains.add(this.#scratchAt + at, front);
        trains.add(slab + payloadAt + from, bytes);
      }
      const result = trains.send(port, to.udp.at, to.udp.bytes.length, front + size, tos);
      if (result === TRAIN.unable && first === 0) return false;
      this.#counters.sent += length;
      this.#counters.sentBytes += length * front + Math.min(payload, n * size) - first * size;
      this.#count(result, length);
    }
    return true;
  }

  #piece(
    frame: Frame,
    to: Receiver,
    port: number,
    tos: number,
    size: number,
    n: number,
    pieces: number,
  ): void {
    const { front, payload, payloadAt } = this.#headers;
    const from = payloadAt + n * size;
    const bytes = Math.min(size, payload - n * size);
    const piece = this.#pool.take(front + bytes);
    this.#headers.write(piece.view, piece.start, n, from, bytes, n === pieces - 1);
    piece.bytes.set(frame.bytes.subarray(from, from + bytes), piece.start + front);
    this.#counters.sent++;
    this.#counters.sentBytes += front + bytes;
    this.#single(piece, to, port, tos);
  }

  #count(result: number, length: number): void {
    const { trains } = this.#counters;
    if (result === TRAIN.full) this.#counters.queueFull += length;
    else if (result !== TRAIN.sent) this.#counters.sendErrors += length;
    else {
      trains.sent++;
      trains.sentDatagrams += length;
    }
  }
}
