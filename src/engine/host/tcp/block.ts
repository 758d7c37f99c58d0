// What a connection knows: RFC 9293 s.3.3.1's transmission control block, with the variables of RFC 2018, 5681, 6298 and 7323.
// Only fields; the files beside this one work on them.
//
//   una ──────────── nxt ──────── max        what was sent: acknowledged up to una, sent up to max; nxt is behind
//    │ in flight      │ again      │         max while what a timeout took for lost is sent once more
//    └─ send ring ────┴────────────┴──────► dataEnd, then the FIN

import type { Ip } from '../../../core/wire/address.ts';
import type { Instant, TimerId } from '../../time/clock.ts';
import type { Destination } from '../destination.ts';
import type { Stack } from '../stack.ts';
import type { Settings } from './constants.ts';
import { RTO_INITIAL } from './constants.ts';
import { Ranges } from './ranges.ts';
import type { Reading } from './reading.ts';
import { Ring } from './ring.ts';
import type { TcpError, TcpEvents, TcpState } from './socket.ts';

/** How a sender sees the path: nothing lost; mending a loss that duplicates told of; after a timeout. */
export const MODE = { open: 0, recovery: 1, loss: 2 } as const;
export type Mode = (typeof MODE)[keyof typeof MODE];

/** Timers of a connection. One timer of the clock serves all. */
export const TIMER = { resend: 0, ack: 1, persist: 2, keep: 3, wait: 4, news: 5 } as const;
export const TIMERS = 6;
/** No time at all. */
export const NEVER = -1;

/** What is still to be told: bits. */
export const NEWS = { connected: 1, readable: 2, writable: 4, ended: 8, closed: 16, acceptable: 32 } as const;

/** Who hears of nothing. */
export const NOBODY: TcpEvents = {
  connected: () => {},
  readable: () => {},
  writable: () => {},
  ended: () => {},
  closed: () => {},
};

/** What a connection asks of the host's TCP. */
export interface Registry {
  readonly host: Stack;
  readonly settings: Settings;
  retransmits: number;
  /** The connection is over and is looked up no more. */
  remove(block: Block): void;
  /** Answers a segment that no connection wants. */
  refuse(segment: Reading): void;
}

/** What a connection that came in knows of the listener that it waits at. */
export interface Parent {
  /** True when as many wait to be accepted as may. */
  readonly crowded: boolean;
  /** The handshake is done: the connection waits to be accepted. */
  enqueue(block: Block): void;
  /** Tells that one waits where none did. */
  tell(): void;
  /** The connection is over, and was not accepted. */
  lost(block: Block): void;
}

const NO_RANGES = new Ranges();

export abstract class Block {
  readonly registry: Registry;
  readonly host: Stack;
  readonly localIp: Ip;
  readonly localPort: number;
  readonly remoteIp: Ip;
  readonly remotePort: number;
  /** The hash of the four, and the next in its bucket. */
  hash = 0;
  next: Block | null = null;

  state: TcpState = 'CLOSED';
  events: TcpEvents = NOBODY;
  news = 0;
  error: TcpError | null = null;
  /** What has kept the connection from going out, to be told from a timer. */
  doomed: TcpError | null = null;
  /** What ICMP told meanwhile: the reason, should the connection time out (Linux: sk_err_soft). */
  soft: TcpError | null = null;
  /** True when this end opened the connection. */
  opener = false;
  /** True while its holder is in a call of it, from inside which nothing is told. */
  inside = false;
  /** Where it waits to be accepted; null for one that was, or was opened here. */
  parent: Parent | null = null;
  /** True once this end has said that it sends no more, and once its FIN went out. */
  ending = false;
  finSent = false;
  /** True once nobody holds it any more. */
  orphan = false;

  // Sending.
  una = 0;
  nxt = 0;
  max = 0;
  window = 0;
  windowMax = 0;
  windowSeq = 0;
  windowAck = 0;
  sendScale = 0;
  readonly sending: Ring = new Ring();
  /** True when `write` was given more than there was room for. */
  full = false;
  noDelay = false;
  /** Where the last segment ended that was not full. */
  small = 0;

