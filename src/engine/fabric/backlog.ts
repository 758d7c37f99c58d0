// Frames on their way through a veth, handled in order and never one inside the other.
//
// Two hosts that answer each other on one bridge would recurse without end if a veth called its peer directly. Linux has
// the same trouble and the same cure (net/core/dev.c, process_backlog): the sender puts the frame on a queue, and whoever
// started handling it works the queue off. No virtual time passes.
//
// A receiver that throws loses its own frame only: those behind it are delivered, and then the first error is thrown.

import type { Frame } from '../../core/frame/frame.ts';
import type { PortId, Sink } from './port.ts';

const NOWHERE: Sink = { receive: (frame) => frame.release() };

export class Backlog {
  #frames: (Frame | null)[];
  #sinks: Sink[];
  #ports: Int32Array;
  #mask: number;
  #head = 0;
  #tail = 0;
  #busy = false;

  constructor(capacity = 256) {
    this.#mask = capacity - 1;
    this.#frames = new Array<Frame | null>(capacity).fill(null);
    this.#sinks = new Array<Sink>(capacity).fill(NOWHERE);
    this.#ports = new Int32Array(capacity);
  }

  /**
   * Hands `frame` to `sink` after everything that waits already.
   * @throws what a receiver threw, once nothing waits any more; of several errors the first
   */
  push(frame: Frame, sink: Sink, port: PortId): void {
    if (!this.#busy) {
      this.#busy = true;
      try {
        sink.receive(frame, port);
        while (this.#head !== this.#tail) this.#next();
      } catch (error) {
        this.#goOn();
        throw error;
      } finally {
        this.#busy = false;
      }
      return;
    }
    const i = this.#tail;
    this.#frames[i] = frame;
    this.#sinks[i] = sink;
    this.#ports[i] = port;
    this.#tail = (i + 1) & this.#mask;
    if (this.#tail === this.#head) this.#grow();
  }

  /** Works off what waits behind a receiver that threw. */
  #goOn(): void {
    while (this.#head !== this.#tail) {
      try {
        this.#next();
      } catch {
        // The first error is the one that is told; those behind it are most often its consequence.
      }
    }
  }

  #next(): void {
    const i = this.#head;
    this.#head = (i + 1) & this.#mask;
    (this.#sinks[i] as Sink).receive(this.#frames[i] as Frame, this.#ports[i] as number);
  }

  /** Called when head and tail meet with the ring full. */
  #grow(): void {
    const old = this.#mask + 1;
    const order = Array.from({ length: old }, (_, n) => (this.#head + n) & this.#mask);
    const ports = new Int32Array(old * 2);
    for (const [n, i] of order.entries()) ports[n] = this.#ports[i] as number;
    const frames = order.map((i) => this.#frames[i] as Frame | null);
    const sinks = order.map((i) => this.#sinks[i] as Sink);
    this.#frames = [...frames, ...new Array<Frame | null>(old).fill(null)];
    this.#sinks = [...sinks, ...new Array<Sink>(old).fill(NOWHERE)];
    this.#ports = ports;
    this.#mask = old * 2 - 1;
    this.#head = 0;
    this.#tail = old;
  }
}
