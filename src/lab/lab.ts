// One running lab: a stack on an emulated cluster, driven by commands, answering with plain data. The same in Node and in a
// browser: time is virtual and moves only when `run` says so.

import { formatIp } from '../core/wire/address.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import { TapPort, TapSink } from '../engine/fabric/tap.ts';
import type { PingOptions, PingResult } from '../engine/host/ping.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import type { ClusterOptions } from '../engine/orchestrate/cluster.ts';
import { clusterFor } from '../engine/orchestrate/cluster.ts';
import type { EncryptionOptions } from '../engine/orchestrate/encryption.ts';
import type { Node } from '../engine/orchestrate/node.ts';
import { profileFor } from '../engine/orchestrate/profile.ts';
import { Simulation } from '../engine/orchestrate/simulation.ts';
import type { Instant } from '../engine/time/clock.ts';
import type { LabCapture } from './capture.ts';
import type { Journey } from './journey.ts';
import { JOURNEY_SNAP, journeyOf } from './journey.ts';
import type { ConnectionRow } from './service-pairs.ts';
import { ServicePairs } from './service-pairs.ts';
import type { Population, Totals } from './summary.ts';
import { populationOf, totalsOf } from './summary.ts';
import type { IpvsRow } from './tables-balancer.ts';
import { ipvsRows } from './tables-balancer.ts';
import type { DnsRow } from './tables-dns.ts';
import { dnsRows } from './tables-dns.ts';
import type { FdbRow } from './tables-fdb.ts';
import { fdbRows } from './tables-fdb.ts';
import type { IpamRow } from './tables-ipam.ts';
import { ipamRows } from './tables-ipam.ts';
import type { LinkRow } from './tables-links.ts';
import { linkRows } from './tables-links.ts';
import type { NeighRow } from './tables-neigh.ts';
import { neighRows } from './tables-neigh.ts';
import type { PeerRow } from './tables-peers.ts';
import { peerRows } from './tables-peers.ts';
import type { XfrmRow } from './tables-xfrm.ts';
import { xfrmRows } from './tables-xfrm.ts';
import type { TrafficOptions, TrafficPair } from './traffic.ts';
import { pairsOf, Traffic } from './traffic.ts';

export interface LabOptions {
  readonly cluster?: ClusterOptions;
  /** A profile's name; default `docker`. */
  readonly profile?: string;
  /** Default 1. */
  readonly seed?: number | string;
  readonly capture?: LabCapture;
  /** What encrypted networks are sealed with; without a cipher they carry nothing, as on a kernel without ESP. */
  readonly encryption?: Omit<EncryptionOptions, 'port'>;
  /** Record what happens to every frame, which `journey` needs. */
  readonly trace?: boolean;
}

/** What came of one ping, with the words that a report needs. */
export interface PingAnswer extends PingResult {
  readonly from: string;
  readonly to: string;
  readonly address: string;
}

export class Lab {
  readonly spec: StackSpec;
  readonly seed: number | string;
  readonly sim: Simulation;
  readonly traffics: Traffic[] = [];
  readonly #pairs: ServicePairs;
  #closed = false;

  /** @throws VxlabError BAD_CLUSTER, BAD_IMPAIRMENT, NO_SUCH_PROFILE; as `plan` for what the stack asks for */
  constructor(spec: StackSpec, options: LabOptions = {}) {
    const { capture } = options;
    this.spec = spec;
    this.seed = options.seed ?? 1;
    const nodes = clusterFor(spec, options.cluster);
    let sim: Simulation | null = null;
    const now = (): Instant => sim?.clock.now ?? 0;
    capture?.begin(
      nodes.nodes.map((node) => `${node.name}/eth0`),
      now,
    );
    sim = new Simulation(spec, {
      cluster: nodes,
      profile: profileFor(spec, options.profile ?? 'docker'),
      seed: this.seed,
      ...(capture === undefined ? {} : { capture }),
      ...(options.encryption && { encryption: options.encryption }),
      ...(options.trace === true ? { trace: { snap: JOURNEY_SNAP } } : {}),
    });
    this.sim = sim;
    this.#pairs = new ServicePairs(sim.world);
    sim.world.ground.ledger = this.#pairs;
    if (capture?.taps === 'all') tapSandboxes(sim, capture);
  }

