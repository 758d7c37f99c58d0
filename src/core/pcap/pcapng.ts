// Reads pcapng (draft-ietf-opsawg-pcapng), streaming.
//
//   block:  type(4) total length(4) body ... total length(4)      total length is a multiple of 4
//
// A file is one or more sections; each begins with a section header, which sets the byte order and forgets the
// interfaces before it. Interface numbers of the file are counted on here, so a packet's `interfaceId` is the file's
// and not the section's. Packets come in enhanced, simple and (obsolete) packet blocks. Name resolution, statistics,
// secrets, custom and unknown blocks are passed over once their lengths agree. A broken block ends the reading: what
// follows it cannot be trusted to be where it seems.

import { ChunkReader, emptyMeta } from './chunks.ts';
import { RECORD_LIMIT } from './linktype.ts';
import { readInterface, readSection } from './pcapng-header.ts';
import { brokenOption, EPB_FLAGS, firstOption, nextOption } from './pcapng-options.ts';
import type { CaptureInterface, CaptureReader, PacketMeta, PacketSink } from './record.ts';
import { Timescale } from './timescale.ts';

export const BLOCK = {
  section: 0x0a0d0d0a,
  interface: 1,
  /** The obsolete packet block (pcapng drafts until 2006). */
  packet: 2,
  simplePacket: 3,
  nameResolution: 4,
  interfaceStatistics: 5,
  enhancedPacket: 6,
} as const;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** The smallest block: type and both lengths; also what it takes to know a section header's byte order. */
const BLOCK_MIN = 12;
const SECTION_MIN = 28;
const INTERFACE_MIN = 20;
const ENHANCED_MIN = 32;
const SIMPLE_MIN = 16;

export class PcapngReader extends ChunkReader implements CaptureReader {
  readonly format = 'pcapng' as const;
  readonly #sink: PacketSink;
  readonly #meta: PacketMeta = emptyMeta();
  readonly #scales: Timescale[] = [];
  #little = true;
  /** The file's number of this section's interface 0. */
  #firstInterface = 0;

  constructor(sink: PacketSink) {
    super('block', BLOCK_MIN);
    this.#sink = sink;
  }

  protected scan(view: DataView, from: number, end: number): number {
    let at = from;
    while (end - at >= BLOCK_MIN) {
      const type = view.getUint32(at, this.#little);
      if (type === BLOCK.section) {
        if (!this.#byteOrder(view, at)) return at;
      } else if (this.sections.length === 0) {
        this.fault(at, 'the file does not begin with a section header block');
        return at;
      }
      const little = this.#little;
      const length = view.getUint32(at + 4, little);
      if (length < BLOCK_MIN || (length & 3) !== 0 || length > RECORD_LIMIT) {
        this.fault(at, `a block claims a length of ${length} bytes, ${lengthTrouble(length)}`);
        return at;
      }
      if (length > end - at) {
        this.need = length;
        return at;
      }
      const trailer = view.getUint32(at + length - 4, little);
      if (trailer !== length) {
        this.fault(at, `a block's two lengths differ: ${length} in front, ${trailer} behind`);
        return at;
      }
      const next = at + length;
      // Comparing in the order of frequency.
      if (type === BLOCK.enhancedPacket) this.#enhanced(view, at, next - 4, false);
      else if (type === BLOCK.packet) this.#enhanced(view, at, next - 4, true);
      else if (type === BLOCK.simplePacket) this.#simple(view, at, next - 4);
      else if (type === BLOCK.interface) this.#interface(view, at, next - 4);
      else if (type === BLOCK.section) this.#section(view, at, next - 4);
      if (this.done) return at;
      at = next;
    }
    this.need = BLOCK_MIN;
    return at;
  }

  #byteOrder(view: DataView, at: number): boolean {
    if (view.getUint32(at + 8) === BYTE_ORDER_MAGIC) this.#little = false;
    else if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) this.#little = true;
    else {
      this.fault(at, 'a section header has no byte-order magic');
      return false;
    }
    return true;
  }

