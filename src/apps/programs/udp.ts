// Datagrams at a rate to a server that sends them back: what is lost, how long they take and how unevenly. The payload is a
// number of four bytes, the sending time in eight, and zeros.

import { formatIp } from '../../core/wire/address.ts';
import type { UdpSpec } from '../../engine/model/workload.ts';
import type { ContainerDgram } from '../dgram.ts';
import type { Program, ProgramContext } from '../program.ts';
import { addressOf } from './lookup.ts';
import { ended, openLoop, slept } from './open-loop.ts';

/** Datagrams that were not answered after so long are lost. */
const PATIENCE = 1e9;

export function udp(spec: UdpSpec): Program {
  return (context) => (spec.to === null ? echo(context, spec) : send(context, spec, spec.to));
}

type UdpSocket = ReturnType<ContainerDgram['createSocket']>;

/** Answers until the container stops: on all IPv4 addresses, and on each IPv6 one. */
async function echo(context: ProgramContext, { port }: UdpSpec): Promise<void> {
  const six = context.container.host.interfaces.flatMap((dev) =>
    dev.loopback
      ? []
      : dev.addresses.filter(({ ip }) => typeof ip !== 'number').map(({ ip }) => formatIp(ip)),
  );
  const sockets = [
    await echoing(context, 'udp4', port),
    ...(await Promise.all(six.map((address) => echoing(context, 'udp6', port, address)))),
  ];
  await ended(context.signal);
  for (const socket of sockets) socket.close();
}

function echoing(
  { dgram, tally }: ProgramContext,
  type: 'udp4' | 'udp6',
  port: number,
  address?: string,
): Promise<UdpSocket> {
  const socket = dgram.createSocket(type, (bytes, from) => {
    tally.peer(from.address).bytes(bytes.length, bytes.length);
    socket.send(bytes, from.port, from.address, () => {});
  });
  return new Promise((done, failed) => {
    socket.once('error', failed);
    socket.bind({ port, ...(address === undefined ? {} : { address }) }, () => {
      socket.off('error', failed);
      // An answer that finds nobody is no fault of the server's.
      socket.on('error', () => {});
      done(socket);
    });
  });
}

async function send(context: ProgramContext, spec: UdpSpec, to: string): Promise<number | undefined> {
  const { dgram, time, signal } = context;
  const found = await addressOf(context, to);
  if (found === null) return undefined;
  const flow = new Flow(context, to);
  const socket = dgram.createSocket(found.family === 6 ? 'udp6' : 'udp4', (bytes) => flow.answered(bytes));
  await new Promise<void>((done, failed) => {
    socket.once('error', failed);
    socket.connect(spec.port, found.address, () => {
      socket.off('error', failed);
      done();
    });
  });
  // Connected sockets are told that nobody listens.
  socket.on('error', (error: NodeJS.ErrnoException) => flow.refused(error.code ?? 'EIO'));
  await openLoop(context, spec, (n) => {
    const bytes = flow.datagram(n, spec.size);
    socket.send(bytes, (error: Error | null) => {
      if (error !== null) flow.refused((error as NodeJS.ErrnoException).code ?? 'EIO');
    });
  });
  while (flow.waiting && !signal.aborted) {
    if (!(await slept(time, PATIENCE / 10, signal))) break;
    flow.sweep();
  }
  socket.close();
  context.out(flow.summary());
  return flow.received > 0 ? 0 : 1;
}

class Flow {
  readonly #context: ProgramContext;
  readonly #to: string;
  /** By number: when it was sent. */
  readonly #sent: Map<number, number> = new Map();
  #count = 0;
  #last = -1;
  #total = 0;
  /** Nanoseconds, as RTP estimates it (RFC 3550 s.6.4.1), of round trips. */
  #jitter = 0;
  #size = 0;
  received = 0;

  constructor(context: ProgramContext, to: string) {
    this.#context = context;
    this.#to = to;
  }

  get waiting(): boolean {
    return this.#sent.size > 0;
  }

  datagram(n: number, size: number): Buffer {
    const { time, tally } = this.#context;
    tally.peer(this.#to).begin();
    this.sweep();
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(n >>> 0);
    bytes.writeBigUInt64BE(BigInt(time.now), 4);
    this.#size = size;
    this.#sent.set(n >>> 0, time.now);
    this.#count++;
    return bytes;
  }

  answered(bytes: Buffer): void {
    if (bytes.length < 12) return;
    const n = bytes.readUInt32BE();
    const at = this.#sent.get(n);
    // Late, twice, or not ours.
    if (at === undefined) return;
    this.#sent.delete(n);
    const rtt = this.#context.time.now - at;
    if (this.#last >= 0) this.#jitter += (Math.abs(rtt - this.#last) - this.#jitter) / 16;
    this.#last = rtt;
    this.#total += rtt;
    this.received++;
    this.#context.tally.peer(this.#to).request(rtt, this.#size, bytes.length);
  }

  /** The oldest that waits will not be answered. */
  refused(code: string): void {
    const [oldest] = this.#sent.keys();
    if (oldest !== undefined) this.#fail(oldest, code);
  }

  sweep(): void {
    const { time } = this.#context;
    for (const [n, at] of this.#sent) {
      if (time.now - at < PATIENCE) return;
      this.#fail(n, 'lost');
    }
  }

  summary(): string {
    const lost = this.#count - this.received;
    const share = this.#count === 0 ? 0 : (lost / this.#count) * 100;
    const mean = this.received === 0 ? 0 : this.#total / this.received;
    return (
      `--- ${this.#to} udp statistics ---\n` +
      `${this.#count} datagrams sent, ${this.received} came back, ${Number(share.toPrecision(3))}% lost\n` +
      `rtt avg = ${(mean / 1e6).toFixed(3)} ms, jitter = ${(this.#jitter / 1e6).toFixed(3)} ms\n`
    );
  }

  #fail(n: number, code: string): void {
    this.#sent.delete(n);
    this.#context.tally.peer(this.#to).failure(code);
  }
}
