// As much as TCP carries: a client that fills one or more connections for a time or a number of bytes, a server that counts, and
// iperf3's lines for both. The client ends its side when it is done; the server answers with what it got, as one line
// of JSON, and ends the other. (It is not iperf3's protocol, whose control connection would be a stream more.)

import type { TcpBulkSpec } from '../../engine/model/workload.ts';
import { head, intervalLine, RULE, summaryHead, totalLine } from '../exec/iperf/lines.ts';
import type { Socket } from '../net/net.ts';
import type { Program, ProgramContext } from '../program.ts';
import { peerAddress } from './http-serve.ts';
import { addressOf } from './lookup.ts';
import { ended, slept } from './open-loop.ts';

const SECOND = 1e9;
/**
 * Bytes a nanosecond for all streams of a client together: 10 Gbit/s, as an interface of that speed. Without a bound, time would
 * stand between two containers of one node, whose packets take none.
 */
const CEILING = 1.25;
/** How long a client rests when it is ahead of that, in milliseconds. */
const REST = 1;
/** iperf3's DEFAULT_TCP_BLKSIZE. */
const BLOCK = Buffer.alloc(131_072);
/** iperf3's first stream is called so: its descriptor. */
const FIRST_ID = 5;

export function tcpBulk(spec: TcpBulkSpec): Program {
  return (context) => (spec.to === null ? serve(context, spec) : send(context, spec, spec.to));
}

/** What one end of a connection counts. */
interface Stream {
  readonly id: number;
  readonly socket: Socket;
  readonly began: number;
  bytes: number;
  /** At the last line. */
  told: number;
  toldRetransmits: number;
}

function serve(context: ProgramContext, { port }: TcpBulkSpec): Promise<void> {
  const { net, time, tally, signal } = context;
  let id = FIRST_ID;
  return new Promise<void>((done, failed) => {
    const open = new Set<Socket>();
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      open.add(socket);
      const address = peerAddress(socket);
      const peer = tally.peer(address);
      const stream = { id: id++, bytes: 0, began: time.now };
      peer.begin();
      context.out(`[${String(stream.id).padStart(3)}] connected with ${address} port ${socket.remotePort}\n`);
      socket.on('data', (bytes: Buffer) => {
        stream.bytes += bytes.length;
        peer.bytes(0, bytes.length);
      });
      socket.on('end', () => {
        const took = time.now - stream.began;
        socket.end(`${JSON.stringify({ bytes: stream.bytes, nanoseconds: took })}\n`);
        const span = { id: stream.id, from: 0, to: took, bytes: stream.bytes };
        context.out(totalLine(false, span, 'receiver', null));
      });
      socket.on('error', (error: NodeJS.ErrnoException) => peer.failure(error.code ?? 'EIO'));
      socket.on('close', () => open.delete(socket));
    });
    server.on('error', failed);
    server.listen(port, () => context.out(`Server listening on ${port}\n`));
    ended(signal).then(() => {
      for (const socket of open) socket.destroy();
      server.close(() => done());
    });
  });
}

async function send(context: ProgramContext, spec: TcpBulkSpec, to: string): Promise<number> {
  const found = await addressOf(context, to);
  if (found === null) return 1;
  const peer = context.tally.peer(to);
  peer.begin();
  try {
    const sender = new Sender(context, spec, to, found.address);
    await sender.run();
    return 0;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    peer.failure(code ?? 'EIO');
    context.err(`tcp-bulk: ${to}: ${message}\n`);
    return 1;
  }
}

class Sender {
  readonly #context: ProgramContext;
  readonly #spec: TcpBulkSpec;
  readonly #to: string;
  readonly #address: string;
  #began = 0;
  #written = 0;

  constructor(context: ProgramContext, spec: TcpBulkSpec, to: string, address: string) {
    this.#context = context;
    this.#spec = spec;
    this.#to = to;
    this.#address = address;
  }

