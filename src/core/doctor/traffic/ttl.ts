// Packets whose time to live ran out: ICMP time exceeded inside a tunnel or about the tunnel itself, and frames that come
// out of a tunnel with a TTL of 1 or 0. RFC 792, RFC 4443 s.3.3, RFC 1812 s.5.3.1.
//
// A traceroute makes such errors on purpose, a few of each router. Multicast and routing protocols use a TTL of 1 to stay
// on a link. State: 1024 pairs of hosts in a VNI, 64 tunnels.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as icmp from '../../wire/icmp.ts';
import * as icmpv6 from '../../wire/icmpv6.ts';
import * as tcp from '../../wire/tcp.ts';
import * as udp from '../../wire/udp.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import { ERROR, errorOf, quotedIp, quotedTransport, quotesTunnel } from './icmp.ts';
import { addressText, readable, TUNNEL_WORDS, tagOf, tunnelKey, tunnelName } from './keys.ts';

const PAIRS_MAX = 1024;
const TUNNELS_MAX = 64;
/** Routers told apart for a pair of hosts. */
const ROUTERS_MAX = 32;
/** Probes that a traceroute sends for each hop, and so errors of one router that it explains. */
const PROBES = 3;
/** The ports that traceroute sends its datagrams to, one more for each probe. */
const PROBE_PORT = 33434;
const PROBE_PORTS = 512;
const BGP_PORT = 179;

class Pair {
  readonly expired: Evidence = new Evidence();
  readonly reassembly: Evidence = new Evidence();
  readonly one: Evidence = new Evidence();
  readonly zero: Evidence = new Evidence();
  /** Errors by router. */
  readonly routers: Map<string, number> = new Map();
  /** Errors about packets that no traceroute sends. */
  other = 0;
  /** Errors about echo requests, which ping sends as well. */
  echo = 0;
}

const EXPIRED: Advice = {
  code: 'TTL-EXPIRED',
  explain:
    'A router gave up packets because their TTL ran out (ICMP time exceeded, RFC 792). On a working path that happens to traceroute only; to others it happens when routers send packets in a circle, or when the sender starts with too low a TTL.',
  cure: 'Look at the routes of the router that reports and of its next hop for the destination; two that point at one another are the usual cause.',
};
const TRACED: Advice = {
  code: 'TTL-TRACEROUTE',
  explain: 'Routers report expired TTLs as traceroute wants them to, a few for each hop.',
  cure: 'Nothing has to be done.',
};
const UNDERLAY: Advice = {
  code: 'UNDERLAY-TTL-EXPIRED',
  explain:
    'A router of the underlay dropped packets of the tunnel because the outer TTL ran out. The inner packets are lost and their sender is not told.',
  cure: 'Look for a routing loop between the VTEPs, and at the TTL that the VTEP sends with (on Linux `ttl`; `inherit` takes the inner one, and groups get 1 unless told).',
};
const REASSEMBLY: Advice = {
  code: 'REASSEMBLY-EXPIRED',
  explain:
    'A receiver waited in vain for the missing fragments of a packet (ICMP time exceeded, code 1). Some fragments are lost on the way, or a firewall lets only first ones through.',
  cure: 'Avoid fragments: set the MTU inside so that a packet fits the underlay with the headers of the tunnel, 50 bytes over IPv4 and 70 over IPv6.',
};
const ZERO: Advice = {
  code: 'INNER-TTL-ZERO',
  explain: 'A packet with TTL 0 must not be sent (RFC 1122 s.3.2.1.7), and a router drops it.',
  cure: 'Look at the program that made the packet, or at the router in front of the tunnel: it must drop at TTL 1, not forward.',
};
const ONE: Advice = {
  code: 'INNER-TTL-ONE',
  explain:
    'The packet can be delivered in this network, but a router behind the tunnel drops it (RFC 1812 s.5.3.1). Traceroute and routing protocols send such packets on purpose; otherwise they are close to the end of a loop.',
  cure: 'Nothing has to be done if they arrive. Otherwise look for a routing loop, or for a program that sets the TTL.',
};

export class TtlRule implements Rule {
  readonly #pairs: Table<Pair> = new Table(TUNNEL_WORDS, PAIRS_MAX, () => new Pair());
  readonly #tunnels: Table<Evidence> = new Table(TUNNEL_WORDS, TUNNELS_MAX, () => new Evidence());

