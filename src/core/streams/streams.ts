// All conversations of a capture that are followed at once: finds a packet's, puts TCP in order, tells each one's owner, and
// forgets the one that was silent longest when there are too many.
//
// A frame may be captured at several places: on a VTEP's underlay and inside, on both VTEPs. The VNI is part of a stream's
// key, so that equal addresses in two networks stay apart; a packet outside any tunnel belongs to a tunnelled stream with
// the same addresses and ports when its sequence numbers are that stream's, or when it is a packet that the stream just had.

import * as tcp from '../wire/tcp.ts';
import type { Bounds } from './half.ts';
import { Half } from './half.ts';
import type { InnerPacket } from './inner-packet.ts';
import { NO_VNI } from './inner-packet.ts';
import type { StreamCounts, StreamLimits } from './limits.ts';
import { streamLimits } from './limits.ts';
import type { Listener, Side } from './listener.ts';
import { Purse } from './purse.ts';
import { lookOf, PairKey, Stream } from './stream.ts';

const { SYN, FIN, RST, ACK } = tcp.FLAG;
/** Streams with the same addresses and ports that are asked whether a packet is theirs. */
const KIN_MAX = 8;
/** A reset further from what comes next is none of this connection's. */
const RESET_WINDOW = 65_536;
/** Data further from the end of a connection is another one's. */
const LATE_WINDOW = 1 << 20;

export interface StreamOwner extends Listener {
  /** Another packet of the conversation; `again` when it is a second look at one that it had. */
  packet(packet: InnerPacket, side: Side, again: boolean): void;
  /** A UDP datagram's payload [from, to), of which `cut` bytes more were sent. */
  datagram(side: Side, packet: InnerPacket): void;
  /** It was seen outside its tunnel before; now its VNI is known. */
  tunnelled(packet: InnerPacket, side: Side): void;
  /** Both sides have closed, another connection has its ports, or there is no room: nothing more is told. */
  gone(): void;
}

/** What a packet that opens a conversation is about. */
export type Open = (packet: InnerPacket, clientIsSource: boolean) => StreamOwner;

export interface StreamsOptions {
  readonly limits?: Partial<StreamLimits>;
  /** Any 32-bit number; a secret one keeps whoever made a capture from slowing the tables down. */
  readonly salt?: number;
  /** Ports at which servers listen, for conversations whose beginning was not captured. */
  readonly isServerPort?: (port: number, isTcp: boolean) => boolean;
}

export class Streams {
  readonly purse: Purse;
  readonly counts: StreamCounts = { streams: 0, held: 0, segments: 0, bytes: 0 };
  readonly #limits: StreamLimits;
  readonly #bounds: Bounds;
  readonly #open: Open;
  readonly #isServerPort: (port: number, isTcp: boolean) => boolean;
  readonly #salt: number;
  readonly #key: PairKey = new PairKey();
  readonly #table: (Stream<StreamOwner> | null)[];
  readonly #pairs: (Stream<StreamOwner> | null)[];
  readonly #mask: number;
  #size = 0;
  #oldest: Stream<StreamOwner> | null = null;
  #newest: Stream<StreamOwner> | null = null;

