// The Internet checksum (RFC 1071), its incremental form (RFC 1624) and the pseudo headers of IPv4 (RFC 768, RFC 9293)
// and IPv6 (RFC 8200 s.8.1).
//
// A sum is carried as a plain number of at most 2^47 until it is folded: adding 32-bit words and folding once is twice
// as fast as adding 16-bit words, and the one's complement sum does not mind (RFC 1071 s.2). A range that starts at an
// odd place within its message is not supported; every header here starts at an even one.

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
