// Where the numbers of a connection begin. Both grow with time for the same names, so that a new connection is not taken for an
// old one that a peer still waits over: the sequence numbers by one every 64 ns from a place of the four names (RFC 6528, as
// Linux: secure_tcp_seq), the time stamps by one a millisecond from a place of the two addresses (RFC 7323 s.5.4).
//
// The hash is no cipher: nobody has to be kept from guessing here.

import type { Instant } from '../../time/clock.ts';
import type { Block } from './block.ts';
import { hashOf } from './table.ts';

const TICK = 64;

/** 32 bits, not negative. */
export function initialSequence(c: Block, secret: number, now: Instant): number {
  return (scramble(c.hash, secret) + Math.floor(now / TICK)) >>> 0;
}

/** What is added to milliseconds for a time stamp. */
export function stampOffset(c: Block, secret: number): number {
  return scramble(hashOf(c.localIp, 0, c.remoteIp, 0), ~secret);
}

function scramble(value: number, secret: number): number {
  let h = Math.imul(value ^ secret, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ (secret >>> 7), 0x85ebca77);
  return (h ^ (h >>> 13)) >>> 0;
}
