// Readers that find out by themselves what they are given: streaming, and for a whole file in memory.

import type { Detected } from './detect.ts';
import { DETECT_LEN, detect } from './detect.ts';
import { PcapReader } from './pcap.ts';
import { PcapngReader } from './pcapng.ts';
import { packetComments } from './pcapng-options.ts';
import type {
  CaptureFormat,
  CaptureInterface,
  CaptureReader,
  CaptureSection,
  CutShort,
  PacketSink,
  RecordSweep,
} from './record.ts';

/** A streaming reader of pcap or pcapng, whichever comes. */
export class AnyReader implements CaptureReader {
  readonly #sink: PacketSink;
  readonly #sweep: RecordSweep | null;
  #inner: CaptureReader | null = null;
  /** First bytes, until there are enough to tell the format. */
  #first: Uint8Array = new Uint8Array(0);
  #cutShort: CutShort | null = null;
  #bytes = 0;
  #stopped = false;

  /** @param sweep as PcapReader has it; a pcapng file goes by the sink alone */
  constructor(sink: PacketSink, sweep: RecordSweep | null = null) {
    this.#sink = sink;
    this.#sweep = sweep;
  }

  get format(): CaptureFormat | null {
    return this.#inner?.format ?? null;
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#inner?.interfaces ?? [];
  }

  get sections(): readonly CaptureSection[] {
    return this.#inner?.sections ?? [];
  }

  get packets(): number {
    return this.#inner?.packets ?? 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get cutShort(): CutShort | null {
    return this.#cutShort ?? this.#inner?.cutShort ?? null;
  }

  get done(): boolean {
    return this.#stopped || (this.#inner?.done ?? false);
  }

  get between(): boolean {
    return this.#inner?.between ?? this.#first.length === 0;
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#inner !== null) this.#inner.push(chunk);
    else if (!this.#stopped) this.#begin(chunk);
  }

  end(): void {
    if (this.#inner === null && !this.#stopped) this.#decide(this.#first);
    this.#inner?.end();
    this.#stopped = true;
  }

  stop(): void {
    this.#stopped = true;
    this.#inner?.stop();
  }

  #begin(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#first.length > 0 || chunk.length < DETECT_LEN) {
      bytes = new Uint8Array(this.#first.length + chunk.length);
      bytes.set(this.#first);
      bytes.set(chunk, this.#first.length);
      this.#first = bytes;
    }
    if (bytes.length >= DETECT_LEN) this.#decide(bytes);
  }

  #decide(bytes: Uint8Array): void {
    const found: Detected = detect(bytes);
    if (found.kind === 'pcap') this.#inner = new PcapReader(this.#sink, this.#sweep);
    else if (found.kind === 'pcapng') this.#inner = new PcapngReader(this.#sink);
    else {
      this.#cutShort = { offset: 0, reason: found.refusal };
      this.#stopped = true;
      return;
    }
    this.#inner.push(bytes);
  }
}

/** A packet as a plain object, with its own copy of the bytes. */
export interface Packet {
  readonly number: number;
  readonly offset: number;
  /** Nanoseconds since 1970; null for a packet without a time. */
  readonly time: bigint | null;
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  readonly linkType: number;
  /** Index into the capture's `interfaces`. */
  readonly interfaceId: number;
  readonly direction: number;
  readonly comments: readonly string[];
}

/** A whole file as plain objects. */
export interface Capture {
  /** Null when the bytes are no capture; `cutShort` then says what they are. */
  readonly format: CaptureFormat | null;
  readonly sections: readonly CaptureSection[];
  readonly interfaces: readonly CaptureInterface[];
  readonly packets: readonly Packet[];
  readonly cutShort: CutShort | null;
}

/**
 * Reads a whole pcap or pcapng file, for tests and small tools. Never throws: what is not a capture, or not a whole
 * one, says so in `cutShort`.
 */
export function readAll(bytes: Uint8Array): Capture {
  const packets: Packet[] = [];
  const reader = new AnyReader((view, start, end, meta) => {
    packets.push({
      number: meta.number,
      offset: meta.offset,
      time: meta.timed ? BigInt(meta.seconds) * 1_000_000_000n + BigInt(meta.nanos) : null,
      bytes: new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice(),
      originalLength: meta.originalLength,
      linkType: meta.linkType,
      interfaceId: meta.interfaceId,
      direction: meta.direction,
      comments: packetComments(view, meta),
    });
  });
  reader.push(bytes);
  reader.end();
  const { format, sections, interfaces, cutShort } = reader;
  return { format, sections, interfaces, packets, cutShort };
}
