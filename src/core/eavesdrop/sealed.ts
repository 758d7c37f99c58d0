// ESP between two hosts (RFC 4303): what stays readable is who, which association and how much.

import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG } from '../dissect/layer.ts';
import type { Sight } from '../reassembly/sight.ts';
import type { Ip } from '../wire/address.ts';
import { readIp6, sameIp } from '../wire/address.ts';
import { NO_FAULT } from '../wire/fault.ts';
import type { Hits } from './limits.ts';
import { Meter } from './opacity.ts';
import type { Sealed } from './report.ts';

/** SPI and sequence number (s.2): in the clear, and no noise. */
const HEADER = 8;
const NOTHING_MEASURED = { bytes: 0, printable: 0, entropy: 0 } as const;

interface Association {
  readonly src: Ip;
  readonly dst: Ip;
  readonly spi: number;
  packets: number;
  bytes: number;
  readonly meter: Meter;
}

export class SealedTraffic {
  readonly #bySpi: Map<number, Association[]> = new Map();
  readonly #hits: Hits;
  readonly #most: number;
  #size = 0;

  constructor(hits: Hits, most: number) {
    this.#hits = hits;
    this.#most = most;
  }

  /** Counts the ESP that a packet carries or completes, opened or not. */
  observe(sight: Sight, original: number): void {
    for (const { view, d, opened } of sight.parts) if (!opened) this.#count(view, d, original);
  }

  #count(view: DataView, d: Dissection, original: number): void {
    const row = d.count - 1;
    if (row < 1 || d.kind(row) !== L.esp || d.fault(row) !== NO_FAULT || d.quoted(row)) return;
    // A fragment's ESP is counted where the datagram is whole.
    if ((d.flags(row) & LAYER_FLAG.fragment) !== 0) return;
    const ip = d.below(row, L.ipv4, L.ipv6);
    if (ip < 0) return;
    const at = d.start(row);
    const one = this.#of(view, d, ip, view.getUint32(at));
    if (one === null) return;
    one.packets++;
    one.bytes += original;
    if (!one.meter.full) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      one.meter.add(bytes, at + HEADER, d.end(row));
    }
  }

  list(): Sealed[] {
    return [...this.#bySpi.values()].flat().map(({ src, dst, spi, packets, bytes, meter }) => ({
      src,
      dst,
      spi,
      packets,
      bytes,
      opaque: meter.read() ?? NOTHING_MEASURED,
    }));
  }

  #of(view: DataView, d: Dissection, ip: number, spi: number): Association | null {
    const at = d.start(ip);
    const isSix = d.kind(ip) === L.ipv6;
    const src: Ip = isSix ? readIp6(view, at + 8) : view.getUint32(at + 12);
    const dst: Ip = isSix ? readIp6(view, at + 24) : view.getUint32(at + 16);
    const list = this.#bySpi.get(spi);
    const known = list?.find((one) => sameIp(one.src, src) && sameIp(one.dst, dst));
    if (known !== undefined) return known;
    if (this.#size >= this.#most) {
      this.#hits.note('ESP associations');
      return null;
    }
    this.#size++;
    const made = { src, dst, spi, packets: 0, bytes: 0, meter: new Meter() };
    if (list === undefined) this.#bySpi.set(spi, [made]);
    else list.push(made);
    return made;
  }
}
