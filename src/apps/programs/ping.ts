// Echo requests at an interval, printed and counted as ping does.

import { parseIp } from '../../core/wire/parse-ip.ts';
import type { PingReply, PingResult } from '../../engine/host/ping.ts';
import { Ping } from '../../engine/host/ping.ts';
import type { PingSpec } from '../../engine/model/workload.ts';
import {
  closingLines,
  errorLine,
  errorText,
  openingLine,
  replyLine,
  roundTrips,
} from '../exec/ping/lines.ts';
import type { Program, ProgramContext } from '../program.ts';
import { addressOf } from './lookup.ts';
import { slept } from './open-loop.ts';

/** Requests of one engine ping: it remembers every reply, so a long run is cut into several. */
const ROUND = 1000;
/** How long the last answer is waited for. */
const LINGER = 1e9;
const MILLISECOND = 1e6;

export function ping(spec: PingSpec): Program {
  return async (context) => {
    const found = await addressOf(context, spec.to);
    if (found === null) return;
    context.out(`${openingLine(spec.to, found.address, spec.size)}\n`);
    const run = new Run(context, spec, found.address);
    const began = context.time.now;
    let left = spec.count ?? Number.POSITIVE_INFINITY;
    while (left > 0 && !context.signal.aborted) {
      const count = Math.min(left, ROUND);
      await run.round(count);
      left -= count;
    }
    context.out(`${run.closing(context.time.now - began).join('\n')}\n`);
    return run.received > 0 ? 0 : 1;
  };
}

class Run {
  readonly #context: ProgramContext;
  readonly #spec: PingSpec;
  readonly #address: string;
  readonly #times: number[] = [];
  #sent = 0;
  #errors = 0;
  #duplicates = 0;
  received = 0;

  constructor(context: ProgramContext, spec: PingSpec, address: string) {
    this.#context = context;
    this.#spec = spec;
    this.#address = address;
  }

  /** The engine counts, this asks: what is told from inside the packet path never reaches a program. */
  async round(count: number): Promise<void> {
    const { container, time, signal, tally } = this.#context;
    const { interval, size, to } = this.#spec;
    const peer = tally.peer(to);
    peer.begin();
    const epoch = time.date() * MILLISECOND - time.now;
    const options = { count, interval, size, epoch, deadline: LINGER };
    const running = new Ping(container.host, parseIp(this.#address), options);
    running.start();
    const base = this.#sent;
    let replies = 0;
    let errors = 0;
    const collect = (): PingResult => {
      const { result } = running;
      for (const reply of result.replies.slice(replies)) this.#told(reply, base);
      for (const error of result.errors.slice(errors)) this.#failed(error, base);
      replies = result.replies.length;
      errors = result.errors.length;
      return result;
    };
    while (!running.finished) {
      if (!(await slept(time, interval, signal))) running.stop();
      collect();
    }
    const result = collect();
    this.#sent += result.sent;
    this.#duplicates += result.duplicates;
    for (let i = replies; i < result.sent; i++) peer.failure('lost');
  }

  #told(reply: PingReply, base: number): void {
    this.received++;
    if (this.#times.length < ROUND) this.#times.push(reply.rtt);
    this.#context.tally.peer(this.#spec.to).request(reply.rtt, this.#spec.size, this.#spec.size);
    const { from: _from, ...rest } = reply;
    this.#context.out(`${replyLine({ ...rest, seq: base + reply.seq, from: this.#address })}\n`);
  }

  #failed({ seq, from, type, code, mtu }: PingResult['errors'][number], base: number): void {
    this.#errors++;
    const six = this.#address.includes(':');
    const text = errorText(from === null, type, code, mtu, six);
    this.#context.out(`${errorLine(base + seq, from === null ? null : this.#address, text)}\n`);
  }

  closing(elapsed: number): readonly string[] {
    return closingLines({
      to: this.#spec.to,
      sent: this.#sent,
      received: this.received,
      duplicates: this.#duplicates,
      errors: this.#errors,
      elapsed,
      rtt: roundTrips(this.#times),
    });
  }
}
