// A stack on the wall clock with real packets: each node owns a loopback address and a UDP socket on the VXLAN port there,
// and everything above the socket (bridge, VTEP, containers) is what runs in the simulation. No root:
// `tcpdump -i lo udp port 4789` sees the tunnel.

import { parseIp4 } from '../core/wire/address.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { PingOptions, PingResult } from '../engine/host/ping.ts';
import { Ping } from '../engine/host/ping.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import type { ClusterOptions } from '../engine/orchestrate/cluster.ts';
import { clusterFor } from '../engine/orchestrate/cluster.ts';
import { Ground } from '../engine/orchestrate/ground.ts';
import { plan } from '../engine/orchestrate/plan.ts';
import type { Profile } from '../engine/orchestrate/profile.ts';
import { World } from '../engine/orchestrate/world.ts';
import { RandomSource } from '../engine/time/random.ts';
import { UdpUnderlay } from './udp-underlay.ts';
import { WallClock } from './wall-clock.ts';

export interface UdpLabOptions {
  readonly cluster?: Omit<ClusterOptions, 'first' | 'racks' | 'family'>;
  readonly profile: Profile;
  readonly seed: number | string;
  /** Address of the first node; default 127.0.0.11. */
  readonly first?: string;
  /** UDP port; default the profile's. */
  readonly port?: number;
}

export class UdpLab {
  readonly clock: WallClock = new WallClock();
  readonly world: World;
  readonly underlays: Map<string, UdpUnderlay> = new Map();

  /** @throws VxlabError as `plan`; NOT_LIVE for a profile whose nodes route, which needs an emulated underlay; NOT_SEALED */
  constructor(spec: StackSpec, options: UdpLabOptions) {
    const { profile } = options;
    if (profile.shape === 'routed') {
      throw new VxlabError(
        'NOT_LIVE',
        `profile ${profile.name} routes on the nodes and runs on --underlay sim only`,
      );
    }
    const sealed = spec.networks.find(({ encrypted }) => encrypted);
    if (sealed !== undefined) {
      throw new VxlabError(
        'NOT_SEALED',
        `network ${sealed.name} is encrypted, and UDP sockets cannot send ESP: it runs on --underlay sim only`,
      );
    }
    const first = parseIp4(options.first ?? '127.0.0.11');
    const nodes = clusterFor(spec, { ...options.cluster, first });
    const ground = new Ground(this.clock, options.seed);
    this.world = new World(plan(spec, nodes, profile, new RandomSource(options.seed)), ground, {
      underlay: (node, demux) => {
        const port = options.port ?? profile.port;
        const underlay = new UdpUnderlay(ground, this.clock, demux, {
          local: node.ip,
          port,
          mtu: nodes.underlay.mtu,
        });
        this.underlays.set(node.name, underlay);
        return underlay;
      },
      plug: () => {},
      close: () => {},
    });
  }

  /** Opens every node's sockets, then starts the tasks. @throws VxlabError PORT_IN_USE, NO_SUCH_ADDRESS; nothing stays open */
  async start(): Promise<void> {
    try {
      for (const underlay of this.underlays.values()) await underlay.open();
    } catch (error) {
      await this.#closeSockets();
      this.clock.close();
      throw error;
    }
    this.clock.tick();
    this.world.start();
  }

  /** Pings from one party to another; resolves when the last answer came or its time is up. */
  ping(from: string, to: string, options: PingOptions): Promise<PingResult> {
    const party = this.world.party(from);
    const address = this.world.addressFor(party, to);
    return new Promise((done) => {
      this.clock.tick();
      new Ping(party.host, address, options, done).start();
    });
  }

  /** Takes everything down: containers, sandboxes, sockets, timers. */
  async close(): Promise<void> {
    this.clock.tick();
    this.world.close();
    await this.#closeSockets();
    this.clock.close();
  }

  async #closeSockets(): Promise<void> {
    await Promise.all([...this.underlays.values()].map((underlay) => underlay.close()));
  }
}
