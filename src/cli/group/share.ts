// The part of a stack that runs in this process over UDP sockets: all its nodes, or one of a group. Every process builds the whole
// world from the same plan, so that its tables, names and load balancers are the cluster's; sockets, programs and pings it has for
// its own nodes only.

import { wallInbox } from '../../apps/pace.ts';
import { programTable } from '../../apps/programs/index.ts';
import type { ServiceTally } from '../../apps/runtime.ts';
import { Runtime } from '../../apps/runtime.ts';
import type { Ip } from '../../core/wire/address.ts';
import type { StackSpec } from '../../engine/model/spec.ts';
import type { Container } from '../../engine/orchestrate/container.ts';
import type { Move } from '../../engine/orchestrate/failover.ts';
import { lose } from '../../engine/orchestrate/failover.ts';
import { profileFor } from '../../engine/orchestrate/profile.ts';
import type { World } from '../../engine/orchestrate/world.ts';
import type { ConnectionRow } from '../../lab/service-pairs.ts';
import { ServicePairs } from '../../lab/service-pairs.ts';
import type { Totals } from '../../lab/summary.ts';
import { totalsOf } from '../../lab/summary.ts';
import type { TrafficRow } from '../../lab/traffic.ts';
import { pairsOf, silentPairsOf, Traffic } from '../../lab/traffic.ts';
import { UdpLab } from '../../live/udp-lab.ts';

/** Plain data: it goes to other processes as it is. */
export interface ShareSettings {
  readonly spec: StackSpec;
  readonly profile: string;
  readonly seed: string;
  readonly nodes?: number;
  readonly mtu?: number;
  readonly port?: number;
  /** The first node's address, the others following on; default 127.0.0.11. */
  readonly first?: string;
  /** Nodes that are real ones, by name, with their underlay addresses. */
  readonly joined: ReadonlyMap<string, Ip>;
  /** The nodes that run here; null for all that are not real ones. */
  readonly here: ReadonlySet<string> | null;
  readonly traffic: 'programs' | 'ping' | 'none';
  /** Where the stack's own programs are. */
  readonly folder: string;
}

export type Say = (container: string, text: string, stream: 'out' | 'err') => void;

/** What a share did. Times are nanoseconds from its beginning. */
export interface ShareAccount {
  readonly duration: number;
  readonly tallies: readonly ServiceTally[];
  /** When it began, on the clock that the tallies were taken by. */
  readonly begun: number;
  readonly connections: readonly ConnectionRow[];
  readonly traffic: readonly TrafficRow[];
  readonly totals: Totals;
}

export class Share {
  readonly lab: UdpLab;
  readonly #settings: ShareSettings;
  readonly #runtime: Runtime;
  readonly #pairs: ServicePairs;
  readonly #started: Set<Container> = new Set();
  /** Rows of pings that ended because somebody moved. */
  readonly #rows: TrafficRow[] = [];
  #traffic: Traffic | null = null;
  #begun = 0;
  #until: number | null = null;

  /** @throws VxlabError as UdpLab */
  constructor(settings: ShareSettings, say: Say) {
    const { spec, seed, nodes, mtu, port, first, joined, here, folder } = settings;
    this.#settings = settings;
    this.lab = new UdpLab(spec, {
      cluster: { ...(nodes === undefined ? {} : { nodes }), ...(mtu === undefined ? {} : { mtu }) },
      profile: profileFor(spec, settings.profile),
      seed,
      ...(port === undefined ? {} : { port }),
      ...(first === undefined ? {} : { first }),
      joined,
      ...(here === null ? {} : { here }),
    });
    this.#pairs = new ServicePairs(this.world);
    this.world.ground.ledger = this.#pairs;
    this.#runtime = new Runtime({
      world: this.world,
      inbox: wallInbox(),
      programs: programTable(folder),
      epoch: Date.now(),
      enter: () => void this.lab.clock.tick(),
      print: ({ context }, text, stream) => say(context.name, text, stream),
    });
  }

  get world(): World {
    return this.lab.world;
  }

  /** Opens the sockets and starts the tasks. @throws VxlabError as UdpLab */
  open(): Promise<void> {
    return this.lab.start();
  }

  /** Programs and pings begin. @param duration nanoseconds; null without an end */
  begin(duration: number | null): void {
    this.lab.clock.tick();
    this.#begun = this.lab.clock.now;
    this.#until = duration === null ? null : this.#begun + duration;
    this.#start();
  }

  /** A node is gone, this process's or another's. */
  lose(name: string): Move[] {
    this.lab.clock.tick();
    this.#endTraffic();
    const moves = lose(this.world, name);
    this.#start();
    return moves;
  }

  /** Ends programs and pings, closes all, and tells what was counted. */
  async end(): Promise<ShareAccount> {
    this.lab.clock.tick();
    const duration = this.lab.clock.now - this.#begun;
    this.#endTraffic();
    const totals = totalsOf(this.world, null);
    const tallies = this.#runtime.tallies();
    const connections = this.#pairs.rows();
    await this.#runtime.stop();
    await this.lab.close();
    return { duration, tallies, begun: this.#begun, connections, traffic: this.#rows, totals };
  }

  #start(): void {
    const { traffic } = this.#settings;
    if (traffic === 'none') return;
    if (traffic === 'programs') this.#startPrograms();
    const all = traffic === 'ping' ? pairsOf(this.world) : silentPairsOf(this.world);
    const pairs = all.filter(({ from }) => this.#isHere(from));
    const options = this.#until === null ? {} : { until: this.#until };
    if (pairs.length > 0) this.#traffic = new Traffic(this.world, pairs, options);
  }

  #startPrograms(): void {
    for (const container of this.world.containers.values()) {
      if (this.#started.has(container) || !this.#isHere(container.name)) continue;
      this.#started.add(container);
      this.#runtime.startIn(container);
    }
  }

  #endTraffic(): void {
    this.#traffic?.stop();
    this.#rows.push(...(this.#traffic?.rows() ?? []));
    this.#traffic = null;
  }

  #isHere(container: string): boolean {
    const node = this.world.containers.get(container)?.node;
    return node !== undefined && this.lab.isHere(node);
  }
}
