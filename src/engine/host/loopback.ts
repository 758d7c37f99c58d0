// The loopback interface `lo`: 127.0.0.1/8 and ::1/128, and the way of every packet that a host sends to itself, whichever
// of its addresses it names (Linux: the `local` routing table leads to lo; drivers/net/loopback.c).
//
// A host gets it when it first needs it and counts it apart: eth0 stays interface 0, and a hundred thousand idle
// containers have none.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Ip4, Ip6 } from '../../core/wire/address.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { ETHERTYPE } from '../../core/wire/numbers.ts';
import type { Port, Sink } from '../fabric/port.ts';
import { Interface } from './interface.ts';

/** 127.0.0.1. */
export const LOCALHOST: Ip4 = 0x7f000001;
/** `::1`. */
export const LOCALHOST6: Ip6 = { a: 0, b: 0, c: 0, d: 1 };
/** Bytes of the largest IP packet. */
export const LOOPBACK_MTU = 65_536;
/** What `dev.index` of lo says: no place among a host's interfaces. */
export const LOOPBACK_INDEX = -1;

/** True for 127.0.0.0/8 (RFC 1122 s.3.2.1.3 g) and `::1` (RFC 4291 s.2.5.3). */
export function isLoopback(ip: Ip): boolean {
  if (typeof ip === 'number') return ip >>> 24 === 127;
  return ip.d === 1 && ip.a === 0 && ip.b === 0 && ip.c === 0;
}

/** The same for the IPv6 address that stands at `at`. */
export function isLoopback6(view: DataView, at: number): boolean {
  return (
    view.getUint32(at) === 0 &&
    view.getUint32(at + 4) === 0 &&
    view.getUint32(at + 8) === 0 &&
    view.getUint32(at + 12) === 1
  );
}

/** A layer that packets of the host to itself come in by. */
interface Layer {
  input(frame: Frame, at: number, dev: Interface): void;
}

/** What lo needs of its host. */
export interface LoopbackHost {
  readonly ip4: Layer;
  readonly ip6: Layer;
}

/** Sends what it is given back to its host. */
export class Loopback implements Sink {
  readonly dev: Interface;
  readonly #host: LoopbackHost;

  constructor(host: LoopbackHost) {
    this.#host = host;
    this.dev = new Interface(LOOPBACK_INDEX, NO_WIRE, {
      name: 'lo',
      mac: 0,
      mtu: LOOPBACK_MTU,
      addresses: [
        { ip: LOCALHOST, prefix: 8 },
        { ip: LOCALHOST6, prefix: 128 },
      ],
    });
  }

  /** A packet with an Ethernet header of zeros, as Linux has it on lo. */
  receive(frame: Frame): void {
    const { dev } = this;
    const at = frame.start;
    const { counters } = dev;
    const length = frame.end - at;
    counters.txPackets++;
    counters.txBytes += length;
    counters.rxPackets++;
    counters.rxBytes += length;
    const four = ethernet.etherType(frame.view, at) === ETHERTYPE.ipv4;
    (four ? this.#host.ip4 : this.#host.ip6).input(frame, at + ethernet.HEADER_LEN, dev);
  }
}

/** Nothing is sent through lo as a wire: what a host sends to itself never becomes a frame of a port. */
const NO_WIRE: Port = {
  name: 'lo',
  mtu: LOOPBACK_MTU,
  send: (frame) => frame.release(),
};
