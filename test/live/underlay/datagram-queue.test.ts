// Trains over the loopback of this machine: its kernel cuts them for a plain socket, so that what arrives can be compared with
// what single datagrams would have been. Needs Linux and koffi, no root.

import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import type { Libc } from '../../../src/live/kernel/libc.ts';
import { loadLibc } from '../../../src/live/kernel/libc.ts';
import type { SendBatch } from '../../../src/live/kernel/send-batch.ts';
import { socketAddress } from '../../../src/live/kernel/udp-descriptor.ts';
import { Offload } from '../../../src/live/offload/offload.ts';
import type { Receiver } from '../../../src/live/underlay/datagram-queue.ts';
import { DatagramQueue } from '../../../src/live/underlay/datagram-queue.ts';
import type { UnderlayCounters } from '../../../src/live/underlay/live-underlay.ts';
import { noCounts } from '../../../src/live/underlay/live-underlay.ts';
import type { OuterHeaders } from '../../../src/live/underlay/outer-headers.ts';
import { Trains } from '../../../src/live/underlay/trains.ts';
import { packet4 } from '../../engine/host/packets.ts';
import { viewOf } from '../../support/bytes.ts';

const LOCAL = parseIp4('127.0.0.1');
const PORT = 45_001;
const ROOM = 1472;

function hasKoffi(): boolean {
  try {
    createRequire(import.meta.url).resolve('koffi');
    return process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');
  } catch {
    return false;
  }
}

interface Came {
  readonly port: number;
  readonly bytes: Buffer;
}

/** A queue over the loopback; what would leave by the raw socket is noted, in its place among what arrives. */
class Stand {
  readonly pool = new FramePool();
  readonly counters: UnderlayCounters = noCounts();
  readonly raw: Uint8Array[] = [];
  readonly came: Came[] = [];
  readonly order: string[] = [];
  readonly socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
  readonly trains: Trains;
  readonly queue: DatagramQueue;
  to!: Receiver;

  constructor(change: Partial<Libc> = {}) {
    const real = loadLibc('a test', 'BACKEND_MISSING');
    const sendmsg = (fd: number, message: number, flags: number): number => {
      this.order.push('train');
      return real.sendmsg(fd, message, flags);
    };
    const libc = { ...real, sendmsg, ...change };
    this.trains = new Trains(libc, { local: LOCAL, ttl: 64, dontFragment: true });
    const raw = {
      push: (frame: Frame) => {
        this.order.push(`single ${frame.bytes[frame.start]}`);
        this.raw.push(frame.toBytes());
        frame.release();
      },
      flush: () => {
        if (this.order.at(-1)?.startsWith('single')) this.order.push('flush');
      },
    } as unknown as SendBatch;
    const outer = { push: () => {} } as unknown as OuterHeaders;
    this.queue = new DatagramQueue(libc, raw, this.trains, outer, this.pool, this.counters);
  }

  async open(): Promise<this> {
    this.socket.on('message', (bytes, { port }) => this.came.push({ port, bytes }));
    this.socket.bind(0, '127.0.0.1');
    await once(this.socket, 'listening');
    const libc = loadLibc('a test', 'BACKEND_MISSING');
    const name = (port: number): Receiver['raw'] => {
      const bytes = socketAddress(LOCAL, port, 0);
      return { bytes, at: libc.addressOf(bytes) };
    };
    this.to = { ip: LOCAL, group: false, raw: name(0), udp: name(this.socket.address().port) };
    return this;
  }

  push(bytes: Uint8Array, port = PORT, tos = 0): void {
    this.queue.push(this.pool.from(bytes), this.to, port, tos);
  }

  async arrived(count: number): Promise<void> {
    for (let n = 0; n < 500 && this.came.length < count; n++)
      await new Promise((done) => setTimeout(done, 5));
    expect(this.came).toHaveLength(count);
  }

  async close(): Promise<void> {
    this.trains.close();
    this.socket.close();
    await once(this.socket, 'close');
    expect(this.pool.out).toBe(0);
  }
}

