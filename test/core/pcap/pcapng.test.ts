import { describe, expect, test } from 'vitest';
import { linkTypeName } from '../../../src/core/pcap/linktype.ts';
import { PcapngReader } from '../../../src/core/pcap/pcapng.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import { DIRECTION } from '../../../src/core/pcap/record.ts';
import { hex } from '../../support/bytes.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';

/** Packets a file of the conformance set holds: enhanced and simple packet blocks. */
const CONFORMANCE: Readonly<Record<string, number>> = {
  test001: 4,
  test002: 0,
  test003: 0,
  test004: 4,
  test005: 4,
  test006: 5,
  test007: 1,
  test008: 4,
  test009: 2,
  test010: 4,
  test011: 4,
  test012: 4,
  test013: 0,
  test014: 0,
  test015: 0,
  test016: 4,
  test017: 0,
  test018: 4,
  test100: 5,
  test101: 4,
  test102: 5,
  test200: 0,
  test201: 4,
  test202: 8,
  test902: 1,
};

const conformance = captureNames('public/pcapng-conformance').filter((name) => !name.includes('test901'));

describe('pcapng files that others wrote', () => {
  test('the conformance set is there in both byte orders', () => {
    expect(conformance.filter((name) => name.includes('/le/')).length).toBeGreaterThan(20);
    expect(conformance.filter((name) => name.includes('/be/')).length).toBeGreaterThan(20);
  });

  test.each(conformance)('%s has as many packets as it was made with', (name) => {
    const { packets, cutShort } = readAll(captureBytes(name));
    const expected = CONFORMANCE[/test\d+/.exec(name)?.[0] ?? ''];
    expect(expected).toBeDefined();
    expect(packets).toHaveLength(expected as number);
    expect(cutShort).toBeNull();
  });

  test.each(conformance.filter((name) => name.includes('/le/')))('%s reads the same big-endian', (name) => {
    const packetsOf = (file: string): unknown[] =>
      readAll(captureBytes(file)).packets.map(({ number, time, bytes, originalLength, interfaceId }) => {
        return { number, time, bytes, originalLength, interfaceId };
      });
    expect(packetsOf(name.replace('/le/', '/be/'))).toEqual(packetsOf(name));
  });

  test.each(['le', 'be'])(
    'test901 (%s): a section of version 2.0 ends the reading at its offset',
    (order) => {
      const { packets, cutShort, sections } = readAll(
        captureBytes(`public/pcapng-conformance/${order}/gopacket-extra/test901.pcapng`),
      );
      expect(packets).toHaveLength(1);
      expect(sections.length).toBeGreaterThan(0);
      expect(cutShort?.reason).toContain('a section is of pcapng version');
    },
  );

  test.each([
    ['tcpdump/empty.pcapng', 0, ['EN10MB']],
    ['libpcap/rarp_req_reply.pcapng', 2, ['EN10MB']],
    ['pcap-parser/err-buffertoosmall.pcapng', 27, ['EN10MB']],
    ['pcap-parser/wireshark_samples-test.pcapng', 5898, ['EN10MB']],
    ['zeek/l2/pcapng-multi-interface.pcapng', 6, ['EN10MB']],
    ['pcapplusplus/too_many_interfaces.pcapng', 1, ['EN10MB']],
  ])('public %s has %i packets', (name, count, linkTypes) => {
    const { packets, interfaces, cutShort } = readAll(captureBytes(`public/${name}`));
    expect(packets).toHaveLength(count);
    expect([...new Set(interfaces.map((i) => linkTypeName(i.linkType)))]).toEqual(linkTypes);
    expect(cutShort).toBeNull();
  });

  test("several link types in one section: each packet has its interface's", () => {
    const { packets, interfaces } = readAll(captureBytes('public/pcapplusplus/many_interfaces-1.pcapng'));
    expect(packets).toHaveLength(64);
    expect(interfaces).toHaveLength(11);
    expect(new Set(packets.map((p) => p.linkType)).size).toBeGreaterThan(1);
    expect(packets.map((p) => p.linkType)).toEqual(packets.map((p) => interfaces[p.interfaceId]?.linkType));
    expect(readAll(captureBytes('public/pcapplusplus/pcapng-example.pcapng')).packets).toHaveLength(159);
  });

  test('micro- and nanosecond interfaces in one file', () => {
    const { packets } = readAll(captureBytes('public/zeek/l2/pcapng-multi-interface.pcapng'));
    expect(packets[0]?.time).toBe(1_767_663_089_500_330_493n);
    expect(packets[2]?.time).toBe(1_767_663_437_111_897_000n);
  });

  test('95 interfaces, 71 of them in microseconds', () => {
    const { interfaces } = readAll(captureBytes('public/pcapplusplus/too_many_interfaces.pcapng'));
    expect(interfaces).toHaveLength(95);
    expect(interfaces.filter((i) => i.resolution.exponent === 6)).toHaveLength(71);
  });

  test.each([
    ['time_2106_overflow.pcapng', 4_294_967_296n],
    ['time_2107.pcapng', 4_323_283_200n],
  ])('times beyond 32 bits: %s', (name, seconds) => {
    const time = readAll(captureBytes(`public/tcpdump/${name}`)).packets[0]?.time;
    expect(time).toBe(seconds * 1_000_000_000n);
  });

  test.each(['le', 'be'])('simple packets have no time (%s)', (order) => {
    const { packets } = readAll(captureBytes(`public/pcapng-conformance/${order}/basic/test010.pcapng`));
    expect(packets.map((p) => p.time)).toEqual([null, null, null, null]);
  });

  test.each([
    ['libpcap/pcapng-invalid-vers-1.pcapng', 0, 'a section is of pcapng version 0.1; only 1.0 is supported'],
    ['libpcap/pcapng-invalid-vers-2.pcapng', 0, 'a section is of pcapng version 1.1; only 1.0 is supported'],
    ['libpcap/shb-option-too-long.pcapng', 0, "a block's two lengths differ: 52 in front, 808464432 behind"],
  ])('%s is refused', (name, offset, reason) => {
    const { packets, cutShort } = readAll(captureBytes(`public/${name}`));
    expect(packets).toEqual([]);
    expect(cutShort).toEqual({ offset, reason });
  });

  test('the section header tells what dumpcap wrote of its machine', () => {
    const { sections, interfaces } = readAll(captureBytes('formats/dumpcap.pcapng'));
    expect(sections[0]?.application).toContain('Dumpcap');
    expect(sections[0]?.os).toContain('Linux');
    expect(interfaces[0]).toMatchObject({ name: 'eth0', linkType: 1, resolution: { base: 10, exponent: 9 } });
  });
});

