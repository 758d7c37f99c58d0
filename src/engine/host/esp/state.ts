// The two ends of a security association as a host keeps them (Linux: xfrm_state): keys made ready, the counter of what was
// sent, the window of what came.

import type { SecurityAssociation } from '../../../core/esp/association.ts';
import type { Aead, CipherSuite } from '../../../core/esp/cipher.ts';
import { NONCE_LEN, SALT_LEN } from '../../../core/esp/packet.ts';
import { SEQUENCE_MAX } from '../../../core/wire/esp.ts';
import type { RandomStream } from '../../time/random.ts';
import { ReplayWindow } from './replay-window.ts';

/** What we seal with. */
export class OutState {
  readonly association: SecurityAssociation;
  readonly aead: Aead;
  /** Salt and the IV of the packet that is being sealed. */
  readonly nonce: Uint8Array = new Uint8Array(NONCE_LEN);
  /** The sequence number that was used last; the next packet has one more. */
  sequence = 0;
  packets = 0;
  bytes = 0;
  readonly #mask: Uint8Array = new Uint8Array(8);

  /** @param random draws what IVs begin from, 64 bits an association, as Linux's seqiv does (crypto/seqiv.c) */
  constructor(association: SecurityAssociation, suite: CipherSuite, random: RandomStream) {
    this.association = association;
    this.aead = suite.aesGcm(association.key, association.icvLength);
    this.nonce.set(association.salt);
    const view = new DataView(this.#mask.buffer);
    view.setUint32(0, random.uint32());
    view.setUint32(4, random.uint32());
  }

  /** The next sequence number, its IV put into `nonce`; 0 when there is none left, and then nothing may be sent. */
  next(): number {
    if (this.sequence >= SEQUENCE_MAX) return 0;
    const number = ++this.sequence;
    const { nonce } = this;
    const mask = this.#mask;
    for (let i = 0; i < 4; i++) {
      nonce[SALT_LEN + i] = mask[i] as number;
      nonce[SALT_LEN + 4 + i] = (mask[4 + i] as number) ^ ((number >>> (24 - 8 * i)) & 0xff);
    }
    return number;
  }
}

/** What we open with. */
export class InState {
  readonly association: SecurityAssociation;
  readonly aead: Aead;
  readonly nonce: Uint8Array = new Uint8Array(NONCE_LEN);
  readonly window: ReplayWindow;
  packets = 0;
  bytes = 0;
  /** Packets that were no new ones, and that were not the peer's. */
  replayed = 0;
  forged = 0;

  constructor(association: SecurityAssociation, suite: CipherSuite, windowSize: number) {
    this.association = association;
    this.aead = suite.aesGcm(association.key, association.icvLength);
    this.nonce.set(association.salt);
    this.window = new ReplayWindow(windowSize);
  }
}
