// The middle of a test, the same on both ends: streams send or receive, a report ticks, until the time or the bytes are up.

import type { ToolContext } from '../tool.ts';
import type { Flow } from './flow.ts';
import type { Report } from './report.ts';

export interface Load {
  /** Bytes of a write. */
  readonly length: number;
  readonly rate: number;
  /** Nanoseconds, or 0 for none. */
  readonly time: number;
  /** Bytes or blocks of all streams together, or 0 for none. */
  readonly bytes: number;
  readonly blocks: number;
  /** Nanoseconds between reports, or 0. */
  readonly interval: number;
}

/** A test under way. */
export class Run {
  readonly #context: ToolContext;
  readonly #flows: readonly Flow[];
  readonly #report: Report;
  readonly #load: Load;
  readonly #began: number;
  readonly #timers: { close(): unknown }[] = [];
  #sentBytes = 0;
  #sentBlocks = 0;
  #ended = -1;
  /** Resolves when the time is up, or the bytes are sent or received; never where there is no such bound. */
  readonly sent: Promise<void>;

  constructor(context: ToolContext, flows: readonly Flow[], report: Report, load: Load) {
    this.#context = context;
    this.#flows = flows;
    this.#report = report;
    this.#load = load;
    const { time } = context;
    this.#began = time.now;
    report.begin();
    if (load.interval > 0)
      this.#timers.push(time.setInterval(() => report.tick(this.elapsed), load.interval / 1e6));
    const up =
      load.time > 0
        ? new Promise<void>((done) => {
            this.#timers.push(time.setTimeout(done, load.time / 1e6));
          })
        : new Promise<void>(() => {});
    const all = flows.some(({ sender }) => sender)
      ? Promise.all(flows.map((flow) => flow.send(this.#share()))).then(() => {})
      : this.#received();
    this.sent = Promise.race([up, all]);
  }

  /** Nanoseconds since it began, until it ended. */
  get elapsed(): number {
    return (this.#ended < 0 ? this.#context.time.now : this.#ended) - this.#began;
  }

  /** No more is sent, and the clock of the report stands. */
  end(): void {
    if (this.#ended >= 0) return;
    for (const timer of this.#timers) timer.close();
    for (const flow of this.#flows) flow.stop();
    this.#report.last(this.elapsed);
    this.#ended = this.#context.time.now;
  }

  /** Resolves when as much came as was asked for. */
  #received(): Promise<void> {
    const { bytes, blocks, length } = this.#load;
    const bound = bytes > 0 ? bytes : blocks * length;
    return new Promise((done) => {
      const look = (): void => {
        if (this.#flows.reduce((sum, one) => sum + one.counted().bytes, 0) >= bound) done();
      };
      if (bound === 0) return;
      for (const flow of this.#flows) flow.received = look;
      // The other end may have been faster.
      look();
    });
  }

  #share(): Parameters<Flow['send']>[0] {
    const { length, rate, bytes, blocks } = this.#load;
    return {
      length,
      rate,
      more: () =>
        this.#ended < 0 &&
        (bytes === 0 || this.#sentBytes < bytes) &&
        (blocks === 0 || this.#sentBlocks < blocks),
      sent: (count) => {
        this.#sentBytes += count;
        this.#sentBlocks++;
      },
    };
  }
}
