// IPv4 fragmentation (RFC 791 s.3.2): pieces of whole eight-byte units, each with a copy of the header, options and all.
// Cold path: each piece is a fresh frame.

import type { Frame } from '../../core/frame/frame.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import type { Stack } from './stack.ts';

/**
 * Cuts a packet (the frame begins with its IPv4 header) into pieces of at most `mtu` bytes and hands each to `send`.
 * Takes `frame` over. A fragment may be cut again: offsets and the more-fragments flag carry on.
 */
export function fragment4(host: Stack, frame: Frame, mtu: number, send: (piece: Frame) => void): void {
  const view = frame.view;
  const at = frame.start;
  const header = ipv4.headerLength(view, at);
  const unit = (mtu - header) & ~7;
  const first = ipv4.fragmentOffset(view, at);
  const moreAfter = ipv4.moreFragments(view, at);
  const total = frame.end - at - header;
  for (let from = 0; from < total; from += unit) {
    const size = Math.min(unit, total - from);
    const piece = host.ground.pool.take(header + size);
    piece.id = frame.id;
    piece.summed = frame.summed;
    copy(frame, at, piece, piece.start, header);
    copy(frame, at + header + from, piece, piece.start + header, size);
    ipv4.setFragment(piece.view, piece.start, piece.end, first + from, moreAfter || from + size < total);
    send(piece);
  }
  frame.release();
}

/** Copies bytes between slots. */
export function copy(from: Frame, at: number, to: Frame, toAt: number, length: number): void {
  to.bytes.set(from.bytes.subarray(at, at + length), toAt);
}
