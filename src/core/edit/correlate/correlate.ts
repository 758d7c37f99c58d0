// The same frame at several taps: which way it took, how long each hop took, and where it was last seen.
//
// Packets come in the order of time, from all taps together. A frame that nobody has seen opens a record; the same frame (its
// FrameKey) at another tap within the window goes on with the oldest open record that has not been there, so that equal frames one
// behind the other stay in order. At a tap where it has been it is a duplicate, or, at the tap where it began, sent again.
//
// A way is lost when others between the same two stations went on from there: then it died behind its last tap, before the tap
// where most of the others went on. Broadcast and multicast go many ways at once and are not judged. Times are taken as they
// stand: taps whose clocks differ show it in the delays.

import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { KeyTable } from '../../survey/key-table.ts';
import { VxlabError } from '../../wire/numbers.ts';
import type { FrameKeyOptions } from './frame-key.ts';
import { FrameKey } from './frame-key.ts';
import { PathTree, TAPS_MAX } from './path-tree.ts';
import type { Hop, Way } from './way-tally.ts';
import { COUNTED, PAIRS_MAX, WayTally } from './way-tally.ts';

export interface CorrelateOptions extends FrameKeyOptions {
  /** Nanoseconds in which a frame passes all taps; default half a second. */
  readonly window?: number;
  /** Frames that are followed at a time; default 262,144. */
  readonly most?: number;
  /** Told of each frame when its window is over. */
  readonly each?: (frame: FollowedFrame) => void;
  /** Words for a frame that is seen for the first time, kept for `each`. */
  readonly describe?: (key: FrameKey) => string;
}

/** A frame and the way it took. */
export interface FollowedFrame {
  readonly text: string;
  /** When it was first seen: seconds since 1970 and nanoseconds. */
  readonly seconds: number;
  readonly nanos: number;
  /** False for broadcast and multicast, and while not all captures were being taken. */
  readonly judged: boolean;
  /** Its stations and its way, for `Correlation.diedBefore`. */
  readonly pair: number;
  readonly path: number;
  readonly steps: readonly {
    readonly tap: number;
    readonly number: number;
    /** Nanoseconds after the first step. */
    readonly after: number;
  }[];
}

export interface Correlation {
  readonly taps: readonly {
    readonly packets: number;
    /** Frames that began here, were seen here again, and were sent from here again, within the window. */
    readonly first: number;
    readonly duplicates: number;
    readonly repeats: number;
  }[];
  /** Different frames, or the same one sent again. */
  readonly frames: number;
  readonly lost: number;
  /** Frames that came while not all captures were being taken, and are therefore not judged lost. */
  readonly unjudged: number;
  /** Records that had to be closed before their window was over, to make room. */
  readonly early: number;
  readonly hops: readonly Hop[];
  readonly ways: readonly Way[];
  /** The tap that a frame's way should have gone on to, or -1 for one that arrived or is not judged. */
  diedBefore(frame: Pick<FollowedFrame, 'pair' | 'path' | 'judged'>): number;
}

export const WINDOW_DEFAULT = 500_000_000;
export const MOST_DEFAULT = 0x4_0000;
const SECOND = 1_000_000_000;
/** The pair of all for whom there is no room. */
const STRANGERS = PAIRS_MAX;
/** Records of one hash that are looked through. */
const CHAIN_MAX = 256;

interface Tap {
  readonly file: number;
  packets: number;
  first: number;
  duplicates: number;
  repeats: number;
}

type Step = { tap: number; number: number; after: number };

export class Correlator {
  readonly #key: FrameKey;
  readonly #window: number;
  readonly #most: number;
  readonly #each: ((frame: FollowedFrame) => void) | null;
  readonly #describe: (key: FrameKey) => string;
  readonly #taps: Tap[] = [];
  /** Of each file: when its first packet came, and when its last did, once they are known. */
  readonly #begun: number[] = [];
  readonly #ended: { readonly seconds: number; readonly nanos: number }[] = [];
  #files = 0;
  readonly #tree: PathTree = new PathTree();
  readonly #pairs: KeyTable;
  readonly #tally: WayTally = new WayTally(this.#tree);
  #frames = 0;
  #unjudged = 0;
  #early = 0;

