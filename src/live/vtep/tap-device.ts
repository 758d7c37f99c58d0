// A TAP device (Documentation/networking/tuntap.rst): an interface of Linux whose other end is a file. It is made when the VTEP
// starts and gone with it; one that is there already (`ip tuntap add`) is used and stays. Without virtio-net headers the kernel
// completes checksums and cuts segments before a frame is read.

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
import type { WallClock } from '../wall-clock.ts';
import type { Attachment } from './attachment.ts';
import type { FrameRing } from './frame-ring.ts';
import type { PacketTaker } from './intake.ts';
import { Intake } from './intake.ts';
import type { Libc } from './libc.ts';

const PATH = '/dev/net/tun';
// linux/if_tun.h, linux/sockios.h, linux/if.h
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFMTU = 0x8922;
const IFF_UP = 1;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** struct ifreq: a name of 16 bytes, then what the request is about. */
const IFREQ_LEN = 40;
const IFNAMSIZ = 16;
/** Frames that wait to be read. */
const SLOTS = 512;

export interface PortSite {
  readonly id: ElementId;
  readonly pool: FramePool;
  /** Reads the time when something comes in. */
  readonly clock: Pick<WallClock, 'tick'>;
  readonly trace: TraceSink;
}

export class TapDevice implements Attachment, PacketTaker {
  readonly id: ElementId;
  readonly name: string;
  readonly mtu: number;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly offload = null;
  readonly station: Mac | null;
  readonly notices: string[] = [];
  readonly #libc: Libc;
  readonly #site: PortSite;
  readonly #fd: number;
  readonly #intake: Intake;
  readonly #slabs: Map<Uint8Array, number> = new Map();
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
    this.#fd = opened(libc, name);
    try {
      bringUp(libc, name, mtu);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
    this.station = macOf(name);
    const slotBytes = (mtu + LINK_SLACK + 7) & ~7;
    this.#intake = new Intake(libc, this.#fd, 'tap', { slots: SLOTS, slotBytes }, this);
  }

  open(bridge: Bridge, port: number): Promise<void> {
    this.#bridge = bridge;
    this.#port = port;
    return this.#intake.open();
  }

  send(frame: Frame): void {
    const length = frame.end - frame.start;
    if (this.#closed) return drop(this, frame, DROP.linkDown);
    if (length > this.mtu + LINK_SLACK) return drop(this, frame, DROP.mtuExceeded, length);
    if (this.#libc.write(this.#fd, this.#slab(frame.bytes) + frame.start, length) !== length) {
      // EIO: the interface is down; EBADFD: it is gone; else its queue is full.
      const error = this.#libc.error();
      return drop(this, frame, error === 'EIO' || error === 'EBADFD' ? DROP.linkDown : DROP.queueFull);
    }
    this.counters.txPackets++;
    this.counters.txBytes += length;
    frame.release();
  }

  packet(ring: FrameRing, _slot: number, at: number, length: number): void {
    this.counters.rxPackets++;
    this.counters.rxBytes += length;
    this.#site.clock.tick();
    const frame = this.#site.pool.from(ring.bytes.subarray(at, at + length));
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

  #slab(bytes: Uint8Array): number {
    let at = this.#slabs.get(bytes);
    if (at === undefined) {
      at = this.#libc.addressOf(bytes);
      this.#slabs.set(bytes, at);
    }
    return at;
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

function opened(libc: Libc, name: string): number {
  let fd: number;
  try {
    fd = openSync(PATH, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const how = code === 'ENOENT' ? 'it is not there: modprobe tun, as root' : 'this needs root';
    throw new VxlabError('ATTACH_MISSING', `a TAP device is made through ${PATH}, and ${how}`);
  }
  const { bytes, view } = request(name);
  view.setUint16(IFNAMSIZ, IFF_TAP | IFF_NO_PI, true);
  if (libc.ioctl(fd, TUNSETIFF, libc.addressOf(bytes)) === 0) return fd;
  const error = libc.error();
  closeSync(fd);
  if (error === 'EPERM') {
    throw new VxlabError('ATTACH_MISSING', `making the TAP device ${name} needs root or CAP_NET_ADMIN`);
  }
  const why = error === 'EBUSY' ? 'another program has it' : error;
  throw new VxlabError('ATTACH_REFUSED', `cannot attach the TAP device ${name}: ${why}`);
}

/** @throws VxlabError ATTACH_REFUSED */
function bringUp(libc: Libc, name: string, mtu: number): void {
  const socket = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const { bytes, view } = request(name);
  const at = libc.addressOf(bytes);
  const ask = (what: number): void => {
    if (libc.ioctl(socket, what, at) === 0) return;
    throw new VxlabError('ATTACH_REFUSED', `cannot bring ${name} up with an MTU of ${mtu}: ${libc.error()}`);
  };
  try {
    view.setInt32(IFNAMSIZ, mtu, true);
    ask(SIOCSIFMTU);
    ask(SIOCGIFFLAGS);
    view.setInt16(IFNAMSIZ, view.getInt16(IFNAMSIZ, true) | IFF_UP, true);
    ask(SIOCSIFFLAGS);
  } finally {
    closeSync(socket);
  }
}
