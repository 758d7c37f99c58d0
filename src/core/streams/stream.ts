// A conversation between two ports: its key, its two directions, and its place in the tables that find it.

import type { Half } from './half.ts';
import type { InnerPacket } from './inner-packet.ts';

/** Packets of a stream that are remembered, to tell a second look at one from one that was sent again. */
const LOOKS = 8;
/** Sequence numbers of one connection, seen at two places at once, are no further apart than this. */
const NEAR = 1 << 18;

/** Addresses and ports, either way the same: `a` is the endpoint with the lower address, then port. */
export class PairKey {
  /** Protocol and family, then ports of a and b, then four words of a's address and four of b's. */
  readonly words: Int32Array = new Int32Array(10);
  /** The packet goes from b to a. */
  fromB = false;

  read(packet: InnerPacket): void {
    const { view, ip, isSix, isTcp, srcPort, dstPort } = packet;
    const { words } = this;
    const size = isSix ? 16 : 4;
    const src = ip + (isSix ? 8 : 12);
    const dst = src + size;
    let order = 0;
    for (let i = 0; i < size && order === 0; i += 4) {
      const x = view.getUint32(src + i);
      const y = view.getUint32(dst + i);
      if (x !== y) order = x < y ? -1 : 1;
    }
    this.fromB = order === 0 ? srcPort > dstPort : order > 0;
    const a = this.fromB ? dst : src;
    const b = this.fromB ? src : dst;
    words[0] = (isTcp ? 1 : 2) | (isSix ? 4 : 0);
    words[1] = this.fromB ? (dstPort << 16) | srcPort : (srcPort << 16) | dstPort;
    for (let i = 0; i < 4; i++) {
      words[2 + i] = 4 * i < size ? view.getInt32(a + 4 * i) : 0;
      words[6 + i] = 4 * i < size ? view.getInt32(b + 4 * i) : 0;
    }
  }
}

export class Stream<T> {
  readonly words: Int32Array;
  /** NO_VNI until it is seen in a tunnel. */
  vni: number;
  /** b is the client. */
  readonly clientIsB: boolean;
  /** The client's direction and the server's; null for UDP. */
  halves: readonly [Half, Half] | null = null;
  /** Whoever made the stream puts here what it is to him. */
  readonly owner: T;
  /** It was seen inside its tunnel and outside. */
  isTwofold = false;

  /** Neighbours in the tables: by key and VNI, by key alone, by the time of the last packet. */
  hash = 0;
  pairHash = 0;
  chain: Stream<T> | null = null;
  pairChain: Stream<T> | null = null;
  older: Stream<T> | null = null;
  newer: Stream<T> | null = null;

  readonly #looks: Int32Array = new Int32Array(LOOKS);
  #lookAt = 0;

  constructor(words: Int32Array, vni: number, clientIsB: boolean, owner: T) {
    this.words = words;
    this.vni = vni;
    this.clientIsB = clientIsB;
    this.owner = owner;
  }

  isOf(words: Int32Array): boolean {
    for (let i = 0; i < 10; i++) if (this.words[i] !== words[i]) return false;
    return true;
  }

  /** True when the stream had this very packet among its last ones; remembers it if not. */
  hadOrKeep(look: number): boolean {
    if (this.had(look)) return true;
    this.#looks[this.#lookAt] = look;
    this.#lookAt = (this.#lookAt + 1) % LOOKS;
    return false;
  }

  had(look: number): boolean {
    return this.#looks.includes(look);
  }

  /** A packet of the same ports that was seen at another place is this connection's by its numbers. */
  isNear(packet: InnerPacket, side: 0 | 1): boolean {
    if (this.halves === null) return false;
    const half = this.halves[side];
    const other = this.halves[side === 0 ? 1 : 0];
    if (half.started && !isNear(packet.seq, half.next)) return false;
    if ((packet.flags & 0x10) !== 0 && other.started && !isNear(packet.ack, other.next)) return false;
    return half.started || (other.started && (packet.flags & 0x10) !== 0);
  }
}

function isNear(x: number, y: number): boolean {
  return Math.abs((x - y) | 0) < NEAR;
}

/** What two looks at one packet have in common. Never 0. */
export function lookOf(packet: InnerPacket, fromB: boolean): number {
  let h = mix(fromB ? 0x5bd1e995 : 0x2545f491, packet.id);
  h = mix(h, packet.seq);
  h = mix(h, packet.ack);
  h = mix(h, (packet.flags << 16) ^ packet.window);
  h = mix(h, packet.to - packet.from);
  if (!packet.isTcp) h = mix(h, sumOf(packet));
  return h === 0 ? 1 : h;
}

/** The UDP checksum stands for the payload; where there is none, the payload's ends do. */
function sumOf({ view, from, to }: InnerPacket): number {
  let h = view.getUint16(from - 2);
  const last = Math.min(to, from + 64);
  for (let i = from; i < last; i++) h = mix(h, view.getUint8(i));
  return h;
}

function mix(h: number, word: number): number {
  const x = Math.imul(h ^ word, 0x9e3779b1);
  return x ^ (x >>> 15);
}