  // Open records are a ring: record n is in slot n modulo its size; n from #oldest to #next - 1 are open.
  #oldest = 0;
  #next = 0;
  readonly #highs: Int32Array;
  readonly #lows: Int32Array;
  readonly #nodes: Int32Array;
  readonly #pairOf: Int32Array;
  readonly #flood: Uint8Array;
  readonly #starts: Float64Array;
  readonly #lasts: Float64Array;
  /** The record before this one with the same hash, and the newest of each hash. */
  readonly #before: Float64Array;
  readonly #newest: Float64Array;
  readonly #texts: string[] = [];
  readonly #steps: Step[][] = [];
  /** Times are nanoseconds after this second. */
  #epoch = -1;

  /** @throws VxlabError BAD_LIMIT */
  constructor(options: CorrelateOptions = {}) {
    const { window = WINDOW_DEFAULT, most = MOST_DEFAULT, salt = 0 } = options;
    if (!(window > 0) || !Number.isInteger(most) || most < 1 || most > 0x100_0000) {
      throw new VxlabError(
        'BAD_LIMIT',
        'a window is more than 0, and 1 to 16777216 frames are followed at a time',
      );
    }
    this.#key = new FrameKey(options);
    this.#window = window;
    this.#most = most;
    this.#each = options.each ?? null;
    this.#describe = options.describe ?? (() => '');
    this.#pairs = new KeyTable(PAIRS_MAX, salt);
    this.#highs = new Int32Array(most);
    this.#lows = new Int32Array(most);
    this.#nodes = new Int32Array(most);
    this.#pairOf = new Int32Array(most);
    this.#flood = new Uint8Array(most);
    this.#starts = new Float64Array(most);
    this.#lasts = new Float64Array(most);
    this.#before = new Float64Array(most);
    this.#newest = new Float64Array(1 << Math.ceil(Math.log2(most + 1))).fill(-1);
  }

  /** One more capture, which holds one or more taps; answers with its number. */
  file(): number {
    return this.#files++;
  }

