// Neighbour discovery, RFC 4861: solicitations and advertisements of routers and neighbours, redirects, and the options
// that follow them. All are ICMPv6 messages; `at` is where the ICMPv6 header starts.
//
//   bytes   router sol.   router adv.            neighbour sol.   neighbour adv.   redirect
//   4-7     reserved      hop limit, flags, life reserved         R S O, reserved  reserved
//   8-23                  reachable, retrans     target           target           target
//   24-39                                                                          destination
//   then    options:  | type | length in units of 8 bytes | ... |
//
// An option of length 0 would be walked for ever, so the whole packet must be dropped (RFC 4861 s.4.6): `check` finds
// it. The hop limit of 255, which is all that keeps strangers out, stands in the IPv6 header and is the caller's to ask.

import type { Ip6, Mac } from './address.ts';
import { readIp6, readMac, writeIp6, writeMac } from './address.ts';
import { finish, sum } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

/** The ICMPv6 types that this file reads. */
export const TYPE = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const;

/** Option types (RFC 4861 s.4.6). */
export const OPTION = {
  sourceLink: 1,
  targetLink: 2,
  prefix: 3,
  redirected: 4,
  mtu: 5,
} as const;

/** Flags of a neighbour advertisement, byte 4. */
export const FLAG = { router: 0x80, solicited: 0x40, override: 0x20 } as const;
/** Flags of a router advertisement, byte 5. */
export const RA_FLAG = { managed: 0x80, other: 0x40 } as const;
/** Flags of a prefix option. */
export const PREFIX_FLAG = { onLink: 0x80, autonomous: 0x40 } as const;

export const ROUTER_SOLICITATION_LEN = 8;
export const ROUTER_ADVERTISEMENT_LEN = 16;
/** A neighbour solicitation without options. */
export const SOLICITATION_LEN = 24;
/** A neighbour advertisement without options. */
export const ADVERTISEMENT_LEN = 24;
export const REDIRECT_LEN = 40;
/** A link-layer address option of Ethernet. */
export const LINK_OPTION_LEN = 8;

export interface NdOption {
  readonly type: number;
  readonly at: number;
  /** Bytes, a multiple of 8. */
  readonly length: number;
  /** The address of a link-layer option of eight bytes. */
  readonly mac?: Mac;
  readonly mtu?: number;
  /** Lifetimes in seconds; 0xffffffff is for ever. */
  readonly prefix?: {
    readonly address: Ip6;
    readonly bits: number;
    readonly flags: number;
    readonly valid: number;
    readonly preferred: number;
  };
}

export interface NdMessage {
  readonly type: number;
  readonly code: number;
  readonly options: readonly NdOption[];
  /** Of a neighbour message or redirect. */
  readonly target?: Ip6;
  /** Of a redirect. */
  readonly destination?: Ip6;
  /** Of either advertisement: FLAG or RA_FLAG. */
  readonly flags?: number;
  /** Of a router advertisement: lifetime in seconds, times in milliseconds, each 0 for "unspecified". */
  readonly router?: {
    readonly hopLimit: number;
    readonly lifetime: number;
    readonly reachable: number;
    readonly retransmit: number;
  };
}

/** Bytes before the options of a message of this type, or 0 when it is not neighbour discovery. */
export function headerLen(messageType: number): number {
  switch (messageType) {
    case TYPE.routerSolicitation:
      return ROUTER_SOLICITATION_LEN;
    case TYPE.routerAdvertisement:
      return ROUTER_ADVERTISEMENT_LEN;
    case TYPE.neighbourSolicitation:
    case TYPE.neighbourAdvertisement:
      return SOLICITATION_LEN;
    case TYPE.redirect:
      return REDIRECT_LEN;
    default:
      return 0;
  }
}

/** 0, or what keeps [at, end) from being a neighbour discovery message with well-formed options. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < 8) return fault(LAYER.icmpv6, KIND.short, 8);
  const type = view.getUint8(at);
  const fixed = headerLen(type);
  if (fixed === 0) return fault(LAYER.icmpv6, KIND.value, type);
  if (end - at < fixed) return fault(LAYER.icmpv6, KIND.short, fixed);
  let o = at + fixed;
  while (o < end) {
    const f = optionFault(view, at, o, end);
    if (f !== NO_FAULT) return f;
    o += view.getUint8(o + 1) << 3;
  }
  return NO_FAULT;
}

/** The target of a neighbour message or redirect. */
export function target(view: DataView, at: number): Ip6 {
  return readIp6(view, at + 8);
}

/** The flags of a neighbour advertisement, see FLAG. */
export function flags(view: DataView, at: number): number {
  return view.getUint8(at + 4);
}

/** Where the first option of this type stands, or -1; a bad option ends the search. */
export function findOption(view: DataView, at: number, end: number, option: number): number {
  let o = at + headerLen(view.getUint8(at));
  while (o < end && optionFault(view, at, o, end) === NO_FAULT) {
    if (view.getUint8(o) === option) return o;
    o += view.getUint8(o + 1) << 3;
  }
  return -1;
}

/**
 * The Ethernet address in the first link-layer option of this type, or -1.
 * @param option OPTION.sourceLink (solicitations) or OPTION.targetLink (advertisements)
 */
