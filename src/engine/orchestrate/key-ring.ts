// The keys of a swarm's encrypted networks: three at a time, each with a tag that grows; the middle one is sealed with, so that
// a node that is late or early by one turn is still understood (swarmkit manager/keymanager; libnetwork agent.go, getPrimaryKeyTag).
//
//   before a turn:  5  [6]  7        after it:  6  [7]  8        [primary]

import type { RandomStream } from '../time/random.ts';

/** manager/keymanager/keymanager.go: DefaultKeyLen, keyringSize, DefaultKeyRotationInterval. */
const KEY_LEN = 16;
const RING_SIZE = 3;
export const ROTATION_INTERVAL: number = 12 * 3600 * 1_000_000_000;
/** Tags begin somewhere below this (genSkew). */
const SKEW = 65_536;

export interface RingKey {
  readonly tag: number;
  readonly key: Uint8Array;
}

export class KeyRing {
  readonly #random: RandomStream;
  #keys: RingKey[] = [];
  #tag: number;

  constructor(random: RandomStream) {
    this.#random = random;
    this.#tag = random.uint32() % SKEW;
    for (let i = 0; i < RING_SIZE; i++) this.#keys.push(this.#draw());
  }

  /** Oldest first. What is received may be sealed with any of them. */
  get keys(): readonly RingKey[] {
    return this.#keys;
  }

  /** What is sealed with. */
  get primary(): RingKey {
    return this.#keys[1] as RingKey;
  }

  /** The oldest goes, the next becomes primary, a new one comes. */
  turn(): void {
    this.#keys = [...this.#keys.slice(1), this.#draw()];
  }

  #draw(): RingKey {
    const key = new Uint8Array(KEY_LEN);
    const view = new DataView(key.buffer);
    for (let at = 0; at < KEY_LEN; at += 4) view.setUint32(at, this.#random.uint32());
    return { tag: ++this.#tag, key };
  }
}
