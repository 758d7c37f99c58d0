// Segments as they go out: header, the options that Linux puts there in its order, bytes from the send ring, checksum.
//
//   SYN    MSS, SACK permitted, time stamps, NOP, window scale
//   else   NOP NOP time stamps  [NOP NOP SACK, up to three blocks]

import type { Frame } from '../../../core/frame/frame.ts';
import type { Ip4 } from '../../../core/wire/address.ts';
import { pseudo4 } from '../../../core/wire/checksum.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import * as tcp from '../../../core/wire/tcp.ts';
import * as options from '../../../core/wire/tcp-options.ts';
import type { Destination, Sent } from '../destination.ts';
import { SENT } from '../destination.ts';
import type { Stack } from '../stack.ts';
import type { Block } from './block.ts';
import { TIMER } from './block.ts';
import { MSS_MIN } from './constants.ts';
import { ahead } from './sequence.ts';
import { disarm } from './timers.ts';

const TTL = 64;
const IP4_LEN = 20;
const IP6_LEN = 40;
/** Half of tcp_rmem[1]: what a window begins with. */
const FIRST_WINDOW = 0x1_0000;

/** The way to the peer as the routes are now, or null. */
export function wayOf(c: Block): Destination | null {
  const plain = c.host.destination(c.remoteIp, c.hash);
  if (plain === c.plain && plain !== null) return c.way;
  c.plain = plain;
  c.way = plain === null ? null : c.host.destinationFrom(c.remoteIp, c.localIp);
  return c.way;
}

/** The MSS to offer: what the way takes without options (RFC 6691). */
export function offeredMss(c: Block, way: Destination): number {
  return Math.min(way.dev.mtu, 0xffff) - (typeof c.localIp === 'number' ? IP4_LEN : IP6_LEN) - tcp.HEADER_LEN;
}

/** Bytes of payload in a full segment now: what the peer and the path take, less the options that go with it. */
export function payloadRoom(c: Block): number {
  const way = wayOf(c);
  const header = (typeof c.localIp === 'number' ? IP4_LEN : IP6_LEN) + tcp.HEADER_LEN;
  // What the path told of is with the way as the routes have it.
  const { plain } = c;
  const path =
    way === null || plain === null
      ? c.mssTheirs
      : Math.min(plain.mtu(c.host.ground.clock.now), 0xffff) - header;
  c.mss = Math.max(MSS_MIN, Math.min(c.mssTheirs, path));
  if (c.mss > c.mssSent) c.mssSent = c.mss;
  return c.mss - optionsLength(c);
}

/** Options of a segment that is no SYN. */
function optionsLength(c: Block): number {
  const blocks = sackBlocks(c);
  return (c.stamps ? options.DATA_OPTIONS_LEN : 0) + (blocks === 0 ? 0 : 4 + 8 * blocks);
}

function sackBlocks(c: Block): number {
  if (!c.sack) return 0;
  const twice = c.twiceLeft === c.twiceRight ? 0 : 1;
  return Math.min(c.gaps.count + twice, c.stamps ? 3 : 4);
}

/** Milliseconds, from a start that nobody can guess (RFC 7323 s.5.4). */
export function stampNow(c: Block): number {
  return (Math.floor(c.host.ground.clock.now / 1e6) + c.stampOffset) >>> 0;
}

/**
 * Sends a segment at `seq` with `length` bytes of the ring, which stand there.
 * @param flags FLAG bits; ACK among them says what was received so far
 */
export function send(c: Block, seq: number, flags: number, length: number): Sent {
  const way = wayOf(c);
  if (way === null) return SENT.noRoute;
  const syn = (flags & tcp.FLAG.SYN) !== 0;
  const headerLength = tcp.HEADER_LEN + (syn ? synOptionsLength(c) : optionsLength(c));
  const frame = c.host.ground.pool.take(headerLength + length);
  const { view, start } = frame;
  const mss = syn ? offeredMss(c, way) : 0;
  if (syn) writeSynOptions(c, view, start, flags, mss);
  else if (headerLength > tcp.HEADER_LEN) writeOptions(c, view, start + tcp.HEADER_LEN);
  const bytes = length === 0 ? 0 : c.sending.copy(ahead(seq, c.una), length, view, start + headerLength);
  const window = syn ? synWindow(c, mss, flags) : offerWindow(c);
  if (syn) c.edge = (c.received + window) | 0;
  const ack = (flags & tcp.FLAG.ACK) === 0 ? 0 : c.received >>> 0;
  c.segmentsSent++;
  if ((flags & tcp.FLAG.ACK) !== 0) acknowledged(c);
  return transmit(
    c.host,
    frame,
    way,
    c.localPort,
    c.remotePort,
    seq >>> 0,
    ack,
    flags,
    window,
    headerLength,
    bytes,
  );
}

/** The window of a SYN: whole segments, as Linux counts them (tcp_select_initial_window). */
function synWindow(c: Block, mss: number, flags: number): number {
  const answers = (flags & tcp.FLAG.ACK) !== 0;
  const segment = answers && c.stamps ? mss - options.DATA_OPTIONS_LEN : mss;
  const room = Math.min(FIRST_WINDOW, c.registry.settings.receiveBuffer);
  return Math.min(0xffff, room < segment ? room : room - (room % segment));
}

