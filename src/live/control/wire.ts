// The words of a lab's control socket: one JSON object a line in UTF-8, both ways, bytes in base64.
//
//   lab     {"control":1,"lab":"lecture","pid":4711}                       when somebody comes
//   client  {"op":"exec","task":"web","argv":["curl","http://app/"]}        one request a connection
//   lab     {"want":"input"}                                               a program reads its standard input
//   client  {"input":"aGkK"} or {"inputEnd":true}                           some of it, or that there is no more
//   client  {"stop":true}                                                  as Ctrl-C; what runs may still say something
//   lab     {"stdout":"..."} {"stderr":"..."} ... {"exit":0}                what an op answers is its own
//   lab     {"error":{"code":"NO_SUCH_PARTY","message":"..."}}              in place of an answer, or in the midst of one
//   lab     ends the connection when it has answered; a client that goes away ends what it asked for
//
// A line has LINE_MAX bytes at the most. What is no object, or too long, is answered with an error and the end.

import type { Socket } from 'node:net';
import { VxlabError } from '../../core/wire/numbers.ts';

/** The number of this protocol: a client leaves a lab that speaks another. */
export const CONTROL_VERSION = 1;
/** Bytes of a line with its end. */
export const LINE_MAX: number = 1 << 20;
/** Bytes of a stream that one line carries. */
export const PIECE: number = 48 * 1024;
/** Bytes that may wait for a peer that does not read; past them it is left. */
const WAITING_MAX = 16 << 20;

/** An object of a line. */
export type ControlFrame = Readonly<Record<string, unknown>>;

/** Splits what comes into frames and writes frames; knows nothing of what they mean. */
export class ControlWire {
  readonly socket: Socket;
  #held: Buffer[] = [];
  #size = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param frame gets each object, in order
   * @param broken gets a sentence when a line cannot be understood; no more frames come
   */
  constructor(socket: Socket, frame: (frame: ControlFrame) => void, broken: (why: string) => void) {
    this.socket = socket;
    let over = false;
    const goOn = (): void => {
      for (const go of this.#waiting.splice(0)) go();
    };
    socket.on('drain', goOn);
    socket.on('close', goOn);
    socket.on('data', (bytes: Buffer) => {
      for (let from = 0; from < bytes.length && !over; ) {
        const end = bytes.indexOf(10, from);
        const part = bytes.subarray(from, end < 0 ? bytes.length : end);
        from += part.length + 1;
        this.#held.push(part);
        this.#size += part.length;
        if (this.#size >= LINE_MAX) {
          over = true;
          broken(`a line may have ${LINE_MAX} bytes`);
        } else if (end >= 0) {
          const line = Buffer.concat(this.#held).toString('utf8');
          this.#held = [];
          this.#size = 0;
          const read = parse(line);
          if (typeof read === 'string') {
            over = true;
            broken(read);
          } else frame(read);
        }
      }
      if (over) this.#held = [];
    });
  }

  /** Resolves when there is room for more; at once when the peer is gone. A peer that lets too much wait is left. */
  send(frame: ControlFrame): Promise<void> {
    const { socket } = this;
    if (socket.destroyed || socket.writableEnded) return Promise.resolve();
    if (socket.write(`${JSON.stringify(frame)}\n`)) return Promise.resolve();
    if (socket.writableLength > WAITING_MAX) {
      socket.destroy();
      return Promise.resolve();
    }
    return new Promise((done) => {
      this.#waiting.push(done);
    });
  }

  /** Bytes of a stream under a name, in as many lines as they need. */
  async sendBytes(name: string, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(PIECE, bytes.length - at));
      await this.send({ [name]: piece.toString('base64') });
    }
  }
}

function parse(line: string): ControlFrame | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'a line is no JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'a line is no JSON object';
  return value as ControlFrame;
}

/** The bytes of a field; null when it is not there or no base64. */
export function bytesOf(frame: ControlFrame, name: string): Uint8Array | null {
  const text = frame[name];
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  return Buffer.from(text, 'base64');
}

/** A text field. @throws VxlabError BAD_REQUEST without it */
export function textOf(frame: ControlFrame, name: string): string {
  const text = frame[name];
  if (typeof text !== 'string') throw new VxlabError('BAD_REQUEST', `"${name}" must be a string`);
  return text;
}

/** A field that is a list of texts. @throws VxlabError BAD_REQUEST without it */
export function textsOf(frame: ControlFrame, name: string): readonly string[] {
  const list = frame[name];
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string')) {
    throw new VxlabError('BAD_REQUEST', `"${name}" must be a list of strings`);
  }
  return list;
}
