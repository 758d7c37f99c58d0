// A lab in which programs run: a stack on virtual time, what its services run started in their containers, time and Node's event
// loop advancing together (ADR 10), frames to a capture file if one is wanted. What `up` and `exec` are built on.

import { dirname, resolve } from 'node:path';
import { Pace } from '../apps/pace.ts';
import type { ContainerProcess } from '../apps/process.ts';
import { programTable } from '../apps/programs/index.ts';
import { Runtime } from '../apps/runtime.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import { MILLISECOND } from '../engine/time/clock.ts';
import type { LabCapture, Taps } from '../lab/capture.ts';
import { EPOCH_SECONDS, PcapngCapture } from '../lab/capture.ts';
import type { LabOptions } from '../lab/lab.ts';
import { Lab } from '../lab/lab.ts';
import { CaptureFile } from '../live/capture/pcap-file.ts';
import { NODE_CIPHER } from '../live/node-cipher.ts';
import { pause } from './drive.ts';
import type { Io } from './io.ts';
import { VERSION } from './version.ts';

export interface LivingOptions extends Omit<LabOptions, 'capture'> {
  /** The manifest's file; files that `run` names are found from its folder. null for the stack that comes with vxlab. */
  readonly manifest: string | null;
  /** Frames to a pcapng file. */
  readonly capture?: { readonly file: string; readonly taps: Taps };
  /** Frames to a list in memory, or to whoever listens. */
  readonly log?: LabCapture;
  /** False starts no program. */
  readonly workloads?: boolean;
  /** What workloads print. */
  print?(process: ContainerProcess, text: string, stream: 'out' | 'err'): void;
}

/** As a capture's name: standard output. */
const STDOUT = '-';
/** Virtual time that programs get to come up before anybody is let in. */
const SETTLE = 100 * MILLISECOND;
/** Virtual time for connections to end in good order when a program has closed them. */
const FAREWELL = 250 * MILLISECOND;
/** Virtual time at a go while nobody waits for anything else, in nanoseconds. */
const SLICE = 50 * MILLISECOND;
/** How often a lab that follows the wall clock looks at it, in milliseconds. */
const TICK = 20;

export class LivingLab {
  readonly lab: Lab;
  readonly pace: Pace;
  readonly runtime: Runtime;
  readonly capture: PcapngCapture | null;
  readonly file: CaptureFile | null;
  readonly #workloads: boolean;
  #closed = false;

  /** @throws VxlabError as `Lab`; CAPTURE_UNWRITABLE when the file cannot be written, and then nothing runs */
  constructor(io: Io, spec: StackSpec, options: LivingOptions) {
    const { capture, log, manifest, print, workloads = true } = options;
    // Nothing on the disk is touched before the stack is known to come up.
    const early: Uint8Array[] = [];
    let write = (bytes: Uint8Array): void => void early.push(bytes);
    this.capture =
      capture === undefined
        ? null
        : new PcapngCapture((bytes) => write(bytes), `vxlab ${VERSION}`, capture.taps);
    this.lab = new Lab(spec, {
      ...options,
      encryption: { cipher: NODE_CIPHER, ...options.encryption },
      ...(this.capture === null
        ? log === undefined
          ? {}
          : { capture: log }
        : { capture: this.#until(this.capture) }),
    } as LabOptions);
    const file = capture?.file;
    this.file = file === undefined ? null : new CaptureFile(file === STDOUT ? file : resolve(io.cwd, file));
    if (this.file !== null) {
      write = this.file.write;
      for (const bytes of early) write(bytes);
    }
    this.pace = new Pace(this.lab.sim.clock);
    this.#workloads = workloads;
    this.runtime = new Runtime({
      world: this.lab.sim.world,
      inbox: this.pace.inbox,
      programs: programTable(manifest === null ? io.cwd : dirname(resolve(io.cwd, manifest))),
      epoch: EPOCH_SECONDS * 1000,
      ...(print === undefined ? {} : { print }),
    });
  }

  /** The capture as long as the lab lives: taking down is not part of what was asked for. */
  #until(capture: LabCapture): LabCapture {
    return {
      taps: capture.taps,
      begin: (interfaces, now) => capture.begin(interfaces, now),
      add: (name) => capture.add(name),
      frame: (tap, inbound, frame) => {
        if (!this.#closed) capture.frame(tap, inbound, frame);
      },
    };
  }

  /** Nanoseconds of virtual time since the lab began. */
  get now(): number {
    return this.lab.now;
  }

  /** Starts what services run; with `settle` time passes until servers listen. */
  async start(settle: boolean = false): Promise<void> {
    if (this.#workloads) this.runtime.start();
    await this.pace.rest();
    if (settle) await this.pace.run(SETTLE);
  }

  /**
   * Lets virtual time pass as fast as it can; ends early when the signal comes.
   * @param each called between slices, some of the wall clock's milliseconds apart
   */
  async run(duration: number, signal?: AbortSignal, each?: () => void): Promise<void> {
    const until = this.now + duration;
    let breath = performance.now();
    while (this.now < until && signal?.aborted !== true) {
      await this.pace.run(Math.min(SLICE, until - this.now));
      if (performance.now() - breath < TICK) continue;
      each?.();
      await this.file?.drained();
      breath = performance.now();
    }
  }

  /**
   * Lets virtual time pass until a promise settles, and answers as it does.
   * @param limit nanoseconds of virtual time; asked for again and again, so that it may change
   * @throws VxlabError TIME_IS_UP, NEVER_SETTLES
   */
  async until<T>(promise: Promise<T>, limit: () => number): Promise<T> {
    const began = this.now;
    for (;;) {
      const left = began + limit() - this.now;
      try {
        return await this.pace.until(promise, Math.max(0, Math.min(SLICE, left)));
      } catch (error) {
        if (!(error instanceof VxlabError) || error.code !== 'TIME_IS_UP' || left <= SLICE) throw error;
      }
      // A capture's file is not outrun.
      await this.file?.drained();
    }
  }

  /**
   * Lets virtual time follow the wall clock until the signal comes or the promise settles.
   * @param each called at every look at the clock
   */
  async follow(signal: AbortSignal, ended: Promise<unknown> | null = null, each?: () => void): Promise<void> {
    const start = performance.now();
    const begun = this.now;
    let over = false;
    const end = (): void => {
      over = true;
    };
    ended?.then(end, end);
    while (!signal.aborted && !over) {
      const due = begun + Math.floor((performance.now() - start) * 1e6);
      if (due > this.now) await this.pace.runUntil(due);
      each?.();
      await this.file?.drained();
      await pause(TICK, signal);
    }
  }

  /** Lets what programs have closed end on the wire. */
  farewell(): Promise<void> {
    return this.pace.run(FAREWELL);
  }

  /** Ends programs, asking them first, and takes everything down. Answers with the number of frames that are not home, which is 0. */
  async close(): Promise<number> {
    if (this.#closed) return 0;
    this.#closed = true;
    try {
      await this.runtime.stop(this.pace);
      await this.farewell();
    } finally {
      this.runtime.kill();
      this.pace.close();
    }
    const out = this.lab.close();
    this.capture?.flush();
    await this.file?.close();
    return out;
  }
}
