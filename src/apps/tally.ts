// What a program counts for reports: requests, errors by code, bytes, latencies; for each peer by the name the program
// knows it by. Memory is bounded by the number of peers and codes, not of requests.

import type { HistogramState, HistogramSummary } from './histogram.ts';
import { Histogram } from './histogram.ts';

/** The row of one (program, peer) pair; latencies in virtual nanoseconds. */
export interface TallyRow {
  readonly peer: string;
  readonly requests: number;
  readonly failures: number;
  /** How many failed with each code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly latency: HistogramSummary;
  /** First and last instants at which something was counted. */
  readonly from: number;
  readonly to: number;
  /** Bytes received a second between them, times 8; 0 without a span. */
  readonly goodput: number;
}

/** What was counted of one peer, as plain data for another process. */
export interface PeerState {
  readonly peer: string;
  readonly latency: HistogramState;
  readonly errors: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly from: number;
  readonly to: number;
}

export class PeerTally {
  readonly peer: string;
  readonly latency: Histogram = new Histogram();
  readonly errors: Map<string, number> = new Map();
  readonly #now: () => number;
  requests = 0;
  bytesSent = 0;
  bytesReceived = 0;
  from = -1;
  to = -1;

  constructor(peer: string, now: () => number) {
    this.peer = peer;
    this.#now = now;
  }

  /** A request that was answered after so many nanoseconds. */
  request(latency: number, sent = 0, received = 0): void {
    this.requests++;
    this.latency.add(latency);
    this.bytes(sent, received);
  }

  /** A request that failed, with the code of its error (`ECONNREFUSED`, `HTTP 503`). */
  failure(code: string): void {
    this.requests++;
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
    this.#touch();
  }

  /** Bytes that belong to no request, or to one still under way. */
  bytes(sent: number, received: number): void {
    this.bytesSent += sent;
    this.bytesReceived += received;
    this.#touch();
  }

  /** The span that is counted begins now, not with the first answer. */
  begin(): void {
    if (this.from < 0) this.#touch();
  }

  row(): TallyRow {
    const errors = Object.fromEntries([...this.errors].sort(([a], [b]) => (a < b ? -1 : 1)));
    const span = this.to - this.from;
    return {
      peer: this.peer,
      requests: this.requests,
      failures: Object.values(errors).reduce((sum, n) => sum + n, 0),
      errors,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      latency: this.latency.summary(),
      from: this.from,
      to: this.to,
      goodput: span > 0 ? (this.bytesReceived * 8e9) / span : 0,
    };
  }

  /** Adds what another counted, for sums over the tasks of a service. */
  merge(other: PeerTally): void {
    this.requests += other.requests;
    this.bytesSent += other.bytesSent;
    this.bytesReceived += other.bytesReceived;
    this.latency.merge(other.latency);
    for (const [code, n] of other.errors) this.errors.set(code, (this.errors.get(code) ?? 0) + n);
    if (other.from >= 0 && (this.from < 0 || other.from < this.from)) this.from = other.from;
    if (other.to > this.to) this.to = other.to;
  }

  /** @param origin the instant that is 0 in the state */
  state(origin: number): PeerState {
    const { peer, errors, requests, bytesSent, bytesReceived } = this;
    const since = (at: number): number => (at < 0 ? at : Math.max(0, at - origin));
    const [from, to] = [since(this.from), since(this.to)];
    return { peer, latency: this.latency.state(), errors, requests, bytesSent, bytesReceived, from, to };
  }

  /** Adds what a state tells. */
  take({ latency, errors, ...counted }: PeerState): void {
    const other = new PeerTally(this.peer, this.#now);
    other.latency.merge(Histogram.of(latency));
    for (const [code, n] of errors) other.errors.set(code, n);
    this.merge(Object.assign(other, counted));
  }

  #touch(): void {
    this.to = this.#now();
    if (this.from < 0) this.from = this.to;
  }
}

export class Tally {
  readonly #peers: Map<string, PeerTally> = new Map();
  readonly #now: () => number;

  /** @param now virtual time in nanoseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The counters for a peer, named as the program addresses it (`appserver`, `database`). */
  peer(name: string): PeerTally {
    let found = this.#peers.get(name);
    if (found === undefined) {
      found = new PeerTally(name, this.#now);
      this.#peers.set(name, found);
    }
    return found;
  }

  get peers(): readonly PeerTally[] {
    return [...this.#peers.values()];
  }

  rows(): TallyRow[] {
    return this.peers.map((peer) => peer.row());
  }

  /** @param origin the instant that is 0 in the states */
  state(origin: number): PeerState[] {
    return this.peers.map((peer) => peer.state(origin));
  }

  take(states: readonly PeerState[]): void {
    for (const state of states) this.peer(state.peer).take(state);
  }

  merge(other: Tally): void {
    for (const peer of other.peers) this.peer(peer.peer).merge(peer);
  }
}
