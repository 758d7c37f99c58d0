// IPv6 fragmentation at the source (RFC 8200 s.4.5): pieces of whole eight-byte units, each with the IPv6 header and a
// fragment header. Cold path: each piece is a fresh frame.

import type { Frame } from '../../core/frame/frame.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { FRAGMENT_LEN, writeFragment } from '../../core/wire/ipv6-extensions.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import { copy } from './fragment.ts';
import type { Stack } from './stack.ts';

/**
 * Cuts a packet (the frame begins with its IPv6 header, without extension headers) into pieces of at most `mtu` bytes
 * and hands each to `send`. Takes `frame` over.
 */
export function fragment6(
  host: Stack,
  frame: Frame,
  mtu: number,
  id: number,
  send: (piece: Frame) => void,
): void {
  const at = frame.start;
  const next = ipv6.nextHeader(frame.view, at);
  const header = ipv6.HEADER_LEN + FRAGMENT_LEN;
  const unit = (mtu - header) & ~7;
  const total = frame.end - at - ipv6.HEADER_LEN;
  for (let from = 0; from < total; from += unit) {
    const size = Math.min(unit, total - from);
    const piece = host.ground.pool.take(header + size);
    const view = piece.view;
    const start = piece.start;
    piece.id = frame.id;
    piece.summed = frame.summed;
    copy(frame, at, piece, start, ipv6.HEADER_LEN);
    view.setUint16(start + 4, FRAGMENT_LEN + size);
    view.setUint8(start + 6, PROTO.fragment);
    writeFragment(view, start + ipv6.HEADER_LEN, next, from, from + size < total, id);
    copy(frame, at + ipv6.HEADER_LEN + from, piece, start + header, size);
    send(piece);
  }
  frame.release();
}
