// What the packets between VTEPs show to somebody who has no key: addresses outside and inside, VNIs, flows, sizes, moments. Read
// off the bytes and counted; nothing is taken from what the encryption is called.

import { Crossing } from '../dissect/crossing.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';
import type { Ip } from '../wire/address.ts';
import { formatIp, formatMac, readIp6 } from '../wire/address.ts';
import * as arp from '../wire/arp.ts';
import * as ethernet from '../wire/ethernet.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as ipv4 from '../wire/ipv4.ts';

/** Of each kind so many are kept; more are passed over. */
const KEPT_MAX = 10_000;
const BROADCAST = 0xffff_ffff_ffff;

/** A set with a bound. */
class Seen {
  readonly #values: Set<string> = new Set();

  add(value: string): void {
    if (this.#values.size < KEPT_MAX) this.#values.add(value);
  }

  list(): string[] {
    return [...this.#values].sort(inOrder);
  }
}

/** Numbers in words by their value, so that 10.0.1.9 stands before 10.0.1.10. */
function inOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** What can be read; each list sorted and each value once. */
export interface Exposed {
  /** Packets between VTEPs: VXLAN or ESP. */
  readonly packets: number;
  /** Those in ESP. */
  readonly inEsp: number;
  readonly vteps: readonly string[];
  /** `192.0.2.11 > 192.0.2.12`. */
  readonly pairs: readonly string[];
  /** What keeps flows apart outside: pair and UDP ports, or pair and SPI. */
  readonly flows: readonly string[];
  readonly spis: readonly string[];
  readonly vnis: readonly string[];
  readonly macs: readonly string[];
  readonly addresses: readonly string[];
  /** `TCP 443`: both ends' ports. */
  readonly ports: readonly string[];
  /** Distinct lengths of those packets, in bytes. */
  readonly sizes: readonly string[];
  /** Stretches of such packets between which nothing came for `gap`. */
  readonly bursts: number;
}

export class Exposure {
  readonly #gap: number;
  readonly #vteps: Seen = new Seen();
  readonly #pairs: Seen = new Seen();
  readonly #flows: Seen = new Seen();
  readonly #spis: Seen = new Seen();
  readonly #vnis: Seen = new Seen();
  readonly #macs: Seen = new Seen();
  readonly #addresses: Seen = new Seen();
  readonly #ports: Seen = new Seen();
  readonly #sizes: Seen = new Seen();
  readonly #crossing: Crossing = new Crossing();
  #packets = 0;
  #inEsp = 0;
  #bursts = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** @param gap seconds of silence that end a burst */
  constructor(gap: number) {
    this.#gap = gap;
  }

  /** Looks at the packet that the sight has read last. Never throws. */
  observe(sight: Sight, meta: PacketMeta): void {
    const { view, d } = sight.last;
    const crossed = this.#crossing.find(view, d, 0);
    const esp = crossed ? -1 : sealedRow(d);
    if (!crossed && esp < 0) return;
    this.#packets++;
    this.#sizes.add(String(meta.originalLength));
    this.#time(meta.seconds + meta.nanos / 1e9);
    if (crossed) this.#inside(view, d);
    else this.#sealed(view, d, esp);
  }

  read(): Exposed {
    return {
      packets: this.#packets,
      inEsp: this.#inEsp,
      vteps: this.#vteps.list(),
      pairs: this.#pairs.list(),
      flows: this.#flows.list(),
      spis: this.#spis.list(),
      vnis: this.#vnis.list(),
      macs: this.#macs.list(),
      addresses: this.#addresses.list(),
      ports: this.#ports.list(),
      sizes: this.#sizes.list(),
      bursts: this.#bursts,
    };
  }

  #time(now: number): void {
    if (now - this.#last >= this.#gap) this.#bursts++;
    this.#last = now;
  }

  #sealed(view: DataView, d: Dissection, row: number): void {
    this.#inEsp++;
    const pair = this.#pair(view, d, d.below(row, L.ipv4, L.ipv6));
    const spi = `0x${view.getUint32(d.start(row)).toString(16).padStart(8, '0')}`;
    this.#spis.add(spi);
    this.#flows.add(`${pair} ESP ${spi}`);
  }

  #inside(view: DataView, d: Dissection): void {
    const { ip, udp, link, network, transport, vni } = this.#crossing;
    const pair = this.#pair(view, d, ip);
    this.#vnis.add(String(vni));
    if (udp >= 0) {
      const at = d.start(udp);
      this.#flows.add(`${pair} UDP ${view.getUint16(at)} > ${view.getUint16(at + 2)}`);
    }
    if (link >= 0) {
      const at = d.start(link);
      this.#mac(ethernet.src(view, at));
      this.#mac(ethernet.dst(view, at));
    }
    if (network >= 0) {
      for (const address of addressesOf(view, d, network)) this.#addresses.add(formatIp(address));
    }
    if (transport >= 0 && (d.kind(transport) === L.tcp || d.kind(transport) === L.udp)) {
      const at = d.start(transport);
      const name = d.kind(transport) === L.tcp ? 'TCP' : 'UDP';
      this.#ports.add(`${name} ${view.getUint16(at)}`);
      this.#ports.add(`${name} ${view.getUint16(at + 2)}`);
    }
  }

  #mac(mac: number): void {
    if (mac !== BROADCAST) this.#macs.add(formatMac(mac));
  }

  #pair(view: DataView, d: Dissection, row: number): string {
    if (row < 0) return '';
    const [src, dst] = addressesOf(view, d, row) as [Ip, Ip];
    this.#vteps.add(formatIp(src));
    this.#vteps.add(formatIp(dst));
    const pair = `${formatIp(src)} > ${formatIp(dst)}`;
    this.#pairs.add(pair);
    return pair;
  }
}

/** The ESP row in which the packet ends, or -1. */
function sealedRow(d: Dissection): number {
  for (let row = d.count - 1; row > 0; row--) {
    if (d.kind(row) === L.esp && d.fault(row) === NO_FAULT && !d.quoted(row)) return row;
  }
  return -1;
}

function addressesOf(view: DataView, d: Dissection, row: number): Ip[] {
  const at = d.start(row);
  if (d.fault(row) !== NO_FAULT) return [];
  switch (d.kind(row)) {
    case L.ipv4:
      return [ipv4.src(view, at), ipv4.dst(view, at)];
    case L.ipv6:
      return [readIp6(view, at + 8), readIp6(view, at + 24)];
    case L.arp:
      return [arp.senderIp(view, at), arp.targetIp(view, at)];
    default:
      return [];
  }
}
