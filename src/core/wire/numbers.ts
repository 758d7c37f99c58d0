// The numbers that every layer agrees on, each with its source. No behaviour here.

/** IANA's VXLAN port (RFC 7348 s.5). Linux's historic default is 8472. */
export const VXLAN_PORT = 4789;
/** The port Linux, flannel and Cilium use by default. */
export const VXLAN_PORT_LINUX = 8472;
/** VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe). */
export const VXLAN_GPE_PORT = 4790;
/** Geneve (RFC 8926). */
export const GENEVE_PORT = 6081;

/** The largest VNI: 24 bits (RFC 7348 s.5). */
export const VNI_MAX = 0xffffff;

/** EtherTypes (IANA ieee-802-numbers). A value of 1500 or less is an 802.3 length instead. */
export const ETHERTYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  teb: 0x6558,
  vlan: 0x8100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  nsh: 0x894f,
  qinq: 0x88a8,
  lldp: 0x88cc,
  /** 802.1ad as many switches sent it before it had a number of its own. */
  qinqOld: 0x9100,
} as const;

/** IP protocol numbers (IANA protocol-numbers); the same numbers name IPv6 extension headers. */
export const PROTO = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  none: 59,
  destination: 60,
  sctp: 132,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const;

/** Bytes in front of the inner frame: Ethernet 14 + IPv4 20 + UDP 8 + VXLAN 8. */
export const OVERHEAD_IPV4 = 50;
/** The same over IPv6: Ethernet 14 + IPv6 40 + UDP 8 + VXLAN 8. */
export const OVERHEAD_IPV6 = 70;

/** What a caller of the library gets for misuse: never for bad packets, which are faults. */
export class VxlabError extends Error {
  /** Part of the contract: stays the same when the sentence changes. */
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'VxlabError';
    this.code = code;
  }
}
