// What the doctor says about TCP connections: one finding a flow for what happened within it, one a server for
// connections that did not come about.

import type { Advice, Shown } from '../finding.ts';
import { few, finding, many, share, together } from '../finding.ts';
import type { Finding } from '../rule.ts';
import type { Keyed } from '../table.ts';
import { blackHole } from './blackhole.ts';
import { endpointOf, flowName, portOf, vniOf } from './keys.ts';
import type { Side, Stream } from './stream.ts';
import { TICK } from './tap.ts';

/** Findings of a kind that are kept, and servers. */
const KEPT_MAX = 256;
const SERVERS_MAX = 1024;
/** Share of segments sent again from which throughput suffers, and the fewest that make a share. */
const LOSSY = 0.03;
const LOSSY_MIN = 5;
/** Duplicate ACKs that make a sender send again (RFC 5681 s.3.2). */
const DUPLICATES = 3;
/** A second with a closed window is one that somebody will notice; ticks. */
const STALLED = 1_000_000 / TICK;
/** Failed connections to one server that are more than an accident. */
const FAILED = 3;
/** SYNs of one connection: the second one proves that no answer came. */
const SYNS = 2;

const AGAIN: Advice = {
  code: 'TCP-RETRANSMISSION',
  explain:
    'The sender did not get an acknowledgement in time and sent the same data again (RFC 9293 s.3.8.1): packets or their acknowledgements are lost behind the point of capture. A few are normal under load.',
  cure: 'Look at drop counters along the tunnel (`ip -s link`, `ethtool -S`, queues of the underlay), and at the MTU if it is always large packets. Compare both ends with a capture of each.',
};
const DUPLICATE: Advice = {
  code: 'TCP-DUPLICATE-ACKS',
  explain:
    'The receiver repeats an acknowledgement because data is missing in front of what it gets (RFC 5681 s.3.2), and nothing is seen to be sent again: packets were lost or reordered before the point of capture, or the capture lacks packets.',
  cure: 'Capture nearer to the sender. Reordering comes from spreading one flow over several paths: keep the outer source port constant for a flow.',
};
const CLOSED: Advice = {
  code: 'TCP-ZERO-WINDOW',
  explain:
    'The receiver says that its buffer is full, and the sender has to wait (RFC 9293 s.3.8.6): the program there reads too slowly. The network is not to blame.',
  cure: 'Look at the program that should read (CPU limits of its container, a blocked thread), and at its socket buffer.',
};
const REFUSED: Advice = {
  code: 'TCP-REFUSED',
  explain:
    'The answer to a SYN was a reset (RFC 9293 s.3.5.2): the host is reached through the tunnel, but nothing listens on that port, or a firewall rejects.',
  cure: 'Check that the service runs, that it listens on this port and address (not only on 127.0.0.1), and what the firewall of the container says.',
};
const RESET: Advice = {
  code: 'TCP-RESET',
  explain:
    'Established connections were broken off with a reset in place of being closed (RFC 9293 s.3.5.3): a program crashed or closed with data unread, or something on the way forgot the connection.',
  cure: 'Look at the log of the side that resets; if both deny it, at load balancers, connection tracking and their time limits.',
};
const UNANSWERED: Advice = {
  code: 'TCP-SYN-UNANSWERED',
  explain:
    'The SYN was sent again because neither an answer nor an error came back: it or the answer is dropped on the way, or the host is gone.',
  cure: 'Capture on the other VTEP: if the SYN arrives there, follow the answer; if not, look at the forwarding entry of the MAC (`bridge fdb`), the peers of the VTEP and firewalls for UDP of the tunnel.',
};

/** What became of connections to one server. */
interface Server {
  readonly name: string;
  connections: number;
  readonly refused: Shown[];
  readonly reset: Shown[];
  byServer: number;
  byClient: number;
  readonly unanswered: Shown[];
}

export class StreamReport {
  readonly #kinds: readonly Finding[][] = [[], [], [], []];
  readonly #servers: Map<string, Server> = new Map();

