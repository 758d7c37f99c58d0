// Layers of IP and above it: IPv4, IPv6, UDP, TCP, ICMP, ICMPv6, VXLAN. Field names are Scapy's where it has one.

import * as checksum from '../wire/checksum.ts';
import * as icmp from '../wire/icmp.ts';
import * as icmpv6 from '../wire/icmpv6.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { ETHERTYPE, PROTO, VXLAN_GPE_PORT, VXLAN_PORT } from '../wire/numbers.ts';
import * as tcp from '../wire/tcp.ts';
import * as udp from '../wire/udp.ts';
import * as vxlan from '../wire/vxlan.ts';
import { flags, IP4, IP6, number } from './field.ts';
import type { LayerKind, Site } from './layer.ts';

const U8 = number(0xff);
const U16 = number(0xffff);
const U32 = number(0xffff_ffff);
const PORT = U16;
/** RFC 3692 s.2.1: for experiments. */
const EXPERIMENT = 253;
const SRC4 = 0x0a00_0001;
const DST4 = 0x0a00_0002;
/** 2001:db8::1 and ::2 (RFC 3849). */
const SRC6 = { a: 0x2001_0db8, b: 0, c: 0, d: 1 };
const DST6 = { a: 0x2001_0db8, b: 0, c: 0, d: 2 };
const DISCARD_PORT = 9;
/** The first dynamic port (RFC 6335 s.6). */
const SOME_PORT = 49152;

const IP_FLAGS = { MF: 1, DF: 2, evil: 4 };
const TCP_FLAGS = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128, N: 256 };

/** The pseudo header's sum for a site behind an IP header, of `length` bytes; null where no IP header is in front. */
function pseudo(site: Site, proto: number, length: number): number | null {
  const { view, outer } = site;
  if (outer?.layer.kind === IP) {
    return checksum.pseudo4(ipv4.src(view, outer.at), ipv4.dst(view, outer.at), proto, length);
  }
  return outer?.layer.kind === IPV6 ? checksum.pseudo6(view, outer.at, proto, length) : null;
}

/** Sums from the header to the end of what it carries into the 16-bit field at `field`. */
function sumInto(site: Site, field: number, start: number, finish: (sum: number) => number): void {
  const { view, at, end } = site;
  view.setUint16(at + field, 0);
  view.setUint16(at + field, finish(checksum.sum(view, at, end, start)));
}

export const IP: LayerKind = {
  name: 'ip',
  what: 'an IPv4 header without options',
  fields: {
    src: IP4,
    dst: IP4,
    ttl: U8,
    tos: U8,
    id: U16,
    flags: flags(7, IP_FLAGS),
    frag: number(0x1fff),
    proto: U8,
    len: U16,
    chksum: U16,
    version: number(15),
    ihl: number(15),
  },
  announced: { etherType: ETHERTYPE.ipv4, protocol: PROTO.ipip, gpe: vxlan.GPE_NEXT.ipv4 },
  length: ipv4.HEADER_LEN,
  write: (site) => {
    const { view, at, end } = site;
    const bits = site.number('flags', 0);
    ipv4.writeRaw(view, at, {
      version: site.number('version', 4),
      headerLength: site.number('ihl', 5) * 4,
      tos: site.number('tos', 0),
      totalLength: site.number('len', Math.min(end - at, 0xffff)),
      id: site.number('id', 1),
      reserved: (bits & IP_FLAGS.evil) !== 0,
      dontFragment: (bits & IP_FLAGS.DF) !== 0,
      moreFragments: (bits & IP_FLAGS.MF) !== 0,
      fragmentOffset: site.number('frag', 0) * 8,
      ttl: site.number('ttl', 64),
      protocol: site.next('proto', 'protocol', EXPERIMENT),
      checksum: 0,
      src: site.number('src', SRC4),
      dst: site.number('dst', DST4),
    });
    const right = checksum.finish(checksum.sum(view, at, at + ipv4.HEADER_LEN));
    view.setUint16(at + 10, site.number('chksum', right));
  },
};

export const IPV6: LayerKind = {
  name: 'ipv6',
  what: 'an IPv6 header',
  fields: {
    src: IP6,
    dst: IP6,
    hlim: U8,
    tc: U8,
    fl: number(0xfffff),
    nh: U8,
    plen: U16,
    version: number(15),
  },
  announced: { etherType: ETHERTYPE.ipv6, protocol: PROTO.ipv6, gpe: vxlan.GPE_NEXT.ipv6 },
  length: ipv6.HEADER_LEN,
  write: (site) => {
    ipv6.writeRaw(site.view, site.at, {
      version: site.number('version', 6),
      trafficClass: site.number('tc', 0),
      flowLabel: site.number('fl', 0),
      payloadLength: site.number('plen', Math.min(site.end - site.payload, 0xffff)),
      nextHeader: site.next('nh', 'nextHeader', PROTO.none),
      hopLimit: site.number('hlim', 64),
      src: site.ip6('src', SRC6),
      dst: site.ip6('dst', DST6),
    });
  },
};

