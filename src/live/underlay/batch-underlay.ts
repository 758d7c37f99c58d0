// The batch backend: many datagrams a system call, through koffi. A thread blocks in recvmmsg and the kernel writes into a ring
// that this thread reads; what is sent waits for the end of Node's turn (datagram-queue.ts) and leaves from where the frames lie,
// with a source port for each inner flow. Several datagrams of a flow may come and go as one, and TCP segments with them
// (trains.ts, segment-join.ts). Needs Linux, koffi, and root or CAP_NET_RAW.

import { closeSync } from 'node:fs';
import type { Frame } from '../../core/frame/frame.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import type { FrameRing } from '../kernel/frame-ring.ts';
import { CONTROL_LEN, FACT, NAME_LEN } from '../kernel/frame-ring.ts';
import type { PacketTaker } from '../kernel/intake.ts';
import { Intake } from '../kernel/intake.ts';
import { kernelDrops } from '../kernel/kernel-drops.ts';
import type { Libc } from '../kernel/libc.ts';
import { loadLibc } from '../kernel/libc.ts';
import { MemoryCopy } from '../kernel/memory-copy.ts';
import { SendBatch } from '../kernel/send-batch.ts';
import {
  rawDescriptor,
  socketAddress,
  TOS_MESSAGE,
  TRAIN_MESSAGE,
  udpDescriptor,
} from '../kernel/udp-descriptor.ts';
import type { BackendSite } from './backend-site.ts';
import type { Receiver, SocketName } from './datagram-queue.ts';
import { DatagramQueue } from './datagram-queue.ts';
import type { LiveUnderlay, UnderlayCounters } from './live-underlay.ts';
import { noCounts } from './live-underlay.ts';
import { OuterHeaders } from './outer-headers.ts';
import { SegmentJoin } from './segment-join.ts';
import { Trains } from './trains.ts';
import type { UnderlayConfig } from './underlay-config.ts';

const MSG_TRUNC = 0x20;
/** struct cmsghdr. */
const CMSG_LEN = 16;
/** Datagrams that wait to be read. A train may have 64 kB, and on a virtual cable a datagram: a segment that nobody cut. */
const SLOTS = 1024;
const LONG_SLOTS = 256;
const LONG_BYTES = 65_600;

export class BatchUnderlay implements LiveUnderlay, PacketTaker {
  readonly counters: UnderlayCounters = noCounts();
  readonly notices: string[] = [];
  readonly #config: UnderlayConfig;
  readonly #site: BackendSite;
  readonly #libc: Libc;
  readonly #headers: OuterHeaders;
  readonly #room: number;
  readonly #six: boolean;
  readonly whole: boolean;
  readonly #receivers: Receiver[] = [];
  readonly #groups: Set<PeerId> = new Set();
  readonly #descriptors: number[] = [];
  readonly #intakes: Intake[] = [];
  readonly #slotBytes: number;
  readonly #copy: MemoryCopy;
  readonly #join: SegmentJoin;
  readonly #trains: Trains | null;
  #queue: DatagramQueue | null = null;
  /** Of the packet that is being taken. */
  #tos = 0;
  #size = 0;

  /** @param long whether datagrams may be longer than the MTU @throws VxlabError BACKEND_MISSING without koffi or off Linux */
  constructor(config: UnderlayConfig, site: BackendSite, long: boolean) {
    this.#libc = loadLibc('the batch backend', 'BACKEND_MISSING');
    this.#config = config;
    this.#site = site;
    this.#headers = new OuterHeaders(config);
    this.#six = isIp6(config.local);
    this.#room = site.mtu - (this.#six ? 48 : 28);
    const { offload } = config;
    this.#slotBytes = long || offload ? LONG_BYTES : (site.mtu + 7) & ~7;
    // A capture shows the datagrams as they are on the wire.
    this.whole = offload && site.watch === null;
    this.#trains = offload ? new Trains(this.#libc, config) : null;
    const { pool } = site.ground;
    this.#copy = new MemoryCopy(this.#libc, pool);
    this.#join = new SegmentJoin(pool, this.#copy, site.receiver, this.counters.trains);
  }

