// TCP's numbers, as Linux has them (include/net/tcp.h, Documentation/networking/ip-sysctl.rst). Times are nanoseconds.

import { MILLISECOND, SECOND } from '../../time/clock.ts';

/** RFC 6298 s.2.1; TCP_RTO_MIN, TCP_RTO_MAX. */
export const RTO_INITIAL: number = SECOND;
/** Where the handshake gave no round-trip time: TCP_TIMEOUT_FALLBACK. */
export const RTO_FALLBACK: number = 3 * SECOND;
export const RTO_MIN: number = 200 * MILLISECOND;
export const RTO_MAX: number = 120 * SECOND;
/** tcp_syn_retries, tcp_synack_retries, tcp_retries2. */
export const SYN_RETRIES: number = 6;
export const SYNACK_RETRIES: number = 5;
export const RETRIES: number = 15;
/** TCP_DELACK_MIN. */
export const DELAYED_ACK: number = 40 * MILLISECOND;
/** TCP_MAX_QUICKACKS: segments acknowledged at once when a connection is young, or speaks again after a pause. */
export const QUICK_ACKS: number = 16;
/** TCP_TIMEWAIT_LEN. */
export const TIME_WAIT: number = 60 * SECOND;
/** tcp_fin_timeout: how long a connection that nobody holds any more waits for the peer's FIN. */
export const FIN_TIMEOUT: number = 60 * SECOND;
/** tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes. */
export const KEEPALIVE_IDLE: number = 7200 * SECOND;
export const KEEPALIVE_INTERVAL: number = 75 * SECOND;
export const KEEPALIVE_PROBES: number = 9;
/** tcp_invalid_ratelimit: acknowledgements of segments that are out of order or out of place. */
export const CHALLENGE_PAUSE: number = 500 * MILLISECOND;
/** A time stamp is not compared with one that is older than this (RFC 7323 s.5.5). */
export const PAWS_LIFETIME: number = 24 * 86_400 * SECOND;

/** Segments sent before the first acknowledgement (RFC 6928). */
export const INITIAL_WINDOW: number = 10;
/** Duplicates that tell of a loss (RFC 5681 s.3.2). */
export const DUPLICATES: number = 3;
/** The MSS of a peer that names none (RFC 9293 s.3.7.1). */
export const MSS_DEFAULT: number = 536;
export const MSS_DEFAULT6: number = 1220;
/** TCP_MIN_MSS. */
export const MSS_MIN: number = 48;

/** What the connections of a host have in common, as they begin (Linux: net.ipv4.tcp_*). */
export interface Settings {
  /** Bytes that wait to be sent, or to be read, at most: tcp_wmem and tcp_rmem would grow to several times as much. */
  sendBuffer: number;
  receiveBuffer: number;
  /** Options that are offered and taken: tcp_sack, tcp_timestamps, tcp_window_scaling. */
  sack: boolean;
  timestamps: boolean;
  windowScaling: boolean;
}

export const SETTINGS: Settings = {
  sendBuffer: 0x4_0000,
  receiveBuffer: 0x10_0000,
  sack: true,
  timestamps: true,
  windowScaling: true,
};
/** What Linux's default of tcp_rmem[2] leads to. */
export const WINDOW_SCALE: number = 7;
/** Ranges of bytes out of order that are kept for one connection. */
export const RANGES_MAX: number = 256;

/** ip_local_port_range. */
export const EPHEMERAL_MIN: number = 32_768;
export const EPHEMERAL_MAX: number = 60_999;
/** net.core.somaxconn. */
export const BACKLOG_MAX: number = 4096;
/** What Node asks for. */
export const BACKLOG: number = 511;