  /** @throws VxlabError BAD_LIMIT */
  constructor(open: Open, options: StreamsOptions = {}) {
    this.#limits = streamLimits(options.limits);
    this.purse = new Purse(this.#limits.bytes);
    this.#bounds = { limits: this.#limits, counts: this.counts, purse: this.purse };
    this.#open = open;
    this.#isServerPort = options.isServerPort ?? (() => false);
    this.#salt = (options.salt ?? 0) | 0;
    let slots = 16;
    while (slots < Math.min(this.#limits.streams, 65_536)) slots *= 2;
    this.#mask = slots - 1;
    this.#table = new Array(slots).fill(null);
    this.#pairs = new Array(slots).fill(null);
  }

  /** Streams followed now. */
  get size(): number {
    return this.#size;
  }

  /** Takes a packet that `read` found to be of a conversation. */
  take(packet: InnerPacket): void {
    const key = this.#key;
    key.read(packet);
    let stream = this.#find(packet);
    if (stream !== null && packet.isTcp && isAnother(stream, packet, sideOf(stream, key.fromB))) {
      this.#drop(stream);
      stream = this.#find(packet);
    }
    stream ??= this.#add(packet);
    this.#touch(stream);
    const side = sideOf(stream, key.fromB);
    const again = stream.hadOrKeep(lookOf(packet, key.fromB));
    stream.owner.packet(packet, side, again);
    if (stream.halves === null) {
      if (!again) stream.owner.datagram(side, packet);
    } else follow(stream.halves, packet, side);
    while (this.purse.overdrawn && this.#oldest !== null) {
      this.counts.bytes++;
      this.#drop(this.#oldest);
    }
  }

  /** The capture has ended. */
  end(): void {
    while (this.#oldest !== null) this.#drop(this.#oldest);
  }

  #find(packet: InnerPacket): Stream<StreamOwner> | null {
    const { words } = this.#key;
    const pair = this.#pairHash(words);
    const hash = withVni(pair, packet.vni);
    let stream = this.#table[hash & this.#mask] ?? null;
    while (stream !== null && (stream.hash !== hash || stream.vni !== packet.vni || !stream.isOf(words)))
      stream = stream.chain;
    return stream ?? this.#kin(packet, pair, words);
  }

  /** The stream that the packet belongs to though it was seen at another side of the tunnel. */
  #kin(packet: InnerPacket, pair: number, words: Int32Array): Stream<StreamOwner> | null {
    let stream = this.#pairs[pair & this.#mask] ?? null;
    for (let asked = 0; stream !== null && asked < KIN_MAX; stream = stream.pairChain) {
      if (stream.pairHash !== pair || !stream.isOf(words)) continue;
      asked++;
      // Both in tunnels, and not in the same one: two networks with equal addresses.
      if (stream.vni !== NO_VNI && packet.vni !== NO_VNI) continue;
      const { fromB } = this.#key;
      const side = sideOf(stream, fromB);
      const isKin = packet.isTcp
        ? stream.isNear(packet, side)
        : stream.isTwofold || stream.had(lookOf(packet, fromB));
      if (!isKin) continue;
      stream.isTwofold = true;
      if (packet.vni !== NO_VNI) {
        this.#unlink(stream);
        stream.vni = packet.vni;
        this.#link(stream);
        stream.owner.tunnelled(packet, side);
      }
      return stream;
    }
    return null;
  }

  #add(packet: InnerPacket): Stream<StreamOwner> {
    if (this.#size >= this.#limits.streams && this.#oldest !== null) {
      this.counts.streams++;
      this.#drop(this.#oldest);
    }
    const { words, fromB } = this.#key;
    const clientIsSource = this.#clientIsSource(packet);
    const owner = this.#open(packet, clientIsSource);
    const stream = new Stream(words.slice(), packet.vni, clientIsSource === fromB, owner);
    if (packet.isTcp) stream.halves = [new Half(0, this.#bounds, owner), new Half(1, this.#bounds, owner)];
    this.#link(stream);
    this.#size++;
    return stream;
  }

  /** Who opened: by SYN; else by the port that a server has; else by the lower one; else whoever is heard first. */
  #clientIsSource(packet: InnerPacket): boolean {
    const { srcPort, dstPort, flags, isTcp } = packet;
    if ((flags & SYN) !== 0) return (flags & ACK) === 0;
    const src = this.#isServerPort(srcPort, isTcp);
    const dst = this.#isServerPort(dstPort, isTcp);
    if (src !== dst) return dst;
    if (srcPort < 1024 !== dstPort < 1024) return dstPort < 1024;
    return isTcp ? srcPort >= dstPort : true;
  }

  #pairHash(words: Int32Array): number {
    let h = this.#salt;
    for (let i = 0; i < 10; i++) {
      h = Math.imul(h ^ (words[i] as number), 0x9e3779b1);
      h ^= h >>> 15;
    }
    return h;
  }

  #link(stream: Stream<StreamOwner>): void {
    stream.pairHash = this.#pairHash(stream.words);
    stream.hash = withVni(stream.pairHash, stream.vni);
    const slot = stream.hash & this.#mask;
    stream.chain = this.#table[slot] ?? null;
    this.#table[slot] = stream;
    const pair = stream.pairHash & this.#mask;
    stream.pairChain = this.#pairs[pair] ?? null;
    this.#pairs[pair] = stream;
  }