const word = (value: number): string => value.toString(16).padStart(8, '0');

/** A big-endian block of a body given as hex text. */
function block(type: number, body: string): string {
  const length = 12 + body.replace(/\s/g, '').length / 2;
  return `${word(type)}${word(length)}${body}${word(length)}`;
}

const SECTION = block(0x0a0d0d0a, '1a2b3c4d 0001 0000 ffffffffffffffff');
const INTERFACE = block(1, '0001 0000 00000000');
const PACKET = block(6, '00000000 00000000 00000001 00000004 00000040 aabbccdd');

function read(...blocks: string[]): ReturnType<typeof readAll> {
  return readAll(hex(blocks.join('')));
}

describe('pcapng blocks by hand', () => {
  test('the obsolete packet block has a 16-bit interface and a drop count', () => {
    const old = block(2, '0001 0007 00000000 000f4240 00000003 00000009 aabbcc00');
    const { packets, cutShort } = read(SECTION, INTERFACE, INTERFACE, old);
    expect(cutShort).toBeNull();
    expect(packets).toHaveLength(1);
    expect(packets[0]).toMatchObject({ interfaceId: 1, originalLength: 9, time: 1_000_000_000n });
    expect(packets[0]?.bytes).toEqual(hex('aabbcc'));
  });

  test("comments and direction come from the packet's options", () => {
    const options = '0001 0002 68690000 0001 0005 6368c3a97a000000 0002 0004 00000082 0000 0000';
    const fcs: number[] = [];
    const bytes = hex(
      SECTION +
        INTERFACE +
        block(6, `00000000 00000000 00000001 00000004 00000040 aabbccdd ${options}`) +
        PACKET,
    );
    const { packets } = readAll(bytes);
    expect(packets.map((p) => p.comments)).toEqual([['hi', 'chéz'], []]);
    expect(packets.map((p) => p.direction)).toEqual([DIRECTION.outbound, DIRECTION.unknown]);
    new PcapngReader((_view, _start, _end, meta) => fcs.push(meta.fcsLength)).push(bytes);
    expect(fcs).toEqual([4, 0]);
  });

  test("an interface's options: names, filter, hardware, offset, check sequence", () => {
    const options = [
      '0002 0005 7665746800000000',
      '0003 0003 61206200',
      '0001 0001 78000000',
      '000b 0004 00746370',
      '000c 0002 6f730000',
      '000f 0002 68770000',
      '000d 0001 04000000',
      '0009 0001 03000000',
      '000e 0008 fffffffffffffffe',
    ].join('');
    const { interfaces, packets } = read(
      SECTION,
      block(1, `0001 0000 00000060 ${options}`),
      block(6, '00000000 00000000 00001389 00000004 00000040 aabbccdd'),
    );
    expect(interfaces[0]).toEqual({
      section: 0,
      linkType: 1,
      snapLength: 96,
      name: 'veth',
      description: 'a b',
      filter: 'tcp',
      hardware: 'hw',
      os: 'os',
      comments: ['x'],
      resolution: { base: 10, exponent: 3 },
      offsetSeconds: -2n,
      fcsLength: 4,
    });
    expect(packets[0]?.time).toBe(3_001_000_000n);
  });

  test('a check sequence given in bits is told in bytes', () => {
    const { interfaces } = read(SECTION, block(1, '0001 0000 00000000 000d 0001 20000000'));
    expect(interfaces[0]?.fcsLength).toBe(4);
  });

  test("a simple packet is cut at interface 0's snapshot length", () => {
    const simple = block(3, '00000064 aabbccdd');
    const { packets } = read(SECTION, block(1, '0001 0000 00000003'), simple);
    expect(packets[0]?.bytes).toEqual(hex('aabbcc'));
    expect(packets[0]?.originalLength).toBe(100);
  });

  test('unknown, custom, secrets and statistics blocks are passed over', () => {
    const others = [4, 5, 10, 0xbad, 0x40000bad, 0x12345678].map((type) => block(type, '00000000 01020304'));
    const { packets, cutShort } = read(SECTION, ...others, INTERFACE, ...others, PACKET);
    expect(packets).toHaveLength(1);
    expect(cutShort).toBeNull();
  });

  test('interface numbers begin anew with each section', () => {
    const { packets, cutShort } = read(SECTION, INTERFACE, INTERFACE, PACKET, SECTION, INTERFACE, PACKET);
    expect(packets.map((p) => p.interfaceId)).toEqual([0, 2]);
    expect(cutShort).toBeNull();
    const bare = read(SECTION, INTERFACE, PACKET, SECTION, PACKET);
    expect(bare.packets).toHaveLength(1);
    expect(bare.cutShort?.reason).toBe(
      'a packet names interface 0, which its section does not declare before it',
    );
  });

  test.each([
    [
      'no byte-order magic',
      [block(0x0a0d0d0a, '11223344 0001 0000 ffffffffffffffff')],
      0,
      'a section header has no byte-order magic',
    ],
    [
      'a short section header',
      [block(0x0a0d0d0a, '1a2b3c4d')],
      0,
      'a section header block is 16 bytes long; it needs 28',
    ],
    [
      'a short interface',
      [SECTION, block(1, '0001 0000')],
      28,
      'an interface description block is 16 bytes long; it needs 20',
    ],
    [
      'a short packet',
      [SECTION, INTERFACE, block(6, '00000000')],
      48,
      'a packet block is 16 bytes long; it needs 32',
    ],
    [
      'a short simple packet',
      [SECTION, INTERFACE, block(3, '')],
      48,
      'a simple packet block is 12 bytes long; it needs 16',
    ],
    [
      'an unknown interface',
      [SECTION, INTERFACE, block(6, '00000001 00000000 00000001 00000000 00000000')],
      48,
      'a packet names interface 1, which its section does not declare before it',
    ],
    [
      'a simple packet without any interface',
      [SECTION, block(3, '00000004 aabbccdd')],
      28,
      'a packet names interface 0, which its section does not declare before it',
    ],
    [
      'a packet longer than its block',
      [SECTION, INTERFACE, block(6, '00000000 00000000 00000001 00000005 00000040 aabbccdd')],
      48,
      'a packet claims 5 captured bytes, but its block has room for 4',
    ],
    [
      'a simple packet longer than its block',
      [SECTION, INTERFACE, block(3, 'ffffffff aabbccdd')],
      48,
      'a packet claims 4294967295 captured bytes, but its block has room for 4',
    ],
    [
      'an option past the end of an interface',
      [SECTION, block(1, '0001 0000 00000000 0002 0009 61626364')],
      28,
      'an option at byte 44 runs past the end of its block',
    ],
    [
      'an option past the end of a packet',
      [SECTION, INTERFACE, block(6, '00000000 00000000 00000001 00000000 00000000 0001 ffff')],
      48,
      'an option at byte 76 runs past the end of its block',
    ],
    [
      'an option past the end of a section header',
      [block(0x0a0d0d0a, '1a2b3c4d 0001 0000 ffffffffffffffff 0004 0005 61626364')],
      0,
      'an option at byte 24 runs past the end of its block',
    ],
  ])('%s is a fault with its offset', (_what, blocks, offset, reason) => {
    expect(read(...blocks).cutShort).toEqual({ offset, reason });
  });

  test('a reader of pcapng alone wants a section header first', () => {
    const reader = new PcapngReader(() => {});
    reader.push(hex(INTERFACE));
    expect(reader.cutShort).toEqual({
      offset: 0,
      reason: 'the file does not begin with a section header block',
    });
  });

  test('options without an end mark end with their block', () => {
    const { interfaces } = read(SECTION, block(1, '0001 0000 00000000 0002 0004 65746830'));
    expect(interfaces[0]?.name).toBe('eth0');
  });
});

