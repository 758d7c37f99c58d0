// What every element of a world stands on: its time, its randomness, its frames, its register of names.

import { FramePool } from '../../core/frame/frame-pool.ts';
import { Backlog } from '../fabric/backlog.ts';
import { Peers } from '../fabric/peers.ts';
import { VethEnd, veth } from '../fabric/veth.ts';
import type { HostOptions } from '../host/host.ts';
import { Host } from '../host/host.ts';
import type { ConnectionLedger } from '../host/stack.ts';
import type { Clock, Timers } from '../time/clock.ts';
import { RandomSource } from '../time/random.ts';
import type { TraceSink } from '../trace/event.ts';
import { SILENT } from '../trace/event.ts';
import type { Recorder } from '../trace/recorder.ts';
import { Registry } from '../trace/registry.ts';

export class Ground {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly trace: TraceSink;
  readonly recorder: Recorder | null;
  readonly pool: FramePool = new FramePool();
  readonly backlog: Backlog = new Backlog();
  readonly registry: Registry = new Registry();
  readonly peers: Peers = new Peers();
  ledger: ConnectionLedger | null = null;

  constructor(time: Clock & Timers, seed: number | string, recorder: Recorder | null = null) {
    this.clock = time;
    this.timers = time;
    this.random = new RandomSource(seed);
    this.recorder = recorder;
    this.trace = recorder ?? SILENT;
  }

  /** A network stack with its own stream of random numbers, named by place and name. */
  host(place: string, options: HostOptions): Host {
    const id = this.registry.add(options.forwarding === true ? 'router' : 'host', options.name, place);
    return new Host(id, this, this.random.stream(`host/${place}/${options.name}`), options);
  }

  /** A veth pair; the first end is named for a bridge's side, the second for a host's. */
  veth(place: string, outer: string, inner: string, innerPlace: string, mtu: number): [VethEnd, VethEnd] {
    const a = new VethEnd(this.registry.add('veth', outer, place), outer, mtu, this.backlog, this.trace);
    const b = new VethEnd(this.registry.add('veth', inner, innerPlace), inner, mtu, this.backlog, this.trace);
    veth(a, b);
    return [a, b];
  }
}
