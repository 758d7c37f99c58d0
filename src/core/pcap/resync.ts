// Finds where a record begins in the middle of a pcap file, so that two can read it from both ends.
//
// Nothing marks a record. What tells it is that a plausible header leads to another, and that to a third: CHAIN of them in a row.
// The place found is still a guess: whoever reads up to it from the front knows whether it is right.

import { FILE_HEADER_LEN, MAGIC_MICRO, MAGIC_NANO, RECORD_HEADER_LEN } from './pcap.ts';

const CHAIN = 24;
/** Longer than any packet of a capture that is worth splitting. */
const CAPTURED_MAX = 0x4_0000;
/** Neighbours in a capture are not a day apart. */
const APART_MAX = 86_400;

/**
 * The place of a record in `middle`, bytes from somewhere inside the file, or -1.
 * @param header the file's first FILE_HEADER_LEN bytes
 */
export function findRecord(header: Uint8Array, middle: Uint8Array): number {
  if (header.length < FILE_HEADER_LEN) return -1;
  const head = viewOf(header);
  const little = head.getUint32(0) !== MAGIC_MICRO && head.getUint32(0) !== MAGIC_NANO;
  const magic = head.getUint32(0, little);
  if (magic !== MAGIC_MICRO && magic !== MAGIC_NANO) return -1;
  const units = magic === MAGIC_NANO ? 1e9 : 1e6;
  const view = viewOf(middle);
  for (let start = 0; start + RECORD_HEADER_LEN <= middle.length; start++) {
    if (chained(view, start, little, units)) return start;
  }
  return -1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function chained(view: DataView, start: number, little: boolean, units: number): boolean {
  const began = view.getUint32(start, little);
  let at = start;
  for (let i = 0; i < CHAIN; i++) {
    if (at + RECORD_HEADER_LEN > view.byteLength) return false;
    const captured = view.getUint32(at + 8, little);
    if (Math.abs(view.getUint32(at, little) - began) > APART_MAX) return false;
    if (view.getUint32(at + 4, little) >= units || captured > CAPTURED_MAX) return false;
    if (view.getUint32(at + 12, little) < captured) return false;
    at += RECORD_HEADER_LEN + captured;
  }
  return true;
}
