// The ground of MySQL's client/server protocol (dev.mysql.com, "Client/Server Protocol", Basic Types and Packets): integers,
// length-encoded values, and packets of up to 16 MiB - 1 behind four bytes of length and sequence number.

/** The largest packet that is taken; more is answered with error 1153, as max_allowed_packet does. */
export const PACKET_MAX: number = 1 << 20;
const HEADER_LEN = 4;

/** Reads one packet's payload. What is not there reads as 0, '' or nothing, and `bad` says so. */
export class PacketReader {
  readonly #bytes: Buffer;
  at = 0;
  /** More was asked for than there is. */
  bad = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  /** An unsigned number of 1, 2, 3, 4 or 8 bytes, least first; of 8 bytes only what a double holds exactly is exact. */
  uint(size: number): number {
    if (!this.#has(size)) return 0;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.#bytes[this.at + i] as number);
    this.at += size;
    return value;
  }

  bytes(length: number): Buffer {
    if (!this.#has(length)) return Buffer.alloc(0);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** Null for the NULL mark. */
  lengthEncoded(): number | null {
    const first = this.uint(1);
    if (first < 0xfb) return first;
    if (first === 0xfb) return null;
    return this.uint(first === 0xfc ? 2 : first === 0xfd ? 3 : 8);
  }

  /** Text behind its length. */
  lengthEncodedBytes(): Buffer {
    return this.bytes(this.lengthEncoded() ?? 0);
  }

  /** Text up to a zero byte, or to the end if none comes. */
  terminated(): string {
    const end = this.#bytes.indexOf(0, this.at);
    const text = this.#bytes.toString('utf8', this.at, end < 0 ? this.#bytes.length : end);
    this.at = end < 0 ? this.#bytes.length : end + 1;
    return text;
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  #has(length: number): boolean {
    if (length <= this.left) return true;
    this.bad = true;
    this.at = this.#bytes.length;
    return false;
  }
}

export function uint(size: number, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  let rest = value;
  for (let i = 0; i < size; i++) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

export function lengthEncoded(value: number): Buffer {
  if (value < 0xfb) return uint(1, value);
  if (value < 0x1_0000) return Buffer.concat([uint(1, 0xfc), uint(2, value)]);
  if (value < 0x100_0000) return Buffer.concat([uint(1, 0xfd), uint(3, value)]);
  return Buffer.concat([uint(1, 0xfe), uint(8, value)]);
}

export function lengthEncodedText(text: string | Buffer): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return Buffer.concat([lengthEncoded(bytes.length), bytes]);
}

export function terminated(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** A packet's four bytes and its payload. */
export function framed(sequence: number, payload: Buffer): Buffer {
  return Buffer.concat([uint(3, payload.length), uint(1, sequence & 0xff), payload]);
}

export interface Packet {
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Cuts a stream into packets. */
export class PacketSplitter {
  #pending: Buffer[] = [];
  #length = 0;

  push(bytes: Uint8Array): void {
    this.#pending.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    this.#length += bytes.length;
  }

  /** The next whole packet; null until it is there; 'too large' if it says to be, and then nothing more comes. */
  next(): Packet | 'too large' | null {
    if (this.#length < HEADER_LEN) return null;
    const head = this.#joined();
    const length = head.readUIntLE(0, 3);
    if (length > PACKET_MAX) return 'too large';
    if (this.#length < HEADER_LEN + length) return null;
    const end = HEADER_LEN + length;
    // A copy: what comes from a socket may be overwritten.
    const payload = Buffer.from(head.subarray(HEADER_LEN, end));
    this.#pending = head.length === end ? [] : [head.subarray(end)];
    this.#length -= end;
    return { sequence: head[3] as number, payload };
  }

  #joined(): Buffer {
    if (this.#pending.length > 1) this.#pending = [Buffer.concat(this.#pending)];
    return this.#pending[0] as Buffer;
  }
}
