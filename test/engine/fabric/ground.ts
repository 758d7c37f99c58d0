// What the forwarding plane's tests stand on: virtual time, a pool, a recorder, and ports that write down what they get.

import { expect } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import type { PeerId } from '../../../src/engine/fabric/peers.ts';
import type { Port, PortId, Sink } from '../../../src/engine/fabric/port.ts';
import type { TunnelReceiver, Underlay } from '../../../src/engine/fabric/underlay.ts';
import type { VtepOptions } from '../../../src/engine/fabric/vtep.ts';
import { Vtep } from '../../../src/engine/fabric/vtep.ts';
import { VirtualClock } from '../../../src/engine/time/virtual-clock.ts';
import { Recorder } from '../../../src/engine/trace/recorder.ts';

export class Ground {
  readonly clock: VirtualClock = new VirtualClock();
  readonly timers: VirtualClock = this.clock;
  readonly pool: FramePool = new FramePool();
  readonly trace: Recorder = new Recorder(this.clock, { snap: 64 });

  /** Nothing is out and nothing waits. */
  end(): void {
    expect(this.pool.out).toBe(0);
    expect(this.clock.pending).toBe(0);
  }

  /** What was traced, as [kind, a, b]. */
  told(kind: number): [number, number][] {
    return Array.from({ length: this.trace.length }, (_, i) => this.trace.at(i))
      .filter((event) => event.what === kind)
      .map((event) => [event.a, event.b]);
  }
}

/** A port and a sink that keep the bytes and let the frame go. */
export class Out implements Port, Sink {
  readonly name: string;
  readonly mtu = 1500;
  readonly got: Uint8Array[] = [];
  readonly ports: PortId[] = [];
  /** What to do with each frame before it goes. */
  touch: (frame: Frame) => Frame = (frame) => frame;

  constructor(name = 'out') {
    this.name = name;
  }

  send(frame: Frame): void {
    this.got.push(frame.toBytes());
    this.touch(frame).release();
  }

  receive(frame: Frame, from: PortId): void {
    this.ports.push(from);
    this.send(frame);
  }
}

export interface Datagram {
  readonly peer: PeerId;
  readonly entropy: number;
  readonly tos: number;
  readonly bytes: Uint8Array;
}

export class StubUnderlay implements Underlay {
  readonly sent: Datagram[] = [];
  readonly groups: PeerId[] = [];
  payload = 1472;

  room(): number {
    return this.payload;
  }

  sendTo(peer: PeerId, entropy: number, tos: number, frame: Frame): void {
    this.sent.push({ peer, entropy, tos, bytes: frame.toBytes() });
    frame.release();
  }

  join(group: PeerId): void {
    this.groups.push(group);
  }

  leave(group: PeerId): void {
    this.groups.splice(this.groups.indexOf(group), 1);
  }
}

/** A tunnel receiver that keeps what it is given. */
export class Inbox implements TunnelReceiver {
  readonly got: { peer: PeerId; tos: number; bytes: Uint8Array }[] = [];

  input(frame: Frame, peer: PeerId, tos: number): void {
    this.got.push({ peer, tos, bytes: frame.toBytes() });
    frame.release();
  }
}

/** The RFC's letter: what the flood-and-learn profile asks of a VTEP. */
export const VTEP: VtepOptions = {
  vni: 100,
  mtu: 1450,
  own: 0,
  macHi: 0x0200,
  macLo: 0x000000aa,
  learning: true,
  neighbours: 'forward',
  reservedBits: 'ignore',
  innerVlan: 'discard',
  pmtuReplies: false,
  ageing: 300_000_000_000,
  maxEntries: 0,
};

export class VtepBench {
  readonly ground: Ground = new Ground();
  readonly underlay: StubUnderlay = new StubUnderlay();
  readonly inside: Out = new Out('bridge');
  readonly vtep: Vtep;

  constructor(options: Partial<VtepOptions> = {}) {
    this.vtep = new Vtep(1, 'vxlan0', { ...VTEP, ...options }, this.ground, this.underlay);
    this.vtep.plug(this.inside, 7);
  }

  send(bytes: Uint8Array): void {
    this.vtep.send(this.ground.pool.from(bytes));
  }

  input(bytes: Uint8Array, peer: PeerId = 1, tos = 0): void {
    this.vtep.input(this.ground.pool.from(bytes), peer, tos);
  }
}

/** A VXLAN header in front of bytes. */
export function wrap(vni: number, inner: Uint8Array, firstWord = 0x08000000, last = 0): Uint8Array {
  const bytes = new Uint8Array(8 + inner.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, firstWord);
  view.setUint32(4, vni * 256 + last);
  bytes.set(inner, 8);
  return bytes;
}

/** An Ethernet frame of some unknown type with `length` bytes of payload. */
export function ether(to: number, from: number, length = 46, type = 0x88b5): Uint8Array {
  const bytes = new Uint8Array(14 + length).map((_, i) => i & 0xff);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(to / 2 ** 32));
  view.setUint32(2, to % 2 ** 32);
  view.setUint16(6, Math.floor(from / 2 ** 32));
  view.setUint32(8, from % 2 ** 32);
  view.setUint16(12, type);
  return bytes;
}

/** The bytes with a tag behind the addresses. */
export function tag(bytes: Uint8Array, tci: number, type = 0x8100): Uint8Array {
  return new Uint8Array([
    ...bytes.subarray(0, 12),
    ...[type >> 8, type & 255, tci >> 8, tci & 255],
    ...bytes.subarray(12),
  ]);
}

export const A = 0x02000000000a;
export const B = 0x02000000000b;
export const C = 0x02000000000c;
export const ALL = 0xffffffffffff;
