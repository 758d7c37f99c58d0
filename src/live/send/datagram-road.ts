// UDP payloads through Node's dgram: no root, no addon. The kernel writes the outer headers; the source ports are those of a
// handful of sockets, which the inner flows are spread over.

import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { isGroup } from '../vtep/vtep-config.ts';
import type { DatagramTarget } from './datagram-target.ts';
import { Framed, innerEntropy } from './framed.ts';
import type { Memory, Road, RoadCounters } from './road.ts';
import { fail, noneSent } from './road.ts';

/** Sockets at most, where a range of ports is asked for. */
const SOCKETS = 16;
const TRIES = 64;
const BUFFER = 4 * 1024 * 1024;

export class DatagramRoad implements Road {
  readonly took = 0;
  readonly means = 'udp';
  readonly counters: RoadCounters = noneSent();
  readonly room: number;
  readonly broken = null;
  readonly #target: DatagramTarget;
  readonly #address: string;
  readonly #sockets: Socket[] = [];
  readonly #framed: Framed = new Framed();

  private constructor(target: DatagramTarget) {
    this.#target = target;
    this.room = target.room;
    this.#address = formatIp(target.to);
  }

  /** @throws VxlabError PORT_IN_USE, NO_SUCH_ADDRESS, SOCKET_REFUSED */
  static async open(target: DatagramTarget): Promise<DatagramRoad> {
    const road = new DatagramRoad(target);
    const [min, max] = target.sourcePorts ?? [0, 0];
    const count = Math.min(SOCKETS, max - min + 1);
    try {
      for (let i = 0; i < count; i++) road.#sockets.push(await bound(target, min, max));
    } catch (error) {
      await road.close();
      throw error;
    }
    return road;
  }

  send(from: Memory, start: number, end: number): void {
    const frame = this.#framed.take(from, start, end);
    const socket = this.#sockets[innerEntropy(frame) % this.#sockets.length] as Socket;
    const length = end - start;
    socket.send(frame.bytes, frame.start, length, this.#target.config.port, this.#address, (error) => {
      if (error === null) {
        this.counters.sent++;
        this.counters.bytes += length;
      } else fail(this.counters, reasonOf(error as NodeJS.ErrnoException));
      frame.release();
      this.#framed.home();
    });
  }

  flush(): void {}

  ready(): Promise<void> | null {
    return this.#framed.ready();
  }

  async settle(): Promise<void> {
    while (this.#framed.pool.out > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#sockets.splice(0).map((socket) => new Promise<void>((done) => socket.close(() => done()))),
    );
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EMSGSIZE') return 'tooLong';
  return error.code ?? error.message;
}

/** A socket on a port of the range: the only one, or one that is free. */
async function bound(target: DatagramTarget, min: number, max: number): Promise<Socket> {
  for (let tries = 1; ; tries++) {
    const port = min + Math.floor(Math.random() * (max - min + 1));
    try {
      return await boundTo(target, port);
    } catch (error) {
      const taken = error instanceof VxlabError && error.code === 'PORT_IN_USE' && max > min;
      if (!taken || tries === TRIES) throw error;
    }
  }
}

function boundTo({ config, to }: DatagramTarget, port: number): Promise<Socket> {
  const local = formatIp(config.local);
  const six = isIp6(config.local);
  const socket = createSocket({
    type: six ? 'udp6' : 'udp4',
    sendBufferSize: BUFFER,
    // Addresses only: nothing to look up.
    lookup: (name, _options, found) => found(null, name, six ? 6 : 4),
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      reject(refused(error, local, port));
    });
    socket.bind(port, local, () => {
      socket.removeAllListeners('error').on('error', () => undefined);
      socket.setTTL(config.ttl);
      if (isGroup(to)) {
        socket.setMulticastTTL(config.ttl);
        socket.setMulticastInterface(six ? `::%${config.dev}` : local);
      }
      resolve(socket);
    });
  });
}

function refused({ code, message }: NodeJS.ErrnoException, local: string, port: number): VxlabError {
  if (code === 'EADDRINUSE') {
    return new VxlabError(
      'PORT_IN_USE',
      `UDP port ${port} on ${local} is in use: leave --source-port out, or use --backend batch or raw as root`,
    );
  }
  if (code === 'EADDRNOTAVAIL')
    return new VxlabError('NO_SUCH_ADDRESS', `${local} is not an address of this machine`);
  return new VxlabError('SOCKET_REFUSED', `cannot open UDP ${local}:${port}: ${message}`);
}
