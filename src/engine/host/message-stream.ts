// DNS messages over a TCP connection: two bytes of length before each (RFC 1035 s.4.2.2, RFC 7766 s.8).
//
// Holds at most one message in each direction: nothing more is read while what was said has not been taken by the
// connection, so that the window closes on whoever asks without listening.

import type { TcpError, TcpEvents, TcpSocket } from './tcp/socket.ts';

export interface MessageReceiver {
  /** The connection is open. Not told for one that was accepted. */
  opened?(stream: MessageStream): void;
  /** A whole message; the bytes are the receiver's own. */
  message(stream: MessageStream, bytes: Uint8Array): void;
  /** No more messages: the peer has finished (null), or the connection is gone. Told once. */
  over(stream: MessageStream, error: TcpError | null): void;
}

export class MessageStream implements TcpEvents {
  readonly #receiver: MessageReceiver;
  #socket: TcpSocket | null = null;
  readonly #head: Uint8Array = new Uint8Array(2);
  /** What is being read: the two bytes of length, then the message of that length. */
  #into: Uint8Array = this.#head;
  #filled = 0;
  /** What the connection has not taken yet. */
  #out: Uint8Array | null = null;
  #connected = false;
  #ended = false;
  #ending = false;
  #over = false;

  constructor(receiver: MessageReceiver) {
    this.#receiver = receiver;
  }

  /** The connection to read from, as soon as there is one. */
  attach(socket: TcpSocket): void {
    this.#socket = socket;
    if (this.#connected) this.#receiver.opened?.(this);
  }

  /** True while what was sent has not been taken by the connection. */
  get sending(): boolean {
    return this.#out !== null;
  }

  /** Sends a message of at most 65535 bytes; one at a time. */
  send(bytes: Uint8Array): void {
    const framed = new Uint8Array(2 + bytes.length);
    framed[0] = bytes.length >>> 8;
    framed[1] = bytes.length & 0xff;
    framed.set(bytes, 2);
    this.#out = framed;
    this.writable();
  }

  /** Says that nothing follows what was sent. */
  end(): void {
    this.#ending = true;
    if (this.#out === null) this.#socket?.end();
  }

  /** Ends the connection at once; nothing more is told. */
  abort(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.abort();
  }

  connected(): void {
    this.#connected = true;
    // To the host itself a connection may be open before its maker has it in hand.
    if (this.#socket !== null) this.#receiver.opened?.(this);
  }

  readable(): void {
    while (this.#socket !== null && this.#out === null) {
      const taken = this.#socket.read(this.#into, this.#filled);
      this.#filled += taken;
      if (this.#filled < this.#into.length) {
        if (taken === 0) break;
        continue;
      }
      this.#filled = 0;
      if (this.#into === this.#head) {
        const length = ((this.#head[0] as number) << 8) | (this.#head[1] as number);
        if (length > 0) this.#into = new Uint8Array(length);
        continue;
      }
      const whole = this.#into;
      this.#into = this.#head;
      this.#receiver.message(this, whole);
    }
    if (this.#ended && this.#out === null && this.#socket !== null) this.#tellOver(null);
  }

  writable(): void {
    const socket = this.#socket;
    const out = this.#out;
    if (socket === null || out === null) return;
    const taken = socket.write(out);
    this.#out = taken < out.length ? out.subarray(taken) : null;
    if (this.#out !== null) return;
    if (this.#ending) socket.end();
    // What waited behind it is read now.
    this.readable();
  }

  ended(): void {
    this.#ended = true;
    this.readable();
  }

  closed(error: TcpError | null): void {
    if (this.#socket === null) return;
    this.#socket = null;
    this.#tellOver(error);
  }

  #tellOver(error: TcpError | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#receiver.over(this, error);
  }
}
