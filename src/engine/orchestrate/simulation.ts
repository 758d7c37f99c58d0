// A world on virtual time: the stack comes up, programs run, and the clock jumps from event to event. The same stack,
// cluster, profile and seed give the same bytes.

import type { Capture } from '../fabric/tap.ts';
import type { PingOptions, PingResult } from '../host/ping.ts';
import { Ping } from '../host/ping.ts';
import { Tunnel } from '../host/tunnel.ts';
import type { StackSpec } from '../model/spec.ts';
import { RandomSource } from '../time/random.ts';
import { VirtualClock } from '../time/virtual-clock.ts';
import type { RecorderOptions } from '../trace/recorder.ts';
import { Recorder } from '../trace/recorder.ts';
import type { ClusterSpec } from './cluster.ts';
import type { EncryptionOptions } from './encryption.ts';
import { Ground } from './ground.ts';
import { plan } from './plan.ts';
import type { Profile } from './profile.ts';
import { UnderlayNetwork } from './underlay-network.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly cluster: ClusterSpec;
  readonly profile: Profile;
  readonly seed: number | string;
  /** Record what happens to every frame; left out, a decision costs one field read. */
  readonly trace?: RecorderOptions;
  /** What encrypted networks are sealed with; without a cipher they carry nothing, as on a kernel without ESP. */
  readonly encryption?: Omit<EncryptionOptions, 'port'>;
  /** Shows every frame on each node's underlay interface; taps are numbered like the cluster's nodes. */
  readonly capture?: Capture;
}

export class Simulation {
  readonly clock: VirtualClock = new VirtualClock();
  readonly world: World;
  readonly underlay: UnderlayNetwork;
  readonly recorder: Recorder | null;

  /** @throws VxlabError as `plan` */
  constructor(spec: StackSpec, options: SimulationOptions) {
    const { cluster, profile, seed } = options;
    this.recorder = options.trace === undefined ? null : new Recorder(this.clock, options.trace);
    const ground = new Ground(this.clock, seed, this.recorder);
    const underlay = new UnderlayNetwork(cluster, ground);
    this.underlay = underlay;
    const taps = new Map(cluster.nodes.map((node, tap) => [node.name, tap]));
    this.world = new World(plan(spec, cluster, profile, new RandomSource(seed)), ground, {
      underlay: (_node, demux, host) =>
        new Tunnel(host, ground.peers, demux, {
          port: profile.port,
          sourcePorts: profile.sourcePorts,
          checksum: profile.udpChecksum,
          ttl: profile.ttl,
        }),
      plug: (node, host) => {
        underlay.plug(node, host, taps.get(node.name), options.capture);
      },
      close: () => underlay.close(),
      ...(options.encryption && { encryption: options.encryption }),
    });
    this.world.start();
  }

  /** Starts pinging; the result is complete when the clock has run far enough. */
  ping(from: string, to: string, options: PingOptions, done?: (result: PingResult) => void): Ping {
    const party = this.world.party(from);
    const ping = new Ping(party.host, this.world.addressFor(party, to), options, done ?? null);
    ping.start();
    return ping;
  }

  /** Pings and runs the clock until the answer is known. */
  pingNow(from: string, to: string, options: PingOptions): PingResult {
    const ping = this.ping(from, to, options);
    while (!ping.finished && this.clock.step());
    return ping.result;
  }

  /** Takes everything down and lets what is in flight arrive nowhere. Afterwards every frame is home. */
  close(): void {
    this.world.close();
    this.clock.runUntilIdle();
  }
}
