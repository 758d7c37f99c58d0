// Two hosts and what lies between them, on one virtual clock: a cable with impairments, two routers if wanted, and a box at
// each host that damages bytes and narrows windows. Everything that the hosts send and get passes a referee.
//
//   a ─ box ─────────── cable ─────────── box ─ b          10.9.0.0/24, fd09::/64
//   a ─ box ─ r1 ────── cable ────── r2 ─ box ─ b          with routers; the middle's MTU may change

import type { Frame } from '../../src/core/frame/frame.ts';
import type { Ip } from '../../src/core/wire/address.ts';
import { update16 } from '../../src/core/wire/checksum.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import { ETHERTYPE, PROTO } from '../../src/core/wire/numbers.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import * as tcp from '../../src/core/wire/tcp.ts';
import type { Impairments } from '../../src/engine/fabric/impair.ts';
import { impairments } from '../../src/engine/fabric/impair.ts';
import { LinkEnd, link } from '../../src/engine/fabric/link.ts';
import type { Port, PortId, Sink } from '../../src/engine/fabric/port.ts';
import type { Host } from '../../src/engine/host/host.ts';
import type { Interface } from '../../src/engine/host/interface.ts';
import { Ground } from '../../src/engine/orchestrate/ground.ts';
import type { RandomStream } from '../../src/engine/time/random.ts';
import { VirtualClock } from '../../src/engine/time/virtual-clock.ts';
import type { Referee } from './tcp-referee.ts';

/** What a box does to TCP segments that leave its host. */
export interface Mischief {
  /** Share of segments of which one bit is flipped. */
  readonly corrupt: number;
  /** The window field is cut to a number below this, drawn anew for each segment; 0 leaves it alone. */
  readonly narrow: number;
  /** Share of segments whose window becomes 0. */
  readonly shut: number;
}

export const HONEST: Mischief = { corrupt: 0, narrow: 0, shut: 0 };

export interface RoadOptions {
  readonly seed: number | string;
  readonly family?: 4 | 6;
  readonly mtu?: number;
  readonly routers?: boolean;
  readonly impair?: Partial<Impairments>;
  readonly mischief?: Mischief;
  readonly referee?: Referee;
}

/** Where the TCP header of a frame stands, or -1 if it has none. */
export function tcpAt(view: DataView, start: number): number {
  const type = ethernet.etherType(view, start);
  const ip = start + ethernet.HEADER_LEN;
  if (type === ETHERTYPE.ipv4) {
    if (ipv4.protocol(view, ip) !== PROTO.tcp || ipv4.isFragment(view, ip)) return -1;
    return ip + 20;
  }
  if (type === ETHERTYPE.ipv6 && view.getUint8(ip + 6) === PROTO.tcp) return ip + 40;
  return -1;
}

/** Between a host and its cable, both ways. */
class Box implements Port, Sink {
  readonly #host: Host;
  readonly #random: RandomStream;
  readonly #referee: Referee | null;
  mischief: Mischief;
  port: Port;
  /** Frames die here when the host has gone. */
  gone = false;

  constructor(host: Host, port: Port, random: RandomStream, mischief: Mischief, referee: Referee | null) {
    this.#host = host;
    this.port = port;
    this.#random = random;
    this.mischief = mischief;
    this.#referee = referee;
  }

  get name(): string {
    return this.port.name;
  }

  get mtu(): number {
    return this.port.mtu;
  }

  send(frame: Frame): void {
    if (this.gone) return frame.release();
    this.#referee?.sent(this.#host, frame);
    const at = tcpAt(frame.view, frame.start);
    const own = at < 0 ? frame : this.#spoil(frame.own(), at - frame.start);
    // Receivers check what the sender wrote.
    own.summed = false;
    this.port.send(own);
  }

  receive(frame: Frame, from: PortId): void {
    if (this.gone) return frame.release();
    this.#referee?.arrived(this.#host, frame);
    this.#host.receive(frame, from);
  }

  #spoil(frame: Frame, offset: number): Frame {
    const { corrupt, narrow, shut } = this.mischief;
    const { view } = frame;
    const at = frame.start + offset;
    if (narrow > 0 || shut > 0) {
      const was = tcp.window(view, at);
      const most = narrow > 0 ? this.#random.integer(narrow) : 0xffff;
      const will = shut > 0 && this.#random.float() < shut ? 0 : Math.min(was, most);
      // A SYN has its window as it is: the scale that goes with it would make it larger again.
      if (will !== was && (tcp.flags(view, at) & tcp.FLAG.SYN) === 0) {
        tcp.setWindow(view, at, will);
        tcp.setChecksum(view, at, update16(tcp.checksum(view, at), was, will));
      }
    }
    if (corrupt > 0 && this.#random.float() < corrupt) {
      const bit = this.#random.integer((frame.end - at) * 8);
      const byte = at + (bit >>> 3);
      view.setUint8(byte, view.getUint8(byte) ^ (1 << (bit & 7)));
    }
    return frame;
  }
}

export class Road {
  readonly clock: VirtualClock = new VirtualClock();
  readonly ground: Ground;
  readonly a: Host;
  readonly b: Host;
  readonly ipA: Ip;
  readonly ipB: Ip;
  readonly cable: readonly [LinkEnd, LinkEnd];
  readonly routers: readonly Host[];
  readonly #boxes: Map<Host, Box> = new Map();
  readonly #options: RoadOptions;
  #macs = 0x020000000000;

