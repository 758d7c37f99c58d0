// The batch backend: many datagrams a system call, through koffi. A thread blocks in recvmmsg and the kernel writes into a ring
// that this thread reads; what is sent waits for the end of Node's turn and leaves by one sendmmsg on a raw IP socket, from where
// the frames lie, with a source port for each inner flow. Needs Linux, koffi, and root or CAP_NET_RAW.

import { closeSync } from 'node:fs';
import type { Frame } from '../../core/frame/frame.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import type { BackendSite } from './backend-site.ts';
import type { FrameRing } from './frame-ring.ts';
import { CONTROL_LEN, FACT, NAME_LEN } from './frame-ring.ts';
import type { PacketTaker } from './intake.ts';
import { Intake } from './intake.ts';
import { kernelDrops } from './kernel-drops.ts';
import type { Libc } from './libc.ts';
import { loadLibc } from './libc.ts';
import type { LiveUnderlay, UnderlayCounters } from './live-underlay.ts';
import { noCounts } from './live-underlay.ts';
import { OuterHeaders } from './outer-headers.ts';
import { SendBatch } from './send-batch.ts';
import { rawDescriptor, socketAddress, TOS_MESSAGE, udpDescriptor } from './udp-descriptor.ts';
import type { LiveVtepConfig } from './vtep-config.ts';

const MSG_TRUNC = 0x20;
/** struct cmsghdr. */
const CMSG_LEN = 16;
/** Datagrams that wait to be read. On a virtual cable a datagram may hold 64 kB: a segment that nobody cut. */
const SLOTS = 1024;
const LONG_SLOTS = 256;
const LONG_BYTES = 65_600;

/** A kernel's socket address and where it lies. */
interface Name {
  readonly bytes: Uint8Array;
  readonly at: number;
}

export class BatchUnderlay implements LiveUnderlay, PacketTaker {
  readonly counters: UnderlayCounters = noCounts();
  readonly notices: string[] = [];
  readonly #config: LiveVtepConfig;
  readonly #site: BackendSite;
  readonly #libc: Libc;
  readonly #headers: OuterHeaders;
  readonly #room: number;
  readonly #six: boolean;
  readonly #names: Name[] = [];
  readonly #groups: Set<PeerId> = new Set();
  readonly #descriptors: number[] = [];
  readonly #intakes: Intake[] = [];
  readonly #slotBytes: number;
  #batch: SendBatch | null = null;

  /** @param long whether datagrams may be longer than the MTU @throws VxlabError BACKEND_MISSING without koffi or off Linux */
  constructor(config: LiveVtepConfig, site: BackendSite, long: boolean) {
    this.#libc = loadLibc('the batch backend', 'BACKEND_MISSING');
    this.#config = config;
    this.#site = site;
    this.#headers = new OuterHeaders(config);
    this.#six = isIp6(config.local);
    this.#room = site.mtu - (this.#six ? 48 : 28);
    this.#slotBytes = long ? LONG_BYTES : (site.mtu + 7) & ~7;
  }

  async open(): Promise<void> {
    const { local, port } = this.#config;
    try {
      const sender = rawDescriptor(this.#libc, local, this.#site.device);
      this.#descriptors.push(sender);
      this.#batch = new SendBatch(this.#libc, sender);
      await this.#listen(udpDescriptor(this.#libc, local, port, local, null));
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
    if (this.#batch !== null) this.#listenTo(group).catch(() => this.counters.sendErrors++);
  }

  /** A group that is left stays open until the end: its VNI is gone, so its datagrams are dropped and counted. */
  leave(group: PeerId): void {
    this.#groups.delete(group);
  }

  sendTo(peer: PeerId, entropy: number, ecn: number, frame: Frame): void {
    const batch = this.#batch;
    if (batch === null) return frame.release();
    const to = this.#site.ground.peers.addressOf(peer);
    const port = this.#headers.port(entropy);
    this.counters.sent++;
    this.counters.sentBytes += frame.end - frame.start;
    this.#site.watch?.datagram(false, formatIp(to), port, frame);
    this.#headers.push(frame, to, port, this.#headers.tos(frame, ecn));
    const name = this.#names[peer] ?? this.#name(peer);
    batch.push(frame, name.at, name.bytes.length);
    this.counters.sendErrors = batch.counters.errors;
    this.counters.queueFull = batch.counters.full;
  }

  packet(ring: FrameRing, slot: number, at: number, length: number): void {
    const { counters } = this;
    const { door, clock, ground, watch, receiver } = this.#site;
    const { view } = ring;
    counters.received++;
    counters.receivedBytes += length;
    const name = ring.namesAt + slot * NAME_LEN;
    const peer = this.#six ? door.peer6(view, name + 8) : door.peer4(view.getUint32(name + 4));
    if (peer < 0) return;
    if ((ring.fact(slot, FACT.flags) & MSG_TRUNC) !== 0) {
      counters.truncated++;
      return;
    }
    clock.tick();
    const frame = ground.pool.from(ring.bytes.subarray(at, at + length));
    watch?.datagram(true, formatIp(ground.peers.addressOf(peer)), view.getUint16(name + 2), frame);
    receiver.input(
      frame,
      peer,
      this.#tos(view, ring.controlAt + slot * CONTROL_LEN, ring.fact(slot, FACT.control)),
    );
  }

  ended(error: string): void {
    this.notices.push(`nothing more comes in: ${error}`);
  }

  async close(): Promise<void> {
    this.#batch?.flush();
    this.#batch = null;
    await Promise.all(this.#intakes.splice(0).map((intake) => intake.close()));
    for (const fd of this.#descriptors.splice(0)) closeSync(fd);
  }

  #listenTo(group: PeerId): Promise<void> {
    const { local, port } = this.#config;
    const ip = this.#site.ground.peers.addressOf(group);
    return this.#listen(udpDescriptor(this.#libc, ip, port, local, this.#site.device));
  }

  #listen(fd: number): Promise<void> {
    this.#descriptors.push(fd);
    const slots = this.#slotBytes === LONG_BYTES ? LONG_SLOTS : SLOTS;
    const intake = new Intake(this.#libc, fd, 'socket', { slots, slotBytes: this.#slotBytes }, this);
    this.#intakes.push(intake);
    return intake.open();
  }

  #name(peer: PeerId): Name {
    const { device, ground } = this.#site;
    const ip = ground.peers.addressOf(peer);
    const scope = ground.peers.isGroup(peer) && device !== null ? this.#libc.ifIndex(device) : 0;
    const bytes = socketAddress(ip, 0, scope);
    const name = { bytes, at: this.#libc.addressOf(bytes) };
    this.#names[peer] = name;
    return name;
  }

  /** The TOS or traffic class that came with a datagram. */
  #tos(view: DataView, at: number, length: number): number {
    if (length <= CMSG_LEN) return 0;
    const [level, type] = this.#six ? TOS_MESSAGE.six : TOS_MESSAGE.four;
    const ours = view.getInt32(at + 8, true) === level && view.getInt32(at + 12, true) === type;
    return ours ? view.getUint8(at + CMSG_LEN) : 0;
  }
}
