// The readers as streams: however a file is cut into chunks, and whatever is in it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Capture, Packet } from '../../../src/core/pcap/reader.ts';
import { AnyReader, readAll } from '../../../src/core/pcap/reader.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';

const FORMATS = captureNames('formats');
const SMALL = [
  'formats/usec-be.pcap',
  'formats/modified-kuznetsov.pcap',
  'formats/nsec.pcapng',
  'public/pcapng-conformance/le/difficult/test202.pcapng',
  'public/pcapng-conformance/be/advanced/test102.pcapng',
];

type Summary = Omit<Capture, 'packets'> & { packets: string[] };

function summary(packet: Pick<Packet, 'number' | 'offset' | 'originalLength'>, bytes: Uint8Array): string {
  return `${packet.number} ${packet.offset} ${packet.originalLength} ${bytes.join()}`;
}

/** Reads through chunks that are overwritten as soon as `push` returns. */
function inChunks(bytes: Uint8Array, sizes: (at: number) => number): Summary {
  const packets: string[] = [];
  const reader = new AnyReader((view, start, end, meta) => {
    packets.push(summary(meta, new Uint8Array(view.buffer, view.byteOffset + start, end - start)));
  });
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.slice(at, at + sizes(at));
    reader.push(chunk);
    at += chunk.length;
    chunk.fill(0xa5);
  }
  reader.end();
  const { format, sections, interfaces, cutShort } = reader;
  return { format, sections, interfaces, cutShort, packets };
}

function whole(bytes: Uint8Array): Summary {
  const capture = readAll(bytes);
  return { ...capture, packets: capture.packets.map((p) => summary(p, p.bytes)) };
}

describe('chunks', () => {
  test.each(FORMATS)('%s a byte at a time reads as the whole does', (name) => {
    const bytes = captureBytes(name);
    expect(inChunks(bytes, () => 1)).toEqual(whole(bytes));
  });

  test.each(SMALL)('%s in any chunks reads as the whole does', (name) => {
    const bytes = captureBytes(name);
    const expected = whole(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        let turn = 0;
        expect(inChunks(bytes, () => sizes[turn++ % sizes.length] as number)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('empty chunks change nothing', () => {
    const bytes = captureBytes('formats/usec-le.pcap');
    const reader = new AnyReader(() => {});
    for (let at = 0; at < bytes.length; at += 7) {
      reader.push(new Uint8Array(0));
      reader.push(bytes.subarray(at, at + 7));
    }
    reader.end();
    expect(reader.packets).toBe(20);
    expect(reader.bytes).toBe(bytes.length);
    expect(reader.cutShort).toBeNull();
  });

  test('packets are delivered as soon as their last byte is there', () => {
    for (const name of ['formats/usec-le.pcap', 'formats/nsec.pcapng']) {
      const bytes = captureBytes(name);
      const reader = new AnyReader(() => {});
      const seen: number[] = [];
      for (let at = 0; at < bytes.length; at++) {
        reader.push(bytes.subarray(at, at + 1));
        seen.push(reader.packets);
      }
      const borders = readAll(bytes)
        .packets.slice(1)
        .map((p) => p.offset);
      for (const [i, border] of borders.entries()) {
        expect(seen[border - 1]).toBe(i + 1);
        expect(seen[border - 2]).toBe(i);
      }
    }
  });

  test('stop from the sink ends the reading after that packet, without a fault', () => {
    for (const name of ['formats/usec-le.pcap', 'formats/dumpcap.pcapng']) {
      for (const size of [1, 50, 1 << 20]) {
        const bytes = captureBytes(name);
        const reader: AnyReader = new AnyReader((_view, _start, _end, meta) => {
          if (meta.number === 3) reader.stop();
        });
        for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
        reader.end();
        expect(reader.packets).toBe(3);
        expect(reader.done).toBe(true);
        expect(reader.cutShort).toBeNull();
      }
    }
  });

  test('what is pushed after the end or a fault is passed over', () => {
    const bytes = captureBytes('formats/usec-le.pcap');
    const reader = new AnyReader(() => {});
    reader.push(bytes);
    reader.end();
    reader.push(bytes);
    expect(reader.packets).toBe(20);
    const refused = new AnyReader(() => {});
    refused.push(captureBytes('formats/snoop.snoop'));
    refused.push(bytes);
    refused.end();
    expect(refused.packets).toBe(0);
    expect(refused.format).toBeNull();
    expect(refused.interfaces).toEqual([]);
    expect(refused.sections).toEqual([]);
  });

  test('a packet larger than many chunks is put together', () => {
    const bytes = captureBytes('public/tcpdump/bigtcp-ipv6-vxlan-ipv4.pcap');
    expect(inChunks(bytes, () => 1000)).toEqual(whole(bytes));
    expect(readAll(bytes).packets[0]?.bytes.length).toBe(80136);
  });
});

describe('damage', () => {
  test.each(SMALL)('%s with any bytes changed never throws, and chunks do not matter', (name) => {
    const bytes = captureBytes(name);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 300 }),
        (changes, size) => {
          const bent = bytes.slice();
          for (const [at, value] of changes) bent[at] = value;
          const expected = whole(bent);
          expect(inChunks(bent, () => size)).toEqual(expected);
          if (expected.cutShort !== null) expect(expected.cutShort.offset).toBeLessThanOrEqual(bytes.length);
        },
      ),
    );
  });

  test('bytes at random behind a good beginning never throw', () => {
    const starts = SMALL.map((name) => captureBytes(name).subarray(0, 60));
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const bytes = new Uint8Array(start.length + rest.length);
        bytes.set(start);
        bytes.set(rest, start.length);
        const { packets } = readAll(bytes);
        for (const p of packets) expect(p.bytes.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  test('every public file, whole and cut in half, reads without an exception', () => {
    for (const name of captureNames('public')) {
      const bytes = captureBytes(name);
      const full = readAll(bytes);
      const half = readAll(bytes.subarray(0, bytes.length >> 1));
      expect(half.packets.length).toBeLessThanOrEqual(full.packets.length);
    }
  });
});
