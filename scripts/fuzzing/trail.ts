// What an input reached, as numbers, and which of them were reached before.
//
// The signal is our own and costs next to nothing: three layers in a row with their faults and flags, the whole row of kinds of
// a short packet, reasons why a file was cut short, words of the summary, codes of findings. It tells what the product tells
// apart, which is what matters to a user, and it is the same on every machine, so that a seed gives the same run everywhere. Branches
// that make no difference to any of these stay unseen; for them there is --v8 (v8-coverage.ts), which sees every branch and costs
// some twenty times as much.

/** Bits of a number that are told apart: 4 million marks, half a megabyte. */
const BITS = 22;

export class Trail {
  readonly #seen: Uint32Array = new Uint32Array(1 << (BITS - 5));
  /** Marks that were made for the first time, since the start. */
  reached = 0;
  /** The packets that made a mark for the first time since `begin`; -1 stands for the input as a whole. */
  readonly fresh: Set<number> = new Set();

  begin(): void {
    this.fresh.clear();
  }

  /** Marks a number, of a domain of its own. @param packet which one of the scene reached it */
  note(domain: number, value: number, packet: number = -1): void {
    const hash = mixed(Math.imul(domain, 0x9e37_79b1) ^ value) >>> (32 - BITS);
    const word = hash >>> 5;
    const bit = 1 << (hash & 31);
    const marks = this.#seen[word] as number;
    if ((marks & bit) !== 0) return;
    this.#seen[word] = marks | bit;
    this.reached++;
    this.fresh.add(packet);
  }

  /** Marks words; numbers in them do not count. */
  words(domain: number, text: string, packet: number = -1): void {
    let hash = 0;
    for (let i = 0; i < text.length && i < 120; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x30 || code > 0x39) hash = Math.imul(hash ^ code, 0x0100_0193);
    }
    this.note(domain, hash, packet);
  }
}

/** Each domain of marks is apart from the others. */
export const MARK = {
  rows: 1,
  stack: 2,
  checksum: 3,
  summary: 4,
  parts: 5,
  file: 6,
  finding: 7,
  filter: 8,
} as const;

export function mixed(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
