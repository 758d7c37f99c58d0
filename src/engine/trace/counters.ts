// Frames and bytes in and out of one element, and its drops by reason: what `ip -s link` shows.
// A hundred thousand of these may exist, so the drop table is made on the first drop.

import type { DropReason } from './drop.ts';
import { DROP_NAMES } from './drop.ts';

export interface CounterSnapshot {
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
  readonly drops: Readonly<Record<string, number>>;
}

export class Counters {
  rxPackets = 0;
  rxBytes = 0;
  txPackets = 0;
  txBytes = 0;
  #drops: Float64Array | null = null;

  drop(reason: DropReason): void {
    this.#drops ??= new Float64Array(DROP_NAMES.length);
    this.#drops[reason] = (this.#drops[reason] as number) + 1;
  }

  /** How often one reason, or any reason, ended a frame here. */
  dropped(reason?: DropReason): number {
    if (this.#drops === null) return 0;
    if (reason !== undefined) return this.#drops[reason] as number;
    return this.#drops.reduce((total, n) => total + n, 0);
  }

  snapshot(): CounterSnapshot {
    const drops: Record<string, number> = {};
    for (const [reason, name] of DROP_NAMES.entries()) {
      const n = this.#drops?.[reason] ?? 0;
      if (n > 0) drops[name] = n;
    }
    return {
      rxPackets: this.rxPackets,
      rxBytes: this.rxBytes,
      txPackets: this.txPackets,
      txBytes: this.txBytes,
      drops,
    };
  }
}