const some = (length: number, mark: number): Uint8Array => new Uint8Array(length).fill(mark);

/** A TCP segment of any length behind a VXLAN header. */
function long(payload: number): Uint8Array {
  const segment = new Uint8Array(20 + payload);
  const view = viewOf(segment);
  tcp.setDataOffset(view, 0, 20);
  tcp.setFlags(view, 0, tcp.FLAG.ACK | tcp.FLAG.PSH | tcp.FLAG.CWR);
  for (let i = 20; i < segment.length; i++) segment[i] = (i * 13) & 0xff;
  const four = { src: '10.0.0.1', dst: '10.0.0.2', proto: 6, id: 65_530 };
  const inner = packet4({ to: 0x020000000001, from: 0x020000000002 }, four, segment);
  const bytes = new Uint8Array(8 + inner.length);
  vxlan.write(viewOf(bytes), 0, 42);
  bytes.set(inner, 8);
  return bytes;
}

/** What it is cut into by the code that cuts for everybody. */
function pieces(bytes: Uint8Array, size: number): Buffer[] {
  const pool = new FramePool();
  const out: Buffer[] = [];
  const piece = (frame: Frame): void => {
    out.push(Buffer.from([...bytes.subarray(0, 8), ...frame.toBytes()]));
    frame.release();
  };
  new Offload(pool).cut(pool.from(bytes.subarray(8)), 9000, size, { piece });
  return out;
}