  /** All of it, to be added to without touching this one. */
  copy(): StreamReport {
    const other = new StreamReport();
    this.#kinds.forEach((list, kind) => {
      other.#kinds[kind]?.push(...list);
    });
    for (const [name, server] of this.#servers) {
      const { refused, reset, unanswered: silent } = server;
      other.#servers.set(name, {
        ...server,
        refused: [...refused],
        reset: [...reset],
        unanswered: [...silent],
      });
    }
    return other;
  }

  /** Takes one stream in, under the key that `table` has for it. */
  add(table: Keyed, entry: number, stream: Stream): void {
    this.#sideOf(table, entry, stream.a, stream.b, false);
    this.#sideOf(table, entry, stream.b, stream.a, true);
    const failed = stream.refused !== null || stream.reset !== null || unanswered(stream) !== null;
    const toB =
      stream.opener < 0 ? portOf(table, entry, true) < portOf(table, entry, false) : stream.opener === 0;
    const name = `VNI ${vniOf(table, entry)} ${endpointOf(table, entry, toB)}`;
    let server = this.#servers.get(name);
    if (server === undefined) {
      // Where there are too many, those without a failure are not needed.
      if (this.#servers.size >= SERVERS_MAX && !failed) return;
      if (this.#servers.size >= 2 * SERVERS_MAX) return;
      server = { name, connections: 0, refused: [], reset: [], byServer: 0, byClient: 0, unanswered: [] };
      this.#servers.set(name, server);
    }
    server.connections += stream.connections;
    if (!failed) return;
    keep(server.refused, stream.refused);
    keep(server.reset, stream.reset);
    keep(server.unanswered, unanswered(stream));
    server.byServer += toB ? stream.resetsByB : stream.resetsByA;
    server.byClient += toB ? stream.resetsByA : stream.resetsByB;
  }

  findings(): Finding[] {
    const [holes, again, duplicate, closed] = this.#kinds as [Finding[], Finding[], Finding[], Finding[]];
    const [silent, refused, reset]: [Finding[], Finding[], Finding[]] = [[], [], []];
    for (const server of this.#servers.values()) {
      const of = `of ${many(server.connections, 'connection')}`;
      if (server.unanswered.length > 0) {
        const title = `${server.name}: ${server.unanswered.length} ${of} not answered`;
        silent.push(finding(UNANSWERED, 'warning', title, together(server.unanswered)));
      }
      if (server.refused.length > 0) {
        const shown = together(server.refused);
        const title = `${server.name}: ${shown.count} ${of} refused`;
        refused.push(finding(REFUSED, shown.count >= FAILED ? 'warning' : 'note', title, shown));
      }
      if (server.reset.length > 0) {
        const shown = together(server.reset);
        const who = `${server.byServer} by the server, ${server.byClient} by clients`;
        const title = `${server.name}: ${shown.count} ${of} reset (${who})`;
        reset.push(finding(RESET, shown.count >= FAILED ? 'warning' : 'note', title, shown));
      }
    }
    return [holes, again, duplicate, closed, silent, refused, reset].flatMap(few);
  }

  #sideOf(table: Keyed, entry: number, side: Side, other: Side, isB: boolean): void {
    if (side.packets === 0) return;
    const name = (): string => flowName(table, entry, isB);
    if (side.stuck !== null) this.#keep(0, blackHole(name(), side, other));
    if (side.again !== null && side.dataAgain > 0) {
      const lossy = side.dataAgain >= LOSSY_MIN && side.dataAgain >= LOSSY * side.segments;
      const title = `${name()}: ${side.dataAgain} of ${many(side.segments, 'segment')} sent again`;
      const more = `That is ${share(side.dataAgain, side.segments)}; ${many(other.dupAcks, 'duplicate ACK')} came back, ${many(side.outOfOrder, 'segment')} came out of order.`;
      this.#keep(1, finding(AGAIN, lossy ? 'warning' : 'note', title, side.again, more));
    }
    if (side.dups !== null && side.dupAcks >= DUPLICATES && other.dataAgain === 0) {
      this.#keep(2, finding(DUPLICATE, 'note', `${name()}: ${side.dupAcks} duplicate ACKs`, side.dups));
    }
    if (side.closed !== null) {
      const stalled = side.closedFor >= STALLED;
      const time = `${Math.round((side.closedFor * TICK) / 1e5) / 10} s`;
      const title = `${name()}: ${many(side.zeroWindows, 'packet')} with a closed window${stalled ? `, ${time} in all` : ''}`;
      this.#keep(3, finding(CLOSED, stalled ? 'warning' : 'note', title, side.closed));
    }
  }

  #keep(kind: number, one: Finding | null): void {
    const list = this.#kinds[kind] as Finding[];
    if (one !== null && list.length < KEPT_MAX) list.push(one);
  }
}

/** The SYNs of a connection that nobody answered, or null. */
function unanswered(stream: Stream): Shown | null {
  if (stream.opener < 0) return null;
  const [client, server] = stream.opener === 0 ? [stream.a, stream.b] : [stream.b, stream.a];
  // A client that goes on got an answer which the capture does not have.
  const silent = server.packets === 0 && client.syns >= SYNS && client.packets === client.syns;
  return silent ? client.synEvidence : null;
}

function keep(list: Shown[], one: Shown | null): void {
  if (one !== null && list.length < KEPT_MAX) list.push(one);
}
