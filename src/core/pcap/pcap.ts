// Reads the classic pcap file (draft-ietf-opsawg-pcap), streaming.
//
//   file header, 24 bytes                             record header, 16 bytes (24 in the "modified" kind)
//   magic(4) major(2) minor(2) zone(4) sigfigs(4)     seconds(4) fraction(4) captured(4) original(4)
//   snaplen(4) FCS and link type(4)                   [ifindex(4) protocol(2) packet type(1) pad(1)]
//
// The magic tells the byte order, whether the fraction counts micro- or nanoseconds, and Kuznetsov's modified kind.
// Time zone and accuracy are 0 in practice and passed over. Version 2.4 is what everybody writes. Before 2.3 the two
// lengths stood the other way round; at 2.3 programs disagreed, so there the smaller one is taken for the captured one
// (as libpcap does). Other versions are refused.

import { ChunkReader, emptyMeta } from './chunks.ts';
import { RECORD_LIMIT, snapLimit } from './linktype.ts';
import type { CaptureReader, PacketMeta, PacketSink, RecordSweep } from './record.ts';
import { DIRECTION } from './record.ts';

export const MAGIC_MICRO = 0xa1b2c3d4;
export const MAGIC_NANO = 0xa1b23c4d;
/** Alexey Kuznetsov's patched libpcap, found on old Linux systems. */
export const MAGIC_MODIFIED = 0xa1b2cd34;

export const FILE_HEADER_LEN = 24;
export const RECORD_HEADER_LEN = 16;
const MODIFIED_HEADER_LEN = 24;

/** What a modified record says of a packet that this machine sent (Linux's PACKET_OUTGOING). */
const PACKET_OUTGOING = 4;

export class PcapReader extends ChunkReader implements CaptureReader {
  readonly format = 'pcap' as const;
  readonly #sink: PacketSink;
  readonly #sweep: RecordSweep | null;
  /** True once the header has said that the records are of the kind that a sweep takes. */
  #sweeps = false;
  readonly #meta: PacketMeta = emptyMeta();
  #little = true;
  /** Nanoseconds in one unit of the fraction. */
  #unit = 1000;
  /** Length of a record's header; 0 until the file's header was read. */
  #head = 0;
  #limit = 0;
  /** Where in a record's header the two lengths stand. */
  #capturedAt = 8;
  #originalAt = 12;
  #eitherWay = false;

  /** @param sweep is offered every record before the sink; it takes plain ones in bulk */
  constructor(sink: PacketSink, sweep: RecordSweep | null = null) {
    super('file header', FILE_HEADER_LEN);
    this.#sink = sink;
    this.#sweep = sweep;
  }

  protected scan(view: DataView, from: number, end: number): number {
    let at = from;
    if (this.#head === 0) {
      if (end - at < FILE_HEADER_LEN) {
        this.need = FILE_HEADER_LEN;
        return at;
      }
      if (!this.#fileHeader(view, at)) return at;
      at += FILE_HEADER_LEN;
    }
    const little = this.#little;
    const head = this.#head;
    const unit = this.#unit;
    const capturedAt = this.#capturedAt;
    const originalAt = this.#originalAt;
    const eitherWay = this.#eitherWay;
    const meta = this.#meta;
    const sink = this.#sink;
    const sweep = this.#sweeps ? this.#sweep : null;
    while (end - at >= head) {
      if (sweep !== null) {
        at = sweep.records(view, at, end, meta.linkType, unit);
        this.packets += sweep.taken;
        if (end - at < head) break;
      }
      let captured = view.getUint32(at + capturedAt, little);
      let original = view.getUint32(at + originalAt, little);
      if (eitherWay && captured > original) [captured, original] = [original, captured];
      if (captured > this.#limit) {
        this.fault(
          at,
          `a packet record claims ${captured} captured bytes; at most ${this.#limit} are believed`,
        );
        return at;
      }
      const next = at + head + captured;
      if (next > end) {
        this.need = head + captured;
        return at;
      }
      meta.number = ++this.packets;
      meta.offset = this.base + at;
      meta.seconds = view.getUint32(at, little);
      meta.nanos = view.getUint32(at + 4, little) * unit;
      meta.originalLength = original;
      if (head === MODIFIED_HEADER_LEN) {
        meta.direction = view.getUint8(at + 22) === PACKET_OUTGOING ? DIRECTION.outbound : DIRECTION.inbound;
      }
      sink(view, at + head, next, meta);
      at = next;
      if (this.done) return at;
    }
    this.need = head;
    return at;
  }

  #fileHeader(view: DataView, at: number): boolean {
    const big = view.getUint32(at);
    this.#little = big !== MAGIC_MICRO && big !== MAGIC_NANO && big !== MAGIC_MODIFIED;
    const little = this.#little;
    const magic = view.getUint32(at, little);
    if (magic !== MAGIC_MICRO && magic !== MAGIC_NANO && magic !== MAGIC_MODIFIED) {
      this.fault(at, `the magic number is ${big.toString(16).padStart(8, '0')}, which is not pcap's`);
      return false;
    }
    const major = view.getUint16(at + 4, little);
    const minor = view.getUint16(at + 6, little);
    if (major !== 2 || minor > 4) {
      this.fault(at + 4, `pcap version ${major}.${minor} is not supported, only 2.0 to 2.4`);
      return false;
    }
    if (minor < 3) {
      this.#capturedAt = 12;
      this.#originalAt = 8;
    }
    this.#eitherWay = minor === 3;
    const word = view.getUint32(at + 20, little);
    if ((word & 0x03ff0000) !== 0) {
      this.fault(
        at + 20,
        `the link type word is 0x${word.toString(16).padStart(8, '0')}: its reserved bits are not 0`,
      );
      return false;
    }
    const snapLength = view.getUint32(at + 16, little);
    const linkType = word & 0xffff;
    // Bit 26 says that the top four bits count 16-bit words of frame check sequence.
    const fcsLength = (word & 0x04000000) === 0 ? 0 : (word >>> 28) * 2;
    this.#unit = magic === MAGIC_NANO ? 1 : 1000;
    this.#head = magic === MAGIC_MODIFIED ? MODIFIED_HEADER_LEN : RECORD_HEADER_LEN;
    this.#limit = Math.max(snapLimit(linkType), Math.min(snapLength, RECORD_LIMIT));
    this.#sweeps = little && this.#head === RECORD_HEADER_LEN && minor > 3;
    this.need = this.#head;
    this.recordName = 'packet record';
    this.#meta.linkType = linkType;
    this.#meta.fcsLength = fcsLength;
    this.#meta.littleEndian = little;
    this.sections.push({ littleEndian: little, hardware: '', os: '', application: '', comments: [] });
    this.interfaces.push({
      section: 0,
      linkType,
      snapLength,
      name: '',
      description: '',
      filter: '',
      hardware: '',
      os: '',
      comments: [],
      resolution: { base: 10, exponent: magic === MAGIC_NANO ? 9 : 6 },
      offsetSeconds: 0n,
      fcsLength,
    });
    return true;
  }
}