  async open(): Promise<void> {
    const { local, port } = this.#config;
    try {
      const sender = rawDescriptor(this.#libc, local, this.#site.device);
      this.#descriptors.push(sender);
      const raw = new SendBatch(this.#libc, sender, this.counters);
      const { pool } = this.#site.ground;
      this.#queue = new DatagramQueue(this.#libc, raw, this.#trains, this.#headers, pool, this.counters);
      await this.#listen(udpDescriptor(this.#libc, local, port, local, null, this.#config.offload));
      for (const group of this.#groups) await this.#listenTo(group);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  room(_peer: PeerId): number {
    return this.#room;
  }

  kernelDrops(): number | null {
    return kernelDrops(this.#config.local, this.#config.port);
  }

  join(group: PeerId): void {
    this.#groups.add(group);
    if (this.#queue !== null) this.#listenTo(group).catch(() => this.counters.sendErrors++);
  }

  /** A group that is left stays open until the end: its VNI is gone, so its datagrams are dropped and counted. */
  leave(group: PeerId): void {
    this.#groups.delete(group);
  }

  sendTo(peer: PeerId, entropy: number, ecn: number, frame: Frame): void {
    const queue = this.#queue;
    if (queue === null) return frame.release();
    const port = this.#headers.port(entropy);
    const tos = this.#headers.tos(frame, ecn);
    const to = this.#receivers[peer] ?? this.#receiver(peer);
    if (frame.segment > 0) return queue.pushLong(frame, to, port, tos, this.#room);
    this.#site.watch?.datagram(false, formatIp(to.ip), port, frame);
    queue.push(frame, to, port, tos);
  }

  packet(ring: FrameRing, slot: number, at: number, length: number): void {
    const { counters } = this;
    const { door, clock } = this.#site;
    const { view } = ring;
    this.#readControl(view, ring.controlAt + slot * CONTROL_LEN, ring.fact(slot, FACT.control));
    const size = this.#size > 0 ? this.#size : length;
    const count = size >= length ? 1 : Math.ceil(length / size);
    counters.received += count;
    counters.receivedBytes += length;
    if (count > 1) {
      counters.trains.received++;
      counters.trains.receivedDatagrams += count;
    }
    const name = ring.namesAt + slot * NAME_LEN;
    clock.tick();
    for (let from = 0; from < length || from === 0; from += size) {
      // A stranger is counted with each of its datagrams.
      const peer = this.#six ? door.peer6(view, name + 8) : door.peer4(view.getUint32(name + 4));
      if (peer < 0) continue;
      if ((ring.fact(slot, FACT.flags) & MSG_TRUNC) !== 0) counters.truncated++;
      else this.#take(ring, view.getUint16(name + 2), at + from, Math.min(size, length - from), peer);
    }
  }

  /** Nothing more is there: what waits for others that follow it goes on. */
  pause(): void {
    this.#join.flush();
  }

  #take(ring: FrameRing, port: number, at: number, length: number, peer: PeerId): void {
    if (this.whole) return this.#join.take(ring.bytes, ring.view, at, length, peer, this.#tos);
    const { watch, receiver, ground } = this.#site;
    const frame = this.#copy.frame(ring.bytes, at, length);
    watch?.datagram(true, formatIp(ground.peers.addressOf(peer)), port, frame);
    receiver.input(frame, peer, this.#tos);
  }

  ended(error: string): void {
    this.notices.push(`nothing more comes in: ${error}`);
  }

  async close(): Promise<void> {
    this.#queue?.close();
    this.#queue = null;
    await Promise.all(this.#intakes.splice(0).map((intake) => intake.close()));
    this.#join.clear();
    this.#trains?.close();
    for (const fd of this.#descriptors.splice(0)) closeSync(fd);
  }

  #listenTo(group: PeerId): Promise<void> {
    const { local, port } = this.#config;
    const ip = this.#site.ground.peers.addressOf(group);
    const { offload } = this.#config;
    return this.#listen(udpDescriptor(this.#libc, ip, port, local, this.#site.device, offload));
  }

  #listen(fd: number): Promise<void> {
    this.#descriptors.push(fd);
    const slots = this.#slotBytes === LONG_BYTES ? LONG_SLOTS : SLOTS;
    const intake = new Intake(this.#libc, fd, 'socket', { slots, slotBytes: this.#slotBytes, lead: 0 }, this);
    this.#intakes.push(intake);
    return intake.open();
  }

  #receiver(peer: PeerId): Receiver {
    const { device, ground } = this.#site;
    const ip = ground.peers.addressOf(peer);
    const group = ground.peers.isGroup(peer);
    const scope = group && device !== null ? this.#libc.ifIndex(device) : 0;
    const name = (port: number): SocketName => {
      const bytes = socketAddress(ip, port, scope);
      return { bytes, at: this.#libc.addressOf(bytes) };
    };
    const receiver = { ip, group, raw: name(0), udp: name(this.#config.port) };
    this.#receivers[peer] = receiver;
    return receiver;
  }

  /** What came with a packet: TOS or traffic class, and the size of a train's datagrams. */
  #readControl(view: DataView, start: number, length: number): void {
    this.#tos = 0;
    this.#size = 0;
    const [level, type] = this.#six ? TOS_MESSAGE.six : TOS_MESSAGE.four;
    const end = start + length;
    for (let at = start; at + CMSG_LEN < end; ) {
      const bytes = view.getUint32(at, true);
      if (bytes <= CMSG_LEN) return;
      const itsLevel = view.getInt32(at + 8, true);
      const itsType = view.getInt32(at + 12, true);
      if (itsLevel === level && itsType === type) this.#tos = view.getUint8(at + CMSG_LEN);
      else if (itsLevel === TRAIN_MESSAGE[0] && itsType === TRAIN_MESSAGE[1]) {
        this.#size = view.getUint16(at + CMSG_LEN, true);
      }
      at += (bytes + 7) & ~7;
    }
  }
}
