// What a protocol layer sees of the host that it is part of, and of the layers beside it. The layers import this and not
// each other, so that none has to know how another is made.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Ip, Ip4, Ip6 } from '../../core/wire/address.ts';
import type { Backlog } from '../fabric/backlog.ts';
import type { Clock, Timers } from '../time/clock.ts';
import type { RandomStream } from '../time/random.ts';
import type { Dropper } from '../trace/drop.ts';
import type { TraceSink } from '../trace/event.ts';
import type { Destination, Sent } from './destination.ts';
import type { Interface } from './interface.ts';
import type { Verdict, Way } from './nat/flow.ts';
import type { Neighbour } from './neighbour.ts';
import type { TcpError } from './tcp/socket.ts';

/** A TCP connection that is over, as one of its ends had it. */
export interface EndedConnection {
  readonly host: Stack;
  /** True when this end opened it. */
  readonly opener: boolean;
  readonly localIp: Ip;
  readonly localPort: number;
  readonly remoteIp: Ip;
  readonly remotePort: number;
  /** Payload, each byte once. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly retransmits: number;
}

/** Hears of every TCP connection that ends, from each of its ends. */
export interface ConnectionLedger {
  ended(connection: EndedConnection): void;
}

/** What every host of a world shares. */
export interface HostGround {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly pool: FramePool;
  readonly trace: TraceSink;
  readonly backlog: Backlog;
  /** Left out where nobody counts connections. */
  readonly ledger?: ConnectionLedger | null;
}

/** A protocol above IP: takes over `frame`, whose IP header is at `ip` and whose payload is [at, end). */
export interface Protocol {
  input(frame: Frame, ip: number, at: number, end: number, dev: Interface): void;
}

/** Hears echo replies and errors about what it sent. Must not keep the frame. */
export interface EchoListener {
  reply(from: Ip, id: number, seq: number, ttl: number, frame: Frame, at: number, end: number): void;
  error(from: Ip, type: number, code: number, id: number, seq: number, mtu: number): void;
}

export interface NeighbourFace {
  entry(ip: Ip, dev: Interface): Neighbour;
  find(ip: Ip, dev: Interface): Neighbour | undefined;
  ready(neighbour: Neighbour, frame: Frame): boolean;
  update(neighbour: Neighbour, mac: number, confirmed: boolean, override?: boolean): void;
}

export interface Icmp4Face {
  unreachable(about: Frame, ip: number, dev: Interface, code: number): void;
  timeExceeded(about: Frame, ip: number, dev: Interface, code?: number): void;
  listen(id: number, listener: EchoListener): void;
  unlisten(id: number): void;
  echo(to: Ip4, id: number, seq: number, frame: Frame, ttl: number, dontFragment: boolean): Sent;
}

export interface GroupFace {
  /** Joins or leaves a group on an interface; counted, so that each user leaves for itself. */
  membership(dev: Interface, group: Ip, join: boolean): void;
}

export interface Ip4Face {
  readonly nat: NatFace | null;
  readonly icmp: Icmp4Face;
  readonly igmp: GroupFace;
  /** Sends a payload (the frame begins with the transport header); takes it over whatever the answer. */
  output(frame: Frame, to: Destination, proto: number, ttl: number, tos: number, dontFragment: boolean): Sent;
  /** Sends to a group on one link, with the router alert option (RFC 2113). */
  outputAlert(frame: Frame, dev: Interface, group: Ip4, proto: number, tos: number): void;
}

export interface Icmp6Face {
  portUnreachable(about: Frame, ip: number, dev: Interface): void;
  listen(id: number, listener: EchoListener): void;
  unlisten(id: number): void;
  echo(to: Ip6, id: number, seq: number, frame: Frame, hopLimit: number): Sent;
}

export interface Ip6Face {
  readonly icmp: Icmp6Face;
  readonly mld: GroupFace;
  output(frame: Frame, to: Destination, proto: number, hopLimit: number, trafficClass: number): Sent;
  /** The sum of the pseudo header of a packet to `to` (RFC 8200 s.8.1). */
  pseudo(to: Destination, proto: number, length: number): number;
}

export interface UdpFace {
  input(frame: Frame, ip: number, at: number, end: number, dev: Interface): void;
  /** True while a socket has the port, on whichever address. */
  uses(port: number): boolean;
  /** An ICMP error quotes a datagram of ours: its IP header is at `ip`, its UDP header at `at`. */
  error(view: DataView, ip: number, at: number, from: Ip, type: number, code: number, mtu: number): void;
}

export interface TcpInput {
  /** True when there is such a connection, or somebody listens on the local port. */
  has(localIp: Ip, localPort: number, remoteIp: Ip, remotePort: number): boolean;
  input(frame: Frame, ip: number, at: number, end: number, dev: Interface): void;
  /**
   * An ICMP error quotes a segment of ours: its IP header is at `ip`, its TCP header at `at`.
   * @param error what it says, null for what says nothing lasting
   * @param tooLong the path takes less than was sent
   */
  error(view: DataView, ip: number, at: number, error: TcpError | null, tooLong: boolean): void;
}

/**
 * A host's translation of addresses (nat/nat.ts). The IP layers ask it about whole packets and know nothing of its rules;
 * what a way's packet is to become is put into it last, when it is sure to go on.
 */
export interface NatFace {
  /**
   * How the packet that came in is to be translated, null to leave it as it is, or that it was taken over and refused.
   * @param ip where its IP header stands
   * @param local true when it is for the host as it stands
   */
  arriving(frame: Frame, ip: number, dev: Interface, local: boolean): Verdict;
  /** Rewrites a packet of which the frame has one holder. */
  apply(frame: Frame, ip: number, way: Way): void;
  /** A packet of the host's own, its IP header at the frame's start: the answer of a flow that ended here is put right. */
  departing(frame: Frame): void;
  /** True when packets between these ends belong to somebody whose address is translated to ours: not to be used. */
  holds(proto: number, localIp: Ip, localPort: number, remoteIp: Ip, remotePort: number): boolean;
  /** The same for whoever is at the other end. */
  holdsPort(proto: number, localPort: number): boolean;
}

/** A host's IPsec, as its IP layers and its tunnel see it (esp/esp.ts). */
export interface EspFace {
  /**
   * A transport payload that is about to get its IP header: sealed in place if it must be.
   * @returns the protocol that the header is to name, or a negative number: the frame was taken over and dropped
   */
  departing(frame: Frame, to: Destination, proto: number): number;
  /** True when a datagram of this VNI may be taken; `secured` says whether it came sealed. */
  admits(vni: number, secured: boolean): boolean;
  /** Bytes of a UDP datagram of this VNI that fit into a packet with `room` bytes behind its IP header. */
  roomFor(vni: number, room: number): number;
}

export interface Stack extends Dropper {
  readonly name: string;
  readonly ground: HostGround;
  readonly random: RandomStream;
  readonly interfaces: readonly Interface[];
  readonly forwarding: boolean;
  readonly reassembly: boolean;
  readonly neighbours: NeighbourFace;
  readonly ip4: Ip4Face;
  readonly ip6: Ip6Face;
  readonly udp: UdpFace;
  readonly tcp: TcpInput;
  /** null where nothing is encrypted. */
  readonly esp: EspFace | null;
  isLocal(ip: Ip): boolean;
  isLocal6(view: DataView, at: number): boolean;
  destination(ip: Ip, hash?: number): Destination | null;
  /**
   * How to send to an address from one of the host's own, or null without a route or where the source may not go: other
   * families, and a loopback address past the host itself. Makes an object; keep it while its generation is the table's.
   */
  destinationFrom(ip: Ip, src: Ip): Destination | null;
  /** As `destination` for the IPv6 address that stands at `at`; makes no object while the way is known. */
  destination6(view: DataView, at: number, hash: number): Destination | null;
  /** The path to an address told of a smaller MTU, in bytes. */
  learnMtu(ip: Ip, mtu: number): void;
  /** Sends an IP packet (the frame begins with its IP header) to a neighbour whose MAC is known. */
  transmit(frame: Frame, neighbour: Neighbour): void;
  transmitTo(frame: Frame, dev: Interface, dstHi: number, dstLo: number, type: number): void;
  /** A packet could not be delivered to its next hop: its sender is told, and it is dropped. */
  unreachable(frame: Frame, dev: Interface): void;
  /** Receives the packet by way of `lo`: for packets to the host itself. */
  loop(frame: Frame, type: number): void;
  /** Numbers a frame that begins its journey here. */
  begin(frame: Frame): void;
}
