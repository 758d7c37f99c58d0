// What other people's programs read in the files that our writers make.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PcapWriter } from '../../../src/core/pcap/pcap-writer.ts';
import { PcapngWriter } from '../../../src/core/pcap/pcapng-writer.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import { DIRECTION } from '../../../src/core/pcap/record.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { hasTool, runTool } from '../../support/peers.ts';
import { collect, copyReference } from '../../support/written.ts';

describe('what Wireshark makes of it', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vxlab-pcap-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const fields = (path: string, ...names: string[]): string[][] =>
    runTool('tshark', ['-n', '-r', path, '-T', 'fields', ...names.flatMap((name) => ['-e', name])])
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));

  test.skipIf(!hasTool('tshark')).each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])(
    'tshark reads our pcap as it reads the original (little-endian %s, nanoseconds %s)',
    (littleEndian, nanos) => {
      const path = join(folder, `copy-${littleEndian}-${nanos}.pcap`);
      const { bytes } = collect((sink) => {
        const writer = new PcapWriter(sink, { littleEndian, nanos });
        copyReference(writer);
        return writer;
      });
      writeFileSync(path, bytes);
      const original = readAll(captureBytes('formats/nsec-le.pcap')).packets;
      const rows = fields(
        path,
        'frame.time_epoch',
        'frame.len',
        'frame.cap_len',
        'vxlan.vni',
        '_ws.malformed',
      );
      expect(rows.map(([time]) => time)).toEqual(
        original.map((p) => {
          const fraction = (p.time as bigint) % 1_000_000_000n;
          const kept = nanos ? fraction : fraction - (fraction % 1000n);
          return `${(p.time as bigint) / 1_000_000_000n}.${String(kept).padStart(9, '0')}`;
        }),
      );
      expect(rows.map(([, len, cap]) => [Number(len), Number(cap)])).toEqual(
        original.map((p) => [p.originalLength, p.bytes.length]),
      );
      expect(rows.filter(([, , , vni]) => vni === '4097').length).toBe(18);
      expect(rows.every(([, , , , malformed]) => malformed === undefined || malformed === '')).toBe(true);
    },
  );

  test.skipIf(!hasTool('tshark')).each([true, false])(
    'tshark reads names, directions and comments of our pcapng (little-endian %s)',
    (littleEndian) => {
      const path = join(folder, `named-${littleEndian}.pcapng`);
      const { bytes } = collect((sink) => {
        const writer = new PcapngWriter(sink, { littleEndian, application: 'vxlab', os: 'virtual time' });
        const a = writer.addInterface({ linkType: 1, name: 'node-a eth0', description: 'underlay' });
        const b = writer.addInterface({ linkType: 101, name: 'node-b tun0' });
        const packet = readAll(captureBytes('formats/usec-le.pcap')).packets[4]?.bytes as Uint8Array;
        const view = viewOf(packet);
        writer.writePacket(
          a,
          1_700_000_000,
          999_999_999,
          view,
          0,
          packet.length,
          packet.length,
          DIRECTION.outbound,
        );
        writer.writePacket(
          b,
          4_300_000_000,
          1,
          view,
          14,
          64,
          packet.length - 14,
          DIRECTION.inbound,
          'ça va?',
        );
        writer.writePacket(a, 0, 0, view, 0, packet.length, packet.length, DIRECTION.unknown, 'plain');
        writer.writeStatistics(a, {
          seconds: 5_000_000_000,
          nanos: 3,
          startTime: { seconds: 1, nanos: 2 },
          endTime: { seconds: 3, nanos: 4 },
          received: 2,
          dropped: 1,
        });
        return writer;
      });
      writeFileSync(path, bytes);
      expect(
        fields(
          path,
          'frame.time_epoch',
          'frame.len',
          'frame.cap_len',
          'frame.interface_name',
          'frame.interface_description',
          'frame.packet_flags_direction',
          'frame.comment',
          'vxlan.vni',
        ),
      ).toEqual([
        ['1700000000.999999999', '148', '148', 'node-a eth0', 'underlay', '0x00000002', '', '4097'],
        ['4300000000.000000001', '134', '50', 'node-b tun0', '', '0x00000001', 'ça va?', '4097'],
        ['0.000000000', '148', '148', 'node-a eth0', 'underlay', '', 'plain', '4097'],
      ]);
    },
  );

  test.skipIf(!hasTool('capinfos'))('capinfos names application, interfaces and their statistics', () => {
    const path = join(folder, 'info.pcapng');
    const { bytes } = collect((sink) => {
      const writer = new PcapngWriter(sink, { application: 'vxlab', hardware: 'none', comment: 'seed 1' });
      writer.addInterface({ linkType: 1, name: 'eth0' });
      copyReference(writer);
      writer.writeStatistics(0, { seconds: 1_795_373_030, nanos: 0, received: 20, dropped: 0 });
      return writer;
    });
    writeFileSync(path, bytes);
    const said = runTool('capinfos', ['-M', path]);
    expect(said).toMatch(/File type:\s+.*pcapng/);
    expect(said).toMatch(/Number of packets:\s+20\n/);
    expect(said).toMatch(/Capture application:\s+vxlab\n/);
    expect(said).toMatch(/Capture comment:\s+seed 1\n/);
    expect(said).toMatch(/Name = eth0\n/);
    expect(said).toMatch(/Number of stat entries = 1\n/);
    expect(said).toMatch(/Number of packets = 20\n/);
    expect(said).toMatch(/Time precision = nanoseconds/);
  });
});
