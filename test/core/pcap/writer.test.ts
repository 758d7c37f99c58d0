import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PcapWriter } from '../../../src/core/pcap/pcap-writer.ts';
import { PcapngWriter } from '../../../src/core/pcap/pcapng-writer.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import type { ByteSink, CaptureWriter } from '../../../src/core/pcap/record.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { collect, copyReference } from '../../support/written.ts';

const arbitraryPacket = fc.record({
  iface: fc.nat(2),
  seconds: fc.nat(0xffffffff),
  nanos: fc.nat(999_999_999),
  bytes: fc.uint8Array({ maxLength: 90 }),
  skip: fc.nat(7),
  beyond: fc.nat(5000),
  direction: fc.nat(2),
  comment: fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 12 })),
});

describe('pcap written here', () => {
  test.each([
    [true, 'formats/nsec-le.pcap'],
    [false, 'formats/usec-be.pcap'],
  ])('a copy of what tcpdump wrote is the same, byte for byte (nanoseconds: %s)', (nanos, name) => {
    const original = captureBytes(name);
    const { bytes } = collect((sink) => {
      const writer = new PcapWriter(sink, { nanos, littleEndian: nanos });
      for (const p of readAll(original).packets) {
        const time = p.time as bigint;
        const [seconds, rest] = [Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)];
        writer.writePacket(0, seconds, rest, viewOf(p.bytes), 0, p.bytes.length, p.originalLength);
      }
      return writer;
    });
    expect(bytes).toEqual(original);
  });

  test('what is written is read back, in both byte orders and both resolutions', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryPacket, { maxLength: 8 }),
        fc.boolean(),
        fc.boolean(),
        (packets, nanos, little) => {
          const { bytes } = collect((sink) => {
            const writer = new PcapWriter(sink, {
              linkType: 276,
              snapLength: 9,
              nanos,
              littleEndian: little,
            });
            for (const p of packets) {
              const start = Math.min(p.skip, p.bytes.length);
              const length = p.bytes.length - start;
              writer.writePacket(
                0,
                p.seconds,
                p.nanos,
                viewOf(p.bytes),
                start,
                p.bytes.length,
                length + p.beyond,
              );
            }
            return writer;
          });
          const capture = readAll(bytes);
          expect(capture.cutShort).toBeNull();
          expect(capture.sections[0]?.littleEndian).toBe(little);
          expect(capture.interfaces[0]).toMatchObject({ linkType: 276, snapLength: 9 });
          expect(capture.packets.map((p) => [p.time, p.originalLength, p.bytes])).toEqual(
            packets.map((p) => {
              const fraction = nanos ? p.nanos : p.nanos - (p.nanos % 1000);
              const kept = p.bytes.slice(p.skip);
              return [BigInt(p.seconds) * 1_000_000_000n + BigInt(fraction), kept.length + p.beyond, kept];
            }),
          );
        },
      ),
    );
  });

  test('a link type that does not fit is refused', () => {
    expect(() => new PcapWriter(() => {}, { linkType: 65536 })).toThrow(VxlabError);
    expect(() => new PcapngWriter(() => {}).addInterface({ linkType: -1 })).toThrow(VxlabError);
  });
});

