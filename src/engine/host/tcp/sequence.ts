// Sequence numbers: 32 bits that go round (RFC 9293 s.3.4). They are kept as signed 32-bit numbers, so that a difference cut
// to 32 bits says who is ahead, as long as the two are less than 2^31 apart.

/** How far `a` is ahead of `b`; negative when it is behind. */
export function ahead(a: number, b: number): number {
  return (a - b) | 0;
}

/** `seq` and so many bytes more. */
export function plus(seq: number, bytes: number): number {
  return (seq + bytes) | 0;
}

/** The one that is further on. */
export function later(a: number, b: number): number {
  return ((a - b) | 0) > 0 ? a : b;
}
