// This side of a thread that reads packets: starts it, takes what it puts into the ring, and ends it.

import { closeSync, writeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { VxlabError } from '../../core/wire/numbers.ts';
import { PROGRAM, startThread } from '../programs.ts';
import type { RingShape } from './frame-ring.ts';
import { FACT, FrameRing } from './frame-ring.ts';
import type { IntakeTask } from './intake-task.ts';
import type { Libc } from './libc.ts';

/** Takes one packet of the ring; what it needs of it must be copied before it returns. */
export interface PacketTaker {
  /** @param at where the packet is in the ring's bytes */
  packet(ring: FrameRing, slot: number, at: number, length: number): void;
  /** Nothing more waits, or others have their turn first. */
  pause?(): void;
  /** The thread ended by itself, with an error's name. */
  ended(error: string): void;
}

/** Packets taken before others have a turn. */
const TURN = 256;

export class Intake {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #kind: IntakeTask['kind'];
  readonly #ring: FrameRing;
  readonly #taker: PacketTaker;
  #worker: Worker | null = null;
  #stopFd = -1;
  #closed = false;

  constructor(libc: Libc, fd: number, kind: IntakeTask['kind'], shape: RingShape, taker: PacketTaker) {
    this.#libc = libc;
    this.#fd = fd;
    this.#kind = kind;
    this.#ring = new FrameRing(shape);
    this.#taker = taker;
  }

  /** Resolves when the thread runs. */
  async open(): Promise<void> {
    this.#stopFd = this.#libc.eventfd(0, 0);
    if (this.#stopFd < 0) throw new VxlabError('ATTACH_REFUSED', `no eventfd: ${this.#libc.error()}`);
    const { shape, memory } = this.#ring;
    const task: IntakeTask = { fd: this.#fd, stopFd: this.#stopFd, kind: this.#kind, shape, memory };
    this.#ring.sleep();
    const worker = await startThread(PROGRAM.intake, task);
    this.#worker = worker;
    await new Promise<void>((done, fail) => {
      // Its first word is that it runs.
      worker.once('message', () => done());
      worker.once('error', (error) =>
        fail(
          new VxlabError('ATTACH_REFUSED', `the thread that reads packets does not start: ${error.message}`),
        ),
      );
    });
    worker.on('error', (error) => this.#taker.ended(error.message));
    worker.on('message', (word: number | string) => {
      if (typeof word === 'string') this.#taker.ended(word);
      else this.#drain();
    });
  }

  /** Ends the thread; its descriptor is the owner's to close, afterwards. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const worker = this.#worker;
    if (worker !== null) {
      const gone = new Promise((done) => worker.once('exit', done));
      writeSync(this.#stopFd, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
      if (worker.threadId !== -1) await gone;
    }
    if (this.#stopFd >= 0) closeSync(this.#stopFd);
  }

  readonly #drain = (): void => {
    const ring = this.#ring;
    for (let turn = 0; turn < TURN; turn++) {
      if (this.#closed) return;
      if (ring.waiting === 0) {
        ring.wakeWriter();
        this.#taker.pause?.();
        if (ring.sleep()) return;
      }
      const slot = ring.tail;
      this.#taker.packet(ring, slot, ring.slotAt(slot), ring.fact(slot, FACT.length));
      ring.taken();
    }
    ring.wakeWriter();
    this.#taker.pause?.();
    setImmediate(this.#drain);
  };
}
