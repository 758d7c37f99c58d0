// Writes the classic pcap file; the layout is drawn in pcap.ts. The same packets give the same bytes: nothing comes
// from a clock.

import { VxlabError } from '../wire/numbers.ts';
import { LINKTYPE, SNAP_LENGTH_DEFAULT } from './linktype.ts';
import { Output } from './output.ts';
import { FILE_HEADER_LEN, MAGIC_MICRO, MAGIC_NANO, RECORD_HEADER_LEN } from './pcap.ts';
import type { ByteSink, CaptureWriter } from './record.ts';

export interface PcapWriterOptions {
  /** Default EN10MB. */
  readonly linkType?: number;
  /** What the header says; packets are not cut. Default 262144. */
  readonly snapLength?: number;
  /** Default true. With false, time stamps lose what is under a microsecond. */
  readonly nanos?: boolean;
  /** Default true. */
  readonly littleEndian?: boolean;
}

export class PcapWriter implements CaptureWriter {
  readonly #out: Output;
  readonly #little: boolean;
  readonly #nanos: boolean;

  /** @throws VxlabError LINK_TYPE for a link type over 65535 */
  constructor(sink: ByteSink, options: PcapWriterOptions = {}) {
    const linkType = options.linkType ?? LINKTYPE.ethernet;
    if (!(linkType >= 0 && linkType <= 0xffff)) {
      throw new VxlabError('LINK_TYPE', `a link type is 0 to 65535, not ${linkType}`);
    }
    this.#out = new Output(sink);
    this.#little = options.littleEndian ?? true;
    this.#nanos = options.nanos ?? true;
    const at = this.#out.reserve(FILE_HEADER_LEN);
    const view = this.#out.view;
    view.setUint32(at, this.#nanos ? MAGIC_NANO : MAGIC_MICRO, this.#little);
    view.setUint16(at + 4, 2, this.#little);
    view.setUint16(at + 6, 4, this.#little);
    view.setUint32(at + 16, options.snapLength ?? SNAP_LENGTH_DEFAULT, this.#little);
    view.setUint32(at + 20, linkType, this.#little);
  }

  /** Interface, direction and comment have no place in a pcap file. Seconds are kept modulo 2^32 (until 2106). */
  writePacket(
    _iface: number,
    seconds: number,
    nanos: number,
    view: DataView,
    start: number,
    end: number,
    originalLength: number,
    _direction?: number,
    _comment?: string,
  ): void {
    const out = this.#out;
    const little = this.#little;
    const at = out.reserve(RECORD_HEADER_LEN + end - start);
    const to = out.view;
    to.setUint32(at, seconds, little);
    to.setUint32(at + 4, this.#nanos ? nanos : Math.floor(nanos / 1000), little);
    to.setUint32(at + 8, end - start, little);
    to.setUint32(at + 12, originalLength, little);
    out.copy(at + RECORD_HEADER_LEN, view, start, end);
  }

  flush(): void {
    this.#out.flush();
  }
}
