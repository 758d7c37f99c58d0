// Memory that must not grow: everything that keeps state over a capture, kept over the whole run and fed every packet.
//
// Each of these has a bound of its own. Once the first million packets have filled the tables, a sweep of the heap after each
// further million must find no more than GROWTH_MOST more than then. The corpus is bounded too (corpus.ts).

import { Doctor } from '../../src/core/doctor/doctor.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import { Survey } from '../../src/core/survey/survey.ts';
import { Atlas } from '../../src/core/topology/atlas.ts';
import type { Scene } from './input.ts';
import { eachPacket, walkOf } from './target.ts';

/** Bytes of heap and buffers. */
export const GROWTH_MOST = 48 * 1024 * 1024;
const LIMITS = {
  addresses: 4096,
  networks: 256,
  vteps: 1024,
  tunnels: 2048,
  endpoints: 4096,
  places: 4096,
  names: 2048,
};

export class Endless {
  readonly #sight: Sight = new Sight();
  readonly #doctor: Doctor = new Doctor();
  readonly #atlas: Atlas = new Atlas(LIMITS);
  readonly #survey: Survey = new Survey({ maxFlows: 10_000 });
  #packets = 0;

  feed(scene: Scene): void {
    if (walkOf(scene).depth !== 8) return;
    eachPacket(scene, ({ view, start, end, meta }) => {
      meta.number = ++this.#packets;
      this.#sight.read(view, start, end, meta);
      this.#doctor.observe(this.#sight, meta);
      this.#atlas.observe(this.#sight, meta);
      this.#survey.packet(view, start, end, meta);
    });
  }

  /** Codes of what the doctor has found so far. */
  codes(): string[] {
    return [...new Set(this.#doctor.findings().map(({ code }) => code))].sort();
  }
}

/** Bytes in use after a sweep; NaN without --expose-gc. */
export function bytesInUse(): number {
  const sweep = (globalThis as { gc?: () => void }).gc;
  if (sweep === undefined) return Number.NaN;
  sweep();
  sweep();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
