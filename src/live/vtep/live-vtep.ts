// A VTEP that real VTEPs talk to: the engine's bridge, VTEP and hosts on the wall clock, over sockets of this machine. One
// underlay address and port, any number of VNIs behind it.

import { randomInt } from 'node:crypto';
import { VxlabError } from '../../core/wire/numbers.ts';
import { VniDemux } from '../../engine/fabric/vni-demux.ts';
import { Ground } from '../../engine/orchestrate/ground.ts';
import type { Instant } from '../../engine/time/clock.ts';
import { Counters } from '../../engine/trace/counters.ts';
import { deviceOf, isVirtual, tunnelOverhead, underlayMtu } from '../kernel/underlay-device.ts';
import { openBackend } from '../underlay/backends.ts';
import type { DatagramWatch, LiveUnderlay } from '../underlay/live-underlay.ts';
import { ShapedUnderlay } from '../underlay/shaped-underlay.ts';
import { WallClock } from '../wall-clock.ts';
import { Admission } from './admission.ts';
import type { SegmentSite } from './segment.ts';
import { Segment } from './segment.ts';
import type { LiveVtepConfig } from './vtep-config.ts';
import { checkConfig } from './vtep-config.ts';

export class LiveVtep {
  readonly config: LiveVtepConfig;
  readonly clock: WallClock = new WallClock();
  readonly ground: Ground;
  readonly demux: VniDemux;
  readonly underlay: LiveUnderlay;
  readonly segments: readonly Segment[];
  /** What ended at the door, before any VNI was looked at. */
  readonly door: Counters = new Counters();
  /** The backend that was taken. */
  readonly backend: 'udp' | 'raw' | 'batch';
  /** MTU of the overlay in bytes. */
  readonly mtu: number;
  /** The interface that the underlay address is on; null when none is named. */
  readonly device: string | null;
  /** When the sockets were open, on its clock. */
  openedAt: Instant = 0;
  #closed = false;

  /** @throws VxlabError BAD_VTEP for what cannot be; what `openBackend` misses */
  constructor(config: LiveVtepConfig, watch: DatagramWatch | null = null) {
    checkConfig(config);
    this.config = config;
    this.device = config.dev ?? deviceOf(config.local);
    const path = underlayMtu(this.device);
    this.mtu = config.mtu ?? path - tunnelOverhead(config.local);
    if (this.mtu + tunnelOverhead(config.local) > path && config.mtu !== null) {
      const most = path - tunnelOverhead(config.local);
      throw new VxlabError('BAD_VTEP', `--mtu ${config.mtu} is more than the underlay carries: ${most}`);
    }
    this.ground = new Ground(this.clock, randomInt(2 ** 47));
    this.demux = new VniDemux(this.ground.registry.add('demux', 'udp', ''), this.ground.trace);
    const { peers } = this.ground;
    const known = config.segments.flatMap(({ remotes, fdb }) => [...remotes, ...fdb.map(({ vtep }) => vtep)]);
    const door = new Admission(peers, this.door, {
      own: config.local,
      known,
      accept: config.accept,
      acceptAny: config.acceptAny,
    });
    const made = openBackend(config, {
      ground: this.ground,
      clock: this.clock,
      receiver: this.demux,
      door,
      watch,
      device: this.device,
      mtu: path,
    });
    this.backend = made.backend;
    this.underlay =
      config.rate > 0 ? new ShapedUnderlay(made.underlay, this.clock, config.rate) : made.underlay;
    const site: SegmentSite = {
      ground: this.ground,
      clock: this.clock,
      demux: this.demux,
      underlay: this.underlay,
      mtu: this.mtu,
      offload: isVirtual(this.device),
      whole: config.offload,
    };
    this.segments = config.segments.map((segment) => new Segment(config, segment, site));
  }

  /** Opens sockets. Nothing stays open when that fails. @throws VxlabError as the backend's `open` */
  async open(): Promise<void> {
    try {
      // What comes before there is somebody to take it is lost; what is sent before there is a socket is, too.
      await this.underlay.open();
      for (const segment of this.segments) await segment.open();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.openedAt = this.clock.tick();
  }

  /** Sentences for the user that were not told yet. */
  notices(): string[] {
    const behind = this.segments.flatMap(({ attachments, offload }) => [
      ...attachments,
      ...(offload ? [offload] : []),
    ]);
    return [this.underlay, ...behind].flatMap((one) => one.notices.splice(0));
  }

  /** Takes everything down: hosts, sockets, timers. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.clock.tick();
    for (const segment of this.segments) await segment.close();
    await this.underlay.close();
    this.clock.close();
  }
}
