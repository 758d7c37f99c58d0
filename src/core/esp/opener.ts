// Opens captured ESP packets with keys from outside: whoever has the keys of a network reads its capture like a plain one.
// RFC 4303 s.3.4 (without anti-replay: a capture may hold a packet twice), AES-GCM as in RFC 4106.
//
//   headers | SPI | sequence | IV | payload | padding | pad length | next header | ICV
//           |-------- 16 --------|-------------- decrypted --------------------|
//
// Works in a buffer of its own, which has the headers that were around the packet too; the capture stays as it is. Unlike a
// receiver (packet.ts) it asks nothing of padding but that it fits, as Wireshark does, and knows extended sequence numbers.

import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG } from '../dissect/layer.ts';
import * as esp from '../wire/esp.ts';
import { NO_FAULT } from '../wire/fault.ts';
import type { Aead, CipherSuite, IcvLength } from './cipher.ts';
import type { EspKey } from './key.ts';
import { addressMatches, EVERY_SPI } from './key.ts';
import { HEAD_LEN, NONCE_LEN, SALT_LEN } from './packet.ts';

/** Beside the packet: SPI and a sequence number of 64 bits (RFC 4106 s.5). */
const LONG_AAD = 12;

export interface OpenerCounts {
  /** ESP packets that were looked at, whole ones of this network's and others. */
  packets: number;
  opened: number;
  /** No key is for their SPI and addresses. */
  withoutKey: number;
  /** None of the keys that are for them fits, or a bit is not as it was sent. */
  refused: number;
  /** Cut short by the capture, or too short for ESP. */
  notWhole: number;
}

interface Lock {
  readonly key: EspKey;
  readonly aeads: readonly { readonly aead: Aead; readonly icvLength: IcvLength }[];
  /** Salt, then room for the IV. */
  readonly nonce: Uint8Array;
}

/** An ESP packet that was opened. */
export interface Opened {
  readonly view: DataView<ArrayBuffer>;
  readonly icvLength: IcvLength;
}

export class Opener {
  readonly #counts: OpenerCounts = { packets: 0, opened: 0, withoutKey: 0, refused: 0, notWhole: 0 };
  /** By SPI, and those that are for several. */
  readonly #exact: Map<number, Lock[]> = new Map();
  readonly #open: Lock[] = [];

  /** @throws VxlabError BAD_KEY for a key of a wrong length */
  constructor(keys: readonly EspKey[], suite: CipherSuite) {
    for (const key of keys) {
      const aeads = key.icvLengths.map((icvLength) => ({
        aead: suite.aesGcm(key.key, icvLength),
        icvLength,
      }));
      const nonce = new Uint8Array(NONCE_LEN);
      nonce.set(key.salt);
      this.#listOf(key).push({ key, aeads, nonce });
    }
  }

  get counts(): Readonly<OpenerCounts> {
    return this.#counts;
  }

  #listOf({ spi, spiMask }: EspKey): Lock[] {
    if (spiMask !== EVERY_SPI) return this.#open;
    const known = this.#exact.get(spi);
    if (known !== undefined) return known;
    const made: Lock[] = [];
    this.#exact.set(spi, made);
    return made;
  }

  /**
   * Opens the packet whose last row is ESP, whole and in no fragments. Answers with all its bytes from the first on, decrypted
   * where they were encrypted; null when it is not ESP or does not open. Never throws.
   */
  open(view: DataView, d: Dissection): Opened | null {
    const row = d.count - 1;
    if (row < 1 || d.kind(row) !== L.esp || d.quoted(row)) return null;
    const counts = this.#counts;
    counts.packets++;
    const start = d.start(row);
    const length = d.end(row) - start;
    const cut = (d.flags(row) & (LAYER_FLAG.cut | LAYER_FLAG.fragment)) !== 0 || d.end(row) !== d.limit(row);
    const ip = d.below(row, L.ipv4, L.ipv6);
    if (cut || d.fault(row) !== NO_FAULT || length < HEAD_LEN + esp.TRAILER_LEN || ip < 0) {
      counts.notWhole++;
      return null;
    }
    const packet = new Sealed(view, d.packetStart, start, start + length);
    const spi = view.getUint32(start);
    let tried = false;
    for (const list of [this.#exact.get(spi), this.#open]) {
      for (const lock of list ?? []) {
        if (!isFor(lock.key, spi, view, d, ip)) continue;
        tried = true;
        const opened = packet.open(lock);
        if (opened === null) continue;
        counts.opened++;
        return opened;
      }
    }
    if (tried) counts.refused++;
    else counts.withoutKey++;
    return null;
  }
}

function isFor(
  { family, src, dst, spi, spiMask }: EspKey,
  on: number,
  view: DataView,
  d: Dissection,
  ip: number,
): boolean {
  if (((on ^ spi) & spiMask) !== 0) return false;
  const six = d.kind(ip) === L.ipv6;
  if (family !== 0 && six !== (family === 6)) return false;
  const at = d.start(ip) + (six ? 8 : 12);
  const length = six ? 16 : 4;
  return (
    (src === null || (src.bytes.length === length && addressMatches(src, view, at))) &&
    (dst === null || (dst.bytes.length === length && addressMatches(dst, view, at + length)))
  );
}

/** One packet while keys are tried on it. */
class Sealed {
  readonly #view: DataView;
  readonly #from: number;
  readonly #end: number;
  /** Bytes in front of ESP, and of ESP. */
  readonly #before: number;
  readonly #length: number;
  #bytes: Uint8Array<ArrayBuffer> | null = null;

  constructor(view: DataView, from: number, start: number, end: number) {
    this.#view = view;
    this.#from = from;
    this.#end = end;
    this.#before = start - from;
    this.#length = end - start;
  }

  open({ key, aeads, nonce }: Lock): Opened | null {
    for (const { aead, icvLength } of aeads) {
      if (this.#length < HEAD_LEN + esp.TRAILER_LEN + icvLength) continue;
      const bytes = this.#fresh();
      const at = this.#before;
      const end = at + this.#length;
      nonce.set(bytes.subarray(at + esp.HEADER_LEN, at + HEAD_LEN), SALT_LEN);
      const aad = key.sequenceHigh < 0 ? at : this.#longAad(bytes, key.sequenceHigh);
      const aadEnd = key.sequenceHigh < 0 ? at + esp.HEADER_LEN : aad + LONG_AAD;
      if (!aead.open(bytes, nonce, aad, aadEnd, at + HEAD_LEN, end - icvLength)) continue;
      const padLength = bytes[end - icvLength - esp.TRAILER_LEN] as number;
      if (at + HEAD_LEN > end - icvLength - esp.TRAILER_LEN - padLength) continue;
      return { view: new DataView(bytes.buffer, 0, end), icvLength };
    }
    return null;
  }

  /** The packet as it was captured: a key that does not fit has left noise. */
  #fresh(): Uint8Array<ArrayBuffer> {
    const length = this.#end - this.#from;
    const bytes = this.#bytes ?? new Uint8Array(length + LONG_AAD);
    this.#bytes = bytes;
    bytes.set(new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#from, length));
    return bytes;
  }

  #longAad(bytes: Uint8Array<ArrayBuffer>, high: number): number {
    const at = this.#end - this.#from;
    const aad = new DataView(bytes.buffer, at, LONG_AAD);
    aad.setUint32(0, this.#view.getUint32(this.#from + this.#before));
    aad.setUint32(4, high);
    aad.setUint32(8, this.#view.getUint32(this.#from + this.#before + 4));
    return at;
  }
}
