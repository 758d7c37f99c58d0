// A run's underlay as a pcapng file: what left each node (and what an intruder sent there), packets numbered as the report numbers them.

import { LINKTYPE } from '../../core/pcap/linktype.ts';
import { PcapngWriter } from '../../core/pcap/pcapng-writer.ts';
import { DIRECTION } from '../../core/pcap/record.ts';
import { SECOND } from '../../engine/time/clock.ts';
import type { LoggedFrame } from '../../lab/capture.ts';
import { EPOCH_SECONDS } from '../../lab/capture.ts';
import { VERSION } from '../version.ts';

export function captureOf(frames: readonly LoggedFrame[], comment: string): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new PcapngWriter((bytes) => void parts.push(bytes), {
    application: `vxlab ${VERSION}`,
    comment,
  });
  const interfaces = new Map<string, number>();
  for (const { tap, time, bytes, inbound } of frames) {
    const number = interfaces.get(tap) ?? writer.addInterface({ linkType: LINKTYPE.ethernet, name: tap });
    interfaces.set(tap, number);
    const seconds = Math.floor(time / SECOND);
    writer.writePacket(
      number,
      EPOCH_SECONDS + seconds,
      time - seconds * SECOND,
      new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      0,
      bytes.length,
      bytes.length,
      inbound ? DIRECTION.inbound : DIRECTION.outbound,
    );
  }
  writer.flush();
  return Buffer.concat(parts);
}
