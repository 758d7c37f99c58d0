// AES-GCM as ESP uses it (RFC 4106, NIST SP 800-38D): whoever puts a lab together gives it one. Node's crypto is one, a
// library in plain TypeScript another; this room and the engine know neither.
//
// All in place on the slab that holds the packet, so that the packet path copies nothing it need not.

/** Bytes of an integrity check value: RFC 4106 s.6. Docker and Linux's `rfc4106(gcm(aes)) 64` use 8. */
export type IcvLength = 8 | 12 | 16;

/** One key, ready for use. */
export interface Aead {
  /**
   * Encrypts bytes [at, end) in place and writes the ICV at `end`; [aadAt, aadEnd) is authenticated with them.
   * @param nonce 12 bytes: salt and IV (RFC 4106 s.4)
   */
  seal(bytes: Uint8Array, nonce: Uint8Array, aadAt: number, aadEnd: number, at: number, end: number): void;
  /**
   * Decrypts bytes [at, end) in place if the ICV at `end` is theirs.
   * @returns false if it is not; what then stands in [at, end) means nothing
   */
  open(bytes: Uint8Array, nonce: Uint8Array, aadAt: number, aadEnd: number, at: number, end: number): boolean;
}

/** What makes a key ready. */
export interface CipherSuite {
  /** Who does the work: `node:crypto`, `@noble/ciphers`. */
  readonly name: string;
  /**
   * @param key 16, 24 or 32 bytes
   * @throws VxlabError BAD_KEY for another length
   */
  aesGcm(key: Uint8Array, icvLength: IcvLength): Aead;
}
