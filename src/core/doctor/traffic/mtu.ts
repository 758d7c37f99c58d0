// Packets that are too big for the path: what ICMP tells inside and about the tunnel, senders that do not heed it, and
// pings with DF of which the large ones are never answered. RFC 1191, RFC 8201. (TCP's black holes: blackhole.ts.)
//
// State: 1024 pairs of hosts that ping with the last 16 requests each way, 256 pairs and 64 tunnels that were told an MTU.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as icmp from '../../wire/icmp.ts';
import * as icmpv6 from '../../wire/icmpv6.ts';
import * as ipv4 from '../../wire/ipv4.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import { BLACK_HOLE } from './blackhole.ts';
import { Pings } from './echo.ts';
import { ERROR, errorOf, mtuOf, quotedIp, quotesTunnel } from './icmp.ts';
import { addressText, readable, TUNNEL_WORDS, tagOf, tunnelKey, tunnelName } from './keys.ts';
import { Stopwatch } from './tap.ts';

const PINGS_MAX = 1024;
const PAIRS_MAX = 256;
const TUNNELS_MAX = 64;
/** Packets on their way when the error comes; microseconds. */
const IN_FLIGHT = 1_000_000;
/** Packets above the MTU afterwards that are no probe. */
const IGNORED_MIN = 3;
/** Unanswered pings of the large kind that are no accident. */
const FAILED_MIN = 2;

class TooBig {
  readonly errors: Evidence = new Evidence();
  readonly ignored: Evidence = new Evidence();
  /** The smallest that was told, in bytes. */
  mtu = 0x1_0000;
  since = 0;
  router = '';
}

const TOLD: Advice = {
  code: 'PATH-MTU',
  explain:
    'A router inside the overlay tells the sender that its packets are too big (RFC 1191, RFC 8201); a sender that heeds it goes on with smaller ones after one lost packet.',
  cure: 'Nothing has to be done. To spare the lost packet, give the sender the right MTU from the start.',
};
const IGNORED: Advice = {
  code: 'PATH-MTU-IGNORED',
  explain:
    'A router tells the sender that its packets are too big, and they keep their size: the error does not reach the sender, or its host drops it. These packets are all lost.',
  cure: 'Let ICMP type 3 code 4 and ICMPv6 type 2 reach the sender (firewalls, address translation), or lower its MTU.',
};
const UNDERLAY: Advice = {
  code: 'UNDERLAY-TOO-BIG',
  explain:
    'A router of the underlay refuses packets of the tunnel because they are bigger than its MTU and must not be fragmented. RFC 7348 s.4.3 says that a VTEP must not fragment: the underlay has to carry the inner frame and the headers around it.',
  cure: 'Raise the MTU of the underlay, or lower it inside the overlay by the tunnel headers: 50 bytes over IPv4, 70 over IPv6.',
};

export class MtuRule implements Rule {
  readonly #watch: Stopwatch = new Stopwatch();
  readonly #pings: Table<Pings> = new Table(TUNNEL_WORDS, PINGS_MAX, () => new Pings());
  readonly #pairs: Table<TooBig> = new Table(TUNNEL_WORDS, PAIRS_MAX, () => new TooBig());
  readonly #tunnels: Table<TooBig> = new Table(TUNNEL_WORDS, TUNNELS_MAX, () => new TooBig());

  observe(sight: Sight, meta: PacketMeta): void {
    this.#watch.read(meta);
    const { view, d } = sight.own;
    const row = d.transport;
    if (row < 0 || d.innerVxlan >= 0 || errorOf(view, d, row) !== ERROR.tooBig) return;
    const ip = quotedIp(d, row);
    if (ip >= 0 && quotesTunnel(view, d, ip)) this.#told(this.#tunnels, 0, view, d, row, ip, meta.number);
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, network, transport, vni } = crossing;
    const { d } = sight.last;
    if (network < 0 || !readable(d, network, 20) || d.kind(network) === L.arp) return;
    if (this.#pairs.size > 0) this.#heeds(view, d, network, vni, meta.number);
    if (transport < 0 || (d.kind(transport) !== L.icmp && d.kind(transport) !== L.icmpv6)) return;
    if (errorOf(view, d, transport) === ERROR.tooBig) {
      const ip = quotedIp(d, transport);
      if (ip >= 0) this.#told(this.#pairs, vni, view, d, transport, ip, meta.number);
      return;
    }
    // Of a packet in fragments the size says nothing.
    if (sight.isJoined || (d.flags(transport) & LAYER_FLAG.fragment) !== 0) return;
    this.#echo(view, d, network, transport, vni, meta.number);
  }