const FILES = [
  'formats/dumpcap.pcapng',
  'formats/big-endian.pcapng',
  'public/pcapng-conformance/le/advanced/test102.pcapng',
  'public/pcapng-conformance/be/difficult/test202.pcapng',
];

/** Where the blocks of a whole file begin, its end included. */
function blockBorders(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const borders = [0];
  let little = true;
  for (let at = 0; at < bytes.length; borders.push(at)) {
    if (view.getUint32(at) === 0x0a0d0d0a) little = view.getUint32(at + 8, true) === 0x1a2b3c4d;
    at += view.getUint32(at + 4, little);
  }
  return borders;
}

describe('pcapng lengths', () => {
  test.each(FILES)('%s: every truncation gives what stands before the block that is cut', (name) => {
    const bytes = captureBytes(name);
    const whole = readAll(bytes).packets;
    const borders = blockBorders(bytes);
    expect(borders.at(-1)).toBe(bytes.length);
    for (let length = 1; length <= bytes.length; length++) {
      const { packets, cutShort } = readAll(bytes.subarray(0, length));
      const last = borders.findLast((border) => border <= length) as number;
      if (last === length) expect(cutShort).toBeNull();
      else expect(cutShort?.offset).toBe(last);
      expect(packets.length).toBe(whole.filter((p) => p.offset < last).length);
      expect(packets.at(-1)).toEqual(whole[packets.length - 1]);
    }
  });

  test.each(FILES)('%s: a lie in either length of any block is a fault at that block', (name) => {
    const bytes = captureBytes(name);
    const borders = blockBorders(bytes);
    for (let i = 0; i + 1 < borders.length; i++) {
      const start = borders[i] as number;
      const end = borders[i + 1] as number;
      for (const place of [start + 4, end - 4]) {
        for (const lie of [0, 1, 4, 11, 12, 13, end - start - 4, end - start + 4, 0x7fffffff, 0xfffffffc]) {
          for (const little of [true, false]) {
            const bent = bytes.slice();
            new DataView(bent.buffer).setUint32(place, lie, little);
            const { packets, cutShort } = readAll(bent);
            expect(cutShort?.offset).toBe(start);
            expect(packets.every((p) => p.offset < start)).toBe(true);
          }
        }
      }
    }
  });
});
