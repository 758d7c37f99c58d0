// Questions to one DNS server over UDP and what comes back: a stub resolver's sending, waiting and doubting (RFC 1035
// s.4.2.1 and 7.3, RFC 5452 s.4 and 9; glibc resolv/res_send.c). Questions of one exchange go out together from one port,
// as glibc asks for A and AAAA.
//
// An answer counts if it comes from the server's address and port, has the question's id and repeats the question. One
// that is truncated is fetched again over TCP where the host has it.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip } from '../../core/wire/address.ts';
import { sameIp } from '../../core/wire/address.ts';
import type { DnsMessage, DnsQuestion } from '../../core/wire/dns.ts';
import * as dns from '../../core/wire/dns.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import type { TimerId, TimerTarget } from '../time/clock.ts';
import { SECOND } from '../time/clock.ts';
import type { RandomStream } from '../time/random.ts';
import { SENT } from './destination.ts';
import type { Host } from './host.ts';
import type { MessageReceiver } from './message-stream.ts';
import { MessageStream } from './message-stream.ts';
import type { DatagramReceiver, UdpSocket } from './udp.ts';

/** resolv.conf's `timeout:5`. */
const TIMEOUT = 5 * SECOND;
const PORT_MIN = 32_768;
const PORT_SPAN = 28_232;
/** A name of 255 bytes, header, question and an OPT record. */
const QUERY_MAX = 12 + 255 + 4 + 11;

export interface ExchangeOptions {
  /** How often each question is sent at most. */
  readonly attempts: number;
  /** SERVFAIL, NOTIMP and REFUSED are asked again like silence, as glibc does; else they are the answer. */
  readonly insist: boolean;
  /** Bytes of UDP payload that an OPT record offers to take (RFC 6891); 0 sends none. */
  readonly udpSize: number;
  /** Bits of the header besides RD. */
  readonly flags: number;
}

/** One question and its answer so far. */
export interface Asked {
  readonly question: DnsQuestion;
  readonly id: number;
  /** The last answer that counted; null while there is none. */
  message: DnsMessage | null;
  bytes: Uint8Array | null;
  settled: boolean;
}

export class Exchange implements DatagramReceiver, MessageReceiver, TimerTarget {
  readonly server: Ip;
  readonly asked: readonly Asked[];
  readonly #host: Host;
  readonly #options: ExchangeOptions;
  readonly #done: (exchange: Exchange) => void;
  readonly #random: RandomStream;
  #socket: UdpSocket | null = null;
  /** Questions that are asked again over TCP now. */
  readonly #streams: Map<MessageStream, Asked> = new Map();
  #timer: TimerId = 0;
  #attempt = 0;
  #sentAt = 0;
  /** Nanoseconds from the last sending to the last answer, or to giving up. */
  time = 0;

  /** @param done called once, from within `start`, the packet path or a timer; not after `close` */
  constructor(
    host: Host,
    server: Ip,
    questions: readonly DnsQuestion[],
    random: RandomStream,
    options: ExchangeOptions,
    done: (exchange: Exchange) => void,
  ) {
    this.server = server;
    this.#host = host;
    this.#random = random;
    this.#options = options;
    this.#done = done;
    const ids = new Set<number>();
    this.asked = questions.map((question) => {
      let id = random.integer(0x10000);
      while (ids.has(id)) id = random.integer(0x10000);
      ids.add(id);
      return { question, id, message: null, bytes: null, settled: false };
    });
  }

  start(): void {
    this.#socket = this.#host.udp.bind(this.#port(), this);
    this.#send();
  }

  datagram(frame: Frame, ip: number, at: number, end: number, srcPort: number): void {
    const { view } = frame;
    const from = view.getUint8(ip) >>> 4 === 4 ? ipv4.src(view, ip) : ipv6.src(view, ip);
    if (srcPort === dns.DNS_PORT && sameIp(from, this.server)) {
      this.#answered(frame.bytes.slice(at, end), null);
    }
    frame.release();
  }

