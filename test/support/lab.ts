// A few hosts on one virtual clock, joined by cables and bridges, for tests. Every frame that a host sends is written
// down, and is handed on with `summed` off, so that receivers check the checksums that our senders wrote.

import { expect } from 'vitest';
import type { Frame } from '../../src/core/frame/frame.ts';
import { FramePool } from '../../src/core/frame/frame-pool.ts';
import type { Ip } from '../../src/core/wire/address.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import { Backlog } from '../../src/engine/fabric/backlog.ts';
import { Bridge } from '../../src/engine/fabric/bridge.ts';
import type { Port } from '../../src/engine/fabric/port.ts';
import { VethEnd, veth } from '../../src/engine/fabric/veth.ts';
import type { HostOptions } from '../../src/engine/host/host.ts';
import { Host } from '../../src/engine/host/host.ts';
import type { Interface } from '../../src/engine/host/interface.ts';
import type { Neighbour } from '../../src/engine/host/neighbour.ts';
import { STATE_NAMES } from '../../src/engine/host/neighbour.ts';
import type { DatagramReceiver } from '../../src/engine/host/udp.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { RandomSource } from '../../src/engine/time/random.ts';
import { VirtualClock } from '../../src/engine/time/virtual-clock.ts';
import type { TraceSink } from '../../src/engine/trace/event.ts';
import { SILENT } from '../../src/engine/trace/event.ts';
import { Recorder } from '../../src/engine/trace/recorder.ts';

/** A frame that somebody sent. */
export interface Sent {
  /** Seconds. */
  readonly time: number;
  readonly host: string;
  readonly type: number;
  readonly bytes: Uint8Array;
}

export interface Plug {
  /** Addresses with prefix lengths, as `10.0.0.1/24`. */
  readonly ips: readonly string[];
  readonly mac?: number;
  readonly mtu?: number;
}

/** Writes frames down on their way out of a host. */
class Tap implements Port {
  readonly #inner: Port | null;
  readonly #note: (frame: Frame) => void;
  readonly mtu: number;
  readonly name: string;

  constructor(name: string, mtu: number, inner: Port | null, note: (frame: Frame) => void) {
    this.name = name;
    this.mtu = mtu;
    this.#inner = inner;
    this.#note = note;
  }

  send(frame: Frame): void {
    this.#note(frame);
    if (this.#inner === null) return frame.release();
    frame.summed = false;
    this.#inner.send(frame);
  }
}

export class Lab {
  readonly clock: VirtualClock = new VirtualClock();
  readonly pool: FramePool;
  readonly backlog: Backlog = new Backlog();
  readonly random: RandomSource = new RandomSource('lab');
  readonly recorder: Recorder | null;
  readonly trace: TraceSink;
  readonly hosts: Host[] = [];
  readonly sent: Sent[] = [];
  #ids = 0;
  #macs = 0x020000000000;

  /** @param record what happens, in `recorder` */
  constructor(record = false, pool: FramePool = new FramePool()) {
    this.recorder = record ? new Recorder(this.clock) : null;
    this.trace = this.recorder ?? SILENT;
    this.pool = pool;
  }

