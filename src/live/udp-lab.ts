// A stack on the wall clock with real packets: each node owns a loopback address and a UDP socket on the VXLAN port there,
// and everything above the socket (bridge, VTEP, containers) is what runs in the simulation. No root:
// `tcpdump -i lo udp port 4789` sees the tunnel.

import type { Ip } from '../core/wire/address.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import { parseIp4 } from '../core/wire/parse-ip.ts';
import type { PingOptions, PingResult } from '../engine/host/ping.ts';
import { Ping } from '../engine/host/ping.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import type { ClusterOptions, ClusterSpec } from '../engine/orchestrate/cluster.ts';
import { clusterFor } from '../engine/orchestrate/cluster.ts';
import { Ground } from '../engine/orchestrate/ground.ts';
import { plan } from '../engine/orchestrate/plan.ts';
import type { Profile } from '../engine/orchestrate/profile.ts';
import { World } from '../engine/orchestrate/world.ts';
import { RandomSource } from '../engine/time/random.ts';
import { ELSEWHERE } from './elsewhere.ts';
import { UdpUnderlay } from './underlay/udp-underlay.ts';
import { WallClock } from './wall-clock.ts';

export interface UdpLabOptions {
  readonly cluster?: Omit<ClusterOptions, 'first' | 'racks' | 'family'>;
  readonly profile: Profile;
  readonly seed: number | string;
  /** Address of the first node; default 127.0.0.11. */
  readonly first?: string;
  /** UDP port; default the profile's. */
  readonly port?: number;
  /** Nodes that are real ones, by name, with their underlay addresses. */
  readonly joined?: ReadonlyMap<string, Ip>;
  /** The nodes whose sockets this process has; left out, all that are not real ones. The others are in other processes. */
  readonly here?: ReadonlySet<string>;
}

/** @throws VxlabError NO_SUCH_NODE */
function readdressed(cluster: ClusterSpec, joined: ReadonlyMap<string, Ip>): ClusterSpec {
  const names = cluster.nodes.map(({ name }) => name);
  for (const name of joined.keys()) {
    if (!names.includes(name))
      throw new VxlabError('NO_SUCH_NODE', `there is no node "${name}"; the nodes are ${names.join(', ')}`);
  }
  return {
    ...cluster,
    nodes: cluster.nodes.map((node) => ({ ...node, ip: joined.get(node.name) ?? node.ip })),
  };
}

export class UdpLab {
  readonly clock: WallClock = new WallClock();
  readonly world: World;
  readonly underlays: Map<string, UdpUnderlay> = new Map();
  readonly #isHere: (node: string) => boolean;

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
    const joined = options.joined ?? new Map<string, Ip>();
    const first = parseIp4(options.first ?? '127.0.0.11');
    const nodes = readdressed(clusterFor(spec, { ...options.cluster, first }), joined);
    const { here } = options;
    this.#isHere = (node) => !joined.has(node) && here?.has(node) !== false;
    const ground = new Ground(this.clock, options.seed);
    this.world = new World(plan(spec, nodes, profile, new RandomSource(options.seed)), ground, {
      underlay: (node, demux) => {
        if (!this.#isHere(node.name)) return ELSEWHERE;
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

  /** Whether a node's sockets are this process's. */
  isHere(node: string): boolean {
    return this.#isHere(node);
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