export const UDP: LayerKind = {
  name: 'udp',
  what: 'a UDP header; chksum=0 sends none',
  fields: { sport: PORT, dport: PORT, len: U16, chksum: U16 },
  announced: { protocol: PROTO.udp },
  length: udp.HEADER_LEN,
  write: (site) => {
    udp.writeRaw(site.view, site.at, {
      srcPort: site.number('sport', SOME_PORT),
      dstPort: site.next('dport', 'udpPort', DISCARD_PORT),
      length: site.number('len', Math.min(site.end - site.at, 0xffff)),
      checksum: site.number('chksum', 0),
    });
  },
  sum: (site) => {
    const start = pseudo(site, PROTO.udp, site.end - site.at);
    if (!site.has('chksum') && start !== null) sumInto(site, 6, start, checksum.finishUdp);
  },
};

export const TCP: LayerKind = {
  name: 'tcp',
  what: 'a TCP header without options',
  fields: {
    sport: PORT,
    dport: PORT,
    seq: U32,
    ack: U32,
    flags: flags(0x1ff, TCP_FLAGS),
    window: U16,
    urgptr: U16,
    dataofs: number(15),
    reserved: number(7),
    chksum: U16,
  },
  announced: { protocol: PROTO.tcp },
  length: tcp.HEADER_LEN,
  write: (site) => {
    tcp.writeRaw(site.view, site.at, {
      srcPort: site.number('sport', SOME_PORT),
      dstPort: site.number('dport', 80),
      seq: site.number('seq', 0),
      ack: site.number('ack', 0),
      dataOffset: site.number('dataofs', 5) * 4,
      reserved: site.number('reserved', 0),
      flags: site.number('flags', TCP_FLAGS.S),
      window: site.number('window', 8192),
      checksum: site.number('chksum', 0),
      urgent: site.number('urgptr', 0),
    });
  },
  sum: (site) => {
    const start = pseudo(site, PROTO.tcp, site.end - site.at);
    if (!site.has('chksum') && start !== null) sumInto(site, 16, start, checksum.finish);
  },
};

const ECHO = { type: U8, code: U8, id: U16, seq: U16, chksum: U16 };

export const ICMP: LayerKind = {
  name: 'icmp',
  what: 'an ICMP header; of an error the packet that it quotes comes next, and seq is the next hop MTU',
  fields: {
    ...ECHO,
    type: number(0xff, {
      'echo-reply': 0,
      'dest-unreach': 3,
      redirect: 5,
      'echo-request': 8,
      'time-exceeded': 11,
    }),
  },
  announced: { protocol: PROTO.icmp },
  length: icmp.HEADER_LEN,
  write: (site) => {
    icmp.writeRaw(site.view, site.at, echo(site, icmp.TYPE.echo));
  },
  sum: (site) => {
    if (!site.has('chksum')) sumInto(site, 2, 0, checksum.finish);
  },
};

export const ICMPV6: LayerKind = {
  name: 'icmpv6',
  what: 'an ICMPv6 header; of Packet Too Big seq is the MTU',
  fields: {
    ...ECHO,
    type: number(0xff, {
      'dest-unreach': 1,
      'packet-too-big': 2,
      'time-exceeded': 3,
      'echo-request': 128,
      'echo-reply': 129,
    }),
  },
  announced: { protocol: PROTO.icmpv6 },
  length: icmpv6.HEADER_LEN,
  write: (site) => {
    icmpv6.writeRaw(site.view, site.at, echo(site, icmpv6.TYPE.echo));
  },
  sum: (site) => {
    const start = pseudo(site, PROTO.icmpv6, site.end - site.at);
    if (!site.has('chksum') && start !== null) sumInto(site, 2, start, checksum.finish);
  },
};

function echo(site: Site, type: number): { type: number; code: number; checksum: number; rest: number } {
  return {
    type: site.number('type', type),
    code: site.number('code', 0),
    checksum: site.number('chksum', 0),
    rest: ((site.number('id', 0) << 16) | site.number('seq', 0)) >>> 0,
  };
}

export const VXLAN: LayerKind = {
  name: 'vxlan',
  what: 'a VXLAN header (RFC 7348); gbp=N makes it one with a group policy id',
  fields: {
    vni: number(0xff_ffff),
    flags: U8,
    gbp: U16,
    reserved1: number(0xff_ffff),
    reserved2: U8,
  },
  announced: { udpPort: VXLAN_PORT },
  length: vxlan.HEADER_LEN,
  write: (site) => {
    const policy = site.has('gbp') ? vxlan.FLAG_G : 0;
    vxlan.writeRaw(site.view, site.at, {
      flags: site.number('flags', vxlan.FLAG_I | policy),
      reserved1: site.number('reserved1', site.number('gbp', 0)),
      vni: site.number('vni', 0),
      reserved2: site.number('reserved2', 0),
    });
  },
};

export const GPE: LayerKind = {
  name: 'gpe',
  what: 'a VXLAN-GPE header (draft-ietf-nvo3-vxlan-gpe); next is found from what follows',
  fields: { vni: number(0xff_ffff), flags: U8, next: U8, reserved2: U8 },
  announced: { udpPort: VXLAN_GPE_PORT },
  length: vxlan.HEADER_LEN,
  write: (site) => {
    vxlan.writeRaw(site.view, site.at, {
      flags: site.number('flags', vxlan.FLAG_I | vxlan.FLAG_P),
      reserved1: site.next('next', 'gpe', 0),
      vni: site.number('vni', 0),
      reserved2: site.number('reserved2', 0),
    });
  },
};
