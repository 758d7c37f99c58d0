// The steps of the walk into tunnels: VXLAN, VXLAN-GPE, Geneve, GRE with ERSPAN, MPLS, NSH, and ESP, which cannot be
// entered. See walk.ts.

import * as esp from '../wire/esp.ts';
import { fault, KIND, LAYER, NO_FAULT } from '../wire/fault.ts';
import * as geneve from '../wire/geneve.ts';
import * as gre from '../wire/gre.ts';
import * as mpls from '../wire/mpls.ts';
import * as nsh from '../wire/nsh.ts';
import { ETHERTYPE } from '../wire/numbers.ts';
import * as vxlan from '../wire/vxlan.ts';
import type { Dissection, LayerKind } from './layer.ts';
import { L } from './layer.ts';
import { enterTunnel, FAMILY, GO, stopAt } from './next.ts';
import type { WalkOptions } from './ports.ts';

/**
 * An Ethernet frame follows whatever the flags say: a clear I flag or a set reserved bit is for others to judge.
 * @param flag LAYER_FLAG of the row
 */
export function vxlanStep(view: DataView, d: Dissection, options: WalkOptions, flag = 0): number {
  const f = vxlan.check(view, d.at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.vxlan, f);
  if (!pushVxlan(d, L.vxlan)) return GO.stop;
  if (flag !== 0) d.flagLast(flag);
  return enterTunnel(d, options) ? GO.ethernet : GO.stop;
}

/** The next protocol counts even where the P flag is clear, as some senders leave it; 0 without P is Ethernet. */
export function gpeStep(view: DataView, d: Dissection, options: WalkOptions): number {
  const at = d.at;
  const f = vxlan.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.gpe, f);
  if (!pushVxlan(d, L.gpe)) return GO.stop;
  if (!enterTunnel(d, options)) return GO.stop;
  const next = vxlan.nextProtocol(view, at);
  return next === 0 && (vxlan.flags(view, at) & vxlan.FLAG_P) === 0 ? GO.ethernet : gpeNext(next);
}

function pushVxlan(d: Dissection, kind: LayerKind): boolean {
  const i = d.count;
  if (!d.push(kind, vxlan.HEADER_LEN)) return false;
  if (!d.quoted(i)) {
    if (d.vxlan < 0) d.vxlan = i;
    d.innerVxlan = i;
  }
  return true;
}

/** The next protocols that VXLAN-GPE and NSH share. */
function gpeNext(next: number): number {
  switch (next) {
    case vxlan.GPE_NEXT.ipv4:
      return GO.ipv4;
    case vxlan.GPE_NEXT.ipv6:
      return GO.ipv6;
    case vxlan.GPE_NEXT.ethernet:
      return GO.ethernet;
    case vxlan.GPE_NEXT.nsh:
      return GO.nsh;
    case vxlan.GPE_NEXT.mpls:
      return GO.mpls;
    default:
      return GO.payload;
  }
}

export function geneveStep(view: DataView, d: Dissection, options: WalkOptions): number {
  const at = d.at;
  const f = geneve.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.geneve, f);
  if (!d.push(L.geneve, geneve.headerLength(view, at))) return GO.stop;
  if (!enterTunnel(d, options)) return GO.stop;
  const protocol = geneve.protocol(view, at);
  return protocol === ETHERTYPE.teb ? GO.ethernet : FAMILY.ether | protocol;
}

export function greStep(view: DataView, d: Dissection, options: WalkOptions): number {
  const at = d.at;
  const f = gre.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.gre, f);
  if (!d.push(L.gre, gre.headerLength(view, at))) return GO.stop;
  const protocol = gre.protocol(view, at);
  if (protocol !== gre.PROTOCOL.erspan && protocol !== gre.PROTOCOL.erspan3) {
    if (!enterTunnel(d, options)) return GO.stop;
    return protocol === ETHERTYPE.teb ? GO.ethernet : FAMILY.ether | protocol;
  }
  const length = gre.erspanLength(view, at, d.at, d.atEnd);
  if (d.atEnd - d.at < length) return stopAt(d, L.erspan, fault(LAYER.gre, KIND.short, length));
  const mirrored = protocol === gre.PROTOCOL.erspan3 ? erspan3Next(view, d.at) : GO.ethernet;
  if (!d.push(L.erspan, length)) return GO.stop;
  return enterTunnel(d, options) ? mirrored : GO.stop;
}

/** What ERSPAN type III carries, by the five bits of its frame type (draft-foschiano-erspan s.4.3). */
function erspan3Next(view: DataView, at: number): number {
  switch ((view.getUint16(at + 10) >> 10) & 0x1f) {
    case 0:
      return GO.ethernet;
    case 2:
      return GO.ipByVersion;
    default:
      return GO.payload;
  }
}

/** One label; after the bottom one the first four bits are asked (RFC 4928 s.3). 0 is a control word before Ethernet. */
export function mplsStep(view: DataView, d: Dissection): number {
  const at = d.at;
  const f = mpls.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.mpls, f);
  if (!d.push(L.mpls, mpls.HEADER_LEN)) return GO.stop;
  if (!mpls.isBottom(view, at)) return GO.mpls;
  if (d.at >= d.atEnd) return GO.stop;
  const nibble = view.getUint8(d.at) >> 4;
  return nibble === 4 ? GO.ipv4 : nibble === 6 ? GO.ipv6 : GO.payload;
}

export function nshStep(view: DataView, d: Dissection): number {
  const at = d.at;
  const f = nsh.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.nsh, f);
  if (!d.push(L.nsh, nsh.headerLength(view, at))) return GO.stop;
  return gpeNext(nsh.nextProtocol(view, at));
}

/** ESP: SPI and sequence number are in the clear, the rest is not (RFC 4303 s.2). */
export function espStep(d: Dissection): number {
  const left = d.atEnd - d.at;
  if (left < esp.HEADER_LEN) return stopAt(d, L.esp, fault(LAYER.esp, KIND.short, esp.HEADER_LEN));
  d.push(L.esp, esp.HEADER_LEN);
  return GO.stop;
}
