// The name server's side of DNS over TCP: connections accepted, answered message by message, and ended when they have been
// idle (RFC 7766 s.6.2.3; miekg/dns server.go waits two seconds for the first question and eight for each after it).

import type { Ip } from '../../core/wire/address.ts';
import { DNS_PORT } from '../../core/wire/dns.ts';
import type { TimerId, TimerTarget } from '../time/clock.ts';
import { SECOND } from '../time/clock.ts';
import type { MessageReceiver } from './message-stream.ts';
import { MessageStream } from './message-stream.ts';
import type { HostGround } from './stack.ts';
import type { TcpFace, TcpListener, TcpListenerEvents } from './tcp/socket.ts';

const FIRST = 2 * SECOND;
const IDLE = 8 * SECOND;
/** More connections than this at once are refused: each may hold a message of 64 kB. */
const CONNECTIONS_MAX = 64;

interface Entry {
  readonly number: number;
  timer: TimerId;
  /** It was idle for too long; the peer has as long again to end it too. */
  ending: boolean;
}

export class NameListener implements TcpListenerEvents, MessageReceiver, TimerTarget {
  readonly #ground: HostGround;
  readonly #answer: (bytes: Uint8Array) => Uint8Array | null;
  readonly #listener: TcpListener;
  /** By the number that its timer tells. */
  readonly #open: Map<number, MessageStream> = new Map();
  readonly #entries: Map<MessageStream, Entry> = new Map();
  #next = 0;

  /**
   * @param answer what to say to a message; null for nothing
   * @throws VxlabError PORT_IN_USE
   */
  constructor(ground: HostGround, tcp: TcpFace, ip: Ip, answer: (bytes: Uint8Array) => Uint8Array | null) {
    this.#ground = ground;
    this.#answer = answer;
    this.#listener = tcp.listen(DNS_PORT, this, { ip, translated: true });
  }

  acceptable(): void {
    for (;;) {
      const stream = new MessageStream(this);
      const socket = this.#listener.accept(stream);
      if (socket === null) return;
      if (this.#open.size >= CONNECTIONS_MAX) {
        socket.abort();
        continue;
      }
      const number = this.#next++;
      this.#open.set(number, stream);
      this.#entries.set(stream, { number, timer: 0, ending: false });
      this.#wait(stream, FIRST);
      stream.attach(socket);
      // What came before it was accepted is not told again.
      stream.readable();
    }
  }

  message(stream: MessageStream, bytes: Uint8Array): void {
    if (this.#entries.get(stream)?.ending !== false) return;
    this.#wait(stream, IDLE);
    const said = this.#answer(bytes);
    if (said !== null) stream.send(said);
  }

  over(stream: MessageStream, error: string | null): void {
    this.#forget(stream);
    if (error === null) stream.end();
  }

  fire(number: number): void {
    const stream = this.#open.get(number);
    const entry = stream === undefined ? undefined : this.#entries.get(stream);
    if (stream === undefined || entry === undefined) return;
    entry.timer = 0;
    if (entry.ending || stream.sending) {
      this.#forget(stream);
      stream.abort();
      return;
    }
    entry.ending = true;
    this.#wait(stream, IDLE);
    stream.end();
  }

  /** Ends every connection and listens no more. */
  close(): void {
    this.#listener.close();
    for (const stream of [...this.#entries.keys()]) {
      this.#forget(stream);
      stream.abort();
    }
  }

  #wait(stream: MessageStream, time: number): void {
    const { clock, timers } = this.#ground;
    const entry = this.#entries.get(stream);
    if (entry === undefined) return;
    if (entry.timer !== 0) timers.cancel(entry.timer);
    entry.timer = timers.at(clock.now + time, this, entry.number);
  }

  #forget(stream: MessageStream): void {
    const entry = this.#entries.get(stream);
    if (entry === undefined) return;
    this.#ground.timers.cancel(entry.timer);
    this.#entries.delete(stream);
    this.#open.delete(entry.number);
  }
}
