// iperf3's control connection: a cookie, then states of one byte and JSON behind four bytes of length, both ways (iperf 3.12,
// iperf_api.c, net.c). What it says is iperf3's own, so that either end may be the real one.

import type { ToolSocket } from '../sockets.ts';

/** iperf_api.h. */
export const STATE = {
  testStart: 1,
  testRunning: 2,
  testEnd: 4,
  paramExchange: 9,
  createStreams: 10,
  serverTerminate: 11,
  clientTerminate: 12,
  exchangeResults: 13,
  displayResults: 14,
  iperfDone: 16,
  accessDenied: -1,
  serverError: -2,
} as const;

/** 36 characters and a zero. */
export const COOKIE_LEN = 37;
const COOKIE_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
/** Bytes of a JSON text that are taken from the other end. */
const JSON_MAX = 1 << 20;

/** What a client asks of a server; times in seconds, as on the wire. */
export interface Parameters {
  readonly tcp?: boolean;
  readonly udp?: boolean;
  readonly reverse?: boolean;
  readonly time?: number;
  readonly num?: number;
  readonly blockcount?: number;
  readonly parallel?: number;
  readonly len?: number;
  readonly bandwidth?: number;
  readonly nodelay?: boolean;
}

/** What one end counted of one stream. */
export interface StreamResult {
  readonly id: number;
  readonly bytes: number;
  /** -1 where it is not known. */
  readonly retransmits: number;
  /** Seconds. */
  readonly jitter: number;
  readonly errors: number;
  readonly packets: number;
  readonly start_time: number;
  readonly end_time: number;
}

export interface Results {
  readonly streams: readonly StreamResult[];
}

/** The other end said something that is not the protocol, or went away; the message is iperf3's. */
export class IperfError extends Error {}

/**
 * A cookie that no other client has: drawn, and ending in what tells two runs with one seed apart.
 * @param letter a number below its argument, drawn
 * @param own whole numbers of this client's alone, such as its port and the time
 */
export function newCookie(letter: (below: number) => number, own: readonly number[]): string {
  const tail = own
    .map((n) => n.toString(32).replace(/[01]/g, (digit) => (digit === '0' ? 'w' : 'x')))
    .join('z');
  const drawn = Array.from(
    { length: COOKIE_LEN - 1 },
    () => COOKIE_LETTERS[letter(COOKIE_LETTERS.length)],
  ).join('');
  return (drawn + tail).slice(-(COOKIE_LEN - 1));
}

export class Control {
  readonly socket: ToolSocket;
  #held: Uint8Array = new Uint8Array(0);
  #over = false;
  #error: NodeJS.ErrnoException | null = null;
  #wake: (() => void) | null = null;
  readonly #readable: () => void;

  constructor(socket: ToolSocket) {
    this.socket = socket;
    const wake = (): void => {
      this.#wake?.();
      this.#wake = null;
    };
    const over = (): void => {
      this.#over = true;
      wake();
    };
    this.#readable = wake;
    socket.on('readable', wake);
    socket.on('end', over);
    socket.on('close', over);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error;
      over();
    });
  }

  /** Leaves the reading to others; answers how many bytes behind the cookie were taken already. */
  release(): number {
    this.socket.off('readable', this.#readable);
    return this.#held.length;
  }

  send(state: number): void {
    this.socket.write(Buffer.from([state & 0xff]));
  }

  sendCookie(cookie: string): void {
    this.socket.write(Buffer.from(`${cookie}\0`, 'latin1'));
  }

  sendJson(value: unknown): void {
    const text = Buffer.from(JSON.stringify(value));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    this.socket.write(Buffer.concat([length, text]));
  }

  /** The next state; null at the end of the connection. */
  async state(): Promise<number | null> {
    const bytes = await this.#take(1);
    return bytes === null ? null : ((bytes[0] as number) << 24) >> 24;
  }

  /** null when the connection ends first. */
  async cookie(): Promise<string | null> {
    const bytes = await this.#take(COOKIE_LEN);
    return bytes === null ? null : Buffer.from(bytes.subarray(0, COOKIE_LEN - 1)).toString('latin1');
  }

  /** @throws IperfError for what is no JSON object */
  async json<T extends object>(what: string): Promise<Partial<T>> {
    const failed = new IperfError(`unable to receive ${what}`);
    const head = await this.#take(4);
    const length = head === null ? 0 : Buffer.from(head).readUInt32BE();
    if (length === 0 || length > JSON_MAX) throw failed;
    const bytes = await this.#take(length);
    if (bytes === null) throw failed;
    try {
      const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Partial<T>;
    } catch {
      // Said below.
    }
    throw failed;
  }

  async #take(count: number): Promise<Uint8Array | null> {
    while (this.#held.length < count) {
      const chunk = this.socket.read() as Uint8Array | null;
      if (chunk !== null) this.#held = Buffer.concat([this.#held, chunk]);
      else if (this.#error !== null || this.#over) return null;
      else {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    }
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }
}