  /** Nanoseconds since the lab began. */
  get now(): Instant {
    return this.sim.clock.now;
  }

  /** Lets virtual time pass; nanoseconds. */
  run(duration: number): void {
    this.sim.clock.runUntil(this.now + duration);
  }

  /** Starts pings: see traffic.ts. */
  startTraffic(
    options: TrafficOptions = {},
    pairs: readonly TrafficPair[] = pairsOf(this.sim.world),
  ): Traffic {
    const traffic = new Traffic(this.sim.world, pairs, options);
    this.traffics.push(traffic);
    return traffic;
  }

  /**
   * Pings and lets time pass until the answer is known.
   * @throws VxlabError NO_SUCH_PARTY, NOT_REACHABLE
   */
  ping(from: string, to: string, options: PingOptions = { count: 1 }): PingAnswer {
    const { world } = this.sim;
    const party = world.party(from);
    const address = formatIp(world.addressFor(party, to));
    return { from: party.name, to, address, ...this.sim.pingNow(from, to, options) };
  }

  /** One frame's way, told. @throws VxlabError NOT_RECORDING without `trace`; NO_SUCH_PARTY, NOT_REACHABLE */
  journey(from: string, to: string): Journey {
    return journeyOf(this.sim, from, to);
  }

  /** The node of a name. @throws VxlabError NO_SUCH_NODE naming those there are */
  node(name: string): Node {
    const { nodes } = this.sim.world;
    const node = nodes.get(name);
    if (node !== undefined) return node;
    const names = [...nodes.keys()];
    const some = names.slice(0, 12).join(', ') + (names.length > 12 ? `, ... (${names.length} in all)` : '');
    throw new VxlabError('NO_SUCH_NODE', `there is no node "${name}"; there are ${some}`);
  }

  population(): Population {
    return populationOf(this.sim.world);
  }

  totals(): Totals {
    return totalsOf(this.sim.world, this.sim.underlay);
  }

  links(): LinkRow[] {
    return linkRows(this.sim.world);
  }

  fdb(): FdbRow[] {
    return fdbRows(this.sim.world);
  }

  neigh(): NeighRow[] {
    return neighRows(this.sim.world);
  }

  peers(): PeerRow[] {
    return peerRows(this.sim.world);
  }

  ipam(): IpamRow[] {
    return ipamRows(this.sim.world);
  }

  dns(): DnsRow[] {
    return dnsRows(this.sim.world);
  }

  /** TCP connections by the services at their ends. */
  connections(): ConnectionRow[] {
    return this.#pairs.rows();
  }

  ipvs(): IpvsRow[] {
    return ipvsRows(this.sim.world);
  }

  xfrm(): XfrmRow[] {
    return xfrmRows(this.sim.world);
  }

  /** Takes everything down. Answers with the number of frames that are not home, which is 0. */
  close(): number {
    if (!this.#closed) {
      this.#closed = true;
      for (const traffic of this.traffics) traffic.stop();
      this.sim.close();
    }
    return this.sim.world.ground.pool.out;
  }
}

/** Shows every veth and VXLAN device of the sandboxes: `in` is what the device hands to its bridge. */
function tapSandboxes(sim: Simulation, capture: LabCapture): void {
  for (const node of sim.world.nodes.values()) {
    for (const sandbox of node.sandboxes.values()) {
      const { bridge, vtep, namespace } = sandbox;
      const at = `${node.name}/${namespace}`;
      const vxlan = capture.add(`${at}/${vtep.name}`);
      // The bridge gives the number of the port that left again, so the VTEP keeps its own.
      bridge.detach(vtep.port);
      vtep.plug(new TapSink(vxlan, bridge, capture), bridge.attach(new TapPort(vxlan, vtep, capture)));
      for (const { outer, inner } of sandbox.attachments) {
        const tap = capture.add(`${at}/${outer.name}`);
        const [host, port] = [inner.sink, inner.port];
        outer.plug(new TapSink(tap, outer.sink, capture), outer.port);
        inner.plug(
          {
            receive: (frame, from) => {
              capture.frame(tap, false, frame);
              host.receive(frame, from);
            },
          },
          port,
        );
      }
    }
  }
}