  // Receiving.
  received = 0;
  /** Their right edge as we last told it, and the acknowledgement of then. */
  edge = 0;
  acked = 0;
  receiveScale = 0;
  readonly receiving: Ring = new Ring();
  /** Out of order; shared and empty until something is. */
  gaps: Ranges = NO_RANGES;
  /** In the ranges that grew last, before that, and earlier. */
  gapSeq = 0;
  gapBefore = 0;
  gapEarlier = 0;
  /** A duplicate to be told of (RFC 2883); equal when there is none. */
  twiceLeft = 0;
  twiceRight = 0;
  /** Where their FIN stands, if it came ahead of bytes before it. */
  finSeq = 0;
  finAhead = false;
  theyEnded = false;
  /** Bytes since the last acknowledgement; what their full segments seem to hold (Linux: rcv_mss). */
  unacked = 0;
  longest = 0;
  ackNow = false;
  /** Segments to be acknowledged at once; not while we answer what they ask (Linux: pingpong). */
  quick = 0;
  answering = false;
  /** The end of something they wrote is among the bytes since the last acknowledgement. */
  pushed = false;
  /** When bytes came last. */
  receivedAt: Instant = NEVER;

  // Options.
  mssTheirs = 0;
  mss = 0;
  /** The MSS of the largest segments that may be on their way. */
  mssSent = 0;
  sack = false;
  scales = false;
  stamps = false;
  stampOffset = 0;
  stampRecent = 0;
  stampAt: Instant = 0;

  // Loss and congestion.
  mode: Mode = MODE.open;
  congestion = 0;
  threshold = 0x7fff_ffff;
  /** Fractions of a segment that congestion avoidance has saved up. */
  credit = 0;
  /** Whether the window kept us from sending more, and how much of it was used at most, before `usedTo` is acknowledged. */
  limited = false;
  usedMost = 0;
  usedTo = 0;
  duplicates = 0;
  recover = 0;
  /** Up to where recovery has sent again; una has to pass `rescued` before the tail is sent again once more. */
  resent = 0;
  rescued = 0;
  sacked: Ranges = NO_RANGES;
  rtt = 0;
  rttVariation = 0;
  rto: number = RTO_INITIAL;
  /** How often the timeout was doubled; timeouts since the peer took bytes; probes it has not answered. */
  backoff = 0;
  tries = 0;
  probes = 0;
  /** The segment that is timed: its end, and when it was sent; NEVER when none is. */
  timedSeq = 0;
  timedAt: Instant = NEVER;
  heardAt: Instant = 0;
  /** When bytes were sent last. */
  sentAt: Instant = 0;
  challengeAt: Instant = NEVER;
  keepIdle = 0;

  // Timers.
  readonly due: Float64Array = new Float64Array(TIMERS).fill(NEVER);
  armed: Instant = NEVER;
  timer: TimerId = 0;

  // The way there.
  plain: Destination | null = null;
  way: Destination | null = null;

  // Counted.
  bytesSent = 0;
  bytesReceived = 0;
  segmentsSent = 0;
  segmentsReceived = 0;
  retransmits = 0;

  constructor(registry: Registry, localIp: Ip, localPort: number, remoteIp: Ip, remotePort: number) {
    this.registry = registry;
    this.host = registry.host;
    this.localIp = localIp;
    this.localPort = localPort;
    this.remoteIp = remoteIp;
    this.remotePort = remotePort;
  }

  /** Called by the clock. */
  abstract fire(token: number): void;
}

/** One past the last byte that was written, which is where the FIN goes. */
export function dataEnd(c: Block): number {
  return (c.una + c.sending.length) | 0;
}

/** Ranges of its own, for a connection that begins to need them. */
export function own(ranges: Ranges): Ranges {
  return ranges === NO_RANGES ? new Ranges() : ranges;
}

/** True in the states in which bytes and the FIN may be sent. */
export function sends(state: TcpState): boolean {
  return (
    state === 'ESTABLISHED' ||
    state === 'CLOSE-WAIT' ||
    state === 'FIN-WAIT-1' ||
    state === 'CLOSING' ||
    state === 'LAST-ACK'
  );
}
