import { describe, expect, test } from 'vitest';
import { LINKTYPE, linkTypeName, snapLimit } from '../../../src/core/pcap/linktype.ts';
import { PcapReader } from '../../../src/core/pcap/pcap.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import { DIRECTION } from '../../../src/core/pcap/record.ts';
import { captureBytes, truth, truthNames } from '../../support/captures.ts';

const REFERENCE = captureBytes('formats/usec-le.pcap');

/** The reference's file header, with some bytes of it and of what follows it set. */
function changed(...changes: [at: number, value: number, bytes?: 1 | 2 | 4][]): Uint8Array {
  const bytes = REFERENCE.slice();
  const view = new DataView(bytes.buffer);
  for (const [at, value, size] of changes) {
    if (size === 1) view.setUint8(at, value);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }
  return bytes;
}

describe('pcap files that others wrote', () => {
  const readable = truthNames().filter((name) => !/\.(snoop|zst)$/.test(name));

  test('there is ground truth to compare with', () => expect(readable.length).toBeGreaterThan(50));

  test.each(readable)('%s has the times and lengths that tshark reads', (name) => {
    const capture = readAll(captureBytes(name));
    const rows = truth(name);
    const got = capture.packets.map((p) => {
      const time = p.time ?? 0n;
      return `${p.number} ${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, '0')} ${p.originalLength} ${p.bytes.length}`;
    });
    expect(got).toEqual(
      rows.map(
        (row) =>
          `${row['frame.number']} ${row['frame.time_epoch']} ${row['frame.len']} ${row['frame.cap_len']}`,
      ),
    );
    if (name === 'formats/truncated-tail.pcap' || name === 'formats/empty.pcap') {
      expect(capture.cutShort).not.toBeNull();
    } else expect(capture.cutShort).toBeNull();
  });

  const reference = readAll(REFERENCE).packets;
  test.each([
    'usec-be.pcap',
    'dumpcap-P.pcap',
    'nsec-editcap.pcap',
    'nsec-le.pcap',
    'modified-kuznetsov.pcap',
    'dumpcap.pcapng',
    'tshark.pcapng',
    'nsec.pcapng',
    'big-endian.pcapng',
    'usec-le.pcap.gz',
    'dumpcap.pcapng.gz',
  ])('formats/%s holds the same 20 packets as the reference', (name) => {
    const { packets, interfaces } = readAll(captureBytes(`formats/${name}`));
    expect(packets.map((p) => p.bytes)).toEqual(reference.map((p) => p.bytes));
    expect(packets.map((p) => p.originalLength)).toEqual(reference.map((p) => p.originalLength));
    expect(interfaces.map((i) => i.linkType)).toEqual([LINKTYPE.ethernet]);
    if (/usec|editcap|kuznetsov/.test(name)) {
      expect(packets.map((p) => p.time)).toEqual(reference.map((p) => p.time));
    }
  });

  test('formats/concatenated-2sections.pcapng holds them twice, on one interface a section', () => {
    const { packets, interfaces, sections } = readAll(captureBytes('formats/concatenated-2sections.pcapng'));
    const twice = [...reference, ...reference];
    expect(packets.map((p) => p.bytes)).toEqual(twice.map((p) => p.bytes));
    expect(sections).toHaveLength(2);
    expect(interfaces.map((i) => i.section)).toEqual([0, 1]);
    expect(packets.map((p) => p.interfaceId)).toEqual(twice.map((_, i) => (i < 20 ? 0 : 1)));
  });

  test('formats/snaplen96.pcap keeps the first 96 bytes and the original length', () => {
    const { packets, interfaces } = readAll(captureBytes('formats/snaplen96.pcap'));
    expect(packets.map((p) => p.bytes)).toEqual(reference.map((p) => p.bytes.slice(0, 96)));
    expect(packets.map((p) => p.originalLength)).toEqual(reference.map((p) => p.originalLength));
    expect(interfaces[0]?.snapLength).toBe(96);
  });

  test('formats/truncated-tail.pcap gives 19 packets and the offset of the one that is cut', () => {
    const { packets, cutShort } = readAll(captureBytes('formats/truncated-tail.pcap'));
    expect(packets).toHaveLength(19);
    const last = readAll(REFERENCE).packets[19];
    expect(cutShort?.offset).toBe(last?.offset);
    expect(cutShort?.reason).toBe('the file ends 111 bytes into a packet record of 132 bytes or more');
  });

  test('a header without packets is a whole file', () => {
    const { format, packets, cutShort } = readAll(captureBytes('formats/header-only.pcap'));
    expect({ format, packets, cutShort }).toEqual({ format: 'pcap', packets: [], cutShort: null });
  });

  test.each([
    ['microsecs.pcap', 'pcapplusplus', 2, [LINKTYPE.ethernet, 6]],
    ['nanosecs.pcap', 'pcapplusplus', 2, [LINKTYPE.ethernet, 9]],
    ['microsecs_big_endian.pcap', 'pcapplusplus', 13, [LINKTYPE.netlink, 6]],
    ['nanosecs_big_endian.pcap', 'pcapplusplus', 10, [LINKTYPE.ethernet, 9]],
    ['null_loopback.pcap', 'pcapplusplus', 3, [LINKTYPE.null, 6]],
    ['raw_ip.pcap', 'pcapplusplus', 100, [LINKTYPE.raw, 6]],
    ['sll.pcap', 'pcapplusplus', 518, [LINKTYPE.linuxSll, 6]],
    ['sll2.pcap', 'pcapplusplus', 3, [LINKTYPE.linuxSll2, 6]],
    ['linktype_ipv4.pcap', 'pcapplusplus', 2, [LINKTYPE.ipv4, 6]],
    ['linktype_ipv6.pcap', 'pcapplusplus', 1, [LINKTYPE.ipv6, 6]],
    ['bigendian.pcap', 'arkime', 2, [LINKTYPE.ethernet, 6]],
    ['empty.pcap', 'arkime', 0, [LINKTYPE.ethernet, 6]],
    ['tcp-handshake-nano.pcap', 'tcpdump', 3, [LINKTYPE.linuxSll, 9]],
    ['bigtcp-ipv4-vxlan-ipv4.pcap', 'tcpdump', 1, [LINKTYPE.ethernet, 6]],
    ['http_PPI.pcap', 'libpcap', 5, [LINKTYPE.ppi, 6]],
    ['modified-format.pcap', 'pcap-parser', 1, [LINKTYPE.ethernet, 6]],
    ['ntp.pcap', 'pcap-parser', 12, [LINKTYPE.ethernet, 6]],
  ])('public %s from %s has %i packets', (name, from, count, [linkType, exponent]) => {
    const { packets, interfaces, cutShort } = readAll(captureBytes(`public/${from}/${name}`));
    expect(packets).toHaveLength(count);
    expect(interfaces[0]?.linkType).toBe(linkType);
    expect(interfaces[0]?.resolution).toEqual({ base: 10, exponent });
    expect(cutShort).toBeNull();
  });

  test.each([
    ['time_2038_overflow.pcap', 2_147_483_648n],
    ['time_2039.pcap', 2_177_452_800n],
    ['time_2106_max.pcap', 4_294_967_295n],
  ])('seconds are unsigned: %s', (name, seconds) => {
    const time = readAll(captureBytes(`public/tcpdump/${name}`)).packets[0]?.time ?? 0n;
    expect(time / 1_000_000_000n).toBe(seconds);
  });

  test.each([
    ['timestamp_invalid_micro.pcap', [999_999_000, 1_000_000_000, 2_147_483_648_000]],
    ['timestamp_invalid_nano.pcap', [999_999_999, 1_000_000_000, 2_147_483_648]],
  ])('a fraction of a second or more is given as it stands: %s', (name, expected) => {
    const nanos: number[] = [];
    const reader = new PcapReader((_view, _start, _end, meta) => nanos.push(meta.nanos));
    reader.push(captureBytes(`public/tcpdump/${name}`));
    expect(nanos).toEqual(expected);
  });

  test('a file of version 2.0, its lengths the other way round, cut inside its second record header', () => {
    const { packets, cutShort } = readAll(captureBytes('public/ndpi/fuzz-2021-10-13.pcap'));
    expect(packets.map((p) => [p.bytes.length, p.originalLength])).toEqual([[197, 524501]]);
    expect(cutShort).toEqual({
      offset: 237,
      reason: 'the file ends 2 bytes into a packet record of 16 bytes or more',
    });
  });

  test('the modified kind tells the direction', () => {
    const bytes = captureBytes('public/pcap-parser/modified-format.pcap');
    const first = readAll(bytes).packets[0];
    expect(first?.bytes.length).toBe(98);
    bytes[24 + 22] = 4;
    expect(readAll(bytes).packets[0]?.direction).toBe(DIRECTION.outbound);
    bytes[24 + 22] = 0;
    expect(readAll(bytes).packets[0]?.direction).toBe(DIRECTION.inbound);
  });
});