  #section(view: DataView, at: number, end: number): void {
    const little = this.#little;
    if (end + 4 - at < SECTION_MIN) {
      this.#small(at, 'a section header', end + 4 - at, SECTION_MIN);
      return;
    }
    const major = view.getUint16(at + 12, little);
    const minor = view.getUint16(at + 14, little);
    // 1.2 was written by some programs for what is 1.0 (draft s.4.1).
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      this.fault(at, `a section is of pcapng version ${major}.${minor}; only 1.0 is supported`);
      return;
    }
    if (!this.#optionsHold(view, at, at + 24, end)) return;
    this.#firstInterface = this.interfaces.length;
    this.sections.push(readSection(view, at + 24, end, little));
  }

  #interface(view: DataView, at: number, end: number): void {
    if (end + 4 - at < INTERFACE_MIN) {
      this.#small(at, 'an interface description', end + 4 - at, INTERFACE_MIN);
      return;
    }
    if (!this.#optionsHold(view, at, at + 16, end)) return;
    const iface = readInterface(view, at + 8, end, this.#little, this.sections.length - 1);
    this.interfaces.push(iface);
    this.#scales.push(new Timescale(iface.resolution.base, iface.resolution.exponent, iface.offsetSeconds));
  }

  /** An enhanced packet block, or the obsolete one, whose interface number is 16 bits and followed by a drop count. */
  #enhanced(view: DataView, at: number, end: number, obsolete: boolean): void {
    const little = this.#little;
    if (end + 4 - at < ENHANCED_MIN) {
      this.#small(at, 'a packet', end + 4 - at, ENHANCED_MIN);
      return;
    }
    const local = obsolete ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
    const id = this.#firstInterface + local;
    const iface = this.interfaces[id];
    const scale = this.#scales[id];
    if (iface === undefined || scale === undefined) {
      this.#noInterface(at, local);
      return;
    }
    const start = at + 28;
    const captured = view.getUint32(at + 20, little);
    if (captured > end - start) {
      this.#tooLong(at, captured, end - start);
      return;
    }
    const meta = this.#meta;
    scale.set(view.getUint32(at + 12, little), view.getUint32(at + 16, little));
    meta.seconds = scale.seconds;
    meta.nanos = scale.nanos;
    meta.timed = true;
    meta.originalLength = view.getUint32(at + 24, little);
    this.#about(meta, at, id, iface);
    const options = start + ((captured + 3) & ~3);
    if (options < end) {
      if (!this.#optionsHold(view, at, options, end)) return;
      meta.optionsStart = options;
      meta.optionsEnd = end;
      this.#flags(view, options, end, meta);
    }
    meta.number = ++this.packets;
    this.#sink(view, start, start + captured, meta);
  }

  /** A simple packet block belongs to interface 0, has no time, and is cut at that interface's snapshot length. */
  #simple(view: DataView, at: number, end: number): void {
    if (end + 4 - at < SIMPLE_MIN) {
      this.#small(at, 'a simple packet', end + 4 - at, SIMPLE_MIN);
      return;
    }
    const iface = this.interfaces[this.#firstInterface];
    if (iface === undefined) {
      this.#noInterface(at, 0);
      return;
    }
    const start = at + 12;
    const original = view.getUint32(at + 8, this.#little);
    const captured = iface.snapLength === 0 ? original : Math.min(original, iface.snapLength);
    if (captured > end - start) {
      this.#tooLong(at, captured, end - start);
      return;
    }
    const meta = this.#meta;
    meta.seconds = 0;
    meta.nanos = 0;
    meta.timed = false;
    meta.originalLength = original;
    this.#about(meta, at, this.#firstInterface, iface);
    meta.number = ++this.packets;
    this.#sink(view, start, start + captured, meta);
  }

  #about(meta: PacketMeta, at: number, id: number, iface: CaptureInterface): void {
    meta.offset = this.base + at;
    meta.interfaceId = id;
    meta.linkType = iface.linkType;
    meta.fcsLength = iface.fcsLength;
    meta.direction = 0;
    meta.optionsStart = 0;
    meta.optionsEnd = 0;
    meta.littleEndian = this.#little;
  }

  #flags(view: DataView, start: number, end: number, meta: PacketMeta): void {
    const little = this.#little;
    for (let at = firstOption(view, start, end, little); at >= 0; at = nextOption(view, at, end, little)) {
      if (view.getUint16(at, little) !== EPB_FLAGS || view.getUint16(at + 2, little) !== 4) continue;
      const flags = view.getUint32(at + 4, little);
      meta.direction = (flags & 3) === 3 ? 0 : flags & 3;
      const fcs = (flags >>> 5) & 15;
      if (fcs > 0) meta.fcsLength = fcs;
    }
  }

  #optionsHold(view: DataView, block: number, start: number, end: number): boolean {
    const broken = brokenOption(view, start, end, this.#little);
    if (broken < 0) return true;
    this.fault(block, `an option at byte ${this.base + broken} runs past the end of its block`);
    return false;
  }

  #small(at: number, what: string, length: number, least: number): void {
    this.fault(at, `${what} block is ${length} bytes long; it needs ${least}`);
  }

  #noInterface(at: number, id: number): void {
    this.fault(at, `a packet names interface ${id}, which its section does not declare before it`);
  }

  #tooLong(at: number, captured: number, room: number): void {
    this.fault(at, `a packet claims ${captured} captured bytes, but its block has room for ${room}`);
  }
}

function lengthTrouble(length: number): string {
  if (length < BLOCK_MIN) return `less than the ${BLOCK_MIN} that every block has`;
  if (length > RECORD_LIMIT) return `more than the ${RECORD_LIMIT} that are believed`;
  return 'which is no multiple of 4';
}