  /**
   * One more tap of a file; answers with its number.
   * @throws VxlabError BAD_LIMIT for more than 4096
   */
  tap(file: number): number {
    if (this.#taps.length === TAPS_MAX) throw new VxlabError('BAD_LIMIT', `${TAPS_MAX} taps are the most`);
    return this.#taps.push({ file, packets: 0, first: 0, duplicates: 0, repeats: 0 }) - 1;
  }

  /** The file has no more packets than what came or is on its way here; its last has this time. */
  ended(file: number, seconds: number, nanos: number): void {
    this.#ended[file] = { seconds, nanos };
  }

  /** The file has no packets: what it could have seen is not known, and not asked. */
  empty(file: number): void {
    this.#begun[file] = Number.NEGATIVE_INFINITY;
  }

  /** Takes a packet that was seen at a tap. */
  packet(tap: number, sight: Sight, meta: PacketMeta): void {
    if (this.#epoch < 0) this.#epoch = meta.seconds;
    const at = this.#taps[tap] as Tap;
    const now = this.#time(meta.seconds, meta.nanos);
    at.packets++;
    this.#begun[at.file] ??= now;
    while (this.#oldest < this.#next && now - this.#start(this.#oldest) > this.#window) this.#close();
    const key = this.#key;
    if (!key.take(sight)) return;
    const bucket = (key.low ^ key.high) & (this.#newest.length - 1);
    const open = this.#search(bucket, tap);
    if (open >= 0) this.#goOn(open, tap, meta.number, now);
    else if (this.#seenHere && !this.#sentHere) at.duplicates++;
    else {
      if (this.#sentHere) at.repeats++;
      this.#begin(bucket, tap, meta.number, now);
    }
  }

  /** All packets have come. */
  finish(): Correlation {
    while (this.#oldest < this.#next) this.#close();
    const tally = this.#tally;
    tally.settle();
    return {
      taps: this.#taps.map(({ packets, first, duplicates, repeats }) => ({
        packets,
        first,
        duplicates,
        repeats,
      })),
      frames: this.#frames,
      lost: tally.lost,
      unjudged: this.#unjudged,
      early: this.#early,
      hops: tally.hops(),
      ways: tally.ways(),
      diedBefore: ({ pair, path, judged }) => (judged ? tally.diedBefore(pair, path) : -1),
    };
  }

  #time(seconds: number, nanos: number): number {
    return (seconds - this.#epoch) * SECOND + nanos;
  }

  #start(record: number): number {
    return this.#starts[record % this.#most] as number;
  }

  /** Whether an open record of the same frame came by this tap, or began there; set by `#search`. */
  #seenHere = false;
  #sentHere = false;

  /** The oldest open record of the same frame that has not been at this tap, or -1. */
  #search(bucket: number, tap: number): number {
    const { high, low } = this.#key;
    let found = -1;
    this.#seenHere = false;
    this.#sentHere = false;
    let record = this.#newest[bucket] as number;
    for (let i = 0; record >= this.#oldest && i < CHAIN_MAX; i++) {
      const slot = record % this.#most;
      if (this.#highs[slot] === high && this.#lows[slot] === low) {
        const node = this.#nodes[slot] as number;
        if (!this.#tree.passes(node, tap)) found = record;
        else if (this.#tree.first(node) === tap) this.#sentHere = true;
        else this.#seenHere = true;
      }
      record = this.#before[slot] as number;
    }
    return found;
  }

  #begin(bucket: number, tap: number, number: number, now: number): void {
    if (this.#next - this.#oldest === this.#most) {
      this.#early++;
      this.#close();
    }
    const key = this.#key;
    const record = this.#next++;
    const slot = record % this.#most;
    this.#highs[slot] = key.high;
    this.#lows[slot] = key.low;
    this.#nodes[slot] = this.#tree.step(0, tap);
    this.#flood[slot] = key.flood ? 1 : 0;
    this.#starts[slot] = now;
    this.#lasts[slot] = now;
    this.#before[slot] = this.#newest[bucket] as number;
    this.#newest[bucket] = record;
    const pair = this.#pairs.row(key.pairHigh, key.pairLow, 0, 0, 0, 0, 0, 0);
    this.#pairOf[slot] = pair < 0 ? STRANGERS : pair;
    this.#frames++;
    (this.#taps[tap] as Tap).first++;
    if (this.#each === null) return;
    this.#texts[slot] = this.#describe(key);
    this.#steps[slot] = [{ tap, number, after: 0 }];
  }

  #goOn(record: number, tap: number, number: number, now: number): void {
    const slot = record % this.#most;
    const node = this.#nodes[slot] as number;
    if (this.#flood[slot] === 0)
      this.#tally.hop(this.#tree.tap(node), tap, now - (this.#lasts[slot] as number));
    this.#nodes[slot] = this.#tree.step(node, tap);
    this.#lasts[slot] = now;
    if (this.#each !== null)
      this.#steps[slot]?.push({ tap, number, after: now - (this.#starts[slot] as number) });
  }

  /** Closes the oldest record. */
  #close(): void {
    const slot = this.#oldest++ % this.#most;
    const pair = this.#pairOf[slot] as number;
    const node = this.#nodes[slot] as number;
    const flood = this.#flood[slot] === 1;
    const judged =
      !flood &&
      pair !== STRANGERS &&
      this.#covered(this.#starts[slot] as number, this.#lasts[slot] as number);
    if (!flood && !judged) this.#unjudged++;
    this.#tally.way(pair, node, flood ? COUNTED.flood : judged ? COUNTED.judged : COUNTED.unjudged);
    if (this.#each === null) return;
    const start = this.#starts[slot] as number;
    this.#each({
      text: this.#texts[slot] ?? '',
      seconds: this.#epoch + Math.floor(start / SECOND),
      nanos: ((start % SECOND) + SECOND) % SECOND,
      judged,
      pair,
      path: node,
      steps: this.#steps[slot] ?? [],
    });
    this.#steps[slot] = [];
  }

  /** True when all captures were being taken from the first time to the last. */
  #covered(first: number, last: number): boolean {
    for (let file = 0; file < this.#files; file++) {
      const begun = this.#begun[file];
      const ended = this.#ended[file];
      if (begun === undefined || begun > first) return false;
      if (ended !== undefined && this.#time(ended.seconds, ended.nanos) < last) return false;
    }
    return true;
  }
}
