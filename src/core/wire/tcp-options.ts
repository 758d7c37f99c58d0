// TCP's options: end, no-operation and MSS (RFC 9293 s.3.1), window scale and timestamps (RFC 7323), SACK (RFC 2018).
//
//   kind 0 and 1: one byte;   every other kind:  | kind | length | length - 2 bytes |
//
// The list stands between byte 20 and the data offset and is walked anew by each getter: it is at most forty bytes and
// most segments carry one option. `at` is always where the TCP header starts, and `tcp.check` has passed. A length of 0
// or 1 would walk for ever and one past the data offset would leave the header: either ends the walk.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

/** Option kinds (IANA tcp-parameters). */
export const OPTION = {
  end: 0,
  nop: 1,
  mss: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8,
  md5: 19,
  fastOpen: 34,
} as const;

export const MSS_LEN = 4;
export const WINDOW_SCALE_LEN = 3;
export const SACK_PERMITTED_LEN = 2;
export const TIMESTAMPS_LEN = 10;
/** Bytes of what Linux puts on a SYN: MSS, SACK permitted, timestamps, one no-operation, window scale. */
export const SYN_OPTIONS_LEN = 20;
/** Bytes of what Linux puts on every other segment: two no-operations and timestamps. */
export const DATA_OPTIONS_LEN = 12;

/** The largest shift count (RFC 7323 s.2.3); a larger one is used as 14. */
export const WINDOW_SCALE_MAX = 14;

/** Two 32-bit numbers that the caller owns and `timestamps` fills. */
export interface TcpTimestamps {
  value: number;
  echo: number;
}

export interface SackBlock {
  readonly left: number;
  readonly right: number;
}

/** One option. `at` is where its kind byte stands, `length` what it takes. */
export type TcpOption = { readonly at: number; readonly length: number } & (
  | { readonly kind: 'end' | 'nop' | 'sackPermitted' }
  | { readonly kind: 'mss'; readonly mss: number }
  | { readonly kind: 'windowScale'; readonly shift: number }
  | { readonly kind: 'sack'; readonly blocks: readonly SackBlock[] }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'unknown'; readonly number: number }
);

/** What could be read, and what ended the reading: 0, or the fault of the option that follows the last. */
export interface TcpOptions {
  readonly options: readonly TcpOption[];
  readonly fault: Fault;
}

/** 0, or what is wrong with the first bad option's length, in bytes from the TCP header's start. Never throws. */
export function check(view: DataView, at: number): Fault {
  const end = optionsEnd(view, at);
  let o = at + 20;
  while (o < end) {
    const kind = view.getUint8(o);
    if (kind === OPTION.end) return NO_FAULT;
    if (kind === OPTION.nop) o++;
    else {
      const f = lengthFault(view, at, o, end);
      if (f !== NO_FAULT) return f;
      o += view.getUint8(o + 1);
    }
  }
  return NO_FAULT;
}

/** Where the first option of this kind and length stands, or -1. A `length` of 0 takes any. */
export function find(view: DataView, at: number, kind: number, length: number): number {
  const end = optionsEnd(view, at);
  let o = at + 20;
  while (o < end) {
    const k = view.getUint8(o);
    if (k === OPTION.end) return -1;
    if (k === OPTION.nop) {
      o++;
      continue;
    }
    if (lengthFault(view, at, o, end) !== NO_FAULT) return -1;
    const claimed = view.getUint8(o + 1);
    if (k === kind && (length === 0 || claimed === length)) return o;
    o += claimed;
  }
  return -1;
}

/** The maximum segment size in bytes, or -1 without the option. */
export function mss(view: DataView, at: number): number {
  const o = find(view, at, OPTION.mss, MSS_LEN);
  return o < 0 ? -1 : view.getUint16(o + 2);
}

/** The window's shift count as it stands, or -1 without the option. */
export function windowScale(view: DataView, at: number): number {
  const o = find(view, at, OPTION.windowScale, WINDOW_SCALE_LEN);
  return o < 0 ? -1 : view.getUint8(o + 2);
}

export function sackPermitted(view: DataView, at: number): boolean {
  return find(view, at, OPTION.sackPermitted, SACK_PERMITTED_LEN) >= 0;
}

/** Fills `out` and says true, or leaves it alone and says false without the option. */
export function timestamps(view: DataView, at: number, out: TcpTimestamps): boolean {
  const o = find(view, at, OPTION.timestamps, TIMESTAMPS_LEN);
  if (o < 0) return false;
  out.value = view.getUint32(o + 2);
  out.echo = view.getUint32(o + 6);
  return true;
}

/** Where the SACK option stands, or -1; read it with `sackCount`, `sackLeft` and `sackRight`. */
export function sackAt(view: DataView, at: number): number {
  return find(view, at, OPTION.sack, 0);
}

/** Whole blocks in the SACK option at `o`, 0 to 4. */
export function sackCount(view: DataView, o: number): number {
  return (view.getUint8(o + 1) - 2) >>> 3;
}

/** The first sequence number of block `i`. */
export function sackLeft(view: DataView, o: number, i: number): number {
  return view.getUint32(o + 2 + 8 * i);
}

/** The sequence number after the last of block `i`. */
export function sackRight(view: DataView, o: number, i: number): number {
  return view.getUint32(o + 6 + 8 * i);
}

