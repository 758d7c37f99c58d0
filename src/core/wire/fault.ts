// What is wrong with a header, as one number.
//
// A codec's `check` runs on every packet, so it must not allocate: its answer is a small integer that holds the layer,
// the kind of fault and one quantity in bytes. The caller knows where the header starts and which outer field ended the
// bytes; `describe` puts the three together into a sentence. 0 means that nothing is wrong.
//
//   bit 30      26 25    23 22                    0
//      +----------+--------+-----------------------+
//      |  layer   |  kind  |  needed (bytes/value) |
//      +----------+--------+-----------------------+

/** The layers that a fault can name. The text is what a person reads. */
export const LAYER_NAMES = [
  'none',
  'frame',
  'Ethernet',
  '802.1Q',
  'ARP',
  'IPv4',
  'IPv6',
  'ICMP',
  'ICMPv6',
  'IGMP',
  'UDP',
  'TCP',
  'VXLAN',
  'VXLAN-GPE',
  'DNS',
  'ESP',
  'LLC',
  'SLL',
  'Geneve',
  'GRE',
  'MPLS',
  'NSH',
] as const;

export const LAYER = {
  none: 0,
  frame: 1,
  ethernet: 2,
  vlan: 3,
  arp: 4,
  ipv4: 5,
  ipv6: 6,
  icmp: 7,
  icmpv6: 8,
  igmp: 9,
  udp: 10,
  tcp: 11,
  vxlan: 12,
  gpe: 13,
  dns: 14,
  esp: 15,
  llc: 16,
  sll: 17,
  geneve: 18,
  gre: 19,
  mpls: 20,
  nsh: 21,
} as const;
export type Layer = (typeof LAYER)[keyof typeof LAYER];

export const KIND = {
  /** The header itself needs `needed` bytes and fewer are there. */
  short: 1,
  /** A length field claims `needed` bytes (counted from the header's start) and fewer are there. */
  overrun: 2,
  /** A length field claims `needed` bytes, fewer than the header itself takes. */
  underrun: 3,
  /** The version field holds `needed`, which this protocol does not have. */
  version: 4,
  /** A field holds `needed`, a value that the protocol does not allow. */
  value: 5,
  /** A chain of headers, names or options does not end within bounds. */
  endless: 6,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** 0, or layer, kind and quantity packed into 31 bits. */
export type Fault = number;

export const NO_FAULT: Fault = 0;

const NEEDED_MAX = 0x7fffff;

/** Packs a fault. `needed` is cut to 23 bits. */
export function fault(layer: Layer, kind: Kind, needed: number): Fault {
  return (layer << 26) | (kind << 23) | Math.min(needed, NEEDED_MAX);
}

export function faultLayer(f: Fault): Layer {
  return ((f >>> 26) & 0x1f) as Layer;
}

export function faultKind(f: Fault): Kind {
  return ((f >>> 23) & 0x7) as Kind;
}

export function faultNeeded(f: Fault): number {
  return f & NEEDED_MAX;
}

/** A fault with its place: everything a person needs to act on it. Offsets and lengths are bytes from the frame's start. */
export interface FaultReport {
  readonly layer: string;
  readonly kind: keyof typeof KIND;
  /** Where the faulty header starts. */
  readonly offset: number;
  /** Bytes needed from `offset` on; for `version` and `value` the offending value. */
  readonly needed: number;
  /** Bytes that were there from `offset` on. */
  readonly had: number;
  /** The outer field that ended the bytes, for example `IPv4 total length` or `captured length`. */
  readonly bound: string;
  readonly text: string;
}

const KIND_NAMES = ['none', 'short', 'overrun', 'underrun', 'version', 'value', 'endless'] as const;

/**
 * Says in one sentence what a fault is.
 * @param at where the faulty header starts, from the start of the frame
 * @param had bytes there were from `at` on
 * @param bound the outer field that set `had`
 */
export function describe(f: Fault, at: number, had: number, bound: string): FaultReport {
  const layer = LAYER_NAMES[faultLayer(f)] ?? 'unknown layer';
  const kind = KIND_NAMES[faultKind(f)] as keyof typeof KIND;
  const needed = faultNeeded(f);
  return { layer, kind, offset: at, needed, had, bound, text: sentence(layer, kind, needed, at, had, bound) };
}

function sentence(
  layer: string,
  kind: keyof typeof KIND,
  needed: number,
  at: number,
  had: number,
  bound: string,
): string {
  const place = `${layer} starts at byte ${at}`;
  const left = `${had} ${had === 1 ? 'byte is' : 'bytes are'} left (bounded by the ${bound})`;
  switch (kind) {
    case 'short':
      return `${layer}: the header needs ${needed} bytes, but only ${left}; ${place}.`;
    case 'overrun':
      return `${layer}: the length field says ${needed}, but only ${left}; ${place}.`;
    case 'underrun':
      return `${layer}: the length field says ${needed}, less than the header itself; ${place}.`;
    case 'version':
      return `${layer}: version ${needed} is not one this protocol has; ${place}.`;
    case 'value':
      return `${layer}: a field holds ${needed}, which is not allowed there; ${place}.`;
    case 'endless':
      return `${layer}: its parts do not come to an end within ${had} bytes; ${place}.`;
  }
}