/** What was received so far has been told. */
function acknowledged(c: Block): void {
  c.acked = c.received;
  c.unacked = 0;
  c.pushed = false;
  c.ackNow = false;
  c.twiceLeft = c.twiceRight;
  if (c.quick > 0) c.quick--;
  disarm(c, TIMER.ack);
}

/**
 * The window field, and the edge that it tells: never to the left of what was told before, and to the right only by a step
 * that is worth it (RFC 9293 s.3.8.6.2.2).
 */
function offerWindow(c: Block): number {
  const held = c.receiving.length;
  const most = windowMost(c);
  const right = (c.received + Math.min(most, Math.max(0, roomOf(c) - held))) | 0;
  if (ahead(right, c.edge) >= Math.min(c.mss, most / 2)) c.edge = right;
  const open = Math.max(0, ahead(c.edge, c.received));
  const field = open >>> c.receiveScale;
  // Cut to whole units it would take back what was promised: a unit more, as long as the buffer has that much.
  const rounded = (field + 1) << c.receiveScale;
  if (field << c.receiveScale === open || rounded > c.registry.settings.receiveBuffer - held) {
    return Math.min(0xffff, field);
  }
  c.edge = (c.received + rounded) | 0;
  return Math.min(0xffff, field + 1);
}

/** Bytes of the receive buffer that are offered; the rest is for what rounding adds. */
function roomOf(c: Block): number {
  const { receiveBuffer } = c.registry.settings;
  return receiveBuffer - (c.receiveScale === 0 ? 0 : receiveBuffer >>> 3);
}

/** The largest window that can be told. */
export function windowMost(c: Block): number {
  return Math.min(roomOf(c), 0xffff << c.receiveScale);
}

function synOptionsLength(c: Block): number {
  let length = options.MSS_LEN;
  if (c.stamps) length += options.DATA_OPTIONS_LEN;
  else if (c.sack) length += 4;
  if (c.scales) length += 4;
  return length;
}

function writeSynOptions(c: Block, view: DataView, start: number, flags: number, mss: number): void {
  let o = start + tcp.HEADER_LEN;
  const stamp = stampNow(c);
  const echo = (flags & tcp.FLAG.ACK) === 0 ? 0 : c.stampRecent;
  o = options.writeMss(view, o, mss);
  if (c.stamps) {
    if (c.sack) o = options.writeSackPermitted(view, o);
    else o = options.writeNop(view, options.writeNop(view, o));
    o = options.writeTimestamps(view, o, stamp, echo);
  } else if (c.sack) {
    o = options.writeNop(view, options.writeNop(view, o));
    o = options.writeSackPermitted(view, o);
  }
  if (c.scales) options.writeWindowScale(view, options.writeNop(view, o), c.receiveScale);
}

function writeOptions(c: Block, view: DataView, from: number): void {
  let o = from;
  if (c.stamps) o = options.writeDataOptions(view, o, stampNow(c), c.stampRecent);
  const blocks = sackBlocks(c);
  if (blocks === 0) return;
  o = options.writeNop(view, options.writeNop(view, o));
  options.writeSack(view, o, blocks);
  let i = 0;
  if (c.twiceLeft !== c.twiceRight) {
    options.writeSackBlock(view, o, i++, c.twiceLeft >>> 0, c.twiceRight >>> 0);
  }
  // The range that grew last comes first, those that grew before it next, then others (RFC 2018 s.4).
  const first = c.gaps.find(c.gapSeq);
  const second = c.gaps.find(c.gapBefore);
  const third = c.gaps.find(c.gapEarlier);
  if (first >= 0 && i < blocks) writeBlock(c, view, o, i++, first);
  if (second >= 0 && second !== first && i < blocks) writeBlock(c, view, o, i++, second);
  if (third >= 0 && third !== first && third !== second && i < blocks) writeBlock(c, view, o, i++, third);
  for (let range = 0; range < c.gaps.count && i < blocks; range++) {
    if (range !== first && range !== second && range !== third) writeBlock(c, view, o, i++, range);
  }
}

function writeBlock(c: Block, view: DataView, o: number, i: number, range: number): void {
  options.writeSackBlock(view, o, i, c.gaps.left(range) >>> 0, c.gaps.right(range) >>> 0);
}

/** Writes the header in front of payload and options and hands the packet to IP. Takes the frame over. */
export function transmit(
  host: Stack,
  frame: Frame,
  way: Destination,
  srcPort: number,
  dstPort: number,
  seq: number,
  ack: number,
  flags: number,
  window: number,
  headerLength: number,
  payloadSum: number,
): Sent {
  const { view, start, end } = frame;
  const length = end - start;
  const four = typeof way.ip === 'number';
  const pseudo = four
    ? pseudo4(way.src as Ip4, way.ip as Ip4, PROTO.tcp, length)
    : host.ip6.pseudo(way, PROTO.tcp, length);
  tcp.writeKnown(view, start, srcPort, dstPort, seq, ack, flags, window, headerLength, pseudo + payloadSum);
  frame.summed = true;
  if (four) return host.ip4.output(frame, way, PROTO.tcp, TTL, 0, true);
  return host.ip6.output(frame, way, PROTO.tcp, TTL, 0);
}
