// ESP on a node, in transport mode, for the tunnel's datagrams of encrypted networks: what Docker asks of the kernel's XFRM with an
// iptables rule that marks datagrams by VNI, a policy for the mark and one state for each peer and direction (libnetwork
// drivers/overlay/encryption.go; net/xfrm).
//
//   Tunnel ─ UDP ─► departing: VNI guarded? ─► seal ─► IP, protocol 50           no state for the peer: dropped, never in the clear
//   Tunnel ◄ UDP ◄─ deliver, `secured` ◄─ open ◄─ window ◄─ SPI ◄─ IP, protocol 50
//
// A plain datagram of a guarded VNI is refused where it arrives (Tunnel asks `admits`). Both fail closed.

import type { SecurityAssociation } from '../../../core/esp/association.ts';
import type { CipherSuite, IcvLength } from '../../../core/esp/cipher.ts';
import { HEAD_LEN, NOT_OPENED, nextHeaderAt, open, padding, roomIn, seal } from '../../../core/esp/packet.ts';
import type { Frame } from '../../../core/frame/frame.ts';
import type { Ip } from '../../../core/wire/address.ts';
import * as esp from '../../../core/wire/esp.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import * as udp from '../../../core/wire/udp.ts';
import * as vxlan from '../../../core/wire/vxlan.ts';
import { IpMap } from '../../fabric/ip-map.ts';
import type { RandomStream } from '../../time/random.ts';
import { DROP, drop } from '../../trace/drop.ts';
import { TRACE } from '../../trace/event.ts';
import type { Destination } from '../destination.ts';
import type { Interface } from '../interface.ts';
import type { EspFace, Protocol, Stack } from '../stack.ts';
import { WINDOW_DEFAULT } from './replay-window.ts';
import { InState, OutState } from './state.ts';
import type { Weakness } from './weakness.ts';

export interface EspOptions {
  /** The tunnel's UDP port: only what goes there is looked at. */
  readonly port: number;
  /** null where the machine has none: nothing is sealed or opened. */
  readonly suite: CipherSuite | null;
  /** Draws where IVs begin. */
  readonly random: RandomStream;
  /** Sequence numbers that are remembered; default 64. Docker's own is 0: none. */
  readonly window?: number;
  /** A defence that is missing, to show what it is for; null for none. */
  readonly weakness?: Weakness | null;
}

/** What the largest ICV of ours needs. */
const ICV: IcvLength = 8;
/** The frame was taken over and dropped: nothing is sent. */
const REFUSED = -1;

export class Esp implements EspFace, Protocol {
  readonly #host: Stack;
  readonly #options: EspOptions;
  readonly #guarded: Set<number> = new Set();
  readonly #out: IpMap<OutState> = new IpMap();
  readonly #in: Map<number, InState> = new Map();

