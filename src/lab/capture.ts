// What a lab shows of its frames: to a pcapng file, or to a list in memory. Times are the lab's own, counted from a fixed
// date, so that the same seed gives the same file.

import type { Frame } from '../core/frame/frame.ts';
import { LINKTYPE } from '../core/pcap/linktype.ts';
import { PcapngWriter } from '../core/pcap/pcapng-writer.ts';
import type { ByteSink } from '../core/pcap/record.ts';
import { DIRECTION } from '../core/pcap/record.ts';
import type { Capture } from '../engine/fabric/tap.ts';
import type { Instant } from '../engine/time/clock.ts';
import { SECOND } from '../engine/time/clock.ts';

/** 2026-01-01T00:00:00Z in seconds since 1970: when every lab begins. */
export const EPOCH_SECONDS = 1_767_225_600;

/**
 * Which frames are shown: `out` what leaves each node's underlay interface, so that every underlay frame is there once;
 * `both` also what arrives there; `all` also every veth and VXLAN device.
 */
export type Taps = 'out' | 'both' | 'all';
export const TAPS: readonly Taps[] = ['out', 'both', 'all'];

export interface LabCapture extends Capture {
  readonly taps: Taps;
  /** The lab's time and its interfaces, which frames then name by number; called once, before the first frame. */
  begin(interfaces: readonly string[], now: () => Instant): void;
  /** One more interface; answers with its number. */
  add(name: string): number;
}

/** A pcapng file of a lab: nanoseconds, one interface a tap, named `<node>/eth0`, with the direction of each frame. */
export class PcapngCapture implements LabCapture {
  readonly taps: Taps;
  readonly interfaces: string[] = [];
  packets = 0;
  readonly #writer: PcapngWriter;
  #now: () => Instant = () => 0;

  /** @param application what the file says of its writer, for example `vxlab 0.1.0` */
  constructor(sink: ByteSink, application: string, taps: Taps = 'out') {
    this.taps = taps;
    this.#writer = new PcapngWriter(sink, { application });
  }

  begin(interfaces: readonly string[], now: () => Instant): void {
    this.#now = now;
    for (const name of interfaces) this.add(name);
  }

  add(name: string): number {
    this.interfaces.push(name);
    return this.#writer.addInterface({ linkType: LINKTYPE.ethernet, name });
  }

  frame(tap: number, inbound: boolean, frame: Frame): void {
    if (inbound && this.taps === 'out') return;
    const now = this.#now();
    const seconds = Math.floor(now / SECOND);
    const length = frame.end - frame.start;
    this.packets++;
    this.#writer.writePacket(
      tap,
      EPOCH_SECONDS + seconds,
      now - seconds * SECOND,
      frame.view,
      frame.start,
      frame.end,
      length,
      inbound ? DIRECTION.inbound : DIRECTION.outbound,
    );
  }

  /** Hands what is still held to the sink. */
  flush(): void {
    this.#writer.flush();
  }
}

export interface LoggedFrame {
  /** From 1. */
  readonly number: number;
  readonly time: Instant;
  readonly tap: string;
  readonly inbound: boolean;
  readonly bytes: Uint8Array;
}

/** The frames themselves, in memory. */
export class FrameLog implements LabCapture {
  readonly taps: Taps;
  readonly frames: LoggedFrame[] = [];
  readonly #interfaces: string[] = [];
  #now: () => Instant = () => 0;

  constructor(taps: Taps = 'out') {
    this.taps = taps;
  }

  begin(interfaces: readonly string[], now: () => Instant): void {
    this.#now = now;
    for (const name of interfaces) this.add(name);
  }

  add(name: string): number {
    return this.#interfaces.push(name) - 1;
  }

  frame(tap: number, inbound: boolean, frame: Frame): void {
    if (inbound && this.taps === 'out') return;
    this.frames.push({
      number: this.frames.length + 1,
      time: this.#now(),
      tap: this.#interfaces[tap] as string,
      inbound,
      bytes: frame.toBytes(),
    });
  }
}
