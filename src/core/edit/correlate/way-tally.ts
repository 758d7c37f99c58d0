// What became of frames, counted by the way that they took (path-tree.ts) and by their two stations: delays of hops, ways, and
// where frames died.

import type { PathTree } from './path-tree.ts';
import { TAPS_MAX } from './path-tree.ts';
import { Samples } from './samples.ts';

export interface Hop {
  readonly from: number;
  readonly to: number;
  /** Frames that were seen at both, one after the other, broadcast and multicast not counted. */
  readonly frames: number;
  /** Frames that were seen at `from` and nowhere behind it, where others between the same stations went on to `to`. */
  readonly lost: number;
  /** Nanoseconds; null where no frame arrived. */
  readonly delay: { readonly min: number; readonly median: number; readonly max: number } | null;
}

export interface Way {
  readonly taps: readonly number[];
  readonly frames: number;
  /** Of these, broadcast and multicast. */
  readonly floods: number;
  /** Of these, those that died behind the last tap. */
  readonly lost: number;
}

/** How a frame is counted: judged lost or not, not judged, or gone many ways. */
export const COUNTED = { judged: 0, unjudged: 1, flood: 2 } as const;

/** Stations that are told apart; frames between others are not judged. */
export const PAIRS_MAX = 0x1_0000;
/** Ways of pairs that are counted. More than there are ways in a PathTree: see `wayKey`. */
const WAYS_MAX = 0x4_0000;

export class WayTally {
  readonly #tree: PathTree;
  readonly #hops: Map<number, Samples> = new Map();
  /** Frames by pair and way, for each of COUNTED. */
  readonly #ways: readonly Map<number, number>[] = [new Map(), new Map(), new Map()];
  /** Where most frames of a pair went on from a way; made by `settle`. */
  #next: Map<number, number> = new Map();

  constructor(tree: PathTree) {
    this.#tree = tree;
  }

  /** A frame went from one tap to another. */
  hop(from: number, to: number, nanoseconds: number): void {
    const key = from * TAPS_MAX + to;
    let samples = this.#hops.get(key);
    if (samples === undefined) {
      samples = new Samples();
      this.#hops.set(key, samples);
    }
    samples.add(nanoseconds);
  }

  /** A frame of a pair took the way `node`, and no more is to come of it. */
  way(pair: number, node: number, counted: number): void {
    const counts = this.#ways[counted] as Map<number, number>;
    const key = wayKey(pair, node);
    if (counts.has(key) || counts.size < WAYS_MAX) add(counts, key, 1);
  }

  /** Finds out where frames should have gone: for `diedBefore`, `lost` and the lists. */
  settle(): void {
    const tree = this.#tree;
    const through = new Map<number, number>();
    for (const counted of [COUNTED.judged, COUNTED.unjudged]) {
      for (const [key, frames] of this.#ways[counted] as Map<number, number>) {
        const node = key % WAYS_MAX;
        const pair = (key - node) / WAYS_MAX;
        for (let at = node; tree.depth(at) > 1; at = tree.parent(at)) add(through, wayKey(pair, at), frames);
      }
    }
    const best = new Map<number, number>();
    this.#next = new Map();
    for (const [key, frames] of through) {
      const node = key % WAYS_MAX;
      const from = key - node + tree.parent(node);
      if ((best.get(from) ?? 0) >= frames) continue;
      best.set(from, frames);
      this.#next.set(from, tree.tap(node));
    }
  }

  /** The tap that a way should have gone on to, or -1 where the pair's frames end. */
  diedBefore(pair: number, node: number): number {
    return this.#next.get(wayKey(pair, node)) ?? -1;
  }

  /** Frames that died. */
  get lost(): number {
    let lost = 0;
    for (const { frames } of this.#deaths()) lost += frames;
    return lost;
  }

  /** All hops, by their taps. */
  hops(): Hop[] {
    const lost = new Map<number, number>();
    for (const { node, to, frames } of this.#deaths())
      add(lost, this.#tree.tap(node) * TAPS_MAX + to, frames);
    const keys = [...new Set([...this.#hops.keys(), ...lost.keys()])].sort((a, b) => a - b);
    return keys.map((key) => {
      const samples = this.#hops.get(key);
      return {
        from: Math.floor(key / TAPS_MAX),
        to: key % TAPS_MAX,
        frames: samples?.count ?? 0,
        lost: lost.get(key) ?? 0,
        delay: samples === undefined ? null : { min: samples.min, median: samples.median, max: samples.max },
      };
    });
  }

  /** All ways, the most frequent first. */
  ways(): Way[] {
    const lost = new Map<number, number>();
    for (const { node, frames } of this.#deaths()) add(lost, node, frames);
    const all = new Map<number, { frames: number; floods: number }>();
    this.#ways.forEach((counts, counted) => {
      for (const [key, frames] of counts) {
        const node = key % WAYS_MAX;
        const way = all.get(node) ?? { frames: 0, floods: 0 };
        way.frames += frames;
        if (counted === COUNTED.flood) way.floods += frames;
        all.set(node, way);
      }
    });
    return [...all]
      .sort(([x, a], [y, b]) => b.frames - a.frames || x - y)
      .map(([node, way]) => ({ taps: this.#tree.taps(node), ...way, lost: lost.get(node) ?? 0 }));
  }

  *#deaths(): Generator<{ readonly node: number; readonly to: number; readonly frames: number }> {
    for (const [key, frames] of this.#ways[COUNTED.judged] as Map<number, number>) {
      const to = this.#next.get(key);
      if (to !== undefined) yield { node: key % WAYS_MAX, to, frames };
    }
  }
}

/** A pair's way as one number. */
function wayKey(pair: number, node: number): number {
  return pair * WAYS_MAX + node;
}

function add(counts: Map<number, number>, key: number, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
