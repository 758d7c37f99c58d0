// Looks for a canary in all bytes of a capture, in one pass and in little memory: in each packet from its first byte to its
// last, in datagrams put together from fragments, and in what each side of a TCP connection said, segment after segment.
//
// A place names the packet that has the canary's first byte. Whatever the packets are, nothing here throws.

import type { Inflate } from '../eavesdrop/inflate.ts';
import type { PacketMeta, PacketSink } from '../pcap/record.ts';
import type { Part } from '../reassembly/sight.ts';
import { Sight } from '../reassembly/sight.ts';
import { InnerPacket } from '../streams/inner-packet.ts';
import type { StreamLimits } from '../streams/limits.ts';
import type { Within } from '../streams/listener.ts';
import { Purse } from '../streams/purse.ts';
import { Streams } from '../streams/streams.ts';
import { Conversation } from './conversation.ts';
import type { Unpacker } from './packed.ts';
import { Packed, sinkOf } from './packed.ts';
import type { CanaryEncoding, CanaryPlace } from './place.ts';
import { Scan, Wanted } from './scan.ts';

export interface CanarySearchOptions {
  /** Without it packed bytes are not looked into. */
  readonly inflate?: Inflate;
  /** Who takes packets apart: one that has keys opens ESP. Default one without. */
  readonly sight?: Sight;
  readonly limits?: Partial<StreamLimits>;
  /** Places that are kept; default 1000. */
  readonly places?: number;
}

const PLACES = 1000;
/** Bytes that packed things of all streams take together. */
const PACKED_BYTES = 16 * 1024 * 1024;

export class CanarySearch {
  /** In the order in which they were found: by their last byte. */
  readonly places: CanaryPlace[] = [];
  /** Places beyond those that were kept. */
  more = 0;
  packets = 0;
  /** Captured bytes of all packets. */
  bytes = 0;
  /** Something packed was not unpacked, or not to its end. */
  passedOver = 0;
  readonly #sight: Sight;
  readonly #wanted: Wanted;
  readonly #unpacker: Unpacker | null;
  readonly #streams: Streams;
  readonly #inner: InnerPacket = new InnerPacket();
  readonly #most: number;
  readonly #known: Set<string> = new Set();

  /** @throws VxlabError BAD_CANARY, BAD_LIMIT */
  constructor(canary: Uint8Array, options: CanarySearchOptions = {}) {
    const { inflate } = options;
    this.#sight = options.sight ?? new Sight();
    this.#wanted = new Wanted(canary);
    this.#most = options.places ?? PLACES;
    this.#unpacker =
      inflate === undefined
        ? null
        : {
            wanted: this.#wanted,
            inflate,
            purse: new Purse(PACKED_BYTES),
            limited: () => {
              this.passedOver++;
            },
          };
    this.#streams = new Streams(() => new Conversation(this.#wanted, this.#unpacker, this.#tell), {
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
  }

  /** Takes a packet. */
  readonly packet: PacketSink = (view, start, end, meta) => {
    this.packets++;
    this.bytes += end - start;
    const sight = this.#sight;
    sight.read(view, start, end, meta);
    const isSegment = this.#inner.read(sight, meta) && this.#inner.isTcp;
    // What a stream says is unpacked there, where it goes on behind the packet's end.
    this.#stretch(view, start, end, meta, 'packet', isSegment);
    for (let i = 1; i < sight.parts.length; i++) this.#part(sight.parts[i] as Part, meta, isSegment);
    if (isSegment) this.#streams.take(this.#inner);
  };

  /** There are no more packets. */
  end(): void {
    this.#streams.end();
  }

  #part(part: Part, meta: PacketMeta, isSegment: boolean): void {
    const { view, d, from } = part;
    if (from >= d.count) return;
    const start = d.start(from);
    this.#stretch(view, start, view.byteLength, meta, part.opened ? 'opened' : 'datagram', isSegment, start);
  }

  #stretch(
    view: DataView,
    start: number,
    end: number,
    meta: PacketMeta,
    within: Within,
    isSegment: boolean,
    offset = 0,
  ): void {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + start, Math.max(0, end - start));
    const tell = (at: number, said: Uint8Array, encoding: CanaryEncoding): void =>
      this.#tell({ packet: meta.number, offset: offset + at, within, encoding, bytes: said });
    const packed =
      this.#unpacker === null || isSegment
        ? null
        : new Packed(this.#unpacker, { place: (position: number) => position, found: tell });
    const sink = sinkOf((from, to, encoding) => tell(from, bytes.slice(from, to), encoding), packed);
    new Scan(this.#wanted, sink).feed(bytes, 0, bytes.length);
    packed?.end();
  }

  readonly #tell = (place: CanaryPlace): void => {
    const key = `${place.packet} ${place.offset} ${place.within} ${place.encoding}`;
    if (this.#known.has(key)) return;
    if (this.places.length >= this.#most) {
      this.more++;
      return;
    }
    this.#known.add(key);
    this.places.push(place);
  };
}
