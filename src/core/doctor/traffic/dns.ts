// Name resolution inside the overlay: queries that nobody answered, and answers that say no. RFC 1035 s.4.1.1.
//
// Multicast DNS and LLMNR, where silence means no, are passed over, and so is what only looks like DNS on another port.
// State: the last 4096 queries, 256 servers.

import type { Crossing } from '../../dissect/crossing.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as dns from '../../wire/dns.ts';
import { readName } from '../../wire/dns-name.ts';
import { PROTO } from '../../wire/numbers.ts';
import * as udp from '../../wire/udp.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import { FLOW_WORDS, flowKey, hostOf, readable, vniOf } from './keys.ts';
import { Stopwatch } from './tap.ts';

const QUERIES_MAX = 4096;
const SERVERS_MAX = 256;
/** A resolver gives up after so long (resolv.conf's `timeout`); microseconds. */
const PATIENCE = 5_000_000;
/** Share of names that do not exist, from which somebody asks for the wrong ones, and the fewest that make a share. */
const UNKNOWN = 0.3;
const UNKNOWN_MIN = 3;

class Query {
  time = 0;
  number = 0;
  answered = false;
  server = -1;
}

class Server {
  queries = 0;
  readonly unanswered: Evidence = new Evidence();
  readonly failed: Evidence = new Evidence();
  readonly refused: Evidence = new Evidence();
  readonly unknown: Evidence = new Evidence();
  /** A name that did not exist, or that the server failed at. */
  unknownName = '';
  failedName = '';
}

const UNANSWERED: Advice = {
  code: 'DNS-UNANSWERED',
  explain:
    'The client waits for five seconds and asks again or elsewhere, which users see as slowness (RFC 1035 s.4.2.1). The query or its answer is lost, or the server is not there.',
  cure: 'Check that the server runs and is reached through the tunnel; capture on its side to see which way is cut.',
};
const FAILED: Advice = {
  code: 'DNS-FAILING',
  explain:
    'The server answers SERVFAIL or REFUSED: it cannot reach the servers that it asks itself, or it does not serve this client or name (RFC 1035 s.4.1.1).',
  cure: 'Look at the log and the upstream servers of this name server, and at whom it allows to ask.',
};
const NO_NAME: Advice = {
  code: 'DNS-UNKNOWN-NAMES',
  explain:
    'Many queries are for names that do not exist (NXDOMAIN). A search list does that: each short name is tried with each suffix first (resolv.conf `search` and `ndots`).',
  cure: 'Ask for full names with a dot at the end, or lower `ndots`; otherwise correct the name.',
};

export class DnsRule implements Rule {
  readonly #watch: Stopwatch = new Stopwatch();
  readonly #queries: Table<Query> = new Table(
    FLOW_WORDS + 1,
    QUERIES_MAX,
    () => new Query(),
    (query) => this.#settle(query),
  );
  readonly #servers: Table<Server> = new Table(FLOW_WORDS, SERVERS_MAX, () => new Server());

  observe(_sight: Sight, meta: PacketMeta): void {
    this.#watch.read(meta);
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, network, transport, vni } = crossing;
    const { d } = sight.last;
    const row = transport + 1;
    if (transport < 0 || row >= d.count || d.kind(row) !== L.dns || d.kind(transport) !== L.udp) return;
    if ((d.flags(row) & LAYER_FLAG.guessed) !== 0 || !readable(d, row, dns.HEADER_LEN)) return;
    const at = d.start(row);
    const [from, to] = [udp.srcPort(view, d.start(transport)), udp.dstPort(view, d.start(transport))];
    if (from !== dns.DNS_PORT && to !== dns.DNS_PORT) return;
    const ip = d.start(network);
    const six = d.kind(network) === L.ipv6;
    const response = dns.isResponse(view, at);
    const { words } = this.#queries;
    const serverIsB = flowKey(words, view, ip, six, PROTO.udp, vni, from, to) === response;
    words[FLOW_WORDS] = dns.id(view, at);
    if (!response) {
      const query = this.#queries.value(this.#queries.seek());
      // Asked again, or another tap's view.
      if (query.server >= 0 && !query.answered) return;
      this.#settle(query);
      query.time = this.#watch.now;
      query.number = meta.number;
      query.answered = false;
      query.server = this.#serverOf(words, serverIsB);
      this.#servers.value(query.server).queries++;
      return;
    }
    const entry = this.#queries.find();
    if (entry < 0) return;
    const query = this.#queries.value(entry);
    if (query.answered) return;
    query.answered = true;
    const code = dns.flags(view, at) & 0xf;
    if (code === dns.RCODE.noError) return;
    const server = this.#servers.value(this.#serverOf(words, serverIsB));
    const name = (): string => {
      const asked = readName(view, at + dns.HEADER_LEN, at, d.end(row));
      return typeof asked === 'number' ? '' : asked.name;
    };
    if (code === dns.RCODE.nameError) {
      server.unknown.add(meta.number);
      if (server.unknownName === '') server.unknownName = name();
    } else if (code === dns.RCODE.serverFailure || code === dns.RCODE.refused) {
      (code === dns.RCODE.refused ? server.refused : server.failed).add(meta.number);
      if (server.failedName === '') server.failedName = name();
    }
  }

  findings(): Finding[] {
    for (let i = 0; i < this.#queries.size; i++) this.#settle(this.#queries.value(i));
    const [silent, failing, unknown]: [Finding[], Finding[], Finding[]] = [[], [], []];
    for (let i = 0; i < this.#servers.size; i++) {
      const server = this.#servers.value(i);
      const name = `VNI ${vniOf(this.#servers, i)} ${hostOf(this.#servers, i, false)}`;
      const of = `of ${many(server.queries, 'DNS query').replace('querys', 'queries')}`;
      if (server.unanswered.count > 0) {
        const title = `${name}: ${server.unanswered.count} ${of} not answered`;
        silent.push(finding(UNANSWERED, 'note', title, server.unanswered));
      }
      for (const [word, shown] of [
        ['SERVFAIL', server.failed],
        ['REFUSED', server.refused],
      ] as const) {
        if (shown.count === 0) continue;
        const title = `${name}: ${shown.count} ${of} answered with ${word}, the first for ${server.failedName}`;
        failing.push(finding(FAILED, 'note', title, shown));
      }
      if (server.unknown.count >= UNKNOWN_MIN && server.unknown.count >= UNKNOWN * server.queries) {
        const title = `${name}: ${server.unknown.count} ${of} for names that do not exist, the first for ${server.unknownName}`;
        unknown.push(finding(NO_NAME, 'note', title, server.unknown));
      }
    }
    return [silent, failing, unknown].flatMap(few);
  }

  /** Counts a query that has waited too long. */
  #settle(query: Query): void {
    if (query.server < 0 || query.answered) return;
    if (this.#watch.now - query.time < PATIENCE) return;
    this.#servers.value(query.server).unanswered.add(query.number);
    query.answered = true;
  }

  /** The server of the flow in `words`, under a key of its own: its address as endpoint a. */
  #serverOf(flow: Int32Array, isB: boolean): number {
    const { words } = this.#servers;
    words.fill(0);
    words[0] = flow[0] as number;
    for (let i = 0; i < 4; i++) words[2 + i] = flow[(isB ? 6 : 2) + i] as number;
    return this.#servers.seek();
  }
}