describe('pcap headers', () => {
  test.each([
    ['libpcap/pcap-invalid-version-1.pcap', 4, 'pcap version 1.4 is not supported, only 2.0 to 2.4'],
    ['libpcap/pcap-invalid-version-2.pcap', 4, 'pcap version 2.5 is not supported, only 2.0 to 2.4'],
    [
      'libpcap/linktype-reserved-field-not-zero.pcap',
      20,
      'the link type word is 0x00300000: its reserved bits are not 0',
    ],
  ])('%s is refused at byte %i', (name, offset, reason) => {
    const { packets, cutShort } = readAll(captureBytes(`public/${name}`));
    expect(packets).toEqual([]);
    expect(cutShort).toEqual({ offset, reason });
  });

  test('lengths stand the other way round before version 2.3, and either way at 2.3', () => {
    const bytes = changed([6, 3, 2]);
    expect(readAll(bytes).packets).toEqual(readAll(REFERENCE).packets);
    const view = new DataView(bytes.buffer);
    for (const { offset, bytes: packet } of readAll(REFERENCE).packets) {
      view.setUint32(offset + 8, packet.length + 100, true);
      view.setUint32(offset + 12, packet.length, true);
    }
    for (const minor of [0, 2, 3]) {
      bytes[6] = minor;
      const { packets, cutShort } = readAll(bytes);
      expect(cutShort).toBeNull();
      expect(packets.map((p) => p.bytes)).toEqual(readAll(REFERENCE).packets.map((p) => p.bytes));
      expect(packets.every((p) => p.originalLength === p.bytes.length + 100)).toBe(true);
    }
  });

  test('the length of the frame check sequence is in the link type word, in 16-bit words', () => {
    const lengths: number[] = [];
    const reader = new PcapReader((_view, _start, _end, meta) => lengths.push(meta.fcsLength));
    reader.push(changed([20, 0x24000001]));
    expect(reader.interfaces[0]).toMatchObject({ linkType: 1, fcsLength: 4 });
    expect(new Set(lengths)).toEqual(new Set([4]));
    const without = readAll(changed([20, 0x20000001]));
    expect(without.interfaces[0]).toMatchObject({ linkType: 1, fcsLength: 0 });
  });

  test('a reader of pcap alone refuses another magic', () => {
    const reader = new PcapReader(() => {});
    reader.push(changed([0, 0x12345678]));
    expect(reader.cutShort).toEqual({
      offset: 0,
      reason: "the magic number is 78563412, which is not pcap's",
    });
  });

  test("link types have the registry's names", () => {
    expect([1, 101, 12, 0, 108, 113, 276, 9999].map(linkTypeName)).toEqual([
      'EN10MB',
      'RAW',
      'RAW',
      'NULL',
      'LOOP',
      'LINUX_SLL',
      'LINUX_SLL2',
      'LINKTYPE_9999',
    ]);
    expect([1, 231, 279].map(snapLimit)).toEqual([262144, 134217728, 8388608]);
  });
});