  opened(stream: MessageStream): void {
    const one = this.#streams.get(stream);
    if (one !== undefined) stream.send(this.#query(one));
  }

  message(stream: MessageStream, bytes: Uint8Array): void {
    this.#answered(bytes, stream);
  }

  over(stream: MessageStream): void {
    stream.abort();
    if (this.#streams.delete(stream)) this.#again();
  }

  /** Nobody listens there: the next attempt is made at once, as on a connected socket of Linux. */
  error(_from: Ip, type: number, code: number, dstPort: number): void {
    const port = (type === 3 && code === 3) || (type === 257 && code === 4);
    if (port && dstPort === dns.DNS_PORT) this.#again();
  }

  fire(): void {
    this.#timer = 0;
    this.#again();
  }

  close(): void {
    const { timers } = this.#host.ground;
    if (this.#timer !== 0) timers.cancel(this.#timer);
    this.#timer = 0;
    this.#hangUp();
    if (this.#socket !== null) this.#host.udp.unbind(this.#socket);
    this.#socket = null;
  }

  #send(): void {
    const { clock, timers } = this.#host.ground;
    const attempt = ++this.#attempt;
    this.#sentAt = clock.now;
    // Armed first: an answer from the host itself comes within the sending.
    this.#timer = timers.at(clock.now + TIMEOUT, this, 0);
    let gone = false;
    for (const one of this.asked) {
      if (one.settled) continue;
      one.message = null;
      one.bytes = null;
    }
    for (const one of this.asked) {
      // What was sent before may have ended this attempt already.
      if (this.#socket === null || this.#attempt !== attempt) return;
      if (one.settled) continue;
      const sent = this.#socket.send(this.server, dns.DNS_PORT, this.#query(one));
      gone ||= sent === SENT.ok;
    }
    if (!gone && this.#socket !== null) this.#finish();
  }

  #again(): void {
    if (this.#socket === null) return;
    if (this.#timer !== 0) this.#host.ground.timers.cancel(this.#timer);
    this.#timer = 0;
    this.#hangUp();
    if (this.#attempt >= this.#options.attempts) this.#finish();
    else this.#send();
  }

  #finish(): void {
    this.time = this.#host.ground.clock.now - this.#sentAt;
    this.close();
    this.#done(this);
  }

  /** @param stream the connection that the message came by; null for a datagram */
  #answered(bytes: Uint8Array, stream: MessageStream | null): void {
    const message = dns.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    if (typeof message === 'number' || (message.flags & dns.FLAG.response) === 0) return;
    const one = this.asked.find(({ id, settled }) => id === message.id && !settled);
    if (one === undefined || !repeats(message, one.question)) return;
    if (stream === null) {
      if ([...this.#streams.values()].includes(one)) return;
      if ((message.flags & dns.FLAG.truncated) !== 0) return this.#callUp(one);
    } else {
      this.#streams.delete(stream);
      stream.abort();
    }
    one.message = message;
    one.bytes = bytes;
    if (this.#options.insist && isRefusal(message)) {
      // Another attempt, unless the other question may still be answered.
      if (this.asked.every(({ settled, message: heard }) => settled || heard !== null)) this.#again();
      return;
    }
    one.settled = true;
    if (this.asked.every(({ settled }) => settled)) this.#finish();
  }

  /** Asks over TCP. */
  #callUp(one: Asked): void {
    const stream = new MessageStream(this);
    this.#streams.set(stream, one);
    stream.attach(this.#host.tcp.connect(this.server, dns.DNS_PORT, stream));
  }

  #hangUp(): void {
    const streams = [...this.#streams.keys()];
    this.#streams.clear();
    for (const stream of streams) stream.abort();
  }

  #query({ id, question }: Asked): Uint8Array {
    const { udpSize, flags } = this.#options;
    const view = new DataView(new ArrayBuffer(QUERY_MAX));
    const opt = {
      name: '.',
      type: dns.RR.opt,
      class: udpSize,
      ttl: 0,
      data: { kind: 'opt', options: [] },
    } as const;
    const length = dns.write(view, 0, {
      id,
      flags: dns.FLAG.recursionDesired | flags,
      questions: [question],
      answers: [],
      authorities: [],
      additionals: udpSize === 0 ? [] : [opt],
    });
    return new Uint8Array(view.buffer, 0, length);
  }

  /** A free port that nobody guesses (RFC 5452 s.9.2); after many misses whichever is free. */
  #port(): number {
    for (let tried = 0; tried < 32; tried++) {
      const port = PORT_MIN + this.#random.integer(PORT_SPAN);
      if (this.#host.udp.isFree(port)) return port;
    }
    return 0;
  }
}

/** True when the answer is to this question; names compare without regard to case (RFC 4343). */
function repeats(message: DnsMessage, { name, type, class: cls }: DnsQuestion): boolean {
  const [question] = message.questions;
  // A server that could not read the question need not repeat it (RFC 1035 s.4.1.1).
  if (question === undefined) return dns.rcode(message.flags) !== dns.RCODE.noError;
  return (
    message.questions.length === 1 &&
    question.type === type &&
    question.class === cls &&
    question.name.toLowerCase() === name.toLowerCase()
  );
}

function isRefusal(message: DnsMessage): boolean {
  const code = dns.rcode(message.flags);
  return code === dns.RCODE.serverFailure || code === dns.RCODE.notImplemented || code === dns.RCODE.refused;
}
