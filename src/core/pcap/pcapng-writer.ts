// Writes pcapng: one section, an interface description for each interface, enhanced packets in nanoseconds, and
// statistics. The same calls give the same bytes: nothing comes from a clock.

import { VxlabError } from '../wire/numbers.ts';
import { SNAP_LENGTH_DEFAULT } from './linktype.ts';
import { Output } from './output.ts';
import { BLOCK, BYTE_ORDER_MAGIC } from './pcapng.ts';
import * as option from './pcapng-options.ts';
import type { ByteSink, CaptureWriter } from './record.ts';
import { encodeUtf8 } from './utf8.ts';

export interface PcapngWriterOptions {
  /** Default true. */
  readonly littleEndian?: boolean;
  /** The section header's texts; left out when absent. */
  readonly hardware?: string;
  readonly os?: string;
  readonly application?: string;
  readonly comment?: string;
}

export interface InterfaceOptions {
  readonly linkType: number;
  readonly name?: string;
  readonly description?: string;
  readonly comment?: string;
  /** What the block says; packets are not cut. Default 262144. */
  readonly snapLength?: number;
}

export interface InterfaceStatistics {
  /** When the counts were taken. */
  readonly seconds: number;
  readonly nanos: number;
  readonly startTime?: { readonly seconds: number; readonly nanos: number };
  readonly endTime?: { readonly seconds: number; readonly nanos: number };
  readonly received?: number;
  readonly dropped?: number;
}

/** An option ready to be written. */
type Option = readonly [code: number, value: Uint8Array];

const TEXT_MAX = 0xffff;
const EPB_HEAD = 28;
/** An epb_flags option with its head. */
const FLAGS_LEN = 8;
const END_LEN = 4;

export class PcapngWriter implements CaptureWriter {
  readonly #out: Output;
  readonly #little: boolean;
  #interfaces = 0;
  /** The second that #high and #low are the nanoseconds of, so that the 64-bit product is made once a second. */
  #second = -1;
  #high = 0;
  #low = 0;

