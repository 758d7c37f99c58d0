// UDP datagrams with our own outer headers through the optional package raw-socket: the raw backend of a VTEP, with nothing behind it
// that receives. Needs root or CAP_NET_RAW.

import { Peers } from '../../engine/fabric/peers.ts';
import type { LiveUnderlay, UnderlayCounters } from '../underlay/live-underlay.ts';
import { noCounts } from '../underlay/live-underlay.ts';
import { RawUnderlay } from '../underlay/raw-underlay.ts';
import type { DatagramTarget } from './datagram-target.ts';
import { ecnFor, Framed, innerEntropy } from './framed.ts';
import type { Memory, Road, RoadCounters } from './road.ts';
import { NO_PORT, noneSent } from './road.ts';

/** With all ports as its range, the underlay makes of such an entropy the port that was put in. */
const PORT_SHIFT = 0x8000;

export class RawRoad implements Road {
  readonly took = 0;
  readonly means = 'raw';
  readonly room: number;
  readonly broken = null;
  readonly #counters: RoadCounters = noneSent();
  readonly #underlay: RawUnderlay;
  readonly #framed: Framed = new Framed();
  readonly #peer: number;
  #bytes = 0;

  private constructor(target: DatagramTarget) {
    const peers = new Peers();
    this.#peer = peers.idOf(target.to);
    this.room = target.room;
    const config = target.recordedPorts
      ? { ...target.config, sourcePorts: [0, 0xffff] as const }
      : target.config;
    this.#underlay = new RawUnderlay(new Silent(), config, { peers, watch: null, device: config.dev });
  }

  /** @throws VxlabError BACKEND_MISSING, BACKEND_REFUSED */
  static async open(target: DatagramTarget): Promise<RawRoad> {
    const road = new RawRoad(target);
    await road.#underlay.open();
    return road;
  }

  get counters(): RoadCounters {
    const { sent, sendErrors, queueFull } = this.#underlay.counters;
    const left = sent - sendErrors - queueFull;
    this.#counters.sent = left;
    // The underlay does not say which ones failed.
    this.#counters.bytes = sent === 0 ? 0 : Math.round((this.#bytes * left) / sent);
    if (sendErrors > 0) this.#counters.failed.set('refused', sendErrors);
    if (queueFull > 0) this.#counters.failed.set('noRoom', queueFull);
    return this.#counters;
  }

  send(from: Memory, start: number, end: number, recorded: number): void {
    const frame = this.#framed.take(from, start, end);
    this.#bytes += end - start;
    const entropy = recorded === NO_PORT ? innerEntropy(frame) : recorded * PORT_SHIFT;
    this.#underlay.sendTo(this.#peer, entropy, ecnFor(frame), frame);
  }

  flush(): void {}

  ready(): Promise<void> | null {
    return this.#framed.pool.out < 1024 ? null : this.settle();
  }

  async settle(): Promise<void> {
    while (this.#framed.pool.out > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  close(): Promise<void> {
    return this.#underlay.close();
  }
}

/** What the raw backend would receive through. */
class Silent implements LiveUnderlay {
  readonly counters: UnderlayCounters = noCounts();
  readonly notices: string[] = [];
  open(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  kernelDrops(): null {
    return null;
  }
  room(): number {
    return Number.POSITIVE_INFINITY;
  }
  join(): void {}
  leave(): void {}
  sendTo(): void {}
}
