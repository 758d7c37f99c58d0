// Captures of plain networks as somebody on the underlay would see them: each frame in a VXLAN tunnel of our own. Packet numbers
// stay; offsets grow by the outer headers.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { LINKTYPE } from '../../src/core/pcap/linktype.ts';
import { PcapWriter } from '../../src/core/pcap/pcap-writer.ts';
import { AnyReader } from '../../src/core/pcap/reader.ts';
import { cli } from '../cli/harness.ts';
import { capturePath } from './captures.ts';

export const VNI = 4097;

/** Bytes in front of the IP header. */
const HEADS: Readonly<Record<number, number>> = {
  [LINKTYPE.null]: 4,
  [LINKTYPE.linuxSll]: 16,
  [LINKTYPE.raw]: 0,
  [LINKTYPE.ipv4]: 0,
};

/** Writes the capture wrapped into the folder, and answers its path. @param name as capturePath has it */
export async function wrapped(name: string, folder: string): Promise<string> {
  const flat = name.replaceAll('/', '_');
  const plain = join(folder, `plain-${flat}`);
  const out = join(folder, `wrapped-${flat}.pcap`);
  writeFileSync(plain, ethernetOf(readFileSync(capturePath(name))));
  const ran = await cli([
    ...['encap', plain, '-o', out, '--vni', String(VNI)],
    ...['--src', '192.0.2.11', '--dst', '192.0.2.12'],
  ]);
  expect([name, ran.code, ran.err.includes('left out')]).toEqual([name, 0, false]);
  return out;
}

/** The capture as a pcap file of Ethernet frames: those that have another header get a plain one. */
export function ethernetOf(file: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => chunks.push(bytes.slice()), { linkType: LINKTYPE.ethernet });
  const reader = new AnyReader((view, start, end, meta) => {
    const { linkType, seconds, nanos, originalLength } = meta;
    if (linkType === LINKTYPE.ethernet) {
      writer.writePacket(0, seconds, nanos, view, start, end, originalLength);
      return;
    }
    const head = HEADS[linkType];
    if (head === undefined) throw new Error(`link type ${linkType}`);
    const frame = new Uint8Array(14 + end - start - head);
    frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
    const isSix = view.getUint8(start + head) >> 4 === 6;
    frame.set(isSix ? [0x86, 0xdd] : [8, 0], 12);
    frame.set(new Uint8Array(view.buffer, view.byteOffset + start + head, end - start - head), 14);
    const frameView = new DataView(frame.buffer);
    writer.writePacket(0, seconds, nanos, frameView, 0, frame.length, originalLength - head + 14);
  });
  reader.push(new Uint8Array(file));
  reader.end();
  writer.flush();
  return Buffer.concat(chunks);
}
