// An interface that is there already, attached by packet sockets (packet(7)): one end of a veth, a bridge's port, a network card.
// What the interface receives comes in, what is sent goes out of it; its own kernel sees all of that too.
//
// Frames from a veth may lack what a network card does. PACKET_VNET_HDR puts a virtio-net header in front that says what
// (virtio-header.ts), and takes one with frames that stand for several. A VLAN tag that the kernel took off comes as ancillary data and is put back.

import { closeSync, readFileSync } from 'node:fs';
import type { Frame } from '../../core/frame/frame.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Bridge } from '../../engine/fabric/bridge.ts';
import { LINK_SLACK } from '../../engine/fabric/port.ts';
import { Counters } from '../../engine/trace/counters.ts';
import { DROP, drop } from '../../engine/trace/drop.ts';
import type { ElementId, TraceSink } from '../../engine/trace/event.ts';
import type { FrameRing } from '../kernel/frame-ring.ts';
import { CONTROL_LEN, FACT } from '../kernel/frame-ring.ts';
import type { PacketTaker } from '../kernel/intake.ts';
import { Intake } from '../kernel/intake.ts';
import type { Libc } from '../kernel/libc.ts';
import { MemoryCopy } from '../kernel/memory-copy.ts';
import { SendBatch } from '../kernel/send-batch.ts';
import type { OffloadCounters, Pieces } from '../offload/offload.ts';
import { Offload } from '../offload/offload.ts';
import { VirtioFrames } from '../offload/virtio-frames.ts';
import * as virtio from '../offload/virtio-header.ts';
import type { Attachment } from './attachment.ts';
import type { PortSite } from './tap-device.ts';

// linux/socket.h, linux/if_packet.h, linux/if_ether.h, asm-generic/socket.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_AUXDATA = 8;
const PACKET_VNET_HDR = 15;
const PACKET_QDISC_BYPASS = 20;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_PROMISC = 1;
const SOCKADDR_LL_LEN = 20;
const PACKET_MREQ_LEN = 16;
/** struct cmsghdr, then tpacket_auxdata: status, length, snapped, mac, net, VLAN TCI, TPID. */
const CMSG_LEN = 16;
const AUX_STATUS = 0;
const AUX_TCI = 16;
const AUX_TPID = 18;
const STATUS_VLAN_VALID = 0x10;
const TAG_LEN = 4;
const BUFFER = 8 * 1024 * 1024;
/** Frames that wait to be read, each of up to 64 kB: a segment that nobody cut. */
const SLOTS = 128;
const SLOT_BYTES = 65_600;

export class PacketSocket implements Attachment, PacketTaker, Pieces {
  readonly id: ElementId;
  readonly name: string;
  readonly mtu: number;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly notices: string[] = [];
  readonly station = null;
  readonly #site: PortSite;
  readonly #offload: Offload;
  readonly #copy: MemoryCopy;
  readonly #virtio: VirtioFrames;
  readonly #in: number;
  readonly #out: number;
  readonly #intake: Intake;
  readonly #batch: SendBatch;
  #bridge: Bridge | null = null;
  #port = 0;
  #tci = -1;
  #tpid = 0;
  #told = false;
  #closed = false;