/** All options as plain objects, up to the end marker or the first bad length. For the cold path; never throws. */
export function readOptions(view: DataView, at: number): TcpOptions {
  const end = optionsEnd(view, at);
  const options: TcpOption[] = [];
  let o = at + 20;
  while (o < end) {
    const kind = view.getUint8(o);
    if (kind === OPTION.end || kind === OPTION.nop) {
      options.push({ at: o, length: 1, kind: kind === OPTION.end ? 'end' : 'nop' });
      if (kind === OPTION.end) break;
      o++;
      continue;
    }
    const f = lengthFault(view, at, o, end);
    if (f !== NO_FAULT) return { options, fault: f };
    options.push(readOption(view, o, kind, view.getUint8(o + 1)));
    o += view.getUint8(o + 1);
  }
  return { options, fault: NO_FAULT };
}

function readOption(view: DataView, at: number, kind: number, length: number): TcpOption {
  if (kind === OPTION.mss && length === MSS_LEN) {
    return { at, length, kind: 'mss', mss: view.getUint16(at + 2) };
  }
  if (kind === OPTION.windowScale && length === WINDOW_SCALE_LEN) {
    return { at, length, kind: 'windowScale', shift: view.getUint8(at + 2) };
  }
  if (kind === OPTION.sackPermitted && length === SACK_PERMITTED_LEN) {
    return { at, length, kind: 'sackPermitted' };
  }
  if (kind === OPTION.timestamps && length === TIMESTAMPS_LEN) {
    return { at, length, kind: 'timestamps', value: view.getUint32(at + 2), echo: view.getUint32(at + 6) };
  }
  if (kind === OPTION.sack && length % 8 === 2) {
    const blocks: SackBlock[] = [];
    for (let i = 0; i < sackCount(view, at); i++) {
      blocks.push({ left: sackLeft(view, at, i), right: sackRight(view, at, i) });
    }
    return { at, length, kind: 'sack', blocks };
  }
  return { at, length, kind: 'unknown', number: kind };
}

// The writers take where to write and answer where the next option goes.

export function writeNop(view: DataView, o: number): number {
  view.setUint8(o, OPTION.nop);
  return o + 1;
}

export function writeMss(view: DataView, o: number, bytes: number): number {
  view.setUint16(o, (OPTION.mss << 8) | MSS_LEN);
  view.setUint16(o + 2, bytes);
  return o + MSS_LEN;
}

export function writeWindowScale(view: DataView, o: number, shift: number): number {
  view.setUint16(o, (OPTION.windowScale << 8) | WINDOW_SCALE_LEN);
  view.setUint8(o + 2, shift);
  return o + WINDOW_SCALE_LEN;
}

export function writeSackPermitted(view: DataView, o: number): number {
  view.setUint16(o, (OPTION.sackPermitted << 8) | SACK_PERMITTED_LEN);
  return o + SACK_PERMITTED_LEN;
}

export function writeTimestamps(view: DataView, o: number, value: number, echo: number): number {
  view.setUint16(o, (OPTION.timestamps << 8) | TIMESTAMPS_LEN);
  view.setUint32(o + 2, value);
  view.setUint32(o + 6, echo);
  return o + TIMESTAMPS_LEN;
}

/** Writes the SACK option's kind and length for `count` blocks; `writeSackBlock` fills each. */
export function writeSack(view: DataView, o: number, count: number): number {
  view.setUint16(o, (OPTION.sack << 8) | (2 + 8 * count));
  return o + 2 + 8 * count;
}

/** Fills block `i` of the SACK option at `o`. */
export function writeSackBlock(view: DataView, o: number, i: number, left: number, right: number): void {
  view.setUint32(o + 2 + 8 * i, left);
  view.setUint32(o + 6 + 8 * i, right);
}

/** Fills up to the next 32-bit word of the header at `at` with end markers; answers the header's length. */
export function pad(view: DataView, at: number, o: number): number {
  let next = o;
  while (((next - at) & 3) !== 0) view.setUint8(next++, OPTION.end);
  return next - at;
}

/** Writes the 20 bytes that Linux puts on a SYN, in its order. */
export function writeSynOptions(
  view: DataView,
  o: number,
  bytes: number,
  shift: number,
  value: number,
  echo: number,
): number {
  let next = writeMss(view, o, bytes);
  next = writeSackPermitted(view, next);
  next = writeTimestamps(view, next, value, echo);
  next = writeNop(view, next);
  return writeWindowScale(view, next, shift);
}

/** Writes the 12 bytes that Linux puts on every segment after the SYN. */
export function writeDataOptions(view: DataView, o: number, value: number, echo: number): number {
  view.setUint16(o, (OPTION.nop << 8) | OPTION.nop);
  return writeTimestamps(view, o + 2, value, echo);
}

function optionsEnd(view: DataView, at: number): number {
  return at + ((view.getUint8(at + 12) >>> 4) << 2);
}

function lengthFault(view: DataView, at: number, o: number, end: number): Fault {
  if (o + 2 > end) return fault(LAYER.tcp, KIND.overrun, o + 2 - at);
  const claimed = view.getUint8(o + 1);
  if (claimed < 2) return fault(LAYER.tcp, KIND.endless, claimed);
  if (o + claimed > end) return fault(LAYER.tcp, KIND.overrun, o + claimed - at);
  return NO_FAULT;
}
