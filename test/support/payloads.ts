// What was said over one TCP connection of a capture of Ethernet and IPv4 without options, as turns for a protocol's reader.

import { readFileSync } from 'node:fs';
import { AnyReader } from '../../src/core/pcap/reader.ts';
import { capturePath } from './captures.ts';
import type { Turn } from './overheard.ts';

const TCP = 34;

/** @param port the client's, which nobody else has */
export function turnsOf(capture: string, port: number): Turn[] {
  const turns: Turn[] = [];
  const reader = new AnyReader((view, start, end) => {
    const from = view.getUint16(start + TCP);
    const to = view.getUint16(start + TCP + 2);
    const payload = start + TCP + ((view.getUint8(start + TCP + 12) >>> 4) << 2);
    // Behind short packets stands what fills an Ethernet frame up.
    const last = Math.min(end, start + 14 + view.getUint16(start + 16));
    if ((from !== port && to !== port) || payload >= last) return;
    const bytes = new Uint8Array(view.buffer, view.byteOffset + payload, last - payload).slice();
    turns.push([from === port ? 'C' : 'S', bytes]);
  });
  reader.push(new Uint8Array(readFileSync(capturePath(capture))));
  reader.end();
  return turns;
}
