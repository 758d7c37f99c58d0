// What a row of a Dissection is, what marks it carries and what ended its bytes: numbers, each with its name.

/** What a row of a Dissection is. The numbers index LAYER_PROTOCOLS. */
export const L = {
  none: 0,
  ethernet: 1,
  vlan: 2,
  llc: 3,
  stp: 4,
  sll: 5,
  sll2: 6,
  loopback: 7,
  raw: 8,
  arp: 9,
  ipv4: 10,
  ipv6: 11,
  hopByHop: 12,
  routing: 13,
  fragment: 14,
  destination: 15,
  ah: 16,
  esp: 17,
  icmp: 18,
  icmpv6: 19,
  igmp: 20,
  udp: 21,
  tcp: 22,
  vxlan: 23,
  gpe: 24,
  geneve: 25,
  gre: 26,
  erspan: 27,
  mpls: 28,
  nsh: 29,
  dns: 30,
  http: 31,
  /** Bytes that no codec here reads. */
  payload: 32,
  /** 802.1ad's outer tag, EtherType 0x88a8. */
  serviceVlan: 33,
} as const;
export type LayerKind = (typeof L)[keyof typeof L];

/** Wireshark's names of the layers, by kind. */
export const LAYER_PROTOCOLS: readonly string[] = [
  'none',
  'eth',
  'vlan',
  'llc',
  'stp',
  'sll',
  'sll',
  'null',
  'raw',
  'arp',
  'ip',
  'ipv6',
  'ipv6.hopopts',
  'ipv6.routing',
  'ipv6.fraghdr',
  'ipv6.dstopts',
  'ah',
  'esp',
  'icmp',
  'icmpv6',
  'igmp',
  'udp',
  'tcp',
  'vxlan',
  'vxlan',
  'geneve',
  'gre',
  'erspan',
  'mpls',
  'nsh',
  'dns',
  'http',
  'data',
  'ieee8021ad',
];

/** Bits of a row's `flags`. */
export const LAYER_FLAG = {
  /** Part of the packet that an ICMP error quotes, not of the packet that was sent. */
  quoted: 1,
  /** Some of its bytes are missing because the capture was cut or the quote ended. */
  cut: 2,
  /** Its bytes are one fragment of a datagram. */
  fragment: 4,
  /** No port says what it is; its bytes look like it. */
  guessed: 8,
} as const;

/** What ended a layer's bytes. The numbers index BOUND_NAMES. */
export const BOUND = {
  frame: 0,
  captured: 1,
  ethernetLength: 2,
  ipv4Total: 3,
  ipv6Payload: 4,
  jumbo: 5,
  udpLength: 6,
  quote: 7,
  espPadding: 8,
} as const;

export const BOUND_NAMES: readonly string[] = [
  'frame length',
  'captured length',
  '802.3 length',
  'IPv4 total length',
  'IPv6 payload length',
  'jumbo payload length',
  'UDP length',
  'ICMP quote',
  'ESP pad length',
];
