// One capture file being written, pcap or pcapng: interfaces are declared when a packet first needs one, time stamps are in
// nanoseconds, comments and directions of pcapng packets are kept in pcapng.
//
// A pcap file has one link type, its first interface's. What has another cannot be written to it: such packets are counted
// in `refused` and left out.

import { LINKTYPE } from '../pcap/linktype.ts';
import { PcapWriter } from '../pcap/pcap-writer.ts';
import { packetComments } from '../pcap/pcapng-options.ts';
import type { InterfaceOptions } from '../pcap/pcapng-writer.ts';
import { PcapngWriter } from '../pcap/pcapng-writer.ts';
import type { ByteSink, CaptureFormat, CaptureReader, CaptureWriter, PacketMeta } from '../pcap/record.ts';

const SECOND = 1_000_000_000;

/** What `open` answers for an interface that the file cannot have. */
export const NO_INTERFACE = -1;

export class Outlet {
  readonly format: CaptureFormat;
  /** Packets written, and those that the file's one link type kept out. */
  packets = 0;
  refused = 0;
  readonly #sink: ByteSink;
  readonly #pcapng: PcapngWriter | null;
  #writer: CaptureWriter | null;
  /** Of a pcap file; -1 until it is known. */
  #linkType: number;
  #interfaces = 0;

  /** @param linkType of a pcap file, where it is known beforehand; else the first interface's */
  constructor(sink: ByteSink, format: CaptureFormat, linkType: number = -1) {
    this.format = format;
    this.#sink = sink;
    this.#pcapng = format === 'pcapng' ? new PcapngWriter(sink) : null;
    this.#writer = this.#pcapng;
    this.#linkType = linkType;
  }

  /**
   * Declares an interface; its number is for `write`. In a pcap file all of the right link type are one.
   * @returns NO_INTERFACE where a pcap file has another link type
   */
  open(options: InterfaceOptions): number {
    this.#interfaces++;
    if (this.#pcapng !== null) return this.#pcapng.addInterface(options);
    if (this.#linkType < 0) this.#linkType = options.linkType;
    return this.#linkType === options.linkType ? 0 : NO_INTERFACE;
  }

  /**
   * Writes bytes [start, end) of `bytes` with the time, direction and comments of the packet that the reader handed over.
   * @param view the reader's own, in which `meta` places the comments
   * @param originalLength bytes on the wire, at least `end - start`
   */
  write(
    iface: number,
    view: DataView,
    meta: PacketMeta,
    bytes: DataView,
    start: number,
    end: number,
    originalLength: number,
  ): void {
    if (iface === NO_INTERFACE) {
      this.refused++;
      return;
    }
    const { seconds, nanos, direction } = meta;
    const carry = nanos < SECOND ? 0 : Math.floor(nanos / SECOND);
    const comment = meta.optionsEnd > meta.optionsStart ? packetComments(view, meta).join('\n') : '';
    const rest = nanos - carry * SECOND;
    const writer = this.#writer ?? this.#begin();
    writer.writePacket(iface, seconds + carry, rest, bytes, start, end, originalLength, direction, comment);
    this.packets++;
  }

  /** Hands what is still held to the sink. A file without packets gets what makes it one: a header, an interface. */
  flush(): void {
    if (this.#pcapng !== null && this.#interfaces === 0) this.open({ linkType: LINKTYPE.ethernet });
    (this.#writer ?? this.#begin()).flush();
  }

  #begin(): CaptureWriter {
    const linkType = this.#linkType < 0 ? LINKTYPE.ethernet : this.#linkType;
    this.#writer = new PcapWriter(this.#sink, { linkType });
    return this.#writer;
  }
}

/** The interfaces of one source in an outlet, each declared as it was when its first packet comes. */
export class SameInterfaces {
  readonly #outlet: Outlet;
  readonly #source: CaptureReader;
  readonly #numbers: number[] = [];

  constructor(outlet: Outlet, source: CaptureReader) {
    this.#outlet = outlet;
    this.#source = source;
  }

  /** The outlet's number for the interface that a packet came from; NO_INTERFACE as `open` has it. */
  of(meta: PacketMeta): number {
    return this.#numbers[meta.interfaceId] ?? this.#declare(meta);
  }

  #declare({ interfaceId, linkType }: PacketMeta): number {
    const was = this.#source.interfaces[interfaceId];
    const options = { linkType, name: was?.name ?? '', description: was?.description ?? '' };
    const comment = was?.comments.join('\n') ?? '';
    const number = this.#outlet.open({ ...options, comment });
    this.#numbers[interfaceId] = number;
    return number;
  }
}