  observe(sight: Sight, meta: PacketMeta): void {
    const { view, d } = sight.own;
    const row = d.transport;
    if (row < 0 || d.innerVxlan >= 0 || errorOf(view, d, row) !== ERROR.ttl) return;
    const ip = quotedIp(d, row);
    if (ip < 0 || !quotesTunnel(view, d, ip)) return;
    tunnelKey(this.#tunnels.words, view, d, ip, 0);
    this.#tunnels.value(this.#tunnels.seek()).add(meta.number);
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, network, transport, vni } = crossing;
    const { d } = sight.last;
    if (!readable(d, network, 20) || d.kind(network) === L.arp) return;
    const at = d.start(network);
    const ttl = view.getUint8(at + (d.kind(network) === L.ipv6 ? 7 : 8));
    if (ttl <= 1 && !staysOnLink(view, d, network, transport)) {
      const pair = this.#pairOf(view, d, network, vni);
      if (ttl === 0) pair.zero.add(meta.number);
      else pair.one.add(meta.number);
    }
    if (transport < 0) return;
    const error = errorOf(view, d, transport);
    if (error !== ERROR.ttl && error !== ERROR.reassembly) return;
    const ip = quotedIp(d, transport);
    if (ip < 0) return;
    const pair = this.#pairOf(view, d, ip, vni);
    if (error === ERROR.reassembly) {
      pair.reassembly.add(meta.number);
      return;
    }
    pair.expired.add(meta.number);
    const router = addressText(view, d, network, false);
    const seen = pair.routers.get(router) ?? 0;
    if (seen > 0 || pair.routers.size < ROUTERS_MAX) pair.routers.set(router, seen + 1);
    const probe = quotedTransport(d, ip);
    if (probe >= 0 && isEcho(view, d, probe)) pair.echo++;
    else if (probe < 0 || !isProbe(view, d, probe)) pair.other++;
  }

  findings(): Finding[] {
    const underlay: Finding[] = [];
    for (let i = 0; i < this.#tunnels.size; i++) {
      const evidence = this.#tunnels.value(i);
      const title = `${tunnelName(this.#tunnels, i)}: ${many(evidence.count, 'packet')} of the tunnel ran out of TTL in the underlay`;
      underlay.push(finding(UNDERLAY, 'error', title, evidence));
    }
    const found: Finding[][] = [[], [], [], []];
    for (let i = 0; i < this.#pairs.size; i++) {
      const pair = this.#pairs.value(i);
      const name = `VNI ${tagOf(this.#pairs, i)} ${tunnelName(this.#pairs, i)}`;
      if (pair.expired.count > 0) found[0]?.push(expired(pair, name));
      if (pair.reassembly.count > 0) {
        const title = `${name}: fragments of ${many(pair.reassembly.count, 'packet')} did not arrive`;
        found[1]?.push(finding(REASSEMBLY, 'warning', title, pair.reassembly));
      }
      if (pair.zero.count > 0) {
        const title = `${name}: ${many(pair.zero.count, 'packet')} with TTL 0`;
        found[2]?.push(finding(ZERO, 'warning', title, pair.zero));
      }
      if (pair.one.count > 0) {
        const title = `${name}: ${many(pair.one.count, 'packet')} with TTL 1`;
        found[3]?.push(finding(ONE, 'note', title, pair.one));
      }
    }
    return [...few(underlay), ...found.flatMap(few)];
  }

  #pairOf(view: DataView, d: Dissection, ip: number, vni: number): Pair {
    tunnelKey(this.#pairs.words, view, d, ip, vni);
    return this.#pairs.value(this.#pairs.seek());
  }
}

function expired(pair: Pair, name: string): Finding {
  const routers = [...pair.routers];
  const by = routers.map(([router]) => router).slice(0, 4);
  const from = `reported by ${by.join(', ')}${routers.length > 4 ? ' and others' : ''}`;
  // A ping into a loop is answered by the same router again and again.
  const pinged = pair.echo > 0 && routers.some(([, count]) => count > PROBES);
  if (pair.other === 0 && !pinged) {
    return finding(TRACED, 'note', `${name}: traceroute, ${from}`, pair.expired);
  }
  const title = `${name}: TTL of ${many(pair.expired.count, 'packet')} ran out, ${from}`;
  return finding(EXPIRED, 'warning', title, pair.expired);
}

function isEcho(view: DataView, d: Dissection, row: number): boolean {
  const type = icmp.type(view, d.start(row));
  return d.kind(row) === L.icmp
    ? type === icmp.TYPE.echo
    : d.kind(row) === L.icmpv6 && type === icmpv6.TYPE.echo;
}

function isProbe(view: DataView, d: Dissection, row: number): boolean {
  if (d.kind(row) !== L.udp) return false;
  const port = udp.dstPort(view, d.start(row));
  return port >= PROBE_PORT && port < PROBE_PORT + PROBE_PORTS;
}

/** True where a TTL of 1 is meant: groups, link-local addresses, IGMP, BGP between neighbours (RFC 4271). */
function staysOnLink(view: DataView, d: Dissection, ip: number, transport: number): boolean {
  const at = d.start(ip);
  if (d.kind(ip) === L.ipv6) {
    if (d.end(ip) - at < 40) return true;
    const first = view.getUint16(at + 24);
    if (first >>> 8 === 0xff || (first & 0xffc0) === 0xfe80) return true;
  } else if (view.getUint8(at + 16) >= 224) return true;
  if (transport < 0) return false;
  if (d.kind(transport) === L.igmp) return true;
  if (d.kind(transport) !== L.tcp || d.end(transport) - d.start(transport) < 4) return false;
  const start = d.start(transport);
  return tcp.srcPort(view, start) === BGP_PORT || tcp.dstPort(view, start) === BGP_PORT;
}