export function linkAddress(view: DataView, at: number, end: number, option: number): Mac | -1 {
  const o = findOption(view, at, end, option);
  return o < 0 || view.getUint8(o + 1) !== 1 ? -1 : readMac(view, o + 2);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number, end: number): NdMessage {
  const type = view.getUint8(at);
  const options = readOptions(view, at, end);
  const head = { type, code: view.getUint8(at + 1), options };
  switch (type) {
    case TYPE.routerAdvertisement:
      return {
        ...head,
        flags: view.getUint8(at + 5),
        router: {
          hopLimit: view.getUint8(at + 4),
          lifetime: view.getUint16(at + 6),
          reachable: view.getUint32(at + 8),
          retransmit: view.getUint32(at + 12),
        },
      };
    case TYPE.neighbourSolicitation:
      return { ...head, target: target(view, at) };
    case TYPE.neighbourAdvertisement:
      return { ...head, target: target(view, at), flags: flags(view, at) };
    case TYPE.redirect:
      return { ...head, target: target(view, at), destination: readIp6(view, at + 24) };
    default:
      return head;
  }
}

function readOptions(view: DataView, at: number, end: number): NdOption[] {
  const options: NdOption[] = [];
  let o = at + headerLen(view.getUint8(at));
  while (o < end && optionFault(view, at, o, end) === NO_FAULT) {
    options.push(readOption(view, o, view.getUint8(o + 1) << 3));
    o += view.getUint8(o + 1) << 3;
  }
  return options;
}

function readOption(view: DataView, at: number, length: number): NdOption {
  const type = view.getUint8(at);
  const head = { type, at, length };
  if ((type === OPTION.sourceLink || type === OPTION.targetLink) && length === LINK_OPTION_LEN) {
    return { ...head, mac: readMac(view, at + 2) };
  }
  if (type === OPTION.mtu && length === 8) return { ...head, mtu: view.getUint32(at + 4) };
  if (type === OPTION.prefix && length === 32) {
    return {
      ...head,
      prefix: {
        address: readIp6(view, at + 16),
        bits: view.getUint8(at + 2),
        flags: view.getUint8(at + 3),
        valid: view.getUint32(at + 4),
        preferred: view.getUint32(at + 8),
      },
    };
  }
  return head;
}

function optionFault(view: DataView, at: number, o: number, end: number): Fault {
  if (o + 2 > end) return fault(LAYER.icmpv6, KIND.overrun, o + 2 - at);
  const length = view.getUint8(o + 1) << 3;
  if (length === 0) return fault(LAYER.icmpv6, KIND.endless, 0);
  if (o + length > end) return fault(LAYER.icmpv6, KIND.overrun, o + length - at);
  return NO_FAULT;
}

/** Bytes that a neighbour solicitation or advertisement takes with this MAC, or with none (-1). */
export function neighbourLen(mac: Mac | -1): number {
  return mac < 0 ? ADVERTISEMENT_LEN : ADVERTISEMENT_LEN + LINK_OPTION_LEN;
}

/**
 * Writes a neighbour solicitation over [at, end).
 * @param end at + neighbourLen(sourceMac)
 * @param sourceMac -1 leaves the option out, as a probe for a duplicate of one's own address must (RFC 4861 s.4.3)
 * @param pseudo the IPv6 pseudo header's sum for `end - at` bytes
 */
export function writeSolicitation(
  view: DataView,
  at: number,
  end: number,
  targetIp: Ip6,
  sourceMac: Mac | -1,
  pseudo: number,
): void {
  view.setUint32(at, TYPE.neighbourSolicitation << 24);
  view.setUint32(at + 4, 0);
  writeIp6(view, at + 8, targetIp);
  if (sourceMac >= 0) writeLinkOption(view, at + SOLICITATION_LEN, OPTION.sourceLink, sourceMac);
  view.setUint16(at + 2, finish(sum(view, at, end, pseudo)));
}

/**
 * Writes a neighbour advertisement over [at, end).
 * @param end at + neighbourLen(targetMac)
 * @param bits of FLAG
 * @param pseudo the IPv6 pseudo header's sum for `end - at` bytes
 */
export function writeAdvertisement(
  view: DataView,
  at: number,
  end: number,
  targetIp: Ip6,
  targetMac: Mac | -1,
  bits: number,
  pseudo: number,
): void {
  view.setUint32(at, TYPE.neighbourAdvertisement << 24);
  view.setUint32(at + 4, bits << 24);
  writeIp6(view, at + 8, targetIp);
  if (targetMac >= 0) writeLinkOption(view, at + ADVERTISEMENT_LEN, OPTION.targetLink, targetMac);
  view.setUint16(at + 2, finish(sum(view, at, end, pseudo)));
}

/**
 * Writes a router solicitation over [at, end).
 * @param end at + 8, or at + 16 with a MAC
 * @param pseudo the IPv6 pseudo header's sum for `end - at` bytes
 */
export function writeRouterSolicitation(
  view: DataView,
  at: number,
  end: number,
  sourceMac: Mac | -1,
  pseudo: number,
): void {
  view.setUint32(at, TYPE.routerSolicitation << 24);
  view.setUint32(at + 4, 0);
  if (sourceMac >= 0) writeLinkOption(view, at + ROUTER_SOLICITATION_LEN, OPTION.sourceLink, sourceMac);
  view.setUint16(at + 2, finish(sum(view, at, end, pseudo)));
}

/** Writes a link-layer address option of eight bytes. */
export function writeLinkOption(view: DataView, o: number, option: number, m: Mac): void {
  view.setUint8(o, option);
  view.setUint8(o + 1, 1);
  writeMac(view, o + 2, m);
}
