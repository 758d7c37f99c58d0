// AES-GCM in plain TypeScript (@noble/ciphers), for where there is no node:crypto: a browser. Web Crypto would have to be waited
// for, which a packet on virtual time cannot.
//
// The library knows tags of 16 bytes only. A shorter ICV is the first bytes of one (NIST SP 800-38D s.5.2.1.2), so that a packet is
// opened by its counter stream and proved by sealing it again.

import { ctr, gcm } from '@noble/ciphers/aes.js';
import type { Aead, CipherSuite, IcvLength } from '../core/esp/cipher.ts';
import { VxlabError } from '../core/wire/numbers.ts';

const NONCE_LEN = 12;
/** SP 800-38D s.7.1: with a nonce of 96 bits the first block of text is counted 2. */
const FIRST_COUNT = 2;

export const PLAIN_CIPHER: CipherSuite = {
  name: '@noble/ciphers',
  aesGcm: (key, icvLength) => new PlainAead(key, icvLength),
};

class PlainAead implements Aead {
  readonly #key: Uint8Array;
  readonly #icvLength: IcvLength;
  readonly #counter: Uint8Array = new Uint8Array(NONCE_LEN + 4);

  constructor(key: Uint8Array, icvLength: IcvLength) {
    if (![16, 24, 32].includes(key.length)) {
      throw new VxlabError('BAD_KEY', `a key of ${key.length} bytes is none of AES's; it has 16, 24 or 32`);
    }
    this.#key = key;
    this.#icvLength = icvLength;
    this.#counter[NONCE_LEN + 3] = FIRST_COUNT;
  }

  seal(bytes: Uint8Array, nonce: Uint8Array, aadAt: number, aadEnd: number, at: number, end: number): void {
    const sealed = gcm(this.#key, nonce, bytes.subarray(aadAt, aadEnd)).encrypt(bytes.subarray(at, end));
    bytes.set(sealed.subarray(0, end - at + this.#icvLength), at);
  }

  open(
    bytes: Uint8Array,
    nonce: Uint8Array,
    aadAt: number,
    aadEnd: number,
    at: number,
    end: number,
  ): boolean {
    this.#counter.set(nonce);
    bytes.set(ctr(this.#key, this.#counter).decrypt(bytes.subarray(at, end)), at);
    const again = gcm(this.#key, nonce, bytes.subarray(aadAt, aadEnd)).encrypt(bytes.subarray(at, end));
    let differ = 0;
    for (let i = 0; i < this.#icvLength; i++) {
      differ |= (again[end - at + i] as number) ^ (bytes[end + i] as number);
    }
    return differ === 0;
  }
}
