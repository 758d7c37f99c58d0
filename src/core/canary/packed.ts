// What goes by and may be packed (gzip, zlib, or HTTP's `deflate`): collected from where it begins, unpacked as far as it goes,
// and searched. Bounded: of each no more than PACKED_MAX bytes are kept, few at once, and what others hold counts too.

import type { Inflate, Packing } from '../eavesdrop/inflate.ts';
import type { Purse } from '../streams/purse.ts';
import { Chunked } from './chunked.ts';
import type { PlainEncoding } from './needles.ts';
import type { PackedEncoding } from './place.ts';
import { HEAD_SHOWN } from './place.ts';
import type { ScanSink, Sign, Wanted } from './scan.ts';
import { Scan } from './scan.ts';

/** Bytes that are kept of something packed, and that are made of it. */
const PACKED_MAX = 65_536;
const UNPACKED_MAX = 1024 * 1024;
/** Packed things that are collected at once in one run of bytes. */
const OPEN_MAX = 4;
/** Signposts are two or three bytes long, so that chance puts them up too: one in so many bytes is looked at, and the first few. */
const BETWEEN = 64;
const FIRST_FEW = 32;
const ROOM = 256;
const NOTHING = new Uint8Array(0);

interface Open<T> {
  readonly packing: Packing;
  readonly isChunked: boolean;
  /** Where its first byte stands; null before there is one. */
  at: T | null;
  bytes: Uint8Array;
  length: number;
}

/** What those who look for packed bytes share. */
export interface Unpacker {
  readonly wanted: Wanted;
  readonly inflate: Inflate;
  readonly purse: Purse;
  /** Something was not looked at, or not to its end. */
  limited(): void;
}

/** Whoever looks into one run of bytes. */
export interface PackedSink<T> {
  /** Where the byte at a position stands, asked when it goes by. */
  place(position: number): T;
  /** The canary is in what is packed there; `head` are its first bytes. */
  found(at: T, head: Uint8Array, encoding: PackedEncoding): void;
}

export class Packed<T> {
  readonly #unpacker: Unpacker;
  readonly #sink: PackedSink<T>;
  #open: Open<T>[] = [];
  #opened = 0;
  /** Bytes of the run that have gone by. */
  #position = 0;
  #saidDeflate = false;
  #saidChunked = false;
  #chunked: Chunked | null = null;

  constructor(unpacker: Unpacker, sink: PackedSink<T>) {
    this.#unpacker = unpacker;
    this.#sink = sink;
  }

  /** Bytes [from, to) come next. */
  take(bytes: Uint8Array, from: number, to: number): void {
    const base = this.#position - from;
    this.#position += to - from;
    for (const open of this.#open) if (!open.isChunked) this.#keep(open, bytes, from, to, base);
    if (this.#chunked !== null) {
      this.#chunked.take(bytes, from, to, (at, end) => {
        for (const open of this.#open) if (open.isChunked) this.#keep(open, bytes, at, end, base);
      });
    }
    if (this.#open.some(isFull)) this.#settle(isFull);
    while (this.#unpacker.purse.overdrawn && this.#open.length > 0) this.#giveUp();
  }

  /** A signpost has just gone by whose bytes began at position `from`. */
  sign(sign: Sign, bytes: Uint8Array, from: number): void {
    switch (sign) {
      case 'said deflate':
        this.#saidDeflate = true;
        break;
      case 'said chunked':
        this.#saidChunked = true;
        break;
      case 'body':
        this.#chunked = this.#saidChunked ? new Chunked() : null;
        if (this.#saidDeflate) this.#begin('deflate', NOTHING, this.#position);
        this.#saidDeflate = false;
        this.#saidChunked = false;
        break;
      default:
        this.#begin(sign, bytes, from);
    }
  }

  /** Bytes are missing here, or nothing more comes. */
  end(): void {
    this.#settle(() => true);
    this.#chunked = null;
    this.#saidDeflate = false;
    this.#saidChunked = false;
  }

  #begin(packing: Packing, head: Uint8Array, from: number): void {
    if (this.#opened >= FIRST_FEW + this.#position / BETWEEN) return this.#unpacker.limited();
    this.#opened++;
    if (this.#open.length === OPEN_MAX) this.#giveUp();
    const isChunked = this.#chunked?.active === true;
    const open = { packing, isChunked, at: null, bytes: new Uint8Array(ROOM), length: 0 };
    this.#unpacker.purse.take(ROOM);
    this.#open.push(open);
    this.#keep(open, head, 0, head.length, from);
  }

  /** @param base position of the piece's byte 0 */
  #keep(open: Open<T>, bytes: Uint8Array, from: number, to: number, base: number): void {
    const n = Math.min(to - from, PACKED_MAX - open.length);
    if (n <= 0) return;
    open.at ??= this.#sink.place(base + from);
    if (open.length + n > open.bytes.length) {
      let size = open.bytes.length;
      while (size < open.length + n) size *= 2;
      const more = new Uint8Array(size);
      more.set(open.bytes.subarray(0, open.length));
      this.#unpacker.purse.take(size - open.bytes.length);
      open.bytes = more;
    }
    open.bytes.set(bytes.subarray(from, from + n), open.length);
    open.length += n;
  }

  /** The oldest goes, searched as far as it came. */
  #giveUp(): void {
    const [oldest] = this.#open;
    this.#unpacker.limited();
    this.#settle((open) => open === oldest);
  }

  #settle(which: (open: Open<T>) => boolean): void {
    const settled = this.#open.filter(which);
    if (settled.length === 0) return;
    this.#open = this.#open.filter((open) => !which(open));
    for (const open of settled) {
      this.#unpacker.purse.give(open.bytes.length);
      this.#search(open);
    }
  }

  #search({ packing, at, bytes, length }: Open<T>): void {
    if (at === null) return;
    const { inflate, wanted } = this.#unpacker;
    const unpacked = inflate(bytes.subarray(0, length), UNPACKED_MAX, packing);
    if (unpacked === null) return;
    const told = new Set<PlainEncoding>();
    new Scan(wanted, { found: (_from, _to, encoding) => void told.add(encoding) }).feed(
      unpacked,
      0,
      unpacked.length,
    );
    for (const encoding of told) {
      const how: PackedEncoding = encoding === 'plain' ? packing : `${packing}+${encoding}`;
      this.#sink.found(at, bytes.slice(0, Math.min(length, HEAD_SHOWN)), how);
    }
  }
}

function isFull({ length }: Open<unknown>): boolean {
  return length === PACKED_MAX;
}

/** Tells of a canary at positions [from, to), and shows what goes by to whoever unpacks. */
export function sinkOf<T>(
  found: (from: number, to: number, encoding: PlainEncoding) => void,
  packed: Packed<T> | null,
): ScanSink {
  if (packed === null) return { found };
  return {
    found,
    passed: (bytes, from, to) => packed.take(bytes, from, to),
    sign: (sign, bytes, from) => packed.sign(sign, bytes, from),
  };
}
