// A network stack: a container's sandbox, a node's own stack, a router, or a bridge's own address. Interfaces below,
// protocols above, routes and neighbours between.
//
//   receive ─► Ethernet: for us? ─► ARP | IPv4 | IPv6 ─► ICMP | UDP | other protocols registered here
//   send    ─► destination (route, source, next hop, cached) ─► IP ─► neighbour known? ─► Ethernet ─► port
//
// A frame that is received may be shared with others (a flood), so nothing here moves its window; layers pass offsets.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip } from '../../core/wire/address.ts';
import {
  isIp6,
  isMulticastIp4,
  isMulticastIp6,
  linkLocal,
  readIp6,
  sameIp,
} from '../../core/wire/address.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { ETHERTYPE, VxlabError } from '../../core/wire/numbers.ts';
import { IpMap } from '../fabric/ip-map.ts';
import type { Port, PortId, Sink } from '../fabric/port.ts';
import type { RandomStream } from '../time/random.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import { TRACE } from '../trace/event.ts';
import { Arp } from './arp.ts';
import { Destination, REACH } from './destination.ts';
import type { InterfaceAddress, InterfaceOptions } from './interface.ts';
import { Interface } from './interface.ts';
import { Ip4Layer } from './ip4.ts';
import { Ip6Layer } from './ip6.ts';
import { isLoopback, isLoopback6, LOCALHOST, LOCALHOST6, Loopback } from './loopback.ts';
import type { Neighbour } from './neighbour.ts';
import { NeighbourTable } from './neighbours.ts';
import type { NextHop } from './routes.ts';
import { RouteTable } from './routes.ts';
import type { EspFace, HostGround, Stack } from './stack.ts';
import { Tcp } from './tcp/tcp.ts';
import { Udp } from './udp.ts';

export interface HostOptions {
  readonly name: string;
  /** Routes packets that are for others. */
  readonly forwarding?: boolean;
  /** Puts fragments of UDP datagrams together; a VTEP's node may discard them instead (RFC 7348 s.4.3). Default true. */
  readonly reassembly?: boolean;
}

export class Host implements Sink, Stack {
  readonly id: ElementId;
  readonly name: string;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly ground: HostGround;
  readonly random: RandomStream;
  readonly interfaces: Interface[] = [];
  readonly routes: RouteTable = new RouteTable();
  readonly neighbours: NeighbourTable;
  readonly arp: Arp;
  readonly ip4: Ip4Layer;
  readonly ip6: Ip6Layer;
  readonly udp: Udp;
  esp: EspFace | null = null;
  readonly forwarding: boolean;
  readonly reassembly: boolean;
  #destinations: IpMap<Destination> | null = null;
  readonly #local: IpMap<Interface> = new IpMap();
  #tcp: Tcp | null = null;
  #loopback: Loopback | null = null;
  /** Called when `lo` is made, before its first packet: what listens on loopback addresses comes up with it. */
  onLoopback: ((host: Host) => void) | null = null;

  constructor(id: ElementId, ground: HostGround, random: RandomStream, options: HostOptions) {
    this.id = id;
    this.name = options.name;
    this.ground = ground;
    this.trace = ground.trace;
    this.random = random;
    this.forwarding = options.forwarding ?? false;
    this.reassembly = options.reassembly ?? true;
    this.arp = new Arp(this);
    this.ip4 = new Ip4Layer(this);
    this.ip6 = new Ip6Layer(this);
    this.udp = new Udp(this);
    this.neighbours = new NeighbourTable(this, ground.clock, ground.timers, (neighbour, unicast) => {
      if (typeof neighbour.ip === 'number') this.arp.solicit(neighbour, unicast);
      else this.ip6.solicit(neighbour, unicast);
    });
  }

  /** Adds an interface with its addresses and the routes to its subnets. Its index is the port number to plug. */
  addInterface(port: Port, options: InterfaceOptions): Interface {
    const dev = new Interface(this.interfaces.length, port, options);
    this.interfaces.push(dev);
    for (const address of options.addresses) this.#addressAdded(dev, address);
    return dev;
  }

  addAddress(dev: Interface, address: InterfaceAddress): void {
    dev.add(address);
    this.#addressAdded(dev, address);
  }

  removeAddress(dev: Interface, ip: Ip): boolean {
    if (!dev.remove(ip)) return false;
    this.#local.delete(ip);
    // The subnet's route goes with the address, as `ip addr del` has it.
    this.routes.remove(({ src, hops }) => src !== null && sameIp(src, ip) && hops[0]?.dev === dev);
    this.routes.generation++;
    if (typeof ip !== 'number') this.ip6.addressRemoved(dev, ip);
    return true;
  }

