// A few containers on one virtual clock and one bridge, for tests of the programs' modules: names from a table, and TCP
// either the engine's or one from memory, whose buffers and delays are known to the byte.

import { expect } from 'vitest';
import type { ContainerDgram } from '../../src/apps/dgram.ts';
import { containerDgram } from '../../src/apps/dgram.ts';
import type { ContainerDns } from '../../src/apps/dns.ts';
import { containerDns } from '../../src/apps/dns.ts';
import type { ContainerHttp } from '../../src/apps/http.ts';
import { containerHttp } from '../../src/apps/http.ts';
import type { ContainerNet } from '../../src/apps/net/net.ts';
import { containerNet } from '../../src/apps/net/net.ts';
import { Pace } from '../../src/apps/pace.ts';
import type { ProcessGround } from '../../src/apps/process.ts';
import type { Site } from '../../src/apps/site.ts';
import { Holds } from '../../src/apps/site.ts';
import { ContainerTime } from '../../src/apps/time.ts';
import type { Frame } from '../../src/core/frame/frame.ts';
import type { Ip } from '../../src/core/wire/address.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import type { LookupError, ResolverFace } from '../../src/engine/host/names.ts';
import type { TcpFace } from '../../src/engine/host/tcp/socket.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import type { Ground } from '../../src/engine/orchestrate/ground.ts';
import { Lab } from '../support/lab.ts';
import type { MemoryTcp } from '../support/memory-tcp.ts';
import { MemoryNetwork } from '../support/memory-tcp.ts';

/** Whose TCP. */
export type GroundKind = 'memory' | 'engine';
export const GROUNDS: readonly GroundKind[] = ['memory', 'engine'];

export interface Box {
  readonly site: Site;
  readonly tcp: TcpFace;
  readonly net: ContainerNet;
  readonly http: ContainerHttp;
  readonly dgram: ContainerDgram;
  readonly dns: ContainerDns;
  readonly time: ContainerTime;
  readonly container: Container;
}

export class Boxes {
  readonly lab: Lab = new Lab();
  readonly network: MemoryNetwork = new MemoryNetwork(this.lab.clock);
  readonly pace: Pace = new Pace(this.lab.clock);
  readonly names: Map<string, string[]> = new Map();
  readonly #bridge = this.lab.bridge();
  readonly #boxes: Box[] = [];
  readonly #kind: GroundKind;

  constructor(kind: GroundKind = 'engine') {
    this.#kind = kind;
  }

  /** What processes stand on. */
  get processes(): ProcessGround {
    const { clock, random } = this.lab;
    const ground = { clock, timers: clock, random } as unknown as Ground;
    return { ground, inbox: this.pace.inbox };
  }

  /** A container with an address in 10.0.0.0/24, of this name. */
  box(name: string, ip: string): Box {
    const host = this.lab.host(name);
    this.lab.attach(host, this.#bridge, { ips: [`${ip}/24`] });
    this.names.set(name, [ip]);
    const tcp = this.#kind === 'engine' ? host.tcp : this.network.host(parseIp(ip));
    if (this.#kind === 'memory') Object.defineProperty(host, 'tcp', { value: tcp });
    const site: Site = {
      name,
      host,
      tcp,
      resolver: this.#resolver(),
      clock: this.lab.clock,
      timers: this.lab.clock,
      inbox: this.pace.inbox,
      holds: new Holds(),
      epoch: Date.UTC(2026, 0, 1),
      enter: () => {},
    };
    const net = containerNet(site);
    const { resolver } = site;
    const container = { name, id: '0'.repeat(64), node: 'n1', host, task: null, resolver };
    const box = {
      container,
      site,
      tcp,
      net,
      http: containerHttp(site, net),
      dgram: containerDgram(site),
      dns: containerDns(site),
      time: new ContainerTime(site),
    };
    this.#boxes.push(box);
    return box;
  }

  /** Segments to it go nowhere from now on. */
  silence(box: Box): void {
    if (this.#kind === 'memory') (box.tcp as MemoryTcp).silent = true;
    else Object.defineProperty(box.tcp, 'input', { value: (frame: Frame) => frame.release() });
  }

  /** All is closed, and nothing is left of it. */
  async end(): Promise<void> {
    for (const { site } of this.#boxes) site.holds.close();
    await this.pace.run(2000e9);
    this.pace.close();
    for (const { tcp, site } of this.#boxes) {
      expect(site.holds.size).toBe(0);
      expect(tcp.size).toBe(0);
    }
    this.lab.end();
  }

  #resolver(): ResolverFace {
    const answer = (found: readonly string[] | undefined): { addresses: Ip[]; error: LookupError | null } =>
      found === undefined
        ? { addresses: [], error: 'ENOTFOUND' }
        : found.length === 0
          ? { addresses: [], error: 'EAI_AGAIN' }
          : { addresses: found.map(parseIp), error: null };
    return {
      server: parseIp('127.0.0.11'),
      lookup: (name, _family, done) =>
        this.network.later(() => done(answer(name === 'localhost' ? ['127.0.0.1'] : this.names.get(name)))),
      query: (_name, _type, _server, done) =>
        this.network.later(() => done({ message: null, error: 'EAI_AGAIN', server: 0, time: 0 })),
    };
  }
}