describe('pcapng written here', () => {
  test('what is written is read back, in both byte orders, on several interfaces', () => {
    fc.assert(
      fc.property(fc.array(arbitraryPacket, { maxLength: 8 }), fc.boolean(), (packets, little) => {
        const { bytes } = collect((sink) => {
          const writer = new PcapngWriter(sink, { littleEndian: little });
          for (const linkType of [1, 101, 276]) writer.addInterface({ linkType, name: `if${linkType}` });
          for (const p of packets) {
            const start = Math.min(p.skip, p.bytes.length);
            const length = p.bytes.length - start;
            writer.writePacket(
              p.iface,
              p.seconds,
              p.nanos,
              viewOf(p.bytes),
              start,
              p.bytes.length,
              length + p.beyond,
              p.direction,
              p.comment,
            );
          }
          return writer;
        });
        const capture = readAll(bytes);
        expect(capture.cutShort).toBeNull();
        expect(capture.sections[0]?.littleEndian).toBe(little);
        expect(capture.interfaces.map((i) => [i.linkType, i.name])).toEqual([
          [1, 'if1'],
          [101, 'if101'],
          [276, 'if276'],
        ]);
        const seen = capture.packets.map((p) => [
          p.interfaceId,
          p.time,
          p.originalLength,
          p.bytes,
          p.direction,
        ]);
        expect(seen).toEqual(
          packets.map((p) => {
            const kept = p.bytes.slice(p.skip);
            const time = BigInt(p.seconds) * 1_000_000_000n + BigInt(p.nanos);
            return [p.iface, time, kept.length + p.beyond, kept, p.direction];
          }),
        );
        // Zero bytes at the end of a text are padding to every reader.
        expect(capture.packets.map((p) => p.comments.join())).toEqual(
          packets.map((p) => p.comment.replace(/\0+$/, '')),
        );
      }),
    );
  });

  test('the texts of section and interface are read back', () => {
    const { bytes } = collect((sink) => {
      const writer = new PcapngWriter(sink, {
        hardware: 'emulated',
        os: 'none',
        application: 'vxlab é',
        comment: 'seed 7',
      });
      writer.addInterface({
        linkType: 1,
        name: 'veth0',
        description: 'node-a',
        comment: 'inner',
        snapLength: 1500,
      });
      return writer;
    });
    const { sections, interfaces } = readAll(bytes);
    expect(sections).toEqual([
      { littleEndian: true, hardware: 'emulated', os: 'none', application: 'vxlab é', comments: ['seed 7'] },
    ]);
    expect(interfaces[0]).toMatchObject({
      name: 'veth0',
      description: 'node-a',
      comments: ['inner'],
      snapLength: 1500,
      resolution: { base: 10, exponent: 9 },
    });
  });

  test('a text longer than an option is cut between two characters', () => {
    const { bytes } = collect((sink) => {
      const writer = new PcapngWriter(sink);
      writer.addInterface({ linkType: 1 });
      writer.writePacket(0, 1, 2, viewOf(new Uint8Array(4)), 0, 4, 4, 0, 'é'.repeat(40_000));
      return writer;
    });
    const { packets, cutShort } = readAll(bytes);
    expect(cutShort).toBeNull();
    expect(packets[0]?.comments).toEqual(['é'.repeat(32_767)]);
  });

  test('an interface that was not declared is refused', () => {
    const writer = new PcapngWriter(() => {});
    const packet = viewOf(new Uint8Array(4));
    expect(() => writer.writePacket(0, 0, 0, packet, 0, 4, 4)).toThrow('interface 0 was not declared');
    writer.addInterface({ linkType: 1 });
    expect(() => writer.writePacket(1, 0, 0, packet, 0, 4, 4)).toThrow(VxlabError);
    expect(() => writer.writeStatistics(1, { seconds: 0, nanos: 0 })).toThrow(VxlabError);
  });
});

describe('chunks handed to the sink', () => {
  const kinds: [string, (sink: ByteSink) => CaptureWriter][] = [
    ['pcap', (sink) => new PcapWriter(sink)],
    [
      'pcapng',
      (sink) => {
        const writer = new PcapngWriter(sink);
        writer.addInterface({ linkType: 1 });
        return writer;
      },
    ],
  ];

  test.each(kinds)(
    '%s: thousands of packets come in few chunks, and one larger than a chunk in its own',
    (_n, make) => {
      const large = new Uint8Array(600_001).map((_, i) => i);
      const small = new Uint8Array(61).map((_, i) => 255 - i);
      const { bytes, chunks } = collect((sink) => {
        const writer = make(sink);
        for (let i = 0; i < 20_000; i++) {
          const packet = i === 9_999 ? large : small;
          writer.writePacket(0, i, i, viewOf(packet), 0, packet.length, packet.length);
        }
        return writer;
      });
      expect(chunks).toBeLessThan(30);
      // The reader believes a packet of more than 256 KiB only under a snapshot length that allows it.
      if (_n === 'pcap') new DataView(bytes.buffer).setUint32(16, 1 << 20, true);
      const { packets, cutShort } = readAll(bytes);
      expect(cutShort).toBeNull();
      expect(packets).toHaveLength(20_000);
      expect(packets[9_999]?.bytes).toEqual(large);
      expect(packets[19_999]?.bytes).toEqual(small);
      expect(packets[19_999]?.time).toBe(19_999_000_019_999n);
    },
  );

  test.each(kinds)(
    '%s: flushing after every packet gives the same bytes; what was handed over stays',
    (_n, make) => {
      const once = collect((sink) => {
        const writer = make(sink);
        copyReference(writer);
        return writer;
      });
      const chunks: Uint8Array[] = [];
      const copies: Uint8Array[] = [];
      const writer = make((chunk) => {
        chunks.push(chunk);
        copies.push(chunk.slice());
      });
      copyReference({
        writePacket: (...packet) => {
          writer.writePacket(...packet);
          writer.flush();
        },
        flush: () => writer.flush(),
      });
      writer.flush();
      expect(chunks).toEqual(copies);
      expect(new Uint8Array(Buffer.concat(chunks))).toEqual(once.bytes);
      expect(chunks.length).toBeGreaterThanOrEqual(20);
    },
  );
});