  host(name: string, options: Partial<HostOptions> = {}): Host {
    const ground = {
      clock: this.clock,
      timers: this.clock,
      pool: this.pool,
      trace: this.trace,
      backlog: this.backlog,
    };
    const host = new Host(++this.#ids, ground, this.random.stream(name), { name, ...options });
    this.hosts.push(host);
    return host;
  }

  /** Joins two hosts by a veth pair; MACs count up from 02:00:00:00:00:01. */
  wire(a: Host, plugA: Plug, b: Host, plugB: Plug): [Interface, Interface] {
    const [endA, endB] = this.#pair(Math.max(plugA.mtu ?? 1500, plugB.mtu ?? 1500));
    const devA = this.#plug(a, plugA, endA);
    const devB = this.#plug(b, plugB, endB);
    endA.plug(a, devA.index);
    endB.plug(b, devB.index);
    return [devA, devB];
  }

  bridge(): Bridge {
    return new Bridge(++this.#ids, `br${this.#ids}`, this.clock, this.trace);
  }

  /** Connects a host to a bridge. */
  attach(host: Host, bridge: Bridge, plug: Plug): Interface {
    const [inner, outer] = this.#pair(plug.mtu ?? 1500);
    const dev = this.#plug(host, plug, inner);
    inner.plug(host, dev.index);
    outer.plug(bridge, bridge.attach(outer));
    return dev;
  }

  /** An interface whose frames are written down and go nowhere. */
  alone(host: Host, plug: Plug): Interface {
    return this.#plug(host, plug, null);
  }

  /** A port that writes frames down, as sent by `name`, and swallows them. */
  hole(name = 'hole'): Port {
    return new Tap(name, 1500, null, (frame) => this.#note(name, frame));
  }

  /** Hands bytes to a host as if they had come over the wire. */
  inject(host: Host, bytes: Uint8Array, dev = 0): void {
    this.backlog.push(this.pool.from(bytes), host, dev);
  }

  /** Lets seconds pass. */
  run(seconds: number): void {
    this.clock.runUntil(this.clock.now + Math.round(seconds * SECOND));
  }

  /** What was sent since `sent` was last emptied, of one EtherType and host if asked. */
  frames(type?: number, host?: string): Sent[] {
    return this.sent.filter(
      (frame) => (type === undefined || frame.type === type) && (host === undefined || frame.host === host),
    );
  }

  /** Closes every host: afterwards no timer waits and every frame is home. */
  end(): void {
    for (const host of this.hosts) host.close();
    expect(this.clock.pending).toBe(0);
    expect(this.pool.out).toBe(0);
  }

  #note(host: string, frame: Frame): void {
    const type = ethernet.etherType(frame.view, frame.start);
    this.sent.push({ time: this.clock.now / SECOND, host, type, bytes: frame.toBytes() });
  }

  #pair(mtu: number): [VethEnd, VethEnd] {
    const a = new VethEnd(++this.#ids, `veth${this.#ids}`, mtu, this.backlog, this.trace);
    const b = new VethEnd(++this.#ids, `veth${this.#ids}`, mtu, this.backlog, this.trace);
    veth(a, b);
    return [a, b];
  }

  #plug(host: Host, plug: Plug, port: Port | null): Interface {
    const mtu = plug.mtu ?? 1500;
    const tap = new Tap(host.name, mtu, port, (frame) => this.#note(host.name, frame));
    return host.addInterface(tap, {
      name: `eth${host.interfaces.length}`,
      mac: plug.mac ?? ++this.#macs,
      mtu,
      addresses: plug.ips.map(address),
    });
  }
}

/** `10.0.0.1/24` as an interface takes it. */
export function address(text: string): { ip: Ip; prefix: number } {
  const [ip, prefix] = text.split('/');
  return { ip: parseIp(ip as string), prefix: Number(prefix) };
}

/** A default route. */
export function gateway(host: Host, via: string, dev = 0): void {
  const hop = parseIp(via);
  const any = typeof hop === 'number' ? 0 : { a: 0, b: 0, c: 0, d: 0 };
  host.routes.add({ ip: any, prefix: 0, hops: [{ via: hop, dev: host.interfaces[dev] as Interface }] });
}

export function stateOf(neighbour: Neighbour | undefined): string {
  return neighbour === undefined ? 'none' : (STATE_NAMES[neighbour.state] as string);
}

/** A socket's receiver that keeps what it hears. */
export class Inbox implements DatagramReceiver {
  readonly datagrams: { srcPort: number; bytes: Uint8Array }[] = [];
  readonly errors: { from: Ip; type: number; code: number; port: number; mtu: number }[] = [];

  datagram(frame: Frame, _ip: number, at: number, end: number, srcPort: number): void {
    this.datagrams.push({ srcPort, bytes: frame.bytes.slice(at, end) });
    frame.release();
  }

  error(from: Ip, type: number, code: number, port: number, mtu: number): void {
    this.errors.push({ from, type, code, port, mtu });
  }
}

/** Payload that shows where each byte belongs. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);
}
