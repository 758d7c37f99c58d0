// A datagram that is whole again, behind the headers of the packet that completed it.
//
// The headers are made to fit: the datagram's own says that it is no fragment, and every IP and UDP length around it counts
// the bytes that are there now, or is 0 where they are too many for it, which readers take for "all that is there". (An
// 802.3 length stays, for it could not say so.) Checksums keep their verdict: what was right is right again and what was
// wrong is wrong.

import { CHECKSUM, checksumVerdict, isOffloaded } from '../dissect/checksums.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { fold, sum, update16 } from '../wire/checksum.ts';
import type { Fragments } from './fragments.ts';

const LENGTH_MAX = 0xffff;
/** IPv4's offset and more-fragments flag; the others stay. */
const FRAGMENT_BITS = 0x3fff;

/** Bytes of headers, then of payload, from 0 on. The fragment is what row `d.fragment` carries. */
export function rebuild(view: DataView, d: Dissection, datagram: Fragments): DataView<ArrayBuffer> {
  const row = d.fragment;
  const first = d.packetStart;
  const headers = d.head(row) - first;
  const bytes = new Uint8Array(headers + datagram.length);
  bytes.set(new Uint8Array(view.buffer, view.byteOffset + first, headers));
  bytes.set(datagram.payload, headers);
  const whole = new DataView(bytes.buffer);
  // From the inside out: an outer checksum is over what the inner headers say in the end.
  for (let i = row; i >= 0; i--) {
    const at = d.start(i) - first;
    switch (d.kind(i)) {
      case L.ipv4:
        if (i === row) setWord4(whole, at, 6, whole.getUint16(at + 6) & ~FRAGMENT_BITS);
        setWord4(whole, at, 2, lengthField(bytes.length - at));
        break;
      case L.ipv6:
        if (whole.getUint16(at + 4) !== 0) whole.setUint16(at + 4, lengthField(bytes.length - at - 40));
        break;
      case L.fragment:
        if (i !== row) break;
        whole.setUint16(at + 2, whole.getUint16(at + 2) & 6);
        if (datagram.next >= 0) whole.setUint8(at, datagram.next);
        break;
      case L.udp:
        mendUdp(view, d, i, whole, at);
        break;
      default:
    }
  }
  return whole;
}

function lengthField(length: number): number {
  return length > LENGTH_MAX ? 0 : length;
}

/** Sets a word of an IPv4 header and carries its checksum on (RFC 1624). */
function setWord4(whole: DataView, at: number, offset: number, value: number): void {
  const before = whole.getUint16(at + offset);
  whole.setUint16(at + offset, value);
  whole.setUint16(at + 10, update16(whole.getUint16(at + 10), before, value));
}

/** Sets length and checksum of the UDP header at `at`, which was row `row` of `d`. */
function mendUdp(view: DataView, d: Dissection, row: number, whole: DataView, at: number): void {
  const end = whole.byteLength;
  const before = d.end(row) - d.start(row);
  const after = end - at;
  const checksum = whole.getUint16(at + 6);
  if (whole.getUint16(at + 4) !== 0) whole.setUint16(at + 4, lengthField(after));
  const verdict = checksumVerdict(view, d, row);
  if (verdict === CHECKSUM.absent) return;
  whole.setUint16(at + 6, 0);
  if (verdict === CHECKSUM.unverified) return;
  const left =
    verdict === CHECKSUM.bad && isOffloaded(view, d, row)
      ? // The pseudo header's sum alone, which the length is part of.
        checksum + after + other(before)
      : // What the old bytes add up to, the new ones shall; addresses and protocol are in both sums.
        sum(view, d.start(row), d.end(row), before) + other(fold(sum(whole, at, end, after)));
  whole.setUint16(at + 6, fold(left) || 0xffff);
}

/** The negative of a 16-bit number in one's complement. */
function other(value: number): number {
  return ~value & 0xffff;
}
