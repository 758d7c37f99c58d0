// Every code that the doctor can report: the worst it can be, what it is in a few words, and who cares. docs/doctor.md is
// the same table for people; a test holds the two and the rules together.

import type { Severity } from './rule.ts';

export interface Entry {
  readonly code: string;
  /** All that it can be, the worst first. */
  readonly severities: readonly Severity[];
  readonly what: string;
  /** The document, or whose machines. */
  readonly cares: string;
}

const E: readonly Severity[] = ['error'];
const EW: readonly Severity[] = ['error', 'warning'];
const EWN: readonly Severity[] = ['error', 'warning', 'note'];
const EN: readonly Severity[] = ['error', 'note'];
const W: readonly Severity[] = ['warning'];
const WN: readonly Severity[] = ['warning', 'note'];
const N: readonly Severity[] = ['note'];

function entry(code: string, severities: readonly Severity[], what: string, cares: string): Entry {
  return { code, severities, what, cares };
}

/** Findings of the rules about tunnels. */
export const TUNNEL_CODES: readonly Entry[] = [
  entry('VXLAN-I-CLEAR', E, 'the I flag is clear: no valid VNI', 'RFC 7348 s.5; everybody drops'),
  entry('VXLAN-TOO-SHORT', E, 'no room for the header or the frame behind it', 'RFC 7348 s.5'),
  entry('VXLAN-RESERVED-BITS', W, 'reserved bits are set', 'Linux, OVS, Suricata drop; VPP by the byte'),
  entry('VXLAN-GPE-BITS', W, 'the P flag on a port of plain VXLAN', 'Linux, OVS, VPP, Suricata'),
  entry('VXLAN-GBP', N, 'a group policy in the header', 'Linux without gbp, OVS without exts=gbp, VPP'),
  entry('GPE-HEADER', W, 'GPE without next protocol, of another version, or OAM', 'Linux, OVS'),
  entry('VTEP-PORT-UNREACHABLE', EW, 'no VTEP listens on the port at the other end', 'RFC 792'),
  entry('VTEP-UNREACHABLE', E, 'the underlay cannot or must not reach a VTEP', 'RFC 792, RFC 4443 s.3.1'),
  entry('TUNNEL-ONE-WAY', EW, 'frames that ask for answers go in, none come back', 'the hosts inside'),
  entry('TUNNEL-MIRROR', N, 'both sides of conversations one way: a mirror', 'nobody, if it is meant'),
  entry('VNI-MISMATCH', EN, 'two ends speak of the same hosts in two VNIs', 'RFC 7348 s.4.1'),
  entry(
    'PORT-MISMATCH',
    EWN,
    'two ends of a tunnel use different UDP ports',
    'RFC 7348 s.5; Linux and flannel: 8472',
  ),
  entry(
    'ARP-NO-ANSWER',
    EW,
    'an ARP request over the tunnel stays without answer',
    'RFC 826, RFC 7348 s.4.2',
  ),
  entry('ND-NO-ANSWER', EW, 'a neighbour solicitation stays without answer', 'RFC 4861 s.7.2'),
  entry('MAC-MOVED', N, 'a MAC is behind another VTEP than before', 'RFC 7348 s.4.1'),
  entry('MAC-FLAP', W, 'a MAC goes back and forth between VTEPs', 'RFC 7348 s.4.1'),
  entry('MAC-DUPLICATE', E, 'a MAC behind two VTEPs at the same time', 'RFC 7432 s.15.1'),
  entry('IP-MOVED', N, 'an address is claimed by another MAC behind another VTEP', 'RFC 826'),
  entry('IP-FLAP', W, 'an address is claimed in turn behind two VTEPs', 'RFC 5227'),
  entry('IP-DUPLICATE', E, 'an address is claimed behind two VTEPs at the same time', 'RFC 5227'),
  entry('FRAME-REFLECTED', EW, 'a VTEP gets back what it sent into the tunnel', 'every learning bridge'),
  entry('FRAME-RELAYED', N, 'a VTEP sends on what came out of a tunnel', 'split horizon'),
  entry('FLOOD-SHARE', WN, 'much of a network is broadcast and multicast', 'RFC 7348 s.4.2'),
  entry('UNKNOWN-UNICAST', EW, 'frames for one station go to all, and go on so', 'RFC 7348 s.4.2'),
  entry('VTEP-FRAGMENTS', W, 'a VTEP sends IP fragments', 'RFC 7348 s.4.3: MUST NOT; hardware drops'),
  entry('UNDERLAY-FRAGMENTS', N, 'a router cut tunnel packets into fragments', 'RFC 7348 s.4.3'),
  entry('INNER-OVERSIZE', WN, 'inner frames do not fit the path', 'RFC 7348 s.4.3'),
  entry('OFFLOAD-SIZED', N, 'packets as large as offload leaves them', 'nobody'),
  entry('VTEP-MAC-SHARED', W, 'VTEP addresses of one subnet with one MAC', 'the switches of the underlay'),
  entry('VTEP-MAC-FLAP', W, 'one VTEP address with two MACs in turn', 'its peers'),
  entry(
    'SOURCE-PORT-CONSTANT',
    W,
    'many inner flows with one outer source port',
    'RFC 7348 s.5; equal-cost paths',
  ),
  entry('SOURCE-PORT-RANGE', N, 'source ports below 49152', 'RFC 7348 s.5: recommended only'),
  entry('INNER-VLAN', W, 'a VLAN tag inside the tunnel', 'RFC 7348 s.6.1'),
  entry('PORT-UNUSUAL', N, 'VXLAN on a port of its own', 'other tools, firewalls'),
  entry('UDP6-CHECKSUM-ZERO', N, 'a zero UDP checksum over IPv6', 'RFC 6935; Linux without udp6zerocsumrx'),
  entry('ESP-BESIDE-PLAIN', W, 'encrypted and plain packets between the same VTEPs', 'RFC 7348 s.7'),
];