  constructor(sink: ByteSink, options: PcapngWriterOptions = {}) {
    this.#out = new Output(sink);
    this.#little = options.littleEndian ?? true;
    const body = new Uint8Array(16);
    const view = new DataView(body.buffer);
    view.setUint32(0, BYTE_ORDER_MAGIC, this.#little);
    view.setUint16(4, 1, this.#little);
    // Section length -1: not known beforehand.
    view.setBigInt64(8, -1n, this.#little);
    this.#block(BLOCK.section, body, [
      ...text(option.OPT_COMMENT, options.comment),
      ...text(option.SHB_HARDWARE, options.hardware),
      ...text(option.SHB_OS, options.os),
      ...text(option.SHB_USERAPPL, options.application),
    ]);
  }

  /**
   * Declares an interface and returns its number for `writePacket`.
   * @throws VxlabError LINK_TYPE for a link type over 65535
   */
  addInterface(options: InterfaceOptions): number {
    if (!(options.linkType >= 0 && options.linkType <= 0xffff)) {
      throw new VxlabError('LINK_TYPE', `a link type is 0 to 65535, not ${options.linkType}`);
    }
    const body = new Uint8Array(8);
    const view = new DataView(body.buffer);
    view.setUint16(0, options.linkType, this.#little);
    view.setUint32(4, options.snapLength ?? SNAP_LENGTH_DEFAULT, this.#little);
    this.#block(BLOCK.interface, body, [
      ...text(option.OPT_COMMENT, options.comment),
      ...text(option.IF_NAME, options.name),
      ...text(option.IF_DESCRIPTION, options.description),
      [option.IF_TSRESOL, Uint8Array.of(9)],
    ]);
    return this.#interfaces++;
  }

  /** @throws VxlabError NO_INTERFACE for a number that `addInterface` did not return */
  writePacket(
    iface: number,
    seconds: number,
    nanos: number,
    view: DataView,
    start: number,
    end: number,
    originalLength: number,
    direction: number = 0,
    comment: string = '',
  ): void {
    this.#known(iface);
    const little = this.#little;
    const captured = end - start;
    const padded = (captured + 3) & ~3;
    const words = comment === '' ? null : encodeText(comment);
    const said = words === null ? 0 : 4 + ((words.length + 3) & ~3);
    const flagged = direction === 0 ? 0 : FLAGS_LEN;
    const options = said + flagged === 0 ? 0 : said + flagged + END_LEN;
    const length = EPB_HEAD + padded + options + 4;
    const out = this.#out;
    let at = out.reserve(length);
    const to = out.view;
    to.setUint32(at, BLOCK.enhancedPacket, little);
    to.setUint32(at + 4, length, little);
    to.setUint32(at + 8, iface, little);
    this.#time(to, at + 12, seconds, nanos);
    to.setUint32(at + 20, captured, little);
    to.setUint32(at + 24, originalLength, little);
    out.copy(at + EPB_HEAD, view, start, end);
    to.setUint32(at + length - 4, length, little);
    at += EPB_HEAD + padded;
    if (words !== null) {
      this.#option(at, option.OPT_COMMENT, words);
      at += said;
    }
    if (flagged > 0) {
      to.setUint16(at, option.EPB_FLAGS, little);
      to.setUint16(at + 2, 4, little);
      to.setUint32(at + 4, direction & 3, little);
    }
  }

  /**
   * Says how many packets an interface saw.
   * @throws VxlabError NO_INTERFACE for a number that `addInterface` did not return
   */
  writeStatistics(iface: number, counts: InterfaceStatistics): void {
    this.#known(iface);
    const body = new Uint8Array(12);
    const view = new DataView(body.buffer);
    view.setUint32(0, iface, this.#little);
    this.#time(view, 4, counts.seconds, counts.nanos);
    const options: Option[] = [];
    for (const [code, time] of [
      [option.ISB_STARTTIME, counts.startTime],
      [option.ISB_ENDTIME, counts.endTime],
    ] as const) {
      if (time === undefined) continue;
      const value = new Uint8Array(8);
      this.#time(new DataView(value.buffer), 0, time.seconds, time.nanos);
      options.push([code, value]);
    }
    for (const [code, count] of [
      [option.ISB_IFRECV, counts.received],
      [option.ISB_IFDROP, counts.dropped],
    ] as const) {
      if (count === undefined) continue;
      const value = new Uint8Array(8);
      new DataView(value.buffer).setBigUint64(0, BigInt(count), this.#little);
      options.push([code, value]);
    }
    this.#block(BLOCK.interfaceStatistics, body, options);
  }

  flush(): void {
    this.#out.flush();
  }

  #known(iface: number): void {
    if (!(iface >= 0 && iface < this.#interfaces)) {
      throw new VxlabError('NO_INTERFACE', `interface ${iface} was not declared: ${this.#interfaces} were`);
    }
  }

  /** Writes a time as nanoseconds since 1970 in two 32-bit halves, the high one first. */
  #time(to: DataView, at: number, seconds: number, nanos: number): void {
    if (seconds !== this.#second) {
      const whole = BigInt(seconds) * 1_000_000_000n;
      this.#second = seconds;
      this.#high = Number(BigInt.asUintN(32, whole >> 32n));
      this.#low = Number(BigInt.asUintN(32, whole));
    }
    const low = this.#low + nanos;
    const carry = low >= 0x1_0000_0000 ? 1 : 0;
    to.setUint32(at, this.#high + carry, this.#little);
    to.setUint32(at + 4, low, this.#little);
  }

  #block(type: number, body: Uint8Array, options: readonly Option[]): void {
    let length = 12 + body.length + (options.length > 0 ? END_LEN : 0);
    for (const [, value] of options) length += 4 + ((value.length + 3) & ~3);
    let at = this.#out.reserve(length);
    this.#out.view.setUint32(at, type, this.#little);
    this.#out.view.setUint32(at + 4, length, this.#little);
    this.#out.view.setUint32(at + length - 4, length, this.#little);
    this.#out.put(at + 8, body);
    at += 8 + body.length;
    for (const [code, value] of options) {
      this.#option(at, code, value);
      at += 4 + ((value.length + 3) & ~3);
    }
  }

  #option(at: number, code: number, value: Uint8Array): void {
    this.#out.view.setUint16(at, code, this.#little);
    this.#out.view.setUint16(at + 2, value.length, this.#little);
    this.#out.put(at + 4, value);
  }
}

function text(code: number, value: string | undefined): Option[] {
  return value === undefined || value === '' ? [] : [[code, encodeText(value)]];
}

/** A text's bytes, cut to what an option holds, between two characters. */
function encodeText(value: string): Uint8Array {
  const bytes = encodeUtf8(value);
  if (bytes.length <= TEXT_MAX) return bytes;
  let end = TEXT_MAX;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
