// Bytes from one view to another without an object on the way: `set(subarray)` would cost one a packet.

/** Copies bytes [start, end) of `from` to `at` in `to`, a word at a time. There must be room. */
export function copyBytes(to: DataView, at: number, from: DataView, start: number, end: number): void {
  let target = at;
  let source = start;
  const words = end - 3;
  while (source < words) {
    to.setInt32(target, from.getInt32(source));
    target += 4;
    source += 4;
  }
  while (source < end) to.setUint8(target++, from.getUint8(source++));
}
