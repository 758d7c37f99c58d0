// Whether the bytes of a row's header are there: in a capture that was cut a row may end anywhere, without a fault.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { NO_FAULT } from '../wire/fault.ts';

/** True when the row is there and has at least so many bytes. */
export function has(d: Dissection, row: number, bytes: number): boolean {
  return row >= 0 && d.end(row) - d.start(row) >= bytes;
}

/** True for a sound IPv4 or IPv6 row with its whole header, without options or extensions. */
export function isIp(d: Dissection, row: number): boolean {
  if (row < 0 || d.fault(row) !== NO_FAULT) return false;
  const kind = d.kind(row);
  return kind === L.ipv4 ? has(d, row, 20) : kind === L.ipv6 && has(d, row, 40);
}
