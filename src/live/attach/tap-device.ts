// A TAP device (Documentation/networking/tuntap.rst): an interface of Linux whose other end is a file. It is made when the VTEP
// starts and gone with it; one that is there already (`ip tuntap add`) is used and stays. With virtio-net headers
// (virtio-header.ts) it gives TCP segments of up to 64 kB and takes them too; without, the kernel completes checksums and cuts
// segments before a frame is read.

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Mac } from '../../core/wire/address.ts';
import { parseMac } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Bridge } from '../../engine/fabric/bridge.ts';
import { LINK_SLACK } from '../../engine/fabric/port.ts';
import { Counters } from '../../engine/trace/counters.ts';
import { DROP, drop } from '../../engine/trace/drop.ts';
import type { ElementId, TraceSink } from '../../engine/trace/event.ts';
import type { FrameRing } from '../kernel/frame-ring.ts';
import type { PacketTaker } from '../kernel/intake.ts';
import { Intake } from '../kernel/intake.ts';
import type { Libc } from '../kernel/libc.ts';
import { MemoryCopy } from '../kernel/memory-copy.ts';
import { Slabs } from '../kernel/slabs.ts';
import type { OffloadCounters, Pieces } from '../offload/offload.ts';
import { Offload } from '../offload/offload.ts';
import { VirtioFrames } from '../offload/virtio-frames.ts';
import * as virtio from '../offload/virtio-header.ts';
import type { WallClock } from '../wall-clock.ts';
import type { Attachment } from './attachment.ts';

const PATH = '/dev/net/tun';
// linux/if_tun.h, linux/sockios.h, linux/if.h
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUNSETOFFLOAD = 0x400454d0;
/** TUN_F_CSUM, TSO4, TSO6, TSO_ECN; USO4 and USO6 are known since Linux 6.2. */
const TUN_TCP = 0x0f;
const TUN_UDP = 0x60;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFMTU = 0x8922;
const SIOCGIFTXQLEN = 0x8942;
const SIOCSIFTXQLEN = 0x8943;
const IFF_UP = 1;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** Frames that the kernel keeps for us, four times Linux's own number: at full speed some 15 ms, a turn of another thread. */
const QUEUE = 4096;
/** struct ifreq: a name of 16 bytes, then what the request is about. */
const IFREQ_LEN = 40;
const IFNAMSIZ = 16;
/** Frames that wait to be read; of up to 64 kB each where they may stand for several. */
const SLOTS = 512;
const LONG_SLOTS = 512;
const LONG_BYTES = 65_600;

export interface PortSite {
  readonly id: ElementId;
  readonly pool: FramePool;
  /** Reads the time when something comes in. */
  readonly clock: Pick<WallClock, 'tick'>;
  readonly trace: TraceSink;
  /** Whether frames may stand for several, which are cut as late as can be. */
  readonly whole: boolean;
}

export class TapDevice implements Attachment, PacketTaker, Pieces {
  readonly id: ElementId;
  readonly name: string;
  readonly mtu: number;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly station: Mac | null;
  readonly notices: string[] = [];
  readonly #libc: Libc;
  readonly #site: PortSite;
  readonly #fd: number;
  readonly #intake: Intake;
  readonly #slabs: Slabs;
  readonly #copy: MemoryCopy;
  readonly #offload: Offload;
  /** Null without virtio-net headers. */
  readonly #virtio: VirtioFrames | null;
  readonly #headerBytes: number;
  #bridge: Bridge | null = null;
  #port = 0;
  #closed = false;