  #unlink(stream: Stream<StreamOwner>): void {
    const slot = stream.hash & this.#mask;
    let at = this.#table[slot] ?? null;
    if (at === stream) this.#table[slot] = stream.chain;
    else {
      while (at !== null && at.chain !== stream) at = at.chain;
      if (at !== null) at.chain = stream.chain;
    }
    const pair = stream.pairHash & this.#mask;
    at = this.#pairs[pair] ?? null;
    if (at === stream) this.#pairs[pair] = stream.pairChain;
    else {
      while (at !== null && at.pairChain !== stream) at = at.pairChain;
      if (at !== null) at.pairChain = stream.pairChain;
    }
  }

  /** Puts the stream at the end of the line of those that may have to go. */
  #touch(stream: Stream<StreamOwner>): void {
    if (stream === this.#newest) return;
    this.#leaveLine(stream);
    stream.older = this.#newest;
    stream.newer = null;
    if (this.#newest !== null) this.#newest.newer = stream;
    this.#newest = stream;
    this.#oldest ??= stream;
  }

  #leaveLine(stream: Stream<StreamOwner>): void {
    if (stream.older !== null) stream.older.newer = stream.newer;
    else if (this.#oldest === stream) this.#oldest = stream.newer;
    if (stream.newer !== null) stream.newer.older = stream.older;
    else if (this.#newest === stream) this.#newest = stream.older;
    stream.older = null;
    stream.newer = null;
  }

  #drop(stream: Stream<StreamOwner>): void {
    this.#unlink(stream);
    this.#leaveLine(stream);
    this.#size--;
    if (stream.halves !== null) {
      for (const half of stream.halves) half.end();
    }
    stream.owner.gone();
  }
}

function withVni(pair: number, vni: number): number {
  const x = Math.imul(pair ^ vni, 0x85ebca6b);
  return x ^ (x >>> 13);
}

function sideOf(stream: Stream<StreamOwner>, fromB: boolean): Side {
  return fromB === stream.clientIsB ? 0 : 1;
}

/** True when the packet is of a later connection that has the same ports. */
function isAnother({ halves }: Stream<StreamOwner>, packet: InnerPacket, side: Side): boolean {
  if (halves === null) return false;
  const half = halves[side];
  const { seq, flags } = packet;
  if ((flags & SYN) === 0) {
    const length = packet.to - packet.from + packet.cut;
    // What is on its way when a connection ends comes late, and near.
    if (half.closed) return length > 0 && half.started && Math.abs((seq - half.next) | 0) >= LATE_WINDOW;
    return half.isAstray(seq, length);
  }
  if (half.started) return half.first !== ((seq + 1) | 0);
  return (flags & ACK) === 0 && halves[side === 0 ? 1 : 0].started;
}

function follow(halves: readonly [Half, Half], packet: InnerPacket, side: Side): void {
  const { flags, bytes, from, to, cut } = packet;
  const half = halves[side];
  const other = halves[side === 0 ? 1 : 0];
  let { seq } = packet;
  if ((flags & RST) !== 0) {
    if (half.started && Math.abs((seq - half.next) | 0) >= RESET_WINDOW) return;
    half.end();
    other.end();
    return;
  }
  if ((flags & SYN) !== 0) {
    seq = (seq + 1) | 0;
    half.start(seq);
  }
  if ((flags & ACK) !== 0) {
    if ((flags & SYN) !== 0) other.start(packet.ack);
    other.acknowledged(packet.ack);
  }
  half.take(seq, bytes, from, to, cut, packet.number, from - packet.start, packet.within);
  if ((flags & FIN) !== 0) half.fin((seq + to - from + cut) | 0);
  half.wait();
  other.wait();
}
