// The Internet checksum (RFC 1071), its incremental form (RFC 1624) and the pseudo headers of IPv4 (RFC 768, RFC 9293)
// and IPv6 (RFC 8200 s.8.1).
//
// A sum is carried as a plain number of at most 2^47 until it is folded: the one's complement sum does not mind (RFC 1071
// s.2). It may be folded on the way, so that parts may be added to it, never taken away. A range that starts at an odd
// place within its message is not supported; every header here starts at an even one.

/** Bytes whose halves of words cannot overflow 32 bits when they are summed. */
const BLOCK = 0x2_0000;
/** From so many bytes on a sum in small integers is the faster one. */
const LONG = 128;

/** Folds a sum to 16 bits. */
export function fold(sum: number): number {
  const hi = (sum / 0x1_0000_0000) | 0;
  const lo = sum >>> 0;
  let s = (lo & 0xffff) + (lo >>> 16) + (hi & 0xffff) + (hi >>> 16);
  s = (s & 0xffff) + (s >>> 16);
  return (s & 0xffff) + (s >>> 16);
}

/** Adds the bytes [from, to) to a sum. An odd last byte counts as the high half of a word (RFC 1071 s.1). */
export function sum(view: DataView, from: number, to: number, start = 0): number {
  if (to - from >= LONG) return long(view, from, to, start);
  let s = start;
  let at = from;
  for (; at + 16 <= to; at += 16) {
    s += view.getUint32(at) + view.getUint32(at + 4) + view.getUint32(at + 8) + view.getUint32(at + 12);
  }
  for (; at + 4 <= to; at += 4) s += view.getUint32(at);
  if (at + 2 <= to) {
    s += view.getUint16(at);
    at += 2;
  }
  if (at < to) s += view.getUint8(at) << 8;
  return s;
}

function long(view: DataView, from: number, to: number, start: number): number {
  let s = start;
  let at = from;
  while (to - at >= LONG) {
    const length = Math.min(BLOCK, to - at) & ~31;
    s += words(view, at, length);
    at += length;
  }
  return sum(view, at, to, s);
}

/**
 * The folded sum of so many bytes, a multiple of 32. Words are read as the machine has them and swapped at the end (RFC 1071 s.2(B)).
 * One sum is of whole words, modulo 2^32, the other of their high halves: together they give the low halves too, with one addition
 * and one shift a word and nothing that is no small integer.
 */
function words(view: DataView, from: number, length: number): number {
  const end = from + length;
  let all = 0;
  let high = 0;
  for (let at = from; at < end; at += 32) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    const e = view.getInt32(at + 16, true);
    const f = view.getInt32(at + 20, true);
    const g = view.getInt32(at + 24, true);
    const h = view.getInt32(at + 28, true);
    all = (all + a + b + c + d + e + f + g + h) | 0;
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
    high = (high + (e >>> 16) + (f >>> 16) + (g >>> 16) + (h >>> 16)) | 0;
  }
  const low = all - (high << 16);
  const s = fold((low & 0xffff) + (low >>> 16) + (high & 0xffff) + (high >>> 16));
  return ((s & 0xff) << 8) | (s >>> 8);
}

/** The checksum field's value for a sum: its one's complement, 0 to 0xffff. */
export function finish(s: number): number {
  return ~fold(s) & 0xffff;
}

/** The same for UDP, where 0 means "none": a computed 0 is sent as 0xffff (RFC 768; RFC 8200 s.8.1). */
export function finishUdp(s: number): number {
  const c = finish(s);
  return c === 0 ? 0xffff : c;
}

/** True when a range that includes its own checksum field adds up, pseudo header in `start` included. */
export function verifies(view: DataView, from: number, to: number, start = 0): boolean {
  return fold(sum(view, from, to, start)) === 0xffff;
}

/** The sum of the IPv4 pseudo header: addresses as 32-bit numbers, length in bytes of transport header and payload. */
export function pseudo4(src: number, dst: number, proto: number, length: number): number {
  return (src >>> 0) + (dst >>> 0) + proto + length;
}

/** The sum of the IPv6 pseudo header; both addresses are read from the header at `ipAt`. */
export function pseudo6(view: DataView, ipAt: number, proto: number, length: number): number {
  return sum(view, ipAt + 8, ipAt + 40, proto + length);
}

/**
 * The new field after one 16-bit word of the message changed (RFC 1624 s.3, equation 3).
 * @param check the field as it stands
 */
export function update16(check: number, before: number, after: number): number {
  return ~fold((~check & 0xffff) + (~before & 0xffff) + after) & 0xffff;
}

/** As `update16` for a 32-bit word. */
export function update32(check: number, before: number, after: number): number {
  return ~fold((~check & 0xffff) + (~before >>> 0) + (after >>> 0)) & 0xffff;
}
