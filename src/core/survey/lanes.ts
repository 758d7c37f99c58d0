// What is counted, as lanes: one direction of one inner flow, from one MAC, through one tunnel. VNIs, tunnels, endpoints and flows
// are sums over lanes, made once at the end, so that a packet is looked up once.
//
//   word  0    inner source address        4    outer source address (the VTEP that sends)
//         1    inner destination address   5    outer destination address
//         2    ports, source << 16         6    inner source MAC, lower 32 bits
//         3    VNI << 8 | IP protocol      7    inner source MAC, upper 16 bits | LANE flags
//         8    packets                     9    bytes of the inner frames, lower and upper 32 bits
//        11    bytes of the whole packets on the wire, lower and upper 32 bits
//
// An IPv6 address is a number of Addresses; the flags say which words are such.

import type { Storage } from './key-table.ts';
import { KeyTable, ROW_WORDS } from './key-table.ts';

/** Bits of word 7 above the MAC. */
export const LANE = {
  /** Words 0 and 1 are numbers of IPv6 addresses. */
  inner6: 0x1_0000,
  /** Words 4 and 5 are. */
  outer6: 0x2_0000,
  /** Words 0 and 1 are ARP's sender and target. */
  arp: 0x4_0000,
  /** No flow: what is inside is neither IP nor ARP, or there was no room for it. */
  bare: 0x8_0000,
  /** No inner Ethernet header, so no MAC. */
  noMac: 0x10_0000,
} as const;

/** The words of what is counted. */
export const PACKETS_WORD = 8;
export const INNER_WORD = 9;
export const WHOLE_WORD = 11;

export class Lanes {
  readonly keys: KeyTable;

  /**
   * @param most lanes at most
   * @param storage where they lie; default the heap
   */
  constructor(most: number, salt: number, storage?: Storage) {
    this.keys = new KeyTable(most, salt, storage);
  }

  get count(): number {
    return this.keys.count;
  }

  /**
   * Counts one frame under a key of eight words. False when the key is new and there is no room.
   * @param length bytes of the whole packet on the wire
   * @param innerLength bytes of the inner frame
   */
  add(
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    h: number,
    length: number,
    innerLength: number,
  ): boolean {
    const lane = this.keys.row(a, b, c, d, e, f, g, h);
    if (lane < 0) return false;
    const rows = this.keys.rows;
    const o = lane * ROW_WORDS;
    rows[o + PACKETS_WORD] = (rows[o + PACKETS_WORD] as number) + 1;
    const inner = ((rows[o + INNER_WORD] as number) + innerLength) | 0;
    rows[o + INNER_WORD] = inner;
    if (inner >>> 0 < innerLength) rows[o + INNER_WORD + 1] = (rows[o + INNER_WORD + 1] as number) + 1;
    const whole = ((rows[o + WHOLE_WORD] as number) + length) | 0;
    rows[o + WHOLE_WORD] = whole;
    if (whole >>> 0 < length) rows[o + WHOLE_WORD + 1] = (rows[o + WHOLE_WORD + 1] as number) + 1;
    return true;
  }

  /**
   * Adds a lane that was counted elsewhere.
   * @param words among them the sixteen of its row, from `from` on; addresses are numbers of this survey already
   */
  addRow(words: Int32Array, from: number): boolean {
    const word = (i: number): number => words[from + i] as number;
    const lane = this.keys.row(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7));
    if (lane < 0) return false;
    const rows = this.keys.rows;
    const o = lane * ROW_WORDS;
    rows[o + PACKETS_WORD] = (rows[o + PACKETS_WORD] as number) + word(PACKETS_WORD);
    for (let i = INNER_WORD; i <= WHOLE_WORD; i += WHOLE_WORD - INNER_WORD) {
      const low = ((rows[o + i] as number) >>> 0) + (word(i) >>> 0);
      rows[o + i] = low | 0;
      const carry = low >= 0x1_0000_0000 ? 1 : 0;
      rows[o + i + 1] = (rows[o + i + 1] as number) + word(i + 1) + carry;
    }
    return true;
  }

  packets(lane: number): number {
    return this.keys.word(lane, PACKETS_WORD) >>> 0;
  }

  /** Of the whole packets on the wire. */
  bytes(lane: number): number {
    return this.#sum(lane, WHOLE_WORD);
  }

  /** Of the inner frames. */
  innerBytes(lane: number): number {
    return this.#sum(lane, INNER_WORD);
  }

  #sum(lane: number, word: number): number {
    return (this.keys.word(lane, word + 1) >>> 0) * 0x1_0000_0000 + (this.keys.word(lane, word) >>> 0);
  }
}