/** Findings of the rules about the traffic inside. */
export const TRAFFIC_CODES: readonly Entry[] = [
  entry('CHECKSUM-WRONG', E, 'checksums are wrong on the wire', 'RFC 1122 s.4.1.3.4: receivers drop'),
  entry('CHECKSUM-UNCLEAR', W, 'wrong checksums, too few to tell why', 'RFC 1122 s.4.1.3.4'),
  entry('CHECKSUM-OFFLOAD', N, 'checksums that the network card fills in later', 'nobody'),
  entry('BRIDGING-LOOP', E, 'the same frame again and again', 'every bridge: Ethernet has no TTL'),
  entry('ROUTING-LOOP', E, 'the same packet again, its TTL falling', 'RFC 1812 s.5.3.1'),
  entry('UNDERLAY-LOOP', E, 'the same outer packet again and again', 'the underlay'),
  entry('DUPLICATE-FRAMES', N, 'frames that are in the capture twice', 'whoever counts'),
  entry('TTL-EXPIRED', W, 'packets whose TTL ran out inside', 'RFC 1812 s.5.3.1'),
  entry('UNDERLAY-TTL-EXPIRED', E, 'tunnel packets whose TTL ran out', 'the hosts inside, who are not told'),
  entry('REASSEMBLY-EXPIRED', W, 'fragments that never were whole', 'RFC 792'),
  entry('TTL-TRACEROUTE', N, 'TTLs that expire on purpose', 'nobody'),
  entry('INNER-TTL-ZERO', W, 'TTL 0 inside a tunnel', 'RFC 1122 s.3.2.1.7'),
  entry('INNER-TTL-ONE', N, 'TTL 1 inside a tunnel', 'the next router'),
  entry(
    'ECN-CE-ON-NOT-ECT',
    W,
    'a congestion mark around a packet that knows none',
    'RFC 6040 s.4.2: drop; Linux does',
  ),
  entry('ECN-ECT-ON-NOT-ECT', W, 'the outer header promises ECN, the inner does not', 'RFC 6040 s.4.1'),
  entry('ECN-NOT-COPIED', N, 'inner ECN bits are not copied outside', 'RFC 6040 s.4.1'),
  entry('ECN-UNUSED-COMBINATION', N, 'ECN bits that no encapsulator writes', 'RFC 6040 s.4.2'),
  entry('MTU-BLACK-HOLE', EW, 'small packets arrive, large ones do not', 'RFC 2923 s.2.1'),
  entry('PATH-MTU', N, 'a router tells that packets are too big', 'RFC 1191, RFC 8201'),
  entry('PATH-MTU-IGNORED', E, 'packets stay too big after the error', 'RFC 1191, RFC 8201'),
  entry('UNDERLAY-TOO-BIG', EW, 'the underlay refuses tunnel packets as too big', 'RFC 7348 s.4.3'),
  entry('TCP-RETRANSMISSION', WN, 'segments sent again', 'RFC 9293 s.3.8.1'),
  entry('TCP-DUPLICATE-ACKS', N, 'data missing before the point of capture', 'RFC 5681 s.3.2'),
  entry('TCP-ZERO-WINDOW', WN, 'a receiver that does not read', 'the program there'),
  entry('TCP-REFUSED', WN, 'connections refused', 'RFC 9293 s.3.5.2'),
  entry('TCP-RESET', WN, 'connections broken off', 'RFC 9293 s.3.5.3'),
  entry('TCP-SYN-UNANSWERED', W, 'connections that nobody answers', 'the hosts inside'),
  entry('DNS-UNANSWERED', W, 'DNS queries without answer', 'RFC 1035 s.4.2.1'),
  entry('DNS-FAILING', N, 'a name server that fails or refuses', 'RFC 1035 s.4.1.1'),
  entry('DNS-UNKNOWN-NAMES', N, 'many names that do not exist', 'resolv.conf'),
  entry('CLEARTEXT-CREDENTIALS', W, 'passwords readable in the underlay', 'RFC 7348 s.7'),
  entry('CLEARTEXT-COOKIE', N, 'cookies readable in the underlay', 'RFC 6265 s.8.3'),
];

export const CATALOGUE: readonly Entry[] = [...TUNNEL_CODES, ...TRAFFIC_CODES];
