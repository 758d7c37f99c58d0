// Captures written by our own writers, for tests that read them again.

import { readAll } from '../../src/core/pcap/reader.ts';
import type { ByteSink, CaptureWriter } from '../../src/core/pcap/record.ts';
import { viewOf } from './bytes.ts';
import { captureBytes } from './captures.ts';

/** All bytes that `fill` writes through a sink, and how many chunks they came in. */
export function collect(fill: (sink: ByteSink) => CaptureWriter): { bytes: Uint8Array; chunks: number } {
  const chunks: Uint8Array[] = [];
  fill((chunk) => chunks.push(chunk)).flush();
  return { bytes: new Uint8Array(Buffer.concat(chunks)), chunks: chunks.length };
}

/** The 20 packets of the reference capture, written as a user would. */
export function copyReference(writer: CaptureWriter, iface = 0): void {
  for (const p of readAll(captureBytes('formats/nsec-le.pcap')).packets) {
    const time = p.time as bigint;
    writer.writePacket(
      iface,
      Number(time / 1_000_000_000n),
      Number(time % 1_000_000_000n),
      viewOf(p.bytes),
      0,
      p.bytes.length,
      p.originalLength,
    );
  }
}
