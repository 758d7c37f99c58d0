// What every capture reader and writer agrees on: a packet as (view, start, end, meta), an interface, a fault.
//
// A reader is pushed chunks of a file and hands each packet to a sink where it lies: no object, no copy and no view per
// packet. The view and the meta belong to the reader and hold good only while the sink runs.
//
// A time stamp is two numbers, because nanoseconds since 1970 do not fit a double: whole seconds, and nanoseconds in
// that second.

/** Which way a packet went at the interface that captured it (pcapng epb_flags, bits 0 and 1). */
export const DIRECTION = { unknown: 0, inbound: 1, outbound: 2 } as const;

/** One object for each reader, filled anew for each packet. */
export interface PacketMeta {
  /** From 1, as Wireshark counts. */
  number: number;
  /** Where the packet's record begins in the (decompressed) file. */
  offset: number;
  /** Seconds since 1970, UTC. */
  seconds: number;
  /**
   * Nanoseconds in the second, 0 to 999999999. A pcap file can hold a fraction of a second or more: such a number is
   * given as it stands and not carried into the seconds.
   */
  nanos: number;
  /** False for a pcapng simple packet block, which has no time: seconds and nanos are then 0. */
  timed: boolean;
  /** Bytes on the wire; the captured ones are `end - start`, which is fewer when a snapshot length cut the packet. */
  originalLength: number;
  linkType: number;
  /** Index into the reader's `interfaces`. */
  interfaceId: number;
  /** One of DIRECTION. */
  direction: number;
  /** How many bytes at the end of an uncut packet are a frame check sequence; 0 when none or not known. */
  fcsLength: number;
  /** The packet's pcapng options in the view; both 0 when it has none. See `packetComments`. */
  optionsStart: number;
  optionsEnd: number;
  /** The byte order of those options. */
  littleEndian: boolean;
}

/** Takes one packet: bytes [start, end) of the view. */
export type PacketSink = (view: DataView, start: number, end: number, meta: PacketMeta) => void;

/** Takes records of a pcap file in bulk, ahead of the sink. */
export interface RecordSweep {
  /** Records that the last call took. */
  taken: number;
  /**
   * Takes whole records (header of 16 bytes, little-endian) that stand one behind the other in [at, end), and answers where it
   * stopped: at the first that it does not take, or that is not whole.
   * @param unit nanoseconds in one unit of a time stamp's fraction
   */
  records(view: DataView, at: number, end: number, linkType: number, unit: number): number;
}

/** An interface that packets were captured on. A pcap file has exactly one. */
export interface CaptureInterface {
  /** Which section of a pcapng file declares it, from 0. */
  readonly section: number;
  readonly linkType: number;
  /** Bytes kept of a packet at most; 0 means no limit. */
  readonly snapLength: number;
  /** The pcapng options if_name, if_description, if_filter, if_hardware and if_os; '' when absent. */
  readonly name: string;
  readonly description: string;
  readonly filter: string;
  readonly hardware: string;
  readonly os: string;
  readonly comments: readonly string[];
  /** Ticks a second are `base ** exponent`: 10 and 6 for microseconds. */
  readonly resolution: { readonly base: 2 | 10; readonly exponent: number };
  /** Seconds that the file tells to add to every time stamp (pcapng if_tsoffset); they are added already. */
  readonly offsetSeconds: bigint;
  /** Bytes of frame check sequence at the end of each packet; 0 when none or not known. */
  readonly fcsLength: number;
}

/** What a section header says of the machine that wrote it. A pcap file has none. */
export interface CaptureSection {
  readonly littleEndian: boolean;
  readonly hardware: string;
  readonly os: string;
  readonly application: string;
  readonly comments: readonly string[];
}

/** Why reading stopped before the end. All that stood before `offset` was read and delivered. */
export interface CutShort {
  /** Byte of the (decompressed) file where the record, block or field at fault begins. */
  readonly offset: number;
  readonly reason: string;
}

export type CaptureFormat = 'pcap' | 'pcapng';

/** What a streaming reader of either format can do. */
export interface CaptureReader {
  /** Null until enough bytes came to tell, and for ever if they are no capture. */
  readonly format: CaptureFormat | null;
  readonly interfaces: readonly CaptureInterface[];
  readonly sections: readonly CaptureSection[];
  /** Packets delivered so far. */
  readonly packets: number;
  /** Bytes pushed so far. */
  readonly bytes: number;
  readonly cutShort: CutShort | null;
  /** True after a fault or `stop`: whatever is pushed from now on is passed over. */
  readonly done: boolean;
  /** True when what was pushed so far ends where a record ends. */
  readonly between: boolean;
  /** Takes the next bytes and delivers every packet they complete. The chunk may be used again afterwards. */
  push(chunk: Uint8Array): void;
  /** There are no more bytes: a packet that is not whole becomes `cutShort`. */
  end(): void;
  /** For a sink that has seen enough. */
  stop(): void;
}

/** Takes bytes that a writer has finished; they are the sink's to keep. */
export type ByteSink = (bytes: Uint8Array) => void;

/** What a writer of either format can do. */
export interface CaptureWriter {
  /**
   * Appends bytes [start, end) of the view as one packet. Allocates nothing but a new chunk now and then.
   * @param iface what `addInterface` returned (pcapng); passed over by pcap, which has one
   * @param nanos 0 to 999999999
   * @param originalLength bytes on the wire, at least `end - start`
   * @param direction one of DIRECTION; kept by pcapng only
   * @param comment kept by pcapng only
   */
  writePacket(
    iface: number,
    seconds: number,
    nanos: number,
    view: DataView,
    start: number,
    end: number,
    originalLength: number,
    direction?: number,
    comment?: string,
  ): void;
  /** Hands what is still held to the sink. Needed once, at the end; earlier if somebody follows the file. */
  flush(): void;
}
