// Hosts whose TCP is the one under test, and programs that write down what they are told.

import type { Ip } from '../../../../src/core/wire/address.ts';
import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import type { Impairments } from '../../../../src/engine/fabric/impair.ts';
import { impairments } from '../../../../src/engine/fabric/impair.ts';
import { LinkEnd, link } from '../../../../src/engine/fabric/link.ts';
import type { Host } from '../../../../src/engine/host/host.ts';
import type { TcpError, TcpEvents, TcpListener, TcpSocket } from '../../../../src/engine/host/tcp/socket.ts';
import { address, Lab } from '../../../support/lab.ts';

export type Tcp = Host['tcp'];

/** A host's TCP. */
export function seat(host: Host): Tcp {
  return host.tcp;
}

/** A program with one connection: keeps what it reads and what it is told, in order. */
export class Program implements TcpEvents {
  socket!: TcpSocket;
  readonly told: string[] = [];
  readonly #parts: Uint8Array[] = [];
  received = 0;
  error: TcpError | null | undefined = undefined;
  /** Reads at once what comes. */
  reads = true;
  /** Sends back what comes. */
  echoes = false;
  /** Ends its side when the other has ended. */
  polite = true;
  #source: Uint8Array | null = null;
  #written = 0;
  #endAfter = false;
  readonly #back: Uint8Array[] = [];

  connected(): void {
    this.told.push('connected');
    this.#feed();
  }

  readable(): void {
    this.told.push('readable');
    if (this.reads) this.drain();
  }

  writable(): void {
    this.told.push('writable');
    this.#feed();
  }

  ended(): void {
    this.told.push('ended');
    if (this.reads) this.drain();
    if (this.polite) this.send(new Uint8Array(0), true);
  }

  closed(error: TcpError | null): void {
    this.told.push(`closed ${error}`);
    this.error = error;
    if (this.reads) this.drain();
  }

  /** Reads everything there is. */
  drain(): void {
    while (this.socket.readableLength > 0) {
      const bytes = new Uint8Array(Math.min(this.socket.readableLength, 10_000));
      const length = this.socket.read(bytes);
      this.#parts.push(bytes.subarray(0, length));
      this.received += length;
      if (this.echoes) this.send(bytes.subarray(0, length));
    }
  }

  /** Writes all of it as the connection takes it, and then ends if told to. */
  send(bytes: Uint8Array, end = false): void {
    this.#back.push(bytes);
    this.#endAfter ||= end;
    this.#feed();
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.received);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #feed(): void {
    if (this.socket === undefined) return;
    for (;;) {
      if (this.#source === null) {
        this.#source = this.#back.shift() ?? null;
        this.#written = 0;
      }
      if (this.#source === null) break;
      this.#written += this.socket.write(this.#source, this.#written);
      if (this.#written < this.#source.length) return;
      this.#source = null;
    }
    if (this.#endAfter) {
      this.#endAfter = false;
      this.socket.end();
    }
  }
}

/** A server whose every connection is a program. */
export class Server {
  readonly programs: Program[] = [];
  readonly listener: TcpListener;
  /** Takes connections as they come. */
  accepts = true;
  readonly #make: () => Program;

  constructor(
    tcp: Tcp,
    port: number,
    options: { ip?: Ip; backlog?: number; translated?: boolean } = {},
    make: () => Program = () => new Program(),
  ) {
    this.#make = make;
    this.listener = tcp.listen(port, { acceptable: () => this.accepts && this.take() }, options);
  }

  take(): void {
    for (;;) {
      const program = this.#make();
      const socket = this.listener.accept(program);
      if (socket === null) return;
      program.socket = socket;
      this.programs.push(program);
    }
  }

  get first(): Program {
    return this.programs[0] as Program;
  }
}

export interface Wired {
  readonly lab: Lab;
  readonly a: Host;
  readonly b: Host;
  readonly tcpA: Tcp;
  readonly tcpB: Tcp;
  readonly ends: [LinkEnd, LinkEnd];
}

/** Two hosts, 10.0.0.1 and fd00::1, 10.0.0.2 and fd00::2, on a cable that takes 1 ms unless told otherwise. */
export function cable(given: Partial<Impairments> = {}, mtu = 1500, seed = 'cable'): Wired {
  const lab = new Lab();
  const a = lab.host('a');
  const b = lab.host('b');
  const ground = { clock: lab.clock, timers: lab.clock, pool: lab.pool, trace: lab.trace };
  const made = ['a', 'b'].map(
    (side, i) => new LinkEnd(900 + i, side, mtu, ground, lab.random.stream(`${seed} ${side}`)),
  ) as [LinkEnd, LinkEnd];
  link(made[0], made[1]);
  for (const [i, host] of [a, b].entries()) {
    const end = made[i] as LinkEnd;
    end.impair(impairments({ delay: 1_000_000, ...given }));
    const n = i + 1;
    const dev = host.addInterface(end, {
      name: 'eth0',
      mac: 0x020000000100 + n,
      mtu,
      addresses: [`10.0.0.${n}/24`, `fd00::${n}/64`].map(address),
    });
    end.plug(host, dev.index);
  }
  return { lab, a, b, tcpA: seat(a), tcpB: seat(b), ends: made };
}

export const A: Ip = parseIp('10.0.0.1');
export const B: Ip = parseIp('10.0.0.2');
export const B6: Ip = parseIp('fd00::2');

/** Opens a connection for a program. */
export function dial(tcp: Tcp, to: Ip, port: number, program: Program = new Program()): Program {
  program.socket = tcp.connect(to, port, program);
  return program;
}
