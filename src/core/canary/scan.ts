// One pass over a run of bytes that may come in pieces: every form of a canary, and on the way where something packed may
// begin and what HTTP's headers say of it.

import type { Packing } from '../eavesdrop/inflate.ts';
import { bytesOf } from '../eavesdrop/text.ts';
import { Automaton, START } from './automaton.ts';
import type { Needle, PlainEncoding } from './needles.ts';
import { needlesOf } from './needles.ts';
import { PercentPattern, PercentSearch } from './percent.ts';

/** What a signpost says of the bytes behind it. */
export type Sign = Packing | 'said deflate' | 'said chunked' | 'body';

interface Signpost {
  readonly bytes: Uint8Array;
  readonly sign: Sign;
}

const said = (text: string, sign: Sign): Signpost[] =>
  [text, text.toLowerCase()].map((one) => ({ bytes: bytesOf(one), sign }));

const SIGNPOSTS: readonly Signpost[] = [
  { bytes: Uint8Array.of(0x1f, 0x8b, 0x08), sign: 'gzip' }, // RFC 1952 s.2.3.1
  // RFC 1950 s.2.2: a window of 32 kB at each of the four levels.
  ...[0x01, 0x5e, 0x9c, 0xda].map(
    (flags): Signpost => ({ bytes: Uint8Array.of(0x78, flags), sign: 'deflate' }),
  ),
  ...said('Content-Encoding: deflate', 'said deflate'),
  ...said('Transfer-Encoding: chunked', 'said chunked'),
  { bytes: bytesOf('\r\n\r\n'), sign: 'body' },
];

/** What is looked for; shared by all scans for one canary. */
export class Wanted {
  readonly needles: readonly Needle[];
  readonly automaton: Automaton;
  readonly percent: readonly PercentPattern[];
  /** Bytes at which a search for percent-encoding must look when nothing is pending. */
  readonly wakes: Uint8Array = new Uint8Array(256);

  /** @throws VxlabError BAD_CANARY */
  constructor(canary: Uint8Array) {
    this.needles = needlesOf(canary);
    this.automaton = new Automaton([...this.needles, ...SIGNPOSTS].map(({ bytes }) => bytes));
    this.percent = canary.includes(0x20)
      ? [new PercentPattern(canary, false), new PercentPattern(canary, true)]
      : [new PercentPattern(canary, false)];
    for (const byte of [canary[0] as number, 0x25, 0x2b]) this.wakes[byte] = 1;
  }

  signpost(index: number): Signpost {
    return SIGNPOSTS[index - this.needles.length] as Signpost;
  }
}

/** Who is told. Positions count the bytes of the run. */
export interface ScanSink {
  /** The canary stands at [from, to). */
  found(from: number, to: number, encoding: PlainEncoding): void;
  /** Bytes [from, to) of the piece come next in the run: told before anything that ends at `to`. */
  passed?(bytes: Uint8Array, from: number, to: number): void;
  /** A signpost that began at `from` has ended with the byte before `to`. */
  sign?(sign: Sign, bytes: Uint8Array, from: number, to: number): void;
}

export class Scan {
  readonly #wanted: Wanted;
  readonly #sink: ScanSink;
  readonly #percent: readonly PercentSearch[];
  #state: number = START;
  /** Bytes so far. */
  position = 0;

  constructor(wanted: Wanted, sink: ScanSink) {
    this.#wanted = wanted;
    this.#sink = sink;
    this.#percent = wanted.percent.map((pattern) => new PercentSearch(pattern));
  }

  /** What comes next does not follow what came. */
  reset(): void {
    this.#state = START;
    for (const search of this.#percent) search.reset();
  }

  /** Takes bytes [from, to) of a piece. */
  feed(bytes: Uint8Array, from: number, to: number): void {
    for (const search of this.#percent) this.#decode(search, bytes, from, to);
    const { automaton } = this.#wanted;
    const base = this.position - from;
    for (let at = from; at < to; ) {
      automaton.run(this.#state, bytes, at, to);
      this.#state = automaton.state;
      this.#sink.passed?.(bytes, at, automaton.at);
      at = automaton.at;
      const ends = automaton.ends(this.#state);
      if (ends !== null) this.#tell(ends, base + at);
    }
    this.position += to - from;
  }

  #tell(ends: readonly number[], to: number): void {
    for (const index of ends) {
      const needle = this.#wanted.needles[index];
      if (needle !== undefined) this.#sink.found(to - needle.bytes.length, to, needle.encoding);
      else {
        const { bytes, sign } = this.#wanted.signpost(index);
        this.#sink.sign?.(sign, bytes, to - bytes.length, to);
      }
    }
  }

  #decode(search: PercentSearch, bytes: Uint8Array, from: number, to: number): void {
    const { wakes } = this.#wanted;
    const base = this.position - from;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      if (search.idle && wakes[byte] === 0) continue;
      const began = search.take(byte, base + at);
      if (began >= 0) this.#sink.found(began, base + at + 1, 'percent');
    }
  }
}