  /**
   * Makes the device, sets its MTU and brings it up.
   * @throws VxlabError ATTACH_MISSING without the privilege or the driver, ATTACH_REFUSED when somebody else has it
   */
  constructor(libc: Libc, name: string, mtu: number, site: PortSite) {
    this.#libc = libc;
    this.#site = site;
    this.id = site.id;
    this.trace = site.trace;
    this.name = name;
    this.mtu = mtu;
    this.#slabs = new Slabs(libc);
    this.#copy = new MemoryCopy(libc, site.pool);
    this.#offload = new Offload(site.pool);
    this.#fd = opened(libc, name, site.whole);
    this.#virtio = site.whole ? new VirtioFrames(this.#offload, mtu, true) : null;
    this.#headerBytes = site.whole ? virtio.HEADER_LEN : 0;
    if (site.whole) lacking(libc, this.#fd);
    try {
      bringUp(libc, name, mtu);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
    this.station = macOf(name);
    const plain = { slots: SLOTS, slotBytes: (mtu + LINK_SLACK + 7) & ~7, lead: 0 };
    const long = { slots: LONG_SLOTS, slotBytes: LONG_BYTES, lead: virtio.LEAD };
    this.#intake = new Intake(libc, this.#fd, 'tap', site.whole ? long : plain, this);
  }

  get offload(): OffloadCounters | null {
    return this.#virtio === null ? null : this.#offload.counters;
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
    let frame = given;
    if (this.#virtio !== null) {
      frame = given.own();
      if (!this.#virtio.push(frame)) return drop(this, frame, DROP.mtuExceeded, length);
    }
    const bytes = frame.end - frame.start;
    if (this.#libc.write(this.#fd, this.#slabs.addressOf(frame.bytes) + frame.start, bytes) !== bytes) {
      // EIO: the interface is down; EBADFD: it is gone; else its queue is full.
      const error = this.#libc.error();
      return drop(this, frame, error === 'EIO' || error === 'EBADFD' ? DROP.linkDown : DROP.queueFull);
    }
    this.counters.txPackets++;
    this.counters.txBytes += length;
    frame.release();
  }

  packet(ring: FrameRing, _slot: number, at: number, length: number): void {
    const header = this.#headerBytes;
    if (length <= header) return;
    this.counters.rxPackets++;
    this.counters.rxBytes += length - header;
    this.#site.clock.tick();
    const frame = this.#copy.frame(ring.bytes, at + header, length - header);
    if (this.#virtio !== null) this.#virtio.take(frame, ring.view, at, this);
    else this.piece(frame);
  }

  piece(frame: Frame): void {
    this.#bridge?.receive(frame, this.#port);
  }

  ended(error: string): void {
    this.notices.push(`${this.name} is gone (${error}): nothing more comes from it`);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#intake.close();
    closeSync(this.#fd);
  }
}

/** The interface's own MAC, which the kernel has drawn; null when it cannot be read. */
function macOf(name: string): Mac | null {
  try {
    return parseMac(readFileSync(`/sys/class/net/${name}/address`, 'utf8').trim());
  } catch {
    return null;
  }
}

function request(name: string): { readonly bytes: Uint8Array; readonly view: DataView } {
  const bytes = new Uint8Array(IFREQ_LEN);
  bytes.set(Buffer.from(name, 'latin1').subarray(0, IFNAMSIZ - 1));
  return { bytes, view: new DataView(bytes.buffer) };
}

function opened(libc: Libc, name: string, headers: boolean): number {
  let fd: number;
  try {
    fd = openSync(PATH, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const how = code === 'ENOENT' ? 'it is not there: modprobe tun, as root' : 'this needs root';
    throw new VxlabError('ATTACH_MISSING', `a TAP device is made through ${PATH}, and ${how}`);
  }
  const { bytes, view } = request(name);
  view.setUint16(IFNAMSIZ, IFF_TAP | IFF_NO_PI | (headers ? IFF_VNET_HDR : 0), true);
  if (libc.ioctl(fd, TUNSETIFF, libc.addressOf(bytes)) === 0) return fd;
  const error = libc.error();
  closeSync(fd);
  if (error === 'EPERM') {
    throw new VxlabError('ATTACH_MISSING', `making the TAP device ${name} needs root or CAP_NET_ADMIN`);
  }
  const why = error === 'EBUSY' ? 'another program has it' : error;
  throw new VxlabError('ATTACH_REFUSED', `cannot attach the TAP device ${name}: ${why}`);
}

/** Asks for frames with what a network card would do left undone. */
function lacking(libc: Libc, fd: number): void {
  if (libc.ioctl(fd, TUNSETOFFLOAD, TUN_TCP | TUN_UDP) !== 0) libc.ioctl(fd, TUNSETOFFLOAD, TUN_TCP);
}

/** With an MTU, and a queue that is no shorter than ours. @throws VxlabError ATTACH_REFUSED */
function bringUp(libc: Libc, name: string, mtu: number): void {
  const socket = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const { bytes, view } = request(name);
  const at = libc.addressOf(bytes);
  const ask = (what: number): void => {
    if (libc.ioctl(socket, what, at) === 0) return;
    throw new VxlabError('ATTACH_REFUSED', `cannot bring ${name} up with an MTU of ${mtu}: ${libc.error()}`);
  };
  try {
    if (libc.ioctl(socket, SIOCGIFTXQLEN, at) === 0 && view.getInt32(IFNAMSIZ, true) < QUEUE) {
      view.setInt32(IFNAMSIZ, QUEUE, true);
      ask(SIOCSIFTXQLEN);
    }
    view.setInt32(IFNAMSIZ, mtu, true);
    ask(SIOCSIFMTU);
    ask(SIOCGIFFLAGS);
    view.setInt16(IFNAMSIZ, view.getInt16(IFNAMSIZ, true) | IFF_UP, true);
    ask(SIOCSIFFLAGS);
  } finally {
    closeSync(socket);
  }
}
