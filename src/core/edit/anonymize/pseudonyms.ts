// Labels of domain names become other words of the same length, so that a message keeps its form and its compression pointers
// stay right. The same label gives the same word wherever it stands, in either case of letters, under the same key.
//
// The word is a keyed function of the whole label: AES-128 chained over it (CBC-MAC, with the length in front), then counted
// on for as many letters as are needed. Different labels may get the same word, short ones soon: names are hidden, not numbered.

import type { BlockCipher } from './prefix-preserving.ts';
import { BLOCK_LEN } from './prefix-preserving.ts';

/** A function of its own under the key, see PrefixFlips. */
const DOMAIN = 3;
const KNOWN_MAX = 4096;
const LETTERS = 26;
const LOWER_A = 0x61;

export class Pseudonyms {
  readonly #cipher: BlockCipher;
  readonly #first: Uint8Array;
  readonly #known: Map<string, Uint8Array> = new Map();

  /** @param padKey as for PrefixFlips, 16 bytes */
  constructor(cipher: BlockCipher, padKey: Uint8Array) {
    this.#cipher = cipher;
    const block = padKey.slice();
    block[BLOCK_LEN - 1] = (block[BLOCK_LEN - 1] as number) ^ DOMAIN;
    this.#first = cipher(block).slice();
  }

  /** The word for the label of `length` bytes at `at`, 1 to 63: as many lower-case letters. */
  label(view: DataView, at: number, length: number): Uint8Array {
    let text = '';
    for (let i = at; i < at + length; i++) text += String.fromCharCode(lower(view.getUint8(i)));
    let word = this.#known.get(text);
    if (word === undefined) {
      word = this.#make(text);
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.set(text, word);
    }
    return word;
  }

  #make(text: string): Uint8Array {
    const input = new Uint8Array(Math.ceil((1 + text.length) / BLOCK_LEN) * BLOCK_LEN);
    input[0] = text.length;
    for (let i = 0; i < text.length; i++) input[1 + i] = text.charCodeAt(i);
    let state = this.#first;
    for (let o = 0; o < input.length; o += BLOCK_LEN) {
      const chain = state;
      state = this.#cipher(
        input.slice(o, o + BLOCK_LEN).map((byte, i) => byte ^ (chain[i] as number)),
      ).slice();
    }
    const blocks = new Uint8Array(Math.ceil(text.length / BLOCK_LEN) * BLOCK_LEN);
    for (let o = 0; o < blocks.length; o += BLOCK_LEN) {
      blocks.set(state, o);
      // Not a block that the chain could have encrypted for a label: no label has more than 63 bytes.
      blocks[o] = (blocks[o] as number) ^ (0x80 + o / BLOCK_LEN);
    }
    return this.#cipher(blocks)
      .slice(0, text.length)
      .map((byte) => LOWER_A + (byte % LETTERS));
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