  async run(): Promise<void> {
    const { time, signal, tally } = this.#context;
    const streams = await Promise.all(Array.from({ length: this.#spec.parallel }, (_, i) => this.#open(i)));
    this.#began = time.now;
    this.#context.out(head('tcp-sender'));
    const until = this.#spec.duration === null ? null : this.#began + this.#spec.duration;
    const reports = new AbortController();
    const reporting = this.#report(streams, AbortSignal.any([signal, reports.signal]));
    const ends = await Promise.allSettled(
      streams.map((stream, i) => this.#fill(stream, this.#share(i), until)),
    );
    reports.abort();
    await reporting;
    const peer = tally.peer(this.#to);
    const took = time.now - this.#began;
    peer.request(took);
    this.#context.out(RULE + summaryHead(false, true));
    const totals = { sent: 0, received: 0, retransmits: 0 };
    for (const [i, end] of ends.entries()) {
      if (end.status === 'rejected') throw end.reason;
      const stream = streams[i] as Stream;
      const retransmits = retransmitsOf(stream);
      const { bytes, nanoseconds } = end.value.received;
      const { id } = stream;
      const span = { id, from: 0, to: end.value.sentIn, bytes: stream.bytes, retransmits };
      this.#context.out(totalLine(false, span, 'sender', null));
      this.#context.out(totalLine(false, { id, from: 0, to: nanoseconds, bytes }, 'receiver', null));
      totals.sent += stream.bytes;
      totals.received += bytes;
      totals.retransmits += retransmits;
    }
    if (streams.length < 2) return;
    const { retransmits } = totals;
    const sum = { id: null, from: 0, to: took };
    this.#context.out(totalLine(false, { ...sum, bytes: totals.sent, retransmits }, 'sender', null));
    this.#context.out(totalLine(false, { ...sum, bytes: totals.received }, 'receiver', null));
  }

  /** The bytes of one stream; null for no bound. */
  #share(i: number): number | null {
    const { bytes, parallel } = this.#spec;
    if (bytes === null) return null;
    return Math.floor(bytes / parallel) + (i < bytes % parallel ? 1 : 0);
  }

  #open(i: number): Promise<Stream> {
    const { net, time, signal } = this.#context;
    return new Promise((done, failed) => {
      const socket = net.connect({ host: this.#address, port: this.#spec.port, allowHalfOpen: true });
      socket.once('error', failed);
      socket.once('connect', () => {
        socket.off('error', failed);
        const id = FIRST_ID + 2 * i;
        const local = `local ${socket.localAddress} port ${socket.localPort}`;
        this.#context.out(
          `[${String(id).padStart(3)}] ${local} connected to ${this.#address} port ${this.#spec.port}\n`,
        );
        done({ id, socket, began: time.now, bytes: 0, told: 0, toldRetransmits: 0 });
      });
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
    });
  }

  /** Writes until the bytes or the time are used up, then waits for the server's account. */
  #fill(
    stream: Stream,
    bound: number | null,
    until: number | null,
  ): Promise<{ readonly received: Received; readonly sentIn: number }> {
    const { time, tally } = this.#context;
    const { socket } = stream;
    const peer = tally.peer(this.#to);
    return new Promise((done, failed) => {
      let answer = '';
      let sentIn = 0;
      const over = (): boolean =>
        (bound !== null && stream.bytes >= bound) || (until !== null && time.now >= until);
      const stop = (): void => {
        if (sentIn !== 0) return;
        timer?.close();
        sentIn = time.now - this.#began;
        socket.end();
      };
      const timer = until === null ? null : time.setTimeout(stop, Math.max(1, (until - time.now) / 1e6));
      let resting = false;
      const write = (): void => {
        while (!over() && sentIn === 0) {
          if (resting) return;
          if (this.#written > (time.now - this.#began + REST * 1e6) * CEILING) {
            resting = true;
            time.setTimeout(() => {
              resting = false;
              write();
            }, REST);
            return;
          }
          const length = bound === null ? BLOCK.length : Math.min(BLOCK.length, bound - stream.bytes);
          stream.bytes += length;
          this.#written += length;
          peer.bytes(length, 0);
          if (!socket.write(length === BLOCK.length ? BLOCK : BLOCK.subarray(0, length))) return;
        }
        stop();
      };
      socket.on('drain', write);
      socket.on('data', (bytes: Buffer) => {
        answer += bytes.toString('latin1');
      });
      socket.on('error', failed);
      socket.on('end', () => {
        const received = readAnswer(answer);
        if (received === null)
          failed(Object.assign(new Error('the server broke off'), { code: 'ECONNRESET' }));
        else done({ received, sentIn });
      });
      // Neither an end nor an error: the container stops.
      socket.on('close', () => failed(Object.assign(new Error('interrupted'), { code: 'ECONNABORTED' })));
      write();
    });
  }

  /** A line a second for each stream. */
  async #report(streams: readonly Stream[], signal: AbortSignal): Promise<void> {
    const { time } = this.#context;
    let last = this.#began;
    while (await slept(time, last + SECOND - time.now, signal)) {
      this.#interval(streams, last, time.now);
      last = time.now;
    }
    if (time.now - last > SECOND / 10) this.#interval(streams, last, time.now);
  }

  #interval(streams: readonly Stream[], from: number, to: number): void {
    const at = { from: from - this.#began, to: to - this.#began };
    let sum = 0;
    for (const stream of streams) {
      const bytes = stream.bytes - stream.told;
      const retransmits = retransmitsOf(stream) - stream.toldRetransmits;
      const window = stream.socket.tcp?.info().congestionWindow;
      const span = { id: stream.id, ...at, bytes, retransmits, ...(window === undefined ? {} : { window }) };
      this.#context.out(intervalLine('tcp-sender', span, null));
      stream.told = stream.bytes;
      stream.toldRetransmits += retransmits;
      sum += bytes;
    }
    if (streams.length > 1) {
      this.#context.out(intervalLine('tcp-sender', { id: null, ...at, bytes: sum }, null));
    }
  }
}

interface Received {
  readonly bytes: number;
  readonly nanoseconds: number;
}

function readAnswer(text: string): Received | null {
  try {
    const { bytes, nanoseconds } = JSON.parse(text) as Record<string, unknown>;
    return typeof bytes === 'number' && typeof nanoseconds === 'number' ? { bytes, nanoseconds } : null;
  } catch {
    return null;
  }
}

function retransmitsOf({ socket }: Stream): number {
  return socket.tcp?.info().retransmits ?? 0;
}
