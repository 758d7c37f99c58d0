// Captures with as many flows as are asked for.

import { captureBytes } from './captures.ts';

const HEAD = 24;

/** A pcap file of `count` packets like the first of a capture, each with addresses and ports of its own. */
export function manyFlows(count: number): Uint8Array {
  const sample = captureBytes('kernel/http-noffload.pcap');
  const view = new DataView(sample.buffer, sample.byteOffset, sample.byteLength);
  let at = HEAD;
  // The first segment with TCP inside.
  while (view.getUint8(at + 16 + 64 + 9) !== 6) at += 16 + view.getUint32(at + 8, true);
  const length = 16 + view.getUint32(at + 8, true);
  const bytes = new Uint8Array(HEAD + count * length);
  bytes.set(sample.subarray(0, HEAD));
  const out = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const to = HEAD + i * length;
    bytes.set(sample.subarray(at, at + length), to);
    out.setUint32(to + 16 + 64 + 12, 0x0a00_0000 + i);
    out.setUint16(to + 16 + 64 + 20, i & 0xffff);
  }
  return bytes;
}