  #addressAdded(dev: Interface, address: InterfaceAddress): void {
    this.#local.set(address.ip, dev);
    this.routes.add({ ip: address.ip, prefix: address.prefix, hops: [{ via: null, dev }], src: address.ip });
    if (typeof address.ip === 'number') return;
    this.ip6.addressAdded(dev, address.ip);
    // Every interface that speaks IPv6 has a link-local address (RFC 4291 s.2.8).
    if (dev.linkLocal === null) this.addAddress(dev, { ip: linkLocal(dev.mac), prefix: 64 });
  }

  /** True once the host has had to do with TCP. */
  get speaksTcp(): boolean {
    return this.#tcp !== null;
  }

  /** Made when it is first asked for: most hosts of a large world have no connection. */
  get tcp(): Tcp {
    this.#tcp ??= new Tcp(this);
    return this.#tcp;
  }

  /** The loopback interface, made when it is first asked for; not among `interfaces`. */
  get lo(): Interface {
    return this.#lo().dev;
  }

  #lo(): Loopback {
    if (this.#loopback === null) {
      this.#loopback = new Loopback(this);
      this.onLoopback?.(this);
    }
    return this.#loopback;
  }

  /** True when the address is one of this host's, loopback addresses among them. */
  isLocal(ip: Ip): boolean {
    return this.#local.has(ip) || isLoopback(ip);
  }

  isLocal6(view: DataView, at: number): boolean {
    return this.#local.get6(view, at) !== undefined || isLoopback6(view, at);
  }

  receive(frame: Frame, from: PortId): void {
    const view = frame.view;
    const at = frame.start;
    const dev = this.interfaces[from];
    if (dev === undefined || !dev.up) return drop(this, frame, DROP.linkDown);
    if (frame.end - at < ethernet.HEADER_LEN) {
      return drop(this, frame, DROP.invalidHeader, ethernet.check(view, at, frame.end));
    }
    const hi = ethernet.dstHi(view, at);
    if ((hi & 0x0100) === 0 && (hi !== dev.macHi || ethernet.dstLo(view, at) !== dev.macLo)) {
      return drop(this, frame, DROP.notForUs);
    }
    dev.counters.rxPackets++;
    dev.counters.rxBytes += frame.end - at;
    switch (ethernet.etherType(view, at)) {
      case ETHERTYPE.ipv4:
        return this.ip4.input(frame, at + ethernet.HEADER_LEN, dev);
      case ETHERTYPE.arp:
        return this.arp.input(frame, at + ethernet.HEADER_LEN, dev);
      case ETHERTYPE.ipv6:
        return this.ip6.input(frame, at + ethernet.HEADER_LEN, dev);
      default:
        drop(this, frame, DROP.unknownProtocol, ethernet.etherType(view, at));
    }
  }

  /**
   * How to send to an address, or null without a route.
   * @param hash 32 bits of the flow, for a route with several next hops
   */
  destination(ip: Ip, hash = 0): Destination | null {
    const ways = this.ways(ip);
    return ways === null ? null : ways.branch(hash);
  }

  destinationFrom(ip: Ip, src: Ip): Destination | null {
    const to = this.destination(ip);
    if (to === null || isIp6(ip) !== isIp6(src)) return null;
    if (isLoopback(src) && to.reach !== REACH.local) return null;
    return to.from(src);
  }

  destination6(view: DataView, at: number, hash: number): Destination | null {
    const found = this.#destinations?.get6(view, at);
    if (found !== undefined && found.generation === this.routes.generation) return found.branch(hash);
    return this.destination(readIp6(view, at), hash);
  }

  /** All the ways to an address, or null without a route; good while its generation is the routing table's. */
  ways(ip: Ip): Destination | null {
    const found = this.#destinations?.get(ip);
    if (found !== undefined && found.generation === this.routes.generation) return found;
    const fresh = this.#resolve(ip, found);
    if (fresh === null) return null;
    this.#destinations ??= new IpMap();
    this.#destinations.set(ip, fresh);
    return fresh;
  }

  learnMtu(ip: Ip, mtu: number): void {
    const { now } = this.ground.clock;
    const ways = this.ways(ip);
    ways?.learnMtu(mtu, now);
    // Which of several ways the packet went cannot be told from here.
    for (const branch of ways?.branches ?? []) branch.learnMtu(mtu, now);
  }

  #resolve(ip: Ip, before: Destination | undefined): Destination | null {
    const generation = this.routes.generation;
    if (this.isLocal(ip)) {
      const src = this.#local.has(ip) ? ip : typeof ip === 'number' ? LOCALHOST : LOCALHOST6;
      return new Destination(ip, this.lo, src, REACH.local, null, generation);
    }
    const group = typeof ip === 'number' ? isMulticastIp4(ip) : isMulticastIp6(ip);
    const route = this.routes.lookup(ip);
    const fallback = this.interfaces[0];
    if (route === null) {
      // A group or the limited broadcast needs no route: it goes out of the first interface.
      if ((!group && ip !== 0xffffffff) || fallback === undefined) return null;
      return this.#toward(ip, { via: null, dev: fallback }, null, group, generation);
    }
    const branches = route.hops.map((hop) => this.#toward(ip, hop, route.src, group, generation));
    for (const branch of branches) {
      if (branch === null) return null;
      if (before !== undefined) {
        branch.pathMtu = before.pathMtu;
        branch.pathMtuUntil = before.pathMtuUntil;
      }
    }
    const first = branches[0] as Destination;
    if (branches.length === 1) return first;
    const { dev, src, reach, neighbour } = first;
    return new Destination(ip, dev, src, reach, neighbour, generation, branches as Destination[]);
  }

  #toward(ip: Ip, hop: NextHop, prefer: Ip | null, group: boolean, generation: number): Destination | null {
    const dev = hop.dev;
    const src = prefer ?? (typeof ip === 'number' ? dev.first(true) : dev.source6(ip));
    if (src === null) return null;
    if (group) return new Destination(ip, dev, src, REACH.multicast, null, generation);
    if (ip === 0xffffffff || (ip === dev.broadcast && hop.via === null)) {
      return new Destination(ip, dev, src, REACH.broadcast, null, generation);
    }
    return new Destination(
      ip,
      dev,
      src,
      REACH.unicast,
      this.neighbours.entry(hop.via ?? ip, dev),
      generation,
    );
  }

  /** Sends an IP packet (the frame begins with its IP header) to a neighbour whose MAC is known. Takes it over. */
  transmit(frame: Frame, neighbour: Neighbour): void {
    const type = typeof neighbour.ip === 'number' ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6;
    this.transmitTo(frame, neighbour.dev, neighbour.macHi, neighbour.macLo, type);
  }

  /** Puts an Ethernet header in front and hands the frame to the interface's port. */
  transmitTo(frame: Frame, dev: Interface, dstHi: number, dstLo: number, type: number): void {
    const at = frame.push(ethernet.HEADER_LEN);
    ethernet.writeWords(frame.view, at, dstHi, dstLo, dev.macHi, dev.macLo, type);
    if (!dev.up) return drop(this, frame, DROP.linkDown);
    dev.counters.txPackets++;
    dev.counters.txBytes += frame.end - at;
    dev.port.send(frame);
  }

  /** A packet could not be delivered to its next hop: its sender is told (host unreachable), and it is dropped. */
  unreachable(frame: Frame, dev: Interface): void {
    if (frame.view.getUint8(frame.start) >>> 4 === 4) this.ip4.unreachable(frame, dev);
    else this.ip6.unreachable(frame, dev);
  }

  /** Receives the packet by way of `lo`: for packets to the host itself. Takes it over. */
  loop(frame: Frame, type: number): void {
    const at = frame.push(ethernet.HEADER_LEN);
    ethernet.writeWords(frame.view, at, 0, 0, 0, 0, type);
    this.ground.backlog.push(frame, this.#lo(), 0);
  }

  /** Numbers a frame that begins its journey here. */
  begin(frame: Frame): void {
    if (!this.trace.on) return;
    if (frame.id === 0) frame.id = this.trace.nextId();
    this.trace.emit(this.id, TRACE.send, frame, 1, frame.end - frame.start);
  }

  /** The interface of a name. @throws VxlabError NO_SUCH_INTERFACE */
  interface(name: string): Interface {
    if (name === 'lo') return this.lo;
    const dev = this.interfaces.find((candidate) => candidate.name === name);
    if (dev === undefined) throw new VxlabError('NO_SUCH_INTERFACE', `${this.name} has no interface ${name}`);
    return dev;
  }

  /** Stops timers and drops what waits. */
  close(): void {
    this.neighbours.close();
    this.ip4.close();
    this.ip6.close();
    this.udp.close();
    this.#tcp?.close();
  }
}