describe('pcap lengths', () => {
  test('every truncation gives the whole packets before it and the offset of the one that is not', () => {
    const whole = readAll(REFERENCE).packets;
    const borders = [24, ...whole.map((p) => p.offset + 16 + p.bytes.length)];
    for (let length = 0; length <= REFERENCE.length; length++) {
      const { packets, cutShort } = readAll(REFERENCE.subarray(0, length));
      const last = borders.findLast((border) => border <= length);
      if (last === undefined) expect(cutShort?.offset).toBe(0);
      else if (last === length) expect(cutShort).toBeNull();
      else expect(cutShort?.offset).toBe(last);
      expect(packets.length).toBe(last === undefined ? 0 : borders.indexOf(last));
      expect(packets.at(-1)).toEqual(whole[packets.length - 1]);
    }
  });

  test('a captured length beyond what is believed ends the reading there', () => {
    const second = readAll(REFERENCE).packets[1]?.offset as number;
    for (const claimed of [0x40001, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const { packets, cutShort } = readAll(changed([second + 8, claimed]));
      expect(packets).toHaveLength(1);
      expect(cutShort).toEqual({
        offset: second,
        reason: `a packet record claims ${claimed} captured bytes; at most 262144 are believed`,
      });
    }
  });

  test('a snapshot length over 256 KiB raises that bound, to 256 MiB at most', () => {
    for (const [snap, claimed, fault] of [
      [0x80000, 0x80000, 'ends'],
      [0x80000, 0x80001, 'claims'],
      [0xffffffff, 0x10000000, 'ends'],
      [0xffffffff, 0x10000001, 'claims'],
      [0, 0x40000, 'ends'],
    ] as const) {
      expect(readAll(changed([16, snap], [32, claimed])).cutShort?.reason).toContain(fault);
    }
  });

  test('any captured length that is too long for the file is a cut file; a shorter one moves the next record', () => {
    const second = readAll(REFERENCE).packets[1]?.offset as number;
    for (let claimed = REFERENCE.length - second - 15; claimed <= 0x40000; claimed += 977) {
      const { packets, cutShort } = readAll(changed([second + 8, claimed]));
      expect(packets).toHaveLength(1);
      expect(cutShort?.offset).toBe(second);
    }
    for (let claimed = 0; claimed < 42; claimed++) {
      const { packets } = readAll(changed([second + 8, claimed]));
      expect(packets[1]?.bytes.length).toBe(claimed);
    }
  });

  test('a record that claims much and has little costs little memory', () => {
    const reader = new PcapReader(() => {});
    const head = changed([16, 0xffffffff], [32, 0x0fffffff]).subarray(0, 100);
    const before = process.memoryUsage().arrayBuffers;
    reader.push(head);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    reader.end();
    expect(reader.cutShort?.offset).toBe(24);
  });
});