  constructor(options: RoadOptions) {
    this.#options = options;
    const { family = 4, routers = false, impair = {}, mtu = 1500 } = options;
    this.ground = new Ground(this.clock, options.seed);
    this.a = this.ground.host('', { name: 'a' });
    this.b = this.ground.host('', { name: 'b' });
    const net = (n: number, host: number): string =>
      family === 4 ? `10.${n}.0.${host}/24` : `fd0${n}::${host}/64`;
    this.cable = this.#ends(mtu, 'cable');
    for (const end of this.cable) end.impair(impairments(impair));
    if (!routers) {
      this.routers = [];
      const devA = this.#plug(this.a, this.cable[0], mtu, net(9, 1), true);
      const devB = this.#plug(this.b, this.cable[1], mtu, net(9, 2), true);
      this.#know(devA, this.a, devB, this.b);
    } else {
      const near = this.ground.host('', { name: 'r1', forwarding: true });
      const far = this.ground.host('', { name: 'r2', forwarding: true });
      this.routers = [near, far];
      for (const [host, router, n, end] of [
        [this.a, near, 1, 0],
        [this.b, far, 2, 1],
      ] as const) {
        const [inner, outer] = this.#ends(mtu, `to-${host.name}`);
        const dev = this.#plug(host, inner, mtu, net(n, 1), true);
        const leg = this.#plug(router, outer, mtu, net(n, 2), false);
        this.#know(dev, host, leg, router);
        this.#plug(router, this.cable[end], mtu, net(9, n), false);
        this.#default(host, net(n, 2), 0);
      }
      this.#know(near.interfaces[1] as Interface, near, far.interfaces[1] as Interface, far);
      this.#default(near, net(9, 2), 1);
      this.#default(far, net(9, 1), 1);
    }
    this.ipA = parseIp((routers ? net(1, 1) : net(9, 1)).split('/')[0] as string);
    this.ipB = parseIp((routers ? net(2, 1) : net(9, 2)).split('/')[0] as string);
  }

  impair(to: Partial<Impairments>): void {
    for (const end of this.cable) end.impair(impairments({ ...end.impairments, ...to }));
  }

  /** The routers' link in the middle takes this much from now on. */
  shrink(mtu: number): void {
    for (const router of this.routers) (router.interfaces[1] as Interface).mtu = mtu;
  }

  set up(on: boolean) {
    for (const end of this.cable) end.up = on;
  }

  misbehave(how: Mischief): void {
    for (const box of this.#boxes.values()) box.mischief = how;
  }

  /** The host goes without a word, as with its power. */
  unplug(host: Host): void {
    (this.#boxes.get(host) as Box).gone = true;
    host.close();
  }

  isGone(host: Host): boolean {
    return this.#boxes.get(host)?.gone === true;
  }

  /** Closes what there is. Every frame must be home and no timer left; what is not, in words. */
  end(): string[] {
    for (const host of [this.a, this.b, ...this.routers]) host.close();
    this.clock.runUntilIdle();
    const left: string[] = [];
    if (this.ground.pool.out !== 0) left.push(`${this.ground.pool.out} frames are not home`);
    if (this.clock.pending !== 0) left.push(`${this.clock.pending} timers wait`);
    for (const host of [this.a, this.b]) {
      if (host.tcp.size !== 0) left.push(`${host.name} has ${host.tcp.size} sockets after close`);
    }
    return left;
  }

  #ends(mtu: number, name: string): [LinkEnd, LinkEnd] {
    const { ground } = this;
    const end = (side: string): LinkEnd =>
      new LinkEnd(
        ground.registry.add('link', side, name),
        side,
        mtu,
        ground,
        ground.random.stream(`${name}/${side}`),
      );
    const [a, b] = [end('near'), end('far')];
    link(a, b);
    return [a, b];
  }

  #plug(host: Host, end: LinkEnd, mtu: number, address: string, boxed: boolean): Interface {
    const { mischief = HONEST, referee = null } = this.#options;
    const random = this.ground.random.stream(`box/${host.name}`);
    const box = boxed ? new Box(host, end, random, mischief, referee) : null;
    if (box !== null) this.#boxes.set(host, box);
    const [ip = '', prefix] = address.split('/');
    const dev = host.addInterface(box ?? end, {
      name: `eth${host.interfaces.length}`,
      mac: ++this.#macs,
      mtu,
      addresses: [{ ip: parseIp(ip), prefix: Number(prefix) }],
    });
    end.plug(box ?? host, dev.index);
    return dev;
  }

  /** Pins both as neighbours, so that a lost ARP is no part of the question. */
  #know(devA: Interface, a: Host, devB: Interface, b: Host): void {
    a.neighbours.pin((devB.addresses[0] as { ip: Ip }).ip, devA, devB.mac);
    b.neighbours.pin((devA.addresses[0] as { ip: Ip }).ip, devB, devA.mac);
  }

  #default(host: Host, via: string, dev: number): void {
    const hop = parseIp(via.split('/')[0] as string);
    const any = typeof hop === 'number' ? 0 : { a: 0, b: 0, c: 0, d: 0 };
    host.routes.add({ ip: any, prefix: 0, hops: [{ via: hop, dev: host.interfaces[dev] as Interface }] });
  }
}
