// ARP on a host's interfaces: RFC 826, with Linux's habits (net/ipv4/arp.c): a request for us is answered and its sender
// remembered as STALE; an answer counts as confirmed when it comes to us alone; gratuitous ARP updates only what is known.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip4, Mac } from '../../core/wire/address.ts';
import { MAC_BROADCAST } from '../../core/wire/address.ts';
import * as arp from '../../core/wire/arp.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { ETHERTYPE } from '../../core/wire/numbers.ts';
import { SECOND } from '../time/clock.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Interface } from './interface.ts';
import type { Neighbour } from './neighbour.ts';
import { STATE } from './neighbour.ts';
import type { Stack } from './stack.ts';

/** net.ipv4.neigh.default.locktime. */
const LOCK_TIME = SECOND;

export class Arp {
  readonly #host: Stack;

  constructor(host: Stack) {
    this.#host = host;
  }

  input(frame: Frame, at: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = arp.check(view, at, frame.end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    const senderIp = arp.senderIp(view, at);
    const senderMac = arp.senderMac(view, at);
    const targetIp = arp.targetIp(view, at);
    if (senderMac === dev.mac) return drop(host, frame, DROP.martian);
    const op = arp.op(view, at);
    const forUs = host.isLocal(targetIp) && dev.has(targetIp);
    const known = host.neighbours.find(senderIp, dev);
    if (host.trace.on) host.trace.emit(host.id, TRACE.deliver, frame, ETHERTYPE.arp, op);
    if (op === arp.OP.reply) {
      const unicast = (ethernet.dstHi(view, frame.start) & 0x0100) === 0;
      const news = senderIp === targetIp || known === undefined || !this.#late(known, senderMac);
      if (known !== undefined && known.state !== STATE.failed && news)
        host.neighbours.update(known, senderMac, unicast);
    } else if (op === arp.OP.request && forUs) {
      // A probe (RFC 5227) has no sender address: it is answered and teaches nothing.
      if (senderIp !== 0) host.neighbours.update(host.neighbours.entry(senderIp, dev), senderMac, false);
      this.#reply(dev, targetIp, senderMac, senderIp);
    } else if (known !== undefined && known.state !== STATE.failed) {
      host.neighbours.update(known, senderMac, false);
    }
    frame.release();
  }

  /**
   * True for an answer from somebody else right behind the first, which counts (Linux: LOCKTIME in arp_process): several
   * stations may answer for one address, and a flow must not go from one to the other.
   */
  #late(known: Neighbour, mac: Mac): boolean {
    if (known.state === STATE.incomplete || known.mac === mac) return false;
    return this.#host.ground.clock.now - known.updated <= LOCK_TIME;
  }

  /** Asks who has the neighbour's address: broadcast, or to the MAC it had. */
  solicit(neighbour: Neighbour, unicast: boolean): void {
    const dev = neighbour.dev;
    const source = dev.first(true);
    if (source === null) return;
    const dst = unicast ? neighbour.mac : MAC_BROADCAST;
    this.#send(dev, arp.OP.request, dst, source as Ip4, unicast ? neighbour.mac : 0, neighbour.ip as Ip4);
  }

  /** Tells the link that an address is here (gratuitous ARP). */
  announce(dev: Interface, ip: Ip4): void {
    this.#send(dev, arp.OP.request, MAC_BROADCAST, ip, 0, ip);
  }

  #reply(dev: Interface, ourIp: Ip4, toMac: number, toIp: Ip4): void {
    this.#send(dev, arp.OP.reply, toMac, ourIp, toMac, toIp);
  }

  #send(dev: Interface, op: number, dst: number, senderIp: Ip4, targetMac: number, targetIp: Ip4): void {
    const host = this.#host;
    const frame = host.ground.pool.take(ethernet.HEADER_LEN + arp.HEADER_LEN);
    const at = frame.start;
    ethernet.write(frame.view, at, dst, dev.mac, ETHERTYPE.arp);
    arp.write(frame.view, at + ethernet.HEADER_LEN, op, dev.mac, senderIp, targetMac, targetIp);
    frame.summed = true;
    host.begin(frame);
    dev.counters.txPackets++;
    dev.counters.txBytes += frame.end - at;
    dev.port.send(frame);
  }
}
