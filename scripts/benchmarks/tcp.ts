// TCP: how many bits of payload one thread carries from container to container across the tunnel, beside iperf3 over the kernel's
// namespaces, bridges and VXLAN; and what ten thousand connections weigh that say nothing.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TcpEvents, TcpSocket } from '../../src/engine/host/tcp/socket.ts';
import { inlineMore } from '../../src/live/inlining.ts';
import type { Figure, Round } from './harness.ts';
import { iperfOverKernel } from './kernel-path.ts';
import { Pair } from './wiring.ts';

const SELF: string = fileURLToPath(import.meta.url);
const TSX: string = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));
const PORT = 5201;
const WARM_UP = 100_000_000;
const BYTES = 400_000_000;
const IDLE = 10_000;
/** Less than the accept queue holds. */
const AT_ONCE = 200;

export function tcpFigures(): Figure[] {
  return [
    {
      name: 'bulk TCP, MTU 1450, docker',
      unit: 'Gbit/s',
      ours,
      peers: [
        { name: 'iperf3 over the kernel', round: iperfOverKernel(false) },
        { name: 'the same without offloads', round: iperfOverKernel(true) },
      ],
    },
  ];
}

/** In a process of its own, as a lab runs. */
const ours: Round = () => {
  const run = spawnSync(TSX, [SELF, 'bulk'], { encoding: 'utf8' });
  const rate = Number.parseFloat(run.stdout);
  if (run.status !== 0 || !(rate > 0)) throw new Error(`our own TCP failed:\n${run.stderr}`);
  return rate;
};

export function connectionsReport(): void {
  const run = spawnSync(TSX, [SELF, 'idle'], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`idle connections failed:\n${run.stderr}`);
  console.log(run.stdout.trimEnd());
}

/** A socket's holder that does nothing of its own accord. */
class Quiet implements TcpEvents {
  socket: TcpSocket | null = null;
  received = 0;
  isOpen = false;
  readonly #into: Uint8Array;

  constructor(into: Uint8Array) {
    this.#into = into;
  }

  connected(): void {
    this.isOpen = true;
  }

  readable(): void {
    const socket = this.socket as TcpSocket;
    for (let n = socket.read(this.#into); n > 0; n = socket.read(this.#into)) this.received += n;
  }

  writable(): void {}
  ended(): void {}
  closed(): void {
    this.isOpen = false;
  }
}

/** Writes on until there is a limit, which moves. */
class Source extends Quiet {
  sent = 0;
  limit = 0;
  readonly #bytes: Uint8Array = new Uint8Array(65_536).fill(0x5a);

  override writable(): void {
    const socket = this.socket as TcpSocket;
    while (this.sent < this.limit) {
      const want = Math.min(this.#bytes.length, this.limit - this.sent);
      const took = socket.write(this.#bytes, 0, want);
      this.sent += took;
      if (took < want) return;
    }
  }
}

function listen(pair: Pair, into: Uint8Array): Quiet[] {
  const accepted: Quiet[] = [];
  const { host } = pair.world.party('pair.2');
  const listener = host.tcp.listen(PORT, {
    acceptable: () => {
      for (;;) {
        const end = new Quiet(into);
        const socket = listener.accept(end);
        if (socket === null) return;
        end.socket = socket;
        accepted.push(end);
      }
    },
  });
  return accepted;
}

/** Gigabits of payload a second of wall time, read by the receiver's program. */
function bulk(): number {
  inlineMore();
  const pair = new Pair('docker', 128);
  const into = new Uint8Array(65_536);
  const accepted = listen(pair, into);
  const from = pair.world.party('pair.1');
  const source = new Source(into);
  source.socket = from.host.tcp.connect(pair.world.addressFor(from, 'pair.2'), PORT, source);
  while (!source.isOpen && pair.clock.step());
  const carry = (limit: number): void => {
    source.limit = limit;
    source.writable();
    while ((accepted[0]?.received ?? 0) < limit && pair.clock.step());
  };
  carry(WARM_UP);
  const began = performance.now();
  carry(WARM_UP + BYTES);
  const seconds = (performance.now() - began) / 1000;
  const received = accepted[0]?.received ?? 0;
  const again = from.host.tcp.retransmits;
  if (received !== WARM_UP + BYTES || again !== 0) {
    throw new Error(`${received} bytes were received, ${again} segments sent again`);
  }
  return (BYTES * 8) / seconds / 1e9;
}

/** Memory of connections that have said a word each way and are still. */
function idle(): string {
  setFlagsFromString('--expose-gc');
  const sweep = runInNewContext('gc') as () => void;
  const memory = (): number => {
    sweep();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const pair = new Pair('docker', 128);
  const into = new Uint8Array(4096);
  const accepted = listen(pair, into);
  const from = pair.world.party('pair.1');
  const to = pair.world.addressFor(from, 'pair.2');
  const opened: Quiet[] = [];
  const word = new Uint8Array(100);
  // Some at a time: ten thousand that speak at once would leave their frames' memory behind.
  const open = (count: number): void => {
    for (const limit = opened.length + count; opened.length < limit; ) {
      const first = opened.length;
      for (let i = 0; i < AT_ONCE; i++) {
        const end = new Quiet(into);
        end.socket = from.host.tcp.connect(to, PORT, end);
        opened.push(end);
      }
      pair.clock.runUntilIdle();
      for (const ends of [opened, accepted]) {
        for (const { socket } of ends.slice(first)) socket?.write(word);
        pair.clock.runUntilIdle();
      }
    }
  };
  // What one connection needs once, tables and pool, is there before.
  open(AT_ONCE);
  const before = memory();
  open(IDLE);
  const after = memory();
  const alive = opened.filter((end) => end.isOpen && end.received > 0).length;
  if (alive !== IDLE + AT_ONCE || accepted.length !== alive) {
    throw new Error(`${alive} of ${IDLE + AT_ONCE} connections are open`);
  }
  const grown = after - before;
  return (
    `${IDLE.toLocaleString('en')} idle connections, both ends: ${(grown / 1e6).toFixed(1)} MB of heap and buffers ` +
    `(${(grown / IDLE / 2).toFixed(0)} bytes an end)`
  );
}

if (process.argv[1] === SELF) console.log(process.argv[2] === 'idle' ? idle() : bulk().toFixed(3));
