// Which datagrams are known by their first fragment to be worth waiting for, so that the fragments after it can be told.
// A table of fixed size: a newcomer takes the place of whoever was there. A fragment that comes before the first is not known.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';

const SLOTS = 4096;

export class FragmentMemory {
  readonly #keys: Int32Array = new Int32Array(SLOTS);
  readonly #full: Uint8Array = new Uint8Array(SLOTS);

  /** Remembers the datagram that the packet is a fragment of. Only where `d.fragment` is a row. */
  add(view: DataView, d: Dissection): void {
    const key = keyOf(view, d);
    this.#keys[key & (SLOTS - 1)] = key;
    this.#full[key & (SLOTS - 1)] = 1;
  }

  has(view: DataView, d: Dissection): boolean {
    const key = keyOf(view, d);
    return this.#full[key & (SLOTS - 1)] === 1 && this.#keys[key & (SLOTS - 1)] === key;
  }
}

/** Addresses and identification of the datagram, mixed to 32 bits. */
function keyOf(view: DataView, d: Dissection): number {
  const row = d.fragment;
  if (d.kind(row) === L.ipv4) {
    const at = d.start(row);
    return mix(mix(mix(1, view.getInt32(at + 12)), view.getInt32(at + 16)), view.getUint16(at + 4));
  }
  let key = mix(2, view.getInt32(d.start(row) + 4));
  const ip = d.below(row, L.ipv6, L.ipv6);
  if (ip < 0) return key;
  const at = d.start(ip);
  for (let i = 8; i < 40; i += 4) key = mix(key, view.getInt32(at + i));
  return key;
}

function mix(h: number, value: number): number {
  const x = Math.imul(h ^ value, 0x9e3779b1);
  return x ^ (x >>> 15);
}