  /**
   * Opens an interface.
   * @param mtu of the overlay: what is longer is cut, or refused
   * @throws VxlabError ATTACH_MISSING without the privilege, ATTACH_REFUSED for what is no Ethernet
   */
  constructor(libc: Libc, name: string, mtu: number, site: PortSite) {
    this.#site = site;
    this.id = site.id;
    this.trace = site.trace;
    this.name = name;
    this.mtu = Math.min(mtu, interfaceMtu(name));
    this.#offload = new Offload(site.pool);
    this.#copy = new MemoryCopy(libc, site.pool);
    this.#virtio = new VirtioFrames(this.#offload, this.mtu, site.whole);
    const index = libc.ifIndex(name);
    this.#in = bound(libc, name, index, ETH_P_ALL, [
      [SOL_PACKET, PACKET_IGNORE_OUTGOING],
      [SOL_PACKET, PACKET_AUXDATA],
      [SOL_PACKET, PACKET_VNET_HDR],
    ]);
    option(libc, this.#in, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER);
    promiscuous(libc, this.#in, index);
    this.#out = bound(libc, name, index, 0, [
      [SOL_PACKET, PACKET_QDISC_BYPASS],
      [SOL_PACKET, PACKET_VNET_HDR],
    ]);
    this.#batch = new SendBatch(libc, this.#out);
    this.#intake = new Intake(
      libc,
      this.#in,
      'socket',
      { slots: SLOTS, slotBytes: SLOT_BYTES, lead: virtio.LEAD },
      this,
    );
  }

  get offload(): OffloadCounters {
    return this.#offload.counters;
  }

  open(bridge: Bridge, port: number): Promise<void> {
    this.#bridge = bridge;
    this.#port = port;
    return this.#intake.open();
  }

  send(given: Frame): void {
    const length = given.end - given.start;
    if (this.#closed) return drop(this, given, DROP.linkDown);
    if (given.segment === 0 && length > this.mtu + LINK_SLACK) {
      return drop(this, given, DROP.mtuExceeded, length);
    }
    const frame = given.own();
    if (!this.#virtio.push(frame)) return drop(this, frame, DROP.mtuExceeded, length);
    this.counters.txPackets++;
    this.counters.txBytes += length;
    this.#batch.push(frame);
  }

  packet(ring: FrameRing, slot: number, at: number, length: number): void {
    const { view } = ring;
    const bytes = length - virtio.HEADER_LEN;
    if (bytes <= 0) return;
    this.counters.rxPackets++;
    this.counters.rxBytes += bytes;
    this.#site.clock.tick();
    this.#tag(view, ring.controlAt + slot * CONTROL_LEN, ring.fact(slot, FACT.control));
    const frame = this.#copy.frame(ring.bytes, at + virtio.HEADER_LEN, bytes);
    if (!this.#virtio.take(frame, view, at, this) || this.#told) return;
    this.#told = true;
    this.notices.push(
      `segments longer than the MTU come from ${this.name} and are cut into datagrams of the tunnel`,
    );
  }

  piece(frame: Frame): void {
    if (this.#tci >= 0) {
      const at = frame.push(TAG_LEN);
      frame.bytes.copyWithin(at, at + TAG_LEN, at + TAG_LEN + 12);
      frame.view.setUint16(at + 12, this.#tpid);
      frame.view.setUint16(at + 14, this.#tci);
    }
    this.#bridge?.receive(frame, this.#port);
  }

  ended(error: string): void {
    this.notices.push(`${this.name} is gone (${error}): nothing more comes from it`);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#batch.flush();
    await this.#intake.close();
    closeSync(this.#in);
    closeSync(this.#out);
  }

  /** The VLAN tag that belongs to the packet, from its ancillary data. */
  #tag(view: DataView, at: number, length: number): void {
    this.#tci = -1;
    if (length < CMSG_LEN + AUX_TPID + 2) return;
    if (view.getInt32(at + 8, true) !== SOL_PACKET || view.getInt32(at + 12, true) !== PACKET_AUXDATA) return;
    const aux = at + CMSG_LEN;
    if ((view.getUint32(aux + AUX_STATUS, true) & STATUS_VLAN_VALID) === 0) return;
    this.#tci = view.getUint16(aux + AUX_TCI, true);
    this.#tpid = view.getUint16(aux + AUX_TPID, true) || 0x8100;
  }
}

function interfaceMtu(name: string): number {
  return Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'));
}

/** A packet socket on one interface. */
function bound(
  libc: Libc,
  name: string,
  index: number,
  protocol: number,
  options: readonly (readonly [level: number, option: number])[],
): number {
  // Without a protocol nothing comes in before the socket is bound.
  const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    throw new VxlabError('ATTACH_MISSING', `attaching ${name} needs root or CAP_NET_RAW (${libc.error()})`);
  }
  for (const [level, what] of options) option(libc, fd, level, what, 1);
  const address = new Uint8Array(SOCKADDR_LL_LEN);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, index, true);
  if (libc.bind(fd, libc.addressOf(address), SOCKADDR_LL_LEN) === 0) return fd;
  const error = libc.error();
  closeSync(fd);
  throw new VxlabError('ATTACH_REFUSED', `cannot attach ${name}: ${error}`);
}

/** An option that an old kernel does not have is done without. */
function option(libc: Libc, fd: number, level: number, what: number, value: number): void {
  const word = Int32Array.of(value);
  libc.setsockopt(fd, level, what, libc.addressOf(word), 4);
}

function promiscuous(libc: Libc, fd: number, index: number): void {
  const request = new Uint8Array(PACKET_MREQ_LEN);
  const view = new DataView(request.buffer);
  view.setInt32(0, index, true);
  view.setUint16(4, PACKET_MR_PROMISC, true);
  libc.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, libc.addressOf(request), PACKET_MREQ_LEN);
}
