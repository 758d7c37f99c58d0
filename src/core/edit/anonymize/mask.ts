// An anonymised packet while it is made: zeros, and what is let through of the original at the same places.
//
//   original:    | header | address | options | payload |
//   in the mask: | header | mapped  | 0000000 | 0000000 |
//
// Nothing gets into it but by one of these calls, so what no codec knows cannot leak.

import type { AddressMap } from './address-map.ts';

export class Mask {
  readonly map: AddressMap;
  /** The original, and the packet in the making; places are the same on both. */
  from: DataView = new DataView(new ArrayBuffer(0));
  to: DataView = new DataView(new ArrayBuffer(0));
  /** One past the last byte that was let through. */
  last = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(map: AddressMap) {
    this.map = map;
  }

  /** Begins a packet in [start, end) of the view. */
  begin(from: DataView, start: number, end: number): void {
    this.from = from;
    if (this.#bytes.length < end) {
      this.#bytes = new Uint8Array(Math.max(end, 2 * this.#bytes.length, 0x1_0000));
      this.to = new DataView(this.#bytes.buffer);
    } else this.#bytes.fill(0, start, end);
    this.last = start;
  }

  /** Bytes as they are. */
  bytes(at: number, length: number): void {
    const { from, to } = this;
    for (let i = at; i < at + length; i++) to.setUint8(i, from.getUint8(i));
    this.#reached(at + length);
  }

  /** A byte of one's own. */
  byte(at: number, value: number): void {
    this.to.setUint8(at, value);
    this.#reached(at + 1);
  }

  /** An IPv4 address, mapped. */
  ip4(at: number): void {
    this.map.copyIp4(this.from, this.to, at);
    this.#reached(at + 4);
  }

  /** An IPv6 address, mapped. */
  ip6(at: number): void {
    this.map.copyIp6(this.from, this.to, at);
    this.#reached(at + 16);
  }

  /** A MAC address, mapped. */
  mac(at: number): void {
    this.map.copyMac(this.from, this.to, at);
    this.#reached(at + 6);
  }

  /** A VNI of 24 bits, mapped. */
  vni(at: number): void {
    const mapped = this.map.vni(this.from.getUint32(at) >>> 8);
    this.to.setUint16(at, mapped >>> 8);
    this.to.setUint8(at + 2, mapped & 0xff);
    this.#reached(at + 3);
  }

  #reached(end: number): void {
    if (end > this.last) this.last = end;
  }
}