describe.skipIf(!hasKoffi())('datagrams that wait', () => {
  let stand: Stand;
  beforeEach(async () => {
    stand = await new Stand().open();
  });
  afterEach(() => stand.close());

  test('of one flow and size leave as one train from the port of the flow, and arrive as they are', async () => {
    for (let i = 0; i < 20; i++) stand.push(some(72, i));
    stand.push(some(30, 20));
    await stand.arrived(21);
    expect(stand.came.map(({ bytes }) => [bytes.length, bytes[0]])).toEqual(
      Array.from({ length: 21 }, (_, i) => [i < 20 ? 72 : 30, i]),
    );
    expect(new Set(stand.came.map(({ port }) => port))).toEqual(new Set([PORT]));
    expect(stand.counters).toMatchObject({ sent: 21, sentBytes: 20 * 72 + 30, sendErrors: 0, queueFull: 0 });
    expect(stand.counters.trains).toMatchObject({ sent: 1, sentDatagrams: 21 });
  });

  test('of several flows that come by turns leave as a train each, in order', async () => {
    for (let i = 0; i < 32; i++) for (const flow of [0, 1]) stand.push(some(100 + flow, i), PORT + flow);
    await stand.arrived(64);
    for (const flow of [0, 1]) {
      const its = stand.came.filter(({ port }) => port === PORT + flow);
      expect(its.map(({ bytes }) => bytes[0])).toEqual(Array.from({ length: 32 }, (_, i) => i));
    }
    expect(stand.counters.trains.sent).toBe(2);
  });

  test('that grow begin a new train, so that none overtakes another', async () => {
    const lengths = [90, 90, 90, 90, 90, 90, 90, 90, 40, 40, 120, 120, 7];
    for (const [i, length] of lengths.entries()) stand.push(some(length, i));
    await stand.arrived(12);
    expect(stand.came.map(({ bytes }) => bytes[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]);
    // The one between them left before the second train did.
    expect(stand.order).toEqual(['train', 'single 9', 'flush', 'train']);
  });

  test('of many flows leave one by one: a socket is for those that are worth it', async () => {
    for (let i = 0; i < 40; i++) stand.push(some(72, i), PORT + i);
    for (let i = 0; i < 3; i++) stand.push(some(72, 40 + i), PORT + 50);
    await Promise.resolve();
    expect(stand.raw.map((bytes) => bytes[0])).toEqual(Array.from({ length: 43 }, (_, i) => i));
    expect(stand.counters.trains.sent).toBe(0);
  });

  test.each([
    [1398, 60_000],
    [536, 60_000],
    [1399, 5000],
    [1410, 65_000],
  ])('frames that stand for several: of %i bytes each, cut from %i', async (size, payload) => {
    const frame = stand.pool.from(long(payload));
    frame.segment = size;
    stand.queue.pushLong(frame, stand.to, PORT, 0, ROOM);
    const wanted = pieces(long(payload), size);
    await stand.arrived(wanted.length);
    expect(stand.came.map(({ bytes }) => bytes)).toEqual(wanted);
    expect(stand.counters.sent).toBe(wanted.length);
    expect(stand.counters.sentBytes).toBe(wanted.reduce((sum, { length }) => sum + length, 0));
    expect(stand.counters.trains.sentDatagrams).toBe(wanted.length);
  });

  test('whose packets would not fit the underlay are cut smaller', async () => {
    const frame = stand.pool.from(long(20_000));
    frame.segment = 4000;
    stand.queue.pushLong(frame, stand.to, PORT, 0, ROOM);
    const wanted = pieces(long(20_000), ROOM - 62);
    await stand.arrived(wanted.length);
    expect(stand.came.map(({ bytes }) => bytes)).toEqual(wanted);
  });

  test('use 128 sockets at most, and give each back', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let flow = 0; flow < 150; flow++) for (let i = 0; i < 8; i++) stand.push(some(72, i), PORT + flow);
    await stand.arrived(1200);
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThanOrEqual(128);
    expect(stand.counters.trains.sent).toBe(150);
    stand.trains.close();
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  test('leave one by one where somebody else has the port', async () => {
    const other = createSocket('udp4');
    other.bind(PORT, '127.0.0.1');
    await once(other, 'listening');
    const frame = stand.pool.from(long(9000));
    frame.segment = 1398;
    stand.queue.pushLong(frame, stand.to, PORT, 0, ROOM);
    expect(stand.raw.map((bytes) => Buffer.from(bytes))).toEqual(pieces(long(9000), 1398));
    expect(stand.counters).toMatchObject({ sent: 7, sendErrors: 0 });
    other.close();
  });
});

describe.skipIf(!hasKoffi() || !existsSync('/proc/self/fd'))('a kernel that takes no trains', () => {
  test.each(['EIO', 'EINVAL', 'ENOPROTOOPT'])(
    'is asked once (%s); datagrams go one by one',
    async (error) => {
      let asked = 0;
      const sendmsg = (): number => {
        asked++;
        return -1;
      };
      const stand = await new Stand({ sendmsg, error: () => error }).open();
      for (let n = 0; n < 2; n++) {
        for (let i = 0; i < 10; i++) stand.push(some(72, i));
        const frame = stand.pool.from(long(9000));
        frame.segment = 1398;
        stand.queue.pushLong(frame, stand.to, PORT, 0, ROOM);
      }
      expect(asked).toBe(1);
      expect(stand.trains.able).toBe(false);
      expect(stand.raw).toHaveLength(2 * 17);
      expect(stand.counters).toMatchObject({ sent: 34, sendErrors: 0, queueFull: 0 });
      await stand.close();
    },
  );

  test.each([
    ['EAGAIN', { queueFull: 17, sendErrors: 0 }],
    ['EMSGSIZE', { queueFull: 0, sendErrors: 17 }],
  ])('or not now (%s): every datagram is counted', async (error, counted) => {
    const stand = await new Stand({ sendmsg: () => -1, error: () => error }).open();
    for (let i = 0; i < 10; i++) stand.push(some(72, i));
    const frame = stand.pool.from(long(9000));
    frame.segment = 1398;
    stand.queue.pushLong(frame, stand.to, PORT, 0, ROOM);
    expect(stand.counters).toMatchObject({ sent: 17, ...counted });
    expect(stand.raw).toEqual([]);
    await stand.close();
  });
});
