// TCP by inner flow: what was sent again, duplicate ACKs, closed windows, connections refused, reset or not answered, and
// large packets that never arrive. RFC 9293; the counting is in stream.ts.
//
// The VNI is part of a flow's key, so equal addresses in two networks stay apart. Of a packet that several taps have, the
// first tap's view counts. State: 16384 flows, of 0.5 kB and more where there is something to tell; those that were
// forgotten are judged when they go. 1024 servers.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as ipv4 from '../../wire/ipv4.ts';
import { PROTO } from '../../wire/numbers.ts';
import * as tcp from '../../wire/tcp.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import { ERROR, errorOf, mtuOf, quotedIp, quotedTransport } from './icmp.ts';
import { FLOW_WORDS, flowKey, readable } from './keys.ts';
import { Segment, Stream } from './stream.ts';
import { Stopwatch, tapOf } from './tap.ts';
import { StreamReport } from './tcp-report.ts';

const FLOWS_MAX = 16384;

export class TcpRule implements Rule {
  readonly #watch: Stopwatch = new Stopwatch();
  readonly #segment: Segment = new Segment();
  readonly #report: StreamReport = new StreamReport();
  readonly #streams: Table<Stream>;

  /** @param flowsMax a power of two */
  constructor(flowsMax: number = FLOWS_MAX) {
    const forget = (stream: Stream, entry: number): void => this.#report.add(this.#streams, entry, stream);
    this.#streams = new Table(FLOW_WORDS, flowsMax, () => new Stream(), forget);
  }

  /** The connections that are remembered, for tests and other judges. */
  get streams(): readonly Stream[] {
    return Array.from({ length: this.#streams.size }, (_, i) => this.#streams.value(i));
  }

  observe(_sight: Sight, meta: PacketMeta): void {
    this.#watch.read(meta);
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, network, transport, vni } = crossing;
    if (transport < 0 || network < 0) return;
    const { d } = sight.last;
    if (d.kind(transport) !== L.tcp) {
      this.#hear(view, d, transport, vni);
      return;
    }
    // A fragment's length says nothing of the segment's; the whole one comes with the last fragment.
    if ((d.flags(transport) & LAYER_FLAG.fragment) !== 0 || !readable(d, transport, tcp.HEADER_LEN)) return;
    const ip = d.start(network);
    const at = d.start(transport);
    const six = d.kind(network) === L.ipv6;
    const { words } = this.#streams;
    const [from, to] = [tcp.srcPort(view, at), tcp.dstPort(view, at)];
    const byB = flowKey(words, view, ip, six, PROTO.tcp, vni, from, to);
    const stream = this.#streams.value(this.#streams.seek());
    const side = byB ? stream.b : stream.a;
    const tap = tapOf(sight, meta);
    if (side.tap < 0) side.tap = tap;
    else if (side.tap !== tap) return;
    const s = this.#segment;
    s.seq = tcp.seq(view, at) | 0;
    s.ack = tcp.ack(view, at) | 0;
    s.flags = tcp.flags(view, at);
    s.window = tcp.window(view, at);
    s.checksum = tcp.checksum(view, at);
    s.length = Math.max(0, d.limit(transport) - at - tcp.dataOffset(view, at));
    s.size = d.limit(network) - ip;
    s.dontFragment = six || ipv4.dontFragment(view, ip);
    s.id = six ? 0 : ipv4.id(view, ip);
    s.time = this.#watch.ticks;
    s.number = meta.number;
    stream.take(s, byB);
  }

  findings(): Finding[] {
    const report = this.#report.copy();
    for (let i = 0; i < this.#streams.size; i++) report.add(this.#streams, i, this.#streams.value(i));
    return report.findings();
  }

  /** An ICMP error that tells one side of a connection that its packets are too big. */
  #hear(view: DataView, d: Dissection, row: number, vni: number): void {
    if (errorOf(view, d, row) !== ERROR.tooBig) return;
    const ip = quotedIp(d, row);
    const quoted = ip < 0 ? -1 : quotedTransport(d, ip);
    if (quoted < 0 || d.kind(quoted) !== L.tcp) return;
    const at = d.start(quoted);
    const { words } = this.#streams;
    const [from, to] = [tcp.srcPort(view, at), tcp.dstPort(view, at)];
    const byB = flowKey(words, view, d.start(ip), d.kind(ip) === L.ipv6, PROTO.tcp, vni, from, to);
    const entry = this.#streams.find();
    if (entry < 0) return;
    const stream = this.#streams.value(entry);
    (byB ? stream.b : stream.a).tooBig = mtuOf(view, d, row);
  }
}
