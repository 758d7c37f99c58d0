// The steps of the walk above IP: UDP, TCP, ICMP, ICMPv6, IGMP and what they carry. See walk.ts.
//
// A TCP payload is not read here: what it is depends on the stream, and counting flows does not need it.

import * as dns from '../wire/dns.ts';
import { faultKind, KIND, NO_FAULT } from '../wire/fault.ts';
import * as icmp from '../wire/icmp.ts';
import * as icmpv6 from '../wire/icmpv6.ts';
import * as igmp from '../wire/igmp.ts';
import { PROTO } from '../wire/numbers.ts';
import * as tcp from '../wire/tcp.ts';
import * as udp from '../wire/udp.ts';
import { looksLikeQuery, looksLikeVxlan } from './guess.ts';
import type { Dissection } from './layer.ts';
import { BOUND, L, LAYER_FLAG } from './layer.ts';
import { enterTunnel, GO, stopAt } from './next.ts';
import type { WalkOptions } from './ports.ts';
import { CARRIES } from './ports.ts';
import { extensionStep, isExtension } from './walk-ip6.ts';
import { espStep, geneveStep, gpeStep, greStep, mplsStep, vxlanStep } from './walk-tunnel.ts';

export function transportStep(view: DataView, d: Dissection, protocol: number, options: WalkOptions): number {
  switch (protocol) {
    case PROTO.udp:
      return udpStep(view, d, options);
    case PROTO.tcp:
      return tcpStep(view, d);
    case PROTO.icmp:
      return icmpStep(view, d);
    case PROTO.icmpv6:
      return icmpv6Step(view, d);
    case PROTO.igmp:
      return igmpStep(view, d);
    case PROTO.gre:
      return greStep(view, d, options);
    case PROTO.ipip:
      return enterTunnel(d, options) ? GO.ipv4 : GO.stop;
    case PROTO.ipv6:
      return enterTunnel(d, options) ? GO.ipv6 : GO.stop;
    case PROTO.esp:
      return espStep(d);
    default:
      return isExtension(protocol) ? extensionStep(view, d, protocol) : GO.payload;
  }
}

function udpStep(view: DataView, d: Dissection, options: WalkOptions): number {
  const at = d.at;
  const i = d.count;
  const f = udp.check(view, at, d.atEnd);
  if (f !== NO_FAULT && faultKind(f) !== KIND.overrun) return stopAt(d, L.udp, f);
  if (!d.push(L.udp, udp.HEADER_LEN)) return GO.stop;
  if (f !== NO_FAULT) d.blame(i, f);
  if (!d.quoted(i)) d.transport = i;
  const length = udp.length(view, at);
  if (length !== 0) d.narrow(at + length, BOUND.udpLength);
  if (d.at >= d.atEnd) return GO.stop;
  const ports = options.ports;
  let carries = ports[udp.dstPort(view, at)];
  if (carries === CARRIES.nothing) carries = ports[udp.srcPort(view, at)];
  switch (carries) {
    case CARRIES.vxlan:
      return vxlanStep(view, d, options);
    case CARRIES.gpe:
      return gpeStep(view, d, options);
    case CARRIES.geneve:
      return geneveStep(view, d, options);
    case CARRIES.mpls:
      return enterTunnel(d, options) ? mplsStep(view, d) : GO.stop;
    case CARRIES.dns:
      return dnsStep(view, d);
    case CARRIES.esp:
      return espInUdpStep(view, d);
    default:
      return options.heuristics ? guessStep(view, d, options) : GO.payload;
  }
}

/** ESP, unless four zero bytes say that it is IKE, or a single byte that nobody is to read (RFC 3948 s.2). */
function espInUdpStep(view: DataView, d: Dissection): number {
  const left = d.atEnd - d.at;
  return left < 4 || view.getUint32(d.at) === 0 ? GO.payload : espStep(d);
}

/** The payload of ports that nobody named. */
function guessStep(view: DataView, d: Dissection, options: WalkOptions): number {
  if (looksLikeVxlan(view, d.at, d.atEnd, d.atLimit)) return vxlanStep(view, d, options, LAYER_FLAG.guessed);
  if (!looksLikeQuery(view, d.at, d.atEnd)) return GO.payload;
  d.flag(LAYER_FLAG.guessed);
  return dnsStep(view, d);
}

function dnsStep(view: DataView, d: Dissection): number {
  const f = dns.check(view, d.at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.dns, f);
  d.push(L.dns, d.atEnd - d.at);
  return GO.stop;
}

function tcpStep(view: DataView, d: Dissection): number {
  const at = d.at;
  const i = d.count;
  const left = d.atEnd - at;
  const f = tcp.check(view, at, d.atEnd);
  if (f !== NO_FAULT && faultKind(f) !== KIND.overrun) return stopAt(d, L.tcp, f);
  if (!d.push(L.tcp, f === NO_FAULT ? tcp.dataOffset(view, at) : left)) return GO.stop;
  if (!d.quoted(i)) d.transport = i;
  if (f !== NO_FAULT) {
    d.blame(i, f);
    return GO.stop;
  }
  return GO.payload;
}

/** ICMP: an error is followed by the packet that it quotes, as far as it was quoted (RFC 792; RFC 4884 s.4). */
function icmpStep(view: DataView, d: Dissection): number {
  const at = d.at;
  const i = d.count;
  const f = icmp.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.icmp, f);
  const type = icmp.type(view, at);
  if (!icmp.isError(type) && !isEcho(type)) {
    d.push(L.icmp, d.atEnd - at);
  } else if (!d.push(L.icmp, icmp.HEADER_LEN)) return GO.stop;
  if (!d.quoted(i)) d.transport = i;
  if (!icmp.isError(type)) return GO.payload;
  return quote(d, view.getUint8(at + 5) * 4, GO.ipv4);
}

function isEcho(type: number): boolean {
  return type === icmp.TYPE.echo || type === icmp.TYPE.echoReply;
}

function icmpv6Step(view: DataView, d: Dissection): number {
  const at = d.at;
  const i = d.count;
  const f = icmpv6.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.icmpv6, f);
  const type = icmpv6.type(view, at);
  const split = icmpv6.isError(type) || type === icmpv6.TYPE.echo || type === icmpv6.TYPE.echoReply;
  if (!d.push(L.icmpv6, split ? icmpv6.HEADER_LEN : d.atEnd - at)) return GO.stop;
  if (!d.quoted(i)) d.transport = i;
  if (!icmpv6.isError(type)) return GO.payload;
  return quote(d, view.getUint8(at + 4) * 8, GO.ipv6);
}

/** Marks what follows as a quotation; `length`, when not 0, ends it before the extensions of RFC 4884. */
function quote(d: Dissection, length: number, next: number): number {
  if (d.at >= d.atEnd) return GO.stop;
  d.quote(length !== 0 && d.at + length < d.atEnd ? d.at + length : d.atEnd);
  return next;
}

function igmpStep(view: DataView, d: Dissection): number {
  const i = d.count;
  const f = igmp.check(view, d.at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.igmp, f);
  if (!d.push(L.igmp, d.atEnd - d.at)) return GO.stop;
  if (!d.quoted(i)) d.transport = i;
  return GO.stop;
}
