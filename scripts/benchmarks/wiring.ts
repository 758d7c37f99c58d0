// Two nodes joined by one cable, one container on each: the shortest network that has the whole path in it.

import type { Frame } from '../../src/core/frame/frame.ts';
import { LinkEnd, link } from '../../src/engine/fabric/link.ts';
import type { Destination } from '../../src/engine/host/destination.ts';
import { Ping } from '../../src/engine/host/ping.ts';
import { Tunnel } from '../../src/engine/host/tunnel.ts';
import type { UdpSocket } from '../../src/engine/host/udp.ts';
import { parseCidr } from '../../src/engine/ipam/cidr.ts';
import type { NetworkSpec, ServiceSpec, StackSpec } from '../../src/engine/model/spec.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { Ground } from '../../src/engine/orchestrate/ground.ts';
import { plan } from '../../src/engine/orchestrate/plan.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { World } from '../../src/engine/orchestrate/world.ts';
import { RandomSource } from '../../src/engine/time/random.ts';
import { VirtualClock } from '../../src/engine/time/virtual-clock.ts';

const AT = { line: 1, column: 1 };
const PORT = 9;

/** A network that asks for one subnet and nothing else. */
export function networkSpec(key: string, subnet: string): NetworkSpec {
  return {
    key,
    name: key,
    driver: 'overlay',
    subnets: [parseCidr(subnet)],
    internal: true,
    attachable: true,
    external: false,
    encrypted: false,
    mtu: null,
    vnis: [],
    driverOpts: {},
    labels: {},
    at: AT,
    implicit: false,
  };
}

/** A service with so many tasks on one network. */
export function serviceSpec(key: string, network: string, replicas: number): ServiceSpec {
  return {
    key,
    name: `bench_${key}`,
    image: 'none',
    hostname: null,
    command: [],
    environment: {},
    labels: {},
    networks: [{ network, aliases: [key] }],
    mode: 'replicated',
    replicas,
    endpointMode: 'dnsrr',
    constraints: [],
    preferences: [],
    maxReplicasPerNode: 0,
    ports: [],
    restart: { condition: 'any', delay: 0, maxAttempts: null, window: 0 },
    workloads: [],
    workloadOrigin: null,
    at: AT,
  };
}

export class Pair {
  readonly clock: VirtualClock = new VirtualClock();
  readonly world: World;
  received = 0;
  readonly #socket: UdpSocket;
  readonly #to: Destination;
  readonly #payload: number;

  /** @param frameBytes of the inner Ethernet frame, at least 42 */
  constructor(profileName: string, frameBytes: number) {
    const profile = profileOf(profileName);
    const ground = new Ground(this.clock, 1);
    const spec: StackSpec = {
      name: 'bench',
      version: null,
      networks: [networkSpec('net', '10.0.1.0/24')],
      services: [serviceSpec('pair', 'net', 2)],
    };
    const nodes = cluster({ nodes: 2 });
    const ends = nodes.nodes.map((node) => {
      const id = ground.registry.add('link', 'eth0', node.name);
      return new LinkEnd(id, 'eth0', 1500, ground, ground.random.stream(node.name));
    });
    const [a, b] = ends as [LinkEnd, LinkEnd];
    link(a, b);
    for (const end of ends) end.impair({ ...end.impairments, delay: 50_000 });
    this.world = new World(plan(spec, nodes, profile, new RandomSource(1)), ground, {
      underlay: (_node, demux, host) => {
        const { port, sourcePorts, udpChecksum, ttl } = profile;
        return new Tunnel(host, ground.peers, demux, { port, sourcePorts, checksum: udpChecksum, ttl });
      },
      plug: (node, host) => {
        const end = node === nodes.nodes[0] ? a : b;
        const mac = 0x020000000000 + (node.ip as number);
        const addresses = [{ ip: node.ip, prefix: 24 }];
        end.plug(host, host.addInterface(end, { name: 'eth0', mac, mtu: 1500, addresses }).index);
      },
      close: () => {},
    });
    this.world.start();
    const from = this.world.party('pair.1');
    const to = this.world.party('pair.2');
    const address = this.world.addressFor(from, 'pair.2');
    new Ping(from.host, address, { count: 1 }).start();
    this.clock.runUntilIdle();
    to.host.udp.bind(PORT, { datagram: (frame) => this.#take(frame), error: () => {} });
    this.#socket = from.host.udp.bind(0, { datagram: (frame) => frame.release(), error: () => {} });
    this.#to = from.host.destination(address) as Destination;
    this.#payload = frameBytes - 42;
  }

  /** Sends so many frames, some at a time, and lets each lot arrive. */
  run(frames: number): void {
    const { pool } = this.world.ground;
    for (let sent = 0; sent < frames; ) {
      const lot = Math.min(64, frames - sent);
      for (let i = 0; i < lot; i++) {
        const frame = pool.take(this.#payload);
        frame.summed = true;
        this.#socket.sendFrame(frame, this.#to, 40_000 + (i & 1023), PORT, false, 0);
      }
      sent += lot;
      this.clock.runUntilIdle();
    }
  }

  #take(frame: Frame): void {
    this.received++;
    frame.release();
  }
}
