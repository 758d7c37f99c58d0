// AES-GCM by node:crypto (OpenSSL), as core/esp/cipher.ts asks for it.

import type { CipherGCMTypes } from 'node:crypto';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Aead, CipherSuite, IcvLength } from '../core/esp/cipher.ts';
import { VxlabError } from '../core/wire/numbers.ts';

const NAMES: Readonly<Record<number, CipherGCMTypes>> = {
  16: 'aes-128-gcm',
  24: 'aes-192-gcm',
  32: 'aes-256-gcm',
};

export const NODE_CIPHER: CipherSuite = {
  name: 'node:crypto',
  aesGcm: (key, icvLength) => new NodeAead(key, icvLength),
};

class NodeAead implements Aead {
  readonly #algorithm: CipherGCMTypes;
  readonly #key: Uint8Array;
  readonly #options: { readonly authTagLength: IcvLength };

  constructor(key: Uint8Array, icvLength: IcvLength) {
    const algorithm = NAMES[key.length];
    if (algorithm === undefined) {
      throw new VxlabError('BAD_KEY', `a key of ${key.length} bytes is none of AES's; it has 16, 24 or 32`);
    }
    this.#algorithm = algorithm;
    this.#key = key;
    this.#options = { authTagLength: icvLength };
  }

  seal(bytes: Uint8Array, nonce: Uint8Array, aadAt: number, aadEnd: number, at: number, end: number): void {
    const cipher = createCipheriv(this.#algorithm, this.#key, nonce, this.#options);
    cipher.setAAD(bytes.subarray(aadAt, aadEnd));
    bytes.set(cipher.update(bytes.subarray(at, end)), at);
    cipher.final();
    bytes.set(cipher.getAuthTag(), end);
  }

  open(
    bytes: Uint8Array,
    nonce: Uint8Array,
    aadAt: number,
    aadEnd: number,
    at: number,
    end: number,
  ): boolean {
    const decipher = createDecipheriv(this.#algorithm, this.#key, nonce, this.#options);
    decipher.setAAD(bytes.subarray(aadAt, aadEnd));
    decipher.setAuthTag(bytes.subarray(end, end + this.#options.authTagLength));
    bytes.set(decipher.update(bytes.subarray(at, end)), at);
    try {
      decipher.final();
      return true;
    } catch {
      return false;
    }
  }
}
