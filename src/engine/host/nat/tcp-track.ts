// How far a TCP connection is, seen from the middle, and how long its entry lives without a packet: the states and times of
// IPVS (net/netfilter/ipvs/ip_vs_proto_tcp.c) and of conntrack (net/netfilter/nf_conntrack_proto_tcp.c).
//
//   none ─ SYN ─► SYN_SENT ─ SYN,ACK ─► SYN_RECV ─ ACK ─► ESTABLISHED ─ client's FIN ─► CLOSE_WAIT ─┐ the other's FIN
//                                                               └──── server's FIN ───► FIN_WAIT  ──┴──► TIME_WAIT
//   RST anywhere ─► CLOSE; a client's SYN on an entry that is closing begins anew
//
// Sequence numbers are not followed, as IPVS does not.

import { FLAG } from '../../../core/wire/tcp.ts';
import type { Instant } from '../../time/clock.ts';
import { SECOND } from '../../time/clock.ts';

export const TCP_STATE = {
  none: 0,
  synSent: 1,
  synReceived: 2,
  established: 3,
  finWait: 4,
  closeWait: 5,
  timeWait: 6,
  close: 7,
} as const;
export type TcpState = (typeof TCP_STATE)[keyof typeof TCP_STATE];

/** As `ipvsadm -Lnc` and `conntrack -L` write them. */
export const TCP_STATE_NAMES: readonly string[] = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'TIME_WAIT',
  'CLOSE',
];

/** How long an entry lives after its last packet, in nanoseconds. */
export interface Lifetimes {
  readonly udp: number;
  readonly echo: number;
  /** By TcpState. */
  readonly tcp: readonly Instant[];
}

const seconds = (list: readonly number[]): readonly number[] => list.map((n) => n * SECOND);

/**
 * nf_conntrack_udp_timeout, nf_conntrack_icmp_timeout, nf_conntrack_tcp_timeout_*. A connection that was picked up in the
 * middle (state none) gets nf_conntrack_tcp_timeout_max_retrans.
 */
export const CONNTRACK: Lifetimes = {
  udp: 30 * SECOND,
  echo: 30 * SECOND,
  tcp: seconds([300, 120, 60, 432_000, 120, 60, 120, 10]),
};

/** tcp_timeouts and udp_timeouts of IPVS. It calls the first state SYN_RECV, and gives it that one's minute. */
export const IPVS: Lifetimes = {
  udp: 300 * SECOND,
  echo: 30 * SECOND,
  tcp: seconds([2, 60, 60, 900, 120, 60, 120, 10]),
};

/** True when a client's SYN would begin a new connection in place of this one. */
export function isClosing(state: TcpState): boolean {
  return state >= TCP_STATE.finWait;
}

/**
 * The state after a segment.
 * @param flags as `tcp.flags` gives them
 * @param client true when it came from who opened the connection
 */
export function nextState(state: TcpState, flags: number, client: boolean): TcpState {
  if ((flags & FLAG.RST) !== 0) return TCP_STATE.close;
  if ((flags & FLAG.SYN) !== 0) {
    if (client) return state === TCP_STATE.none || isClosing(state) ? TCP_STATE.synSent : state;
    return state === TCP_STATE.synSent ? TCP_STATE.synReceived : state;
  }
  if ((flags & FLAG.FIN) !== 0) return afterFin(state, client);
  if (state === TCP_STATE.synReceived && client) return TCP_STATE.established;
  // Picked up in the middle, and the other side answers: it is a connection.
  return state === TCP_STATE.none && !client ? TCP_STATE.established : state;
}

function afterFin(state: TcpState, client: boolean): TcpState {
  if (state === TCP_STATE.closeWait) return client ? state : TCP_STATE.timeWait;
  if (state === TCP_STATE.finWait) return client ? TCP_STATE.timeWait : state;
  if (state === TCP_STATE.timeWait || state === TCP_STATE.close) return state;
  return client ? TCP_STATE.closeWait : TCP_STATE.finWait;
}
