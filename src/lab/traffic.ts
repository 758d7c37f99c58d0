// The traffic that shows a network at work where nothing runs in containers: every container pings, once a second, one
// container of each other service that it shares a network with, on another node where there is one.

import { formatIp } from '../core/wire/address.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { PingResult } from '../engine/host/ping.ts';
import { Ping } from '../engine/host/ping.ts';
import type { ServicePlan } from '../engine/orchestrate/plan.ts';
import type { World } from '../engine/orchestrate/world.ts';
import type { Instant, TimerId, TimerTarget } from '../engine/time/clock.ts';
import { MILLISECOND, SECOND } from '../engine/time/clock.ts';

export interface TrafficPair {
  readonly from: string;
  readonly to: string;
}

/** What became of one pair's echo requests. Times are nanoseconds. */
export interface TrafficRow extends TrafficPair {
  readonly fromNode: string;
  readonly toNode: string;
  readonly address: string;
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly errors: number;
  readonly rtt: { readonly min: number; readonly avg: number; readonly max: number } | null;
}

export interface TrafficOptions {
  readonly interval?: number;
  /** When the lab will stop; left out, traffic goes on until `stop`. */
  readonly until?: Instant;
}

/** Pairs start a millisecond apart, so that they do not all send in the same instant. */
const STAGGER = MILLISECOND;
/** The last request of a bounded run leaves this long before its end at the latest, so that its answer is seen. */
const MARGIN = 500 * MILLISECOND;
/** Requests of one `Ping` when there is no end: a sequence number has 16 bits. */
const ROUND = 600;

/** Who pings whom by default. A service that is alone on its networks pings its own next task. */
export function pairsOf(world: World): TrafficPair[] {
  const running = new Map<ServicePlan, string[]>();
  for (const service of world.plan.services) {
    running.set(
      service,
      service.tasks.map((task) => task.name).filter((name) => world.containers.has(name)),
    );
  }
  const pairs: TrafficPair[] = [];
  for (const service of world.plan.services) {
    const mine = running.get(service) as string[];
    const others = world.plan.services.filter((other) => other !== service && share(service, other));
    for (const [i, from] of mine.entries()) {
      const met = others.length === 0 ? [service] : others;
      for (const other of met) {
        const theirs = running.get(other) as string[];
        const to = choose(world, from, theirs, other === service ? i + 1 : i);
        if (to !== null) pairs.push({ from, to });
      }
    }
  }
  return pairs;
}

/** The pairs whose sender runs no program. */
export function silentPairsOf(world: World): TrafficPair[] {
  const silent = new Set(
    world.plan.services
      .filter(({ spec }) => spec.workloads.length === 0)
      .flatMap(({ tasks }) => tasks.map(({ name }) => name)),
  );
  return pairsOf(world).filter(({ from }) => silent.has(from));
}

function share(a: ServicePlan, b: ServicePlan): boolean {
  return a.spec.networks.some((mine) => b.spec.networks.some((other) => other.network === mine.network));
}

/** The first from `start` on that is on another node; else the first that is not the sender itself. */
function choose(world: World, from: string, names: readonly string[], start: number): string | null {
  const node = world.containers.get(from)?.node;
  let near: string | null = null;
  for (let i = 0; i < names.length; i++) {
    const name = names[(start + i) % names.length] as string;
    if (name === from) continue;
    if (world.containers.get(name)?.node !== node) return name;
    near ??= name;
  }
  return near;
}

/** Pings of many pairs on one world, with their totals. */
export class Traffic implements TimerTarget {
  readonly pairs: readonly TrafficPair[];
  readonly #world: World;
  readonly #options: { readonly interval: number; readonly until: Instant | null };
  readonly #streams: Stream[] = [];
  #stopped = false;

  constructor(world: World, pairs: readonly TrafficPair[], options: TrafficOptions = {}) {
    this.pairs = pairs;
    this.#world = world;
    this.#options = { interval: options.interval ?? SECOND, until: options.until ?? null };
    const { clock, timers } = world.ground;
    for (const [i, pair] of pairs.entries()) {
      const stream = new Stream(world, pair);
      const offset = (i % 400) * STAGGER;
      stream.timer = timers.at(clock.now + offset, this, this.#streams.push(stream) - 1);
    }
  }

  /** A pair's turn to begin, or to go on with a new round. */
  fire(token: number): void {
    const stream = this.#streams[token] as Stream;
    const { interval, until } = this.#options;
    stream.timer = 0;
    const now = this.#world.ground.clock.now;
    const count = until === null ? ROUND : Math.max(1, Math.floor((until - MARGIN - now) / interval) + 1);
    stream.start(count, interval, () => {
      if (this.#stopped || until !== null) return;
      stream.timer = this.#world.ground.timers.at(this.#world.ground.clock.now + interval, this, token);
    });
  }

  /** Ends every ping; what has not been answered by now counts as lost. */
  stop(): void {
    this.#stopped = true;
    for (const stream of this.#streams) stream.stop();
  }

  rows(): TrafficRow[] {
    return this.#streams.map((stream) => stream.row());
  }
}

class Stream {
  readonly #world: World;
  readonly #pair: TrafficPair;
  readonly #address: string;
  timer: TimerId = 0;
  #ping: Ping | null = null;
  #sent = 0;
  #received = 0;
  #duplicates = 0;
  #errors = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #sum = 0;

  constructor(world: World, pair: TrafficPair) {
    this.#world = world;
    this.#pair = pair;
    this.#address = formatIp(world.addressFor(world.party(pair.from), pair.to));
  }

  start(count: number, interval: number, again: () => void): void {
    const { from, to } = this.#pair;
    const party = this.#world.party(from);
    this.#ping = new Ping(
      party.host,
      this.#world.addressFor(party, to),
      { count, interval, deadline: interval },
      (result) => {
        this.#ping = null;
        this.#count(result);
        again();
      },
    );
    this.#ping.start();
  }

  stop(): void {
    this.#world.ground.timers.cancel(this.timer);
    this.#ping?.stop();
  }

  row(): TrafficRow {
    const { from, to } = this.#pair;
    const running = this.#ping?.result;
    if (running !== undefined)
      throw new VxlabError('STILL_RUNNING', 'traffic is summed up when it has stopped');
    const received = this.#received;
    const rtt = received === 0 ? null : { min: this.#min, avg: this.#sum / received, max: this.#max };
    return {
      from,
      to,
      fromNode: this.#world.party(from).node,
      toNode: this.#world.party(to).node,
      address: this.#address,
      sent: this.#sent,
      received,
      duplicates: this.#duplicates,
      errors: this.#errors,
      rtt: rtt === null ? null : { ...rtt, avg: Math.round(rtt.avg) },
    };
  }

  #count(result: PingResult): void {
    this.#sent += result.sent;
    this.#received += result.replies.length;
    this.#duplicates += result.duplicates;
    this.#errors += result.errors.length;
    for (const { rtt } of result.replies) {
      this.#min = Math.min(this.#min, rtt);
      this.#max = Math.max(this.#max, rtt);
      this.#sum += rtt;
    }
  }
}