  findings(): Finding[] {
    const [holes, ignored, told, underlay]: [Finding[], Finding[], Finding[], Finding[]] = [[], [], [], []];
    for (let i = 0; i < this.#pings.size; i++) {
      const pings = this.#pings.value(i);
      pings.settle(this.#watch.now);
      if (pings.passed === 0 || pings.failed.count < FAILED_MIN || pings.failedMin <= pings.passed) continue;
      for (let word = 0; word < TUNNEL_WORDS; word++) this.#pairs.words[word] = this.#pings.word(i, word);
      // Somebody told the sender: no black hole, the ping just did not get smaller.
      if (this.#pairs.find() >= 0) continue;
      const name = `VNI ${tagOf(this.#pings, i)} ${tunnelName(this.#pings, i)}`;
      const title = `${name}: pings of ${pings.failedMin} bytes are not answered, of ${pings.passed} bytes they are (DF set, no ICMP too-big seen)`;
      holes.push(finding(BLACK_HOLE, 'error', title, pings.failed));
    }
    for (let i = 0; i < this.#pairs.size; i++) {
      const one = this.#pairs.value(i);
      const name = `VNI ${tagOf(this.#pairs, i)} ${tunnelName(this.#pairs, i)}`;
      const limit = one.mtu === 0 ? 'no MTU' : `MTU ${one.mtu}`;
      if (one.ignored.count >= IGNORED_MIN) {
        const title = `${name}: ${many(one.ignored.count, 'packet')} above ${limit} after ${one.router} told it`;
        ignored.push(finding(IGNORED, 'error', title, one.ignored));
      } else {
        const title = `${name}: ${many(one.errors.count, 'packet')} too big, ${one.router} tells ${limit}`;
        told.push(finding(TOLD, 'note', title, one.errors));
      }
    }
    for (let i = 0; i < this.#tunnels.size; i++) {
      const one = this.#tunnels.value(i);
      const title = `${tunnelName(this.#tunnels, i)}: ${many(one.errors.count, 'packet')} of the tunnel too big, ${one.router} tells MTU ${one.mtu}`;
      underlay.push(finding(UNDERLAY, 'warning', title, one.errors));
    }
    return [holes, ignored, underlay, told].flatMap(few);
  }

  #told(
    table: Table<TooBig>,
    tag: number,
    view: DataView,
    d: Dissection,
    row: number,
    ip: number,
    number: number,
  ): void {
    tunnelKey(table.words, view, d, ip, tag);
    const one = table.value(table.seek());
    if (one.errors.count === 0) {
      one.since = this.#watch.now;
      one.router = addressText(view, d, d.below(row, L.ipv4, L.ipv6), false);
    }
    one.mtu = Math.min(one.mtu, mtuOf(view, d, row));
    one.errors.add(number);
  }

  /** Counts a packet that is still above what its sender was told. */
  #heeds(view: DataView, d: Dissection, network: number, vni: number, number: number): void {
    const at = d.start(network);
    const six = d.kind(network) === L.ipv6;
    if (!six && !ipv4.dontFragment(view, at)) return;
    tunnelKey(this.#pairs.words, view, d, network, vni);
    const entry = this.#pairs.find();
    if (entry < 0) return;
    const one = this.#pairs.value(entry);
    if (one.mtu === 0 || d.limit(network) - at <= one.mtu || this.#watch.now < one.since + IN_FLIGHT) return;
    one.ignored.add(number);
  }

  #echo(view: DataView, d: Dissection, network: number, row: number, vni: number, number: number): void {
    if (!readable(d, row, icmp.HEADER_LEN)) return;
    const at = d.start(row);
    const type = icmp.type(view, at);
    const six = d.kind(row) === L.icmpv6;
    const asks = type === (six ? icmpv6.TYPE.echo : icmp.TYPE.echo);
    if (!asks && type !== (six ? icmpv6.TYPE.echoReply : icmp.TYPE.echoReply)) return;
    const ip = d.start(network);
    const size = d.limit(network) - ip;
    const key = icmp.rest(view, at);
    const { words } = this.#pings;
    tunnelKey(words, view, d, network, vni);
    if (asks) {
      if (!six && !ipv4.dontFragment(view, ip)) return;
      this.#pings.value(this.#pings.seek()).ask(key, size, this.#watch.now, number);
      return;
    }
    // The answer's source is the one that was asked.
    for (let i = 1; i < 5; i++) {
      const word = words[i] as number;
      words[i] = words[i + 4] as number;
      words[i + 4] = word;
    }
    const entry = this.#pings.find();
    if (entry >= 0) this.#pings.value(entry).answer(key);
  }
}