  /** Registers itself with both IP layers; `close` is with the host. */
  constructor(host: Stack, options: EspOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Datagrams of this VNI leave sealed or not at all, and arrive sealed or not at all. */
  guard(vni: number): void {
    this.#guarded.add(vni);
  }

  unguard(vni: number): void {
    this.#guarded.delete(vni);
  }

  guards(vni: number): boolean {
    return this.#guarded.has(vni);
  }

  /** What goes to the association's `dst` is sealed with it from now on; the one before is forgotten. */
  sealWith(association: SecurityAssociation): void {
    const { suite, random } = this.#options;
    if (suite !== null) this.#out.set(association.dst, new OutState(association, suite, random));
  }

  openWith(association: SecurityAssociation): void {
    const { suite, window = WINDOW_DEFAULT } = this.#options;
    if (suite !== null) this.#in.set(association.spi, new InState(association, suite, window));
  }

  /** What comes with this SPI is no longer opened. */
  forgetFrom(spi: number): void {
    this.#in.delete(spi);
  }

  /** What goes to this address is no longer sealed: nothing of a guarded VNI goes there. */
  forgetTo(ip: Ip): void {
    this.#out.delete(ip);
  }

  /** For tables. */
  get outbound(): readonly OutState[] {
    return this.#out.entries().map(([, state]) => state);
  }

  get inbound(): readonly InState[] {
    return [...this.#in.values()];
  }

  /** Bytes of a UDP datagram of this VNI that fit into a packet with `room` bytes behind its IP header. */
  roomFor(vni: number, room: number): number {
    return this.#guarded.has(vni) ? roomIn(room, ICV) : room;
  }

  departing(given: Frame, to: Destination, proto: number): number {
    if (proto !== PROTO.udp) return proto;
    const { view, start } = given;
    if (
      udp.dstPort(view, start) !== this.#options.port ||
      given.end - start < udp.HEADER_LEN + vxlan.HEADER_LEN
    )
      return proto;
    if (!this.#guarded.has(vxlan.vni(view, start + udp.HEADER_LEN))) return proto;
    if (this.#options.weakness === 'CVE-2023-28841') return proto;
    const host = this.#host;
    const state = this.#out.get(to.ip);
    if (state === undefined) {
      drop(host, given, DROP.noAssociation);
      return REFUSED;
    }
    const sequence = state.next();
    if (sequence === 0) {
      drop(host, given, DROP.sequenceUsedUp, state.association.spi);
      return REFUSED;
    }
    const { spi, icvLength } = state.association;
    const length = given.end - start;
    const tail = padding(length) + esp.TRAILER_LEN + icvLength;
    if (given.end + tail > given.to) shiftUp(given, tail);
    const at = given.push(HEAD_LEN);
    given.end = seal(
      given.bytes,
      view,
      at,
      given.end,
      spi,
      sequence,
      PROTO.udp,
      state.aead,
      state.nonce,
      icvLength,
    );
    state.packets++;
    state.bytes += length + tail + HEAD_LEN;
    if (host.trace.on) host.trace.emit(host.id, TRACE.seal, given, spi, sequence);
    return PROTO.esp;
  }

  input(given: Frame, ip: number, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const fault = esp.check(given.view, at, end);
    if (fault !== 0) return drop(host, given, DROP.invalidHeader, fault);
    const spi = esp.spi(given.view, at);
    const sequence = esp.sequence(given.view, at);
    const state = this.#in.get(spi);
    if (state === undefined) return drop(host, given, DROP.noAssociation, spi);
    if (!state.window.isNew(sequence)) {
      state.replayed++;
      return drop(host, given, DROP.replayed, sequence);
    }
    // Opened in place, so by one holder alone.
    const shift = -given.start;
    const frame = given.own();
    const by = shift + frame.start;
    const { icvLength } = state.association;
    const stop = open(frame.bytes, at + by, end + by, state.aead, state.nonce, icvLength);
    if (stop < 0) {
      state.forged++;
      return drop(host, frame, stop === NOT_OPENED.forged ? DROP.forged : DROP.invalidHeader, spi);
    }
    state.window.accept(sequence);
    state.packets++;
    state.bytes += end - at;
    if (host.trace.on) host.trace.emit(host.id, TRACE.open, frame, spi, sequence);
    const next = frame.view.getUint8(nextHeaderAt(end + by, icvLength));
    if (next !== PROTO.udp) return drop(host, frame, DROP.unknownProtocol, next);
    frame.secured = true;
    host.udp.input(frame, ip + by, at + by + HEAD_LEN, stop, dev);
  }

  /** True when a datagram of this VNI may be taken: it came sealed, or need not. */
  admits(vni: number, secured: boolean): boolean {
    if (secured || !this.#guarded.has(vni)) return true;
    const { weakness = null } = this.#options;
    if (weakness === 'CVE-2023-28842') return this.#in.size === 0;
    return weakness !== null;
  }
}

/** Makes `n` bytes of room behind a frame's bytes, of the room in front of them. */
function shiftUp(frame: Frame, n: number): void {
  const { start, end } = frame;
  frame.push((n + 3) & ~3);
  frame.bytes.copyWithin(frame.start, start, end);
  frame.end = end - (start - frame.start);
}
