// Anonymises a packet: every address of every layer, within tunnels and ICMP quotes too, stands for another, and what no codec
// knows is gone. Lengths, ports, times, flags and sequence numbers stay, so that the packet still says what went wrong.
//
// The packet is built anew out of zeros (mask.ts): it holds what was let through and nothing else. A fragment behind the first
// has no header that says what it is, so nothing of it is let through.

import type { Dissection } from '../../dissect/layer.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import { carryChecksums } from '../carry-checksums.ts';
import type { AddressMapOptions } from './address-map.ts';
import { AddressMap } from './address-map.ts';
import { Mask } from './mask.ts';
import { maskControl } from './mask-control.ts';
import { maskDns } from './mask-dns.ts';
import { maskHeader } from './mask-headers.ts';
import type { BlockCipher } from './prefix-preserving.ts';
import { Pseudonyms } from './pseudonyms.ts';

export interface AnonymizeOptions extends AddressMapOptions {
  /**
   * What becomes of the bytes that UDP, TCP and echo messages carry: `zero` (default), `cut` ends the packet before them as a snap
   * length does, `keep` leaves them as they are, addresses and all.
   */
  readonly payload?: 'zero' | 'cut' | 'keep';
  /** Other VNIs too. Default false. */
  readonly vni?: boolean;
}

export class Anonymizer {
  /** What stands for what. */
  readonly map: AddressMap;
  readonly #mask: Mask;
  readonly #names: Pseudonyms;
  readonly #payload: 'zero' | 'cut' | 'keep';
  readonly #vni: boolean;

  /**
   * @param cipher AES-128 under the first half of the key
   * @param padKey the second half, 16 bytes
   * @throws VxlabError BAD_KEY
   */
  constructor(cipher: BlockCipher, padKey: Uint8Array, options: AnonymizeOptions = {}) {
    this.map = new AddressMap(cipher, padKey, options);
    this.#mask = new Mask(this.map);
    this.#names = new Pseudonyms(cipher, padKey);
    this.#payload = options.payload ?? 'zero';
    this.#vni = options.vni ?? false;
  }

  /** The packet that the last `take` made: it begins where the original does on its view. Good until the next `take`. */
  get view(): DataView {
    return this.#mask.to;
  }

  /**
   * Makes the anonymised packet of one that was walked over. Never throws.
   * @returns where it ends on `view`: where the original does, or earlier if payload is cut
   */
  take(view: DataView, d: Dissection): number {
    const mask = this.#mask;
    mask.begin(view, d.packetStart, d.packetEnd);
    for (let row = 0; row < d.count; row++) {
      if (maskHeader(mask, d, row, this.#vni) || maskControl(mask, d, row)) continue;
      if (d.kind(row) === L.dns) maskDns(mask, this.#names, d.start(row), d.head(row));
      else if (this.#payload === 'keep' && isApplication(d, row)) {
        mask.bytes(d.start(row), d.head(row) - d.start(row));
      }
    }
    carryChecksums(view, mask.to, d, this.#payload !== 'keep' || !isCut(d));
    return this.#payload === 'cut' ? mask.last : d.packetEnd;
  }
}

/** True for bytes right behind a transport header that is whole. */
function isApplication(d: Dissection, row: number): boolean {
  if (d.kind(row) !== L.payload || row === 0) return false;
  const below = d.kind(row - 1);
  return below === L.udp || below === L.tcp || below === L.icmp || below === L.icmpv6;
}

function isCut(d: Dissection): boolean {
  return d.packetEnd < d.packetLimit || (d.count > 0 && (d.flags(d.count - 1) & LAYER_FLAG.quoted) !== 0);
}
