// Crypto-PAn: addresses become others so that two which share n leading bits, and no more, still do (Xu, Fan, Ammar, Moon:
// "Prefix-Preserving IP Address Anonymization", ICNP 2002).
//
// Bit p of an address is flipped, or not, as a keyed function of the p bits before it. The function is AES-128 over a block that
// begins with those p bits and goes on with a secret pad; its first bit decides. The key is 32 bytes: 16 of AES, and 16 that,
// encrypted, are the pad. Any choice of flips that asks only the bits before keeps prefixes and maps no two addresses to one, which
// is what address-map.ts builds on when it leaves some of them out.

import { VxlabError } from '../../wire/numbers.ts';

/** AES-128 in ECB mode with its key set: encrypts a whole number of 16-byte blocks into as many bytes. Must not keep its argument. */
export type BlockCipher = (blocks: Uint8Array) => Uint8Array;

/** Bytes of a block, of the cipher's key, and of the pad before it is encrypted. */
export const BLOCK_LEN = 16;
const BITS_MAX = 128;

export class PrefixFlips {
  /** What the last `find` found: a 1 for each bit that is flipped, the first bit of an address at the top of `a`. Signed words. */
  a = 0;
  b = 0;
  c = 0;
  d = 0;

  readonly #cipher: BlockCipher;
  readonly #pad: readonly [number, number, number, number];
  readonly #blocks: Uint8Array = new Uint8Array(BITS_MAX * BLOCK_LEN);
  readonly #view: DataView = new DataView(this.#blocks.buffer);

  /**
   * @param padKey the second half of Crypto-PAn's key, 16 bytes
   * @param domain 0 is the published function; others are functions of their own under the same key, 0 to 255
   * @throws VxlabError BAD_KEY
   */
  constructor(cipher: BlockCipher, padKey: Uint8Array, domain = 0) {
    if (padKey.length !== BLOCK_LEN) {
      throw new VxlabError('BAD_KEY', `the pad's key has ${BLOCK_LEN} bytes, not ${padKey.length}`);
    }
    this.#cipher = cipher;
    const block = padKey.slice();
    block[BLOCK_LEN - 1] = (block[BLOCK_LEN - 1] as number) ^ domain;
    const pad = cipher(block);
    const words = new DataView(pad.buffer, pad.byteOffset, BLOCK_LEN);
    this.#pad = [words.getInt32(0), words.getInt32(4), words.getInt32(8), words.getInt32(12)];
  }

  /** Works out the flips of an address of `bits` bits, 1 to 128, that stands at the front of four 32-bit words. */
  find(bits: number, a: number, b = 0, c = 0, d = 0): void {
    for (let p = 0; p < bits; p++) this.#block(p, a, b, c, d);
    const out = this.#cipher(this.#blocks.subarray(0, bits * BLOCK_LEN));
    this.a = collect(out, 0, bits);
    this.b = collect(out, 32, bits);
    this.c = collect(out, 64, bits);
    this.d = collect(out, 96, bits);
  }

  /** Block `p`: the first p bits of the address, then the pad's. */
  #block(p: number, a: number, b: number, c: number, d: number): void {
    const view = this.#view;
    const at = p * BLOCK_LEN;
    const [pa, pb, pc, pd] = this.#pad;
    view.setInt32(at, mixed(a, pa, p));
    view.setInt32(at + 4, mixed(b, pb, p - 32));
    view.setInt32(at + 8, mixed(c, pc, p - 64));
    view.setInt32(at + 12, mixed(d, pd, p - 96));
  }
}

/** A word whose first `n` bits are the address's and whose others are the pad's; `n` may lie outside 0 to 32. */
function mixed(address: number, pad: number, n: number): number {
  if (n <= 0) return pad;
  if (n >= 32) return address;
  const mask = -1 << (32 - n);
  return (address & mask) | (pad & ~mask);
}

/** The first bits of blocks `from` to `from` + 31, as one word. */
function collect(out: Uint8Array, from: number, bits: number): number {
  let word = 0;
  const end = Math.min(bits - from, 32);
  for (let i = 0; i < end; i++) word |= ((out[(from + i) * BLOCK_LEN] as number) >>> 7) << (31 - i);
  return word;
}
