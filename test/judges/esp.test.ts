// ESP before others: tshark and Scapy get a capture and the keys file that goes with it, and nothing else. They must find the
// very frames that went into the tunnels, and none with a wrong key; what Scapy seals we open.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyOf } from '../../src/core/esp/key.ts';
import { readKeysFile, writeKeysFile } from '../../src/core/esp/keys-file.ts';
import { Opener } from '../../src/core/esp/opener.ts';
import type { Part } from '../../src/core/reassembly/sight.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import { NODE_CIPHER } from '../../src/live/node-cipher.ts';
import { cli } from '../cli/harness.ts';
import { meta } from '../core/reassembly/cut.ts';
import { hex, toHex, viewOf } from '../support/bytes.ts';
import { packetsOf } from '../support/columns.ts';
import { DOCKER_LIKE } from '../support/esp.ts';
import { PYTHON, scapy, tsharkWithKeys, withWrongKeys } from '../support/esp-judges.ts';
import { Recorded, scratch } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';
import { hasTool } from '../support/peers.ts';
import type { SealedCapture } from '../support/sealed-capture.ts';
import { sealCapture } from '../support/sealed-capture.ts';

const files = scratch('esp');
afterAll(() => files.done());

/** A run of the emulated cluster: pings, large ones in inner fragments, datagrams, ICMP errors. */
function run(family: 4 | 6): Uint8Array {
  const recorded = new Recorded(manifest('lecture-dnsrr.yml'), 'docker', { family });
  recorded.ping('webserver.1', 'appserver.1');
  recorded.ping('appserver.2', 'mysql.1');
  recorded.ping('webserver.1', 'appserver.1', { size: 4000, dontFragment: false });
  for (const size of [0, 1, 2, 3, 100, 1000]) recorded.datagram('webserver.1', 'appserver.1', size);
  recorded.toClosedPort('webserver.1', 'appserver.1');
  recorded.simulation.close();
  const path = files.path(`plain-${family}.pcapng`);
  recorded.save(path);
  return readFileSync(path);
}

interface Case {
  readonly name: string;
  readonly capture: SealedCapture;
  /** Where it was written. */
  readonly path: string;
  readonly plainPath: string;
  readonly keysPath: string;
  readonly wrongPath: string;
}

const cases = new Map<string, Case>();
const NAMES = ['ICV of 8 over IPv4', 'ICV of 8 over IPv6', 'ICV of 12 over IPv4', 'ICV of 16 over IPv6'];

beforeAll(() => {
  const plain = { 4: run(4), 6: run(6) };
  for (const name of NAMES) {
    const [icv, family] = /\d+.*(\d)/.exec(name) ?? [];
    const capture = sealCapture(plain[family === '6' ? 6 : 4], Number.parseInt(icv ?? '', 10) as 8 | 12 | 16);
    const path = (end: string): string => files.path(`${name.replaceAll(' ', '-')}${end}`);
    const made = {
      ...{ name, capture, path: path('.pcap'), plainPath: path('-plain.pcap') },
      ...{ keysPath: path('.keys'), wrongPath: path('-wrong.keys') },
    };
    writeFileSync(made.path, capture.closed);
    writeFileSync(made.plainPath, capture.plain);
    writeFileSync(made.keysPath, capture.keys);
    writeFileSync(made.wrongPath, writeKeysFile(withWrongKeys(capture.associations)));
    cases.set(name, made);
  }
}, 60_000);

function of(name: string): Case {
  return cases.get(name) as Case;
}

function tshark(path: string, keys: string | null, ...columns: readonly string[]): string[][] {
  return tsharkWithKeys(path, keys, columns);
}

/** The UDP and VXLAN headers in front of the frame, as hex digits. */
const HEADERS = 2 * 16;

test.each(NAMES)('%s: the capture has something to find', (name) => {
  const { capture } = of(name);
  expect(capture.frames.length).toBeGreaterThan(30);
  expect(capture.associations.length).toBeGreaterThan(3);
  expect(new Set(capture.frames.map((frame) => frame.length % 8)).size).toBeGreaterThan(2);
});

describe.skipIf(!hasTool('tshark'))('tshark with the keys file', () => {
  test.each(NAMES)(
    '%s: opens every packet to the frame that went in, and says that each is as it was sent',
    (name) => {
      const { path, keysPath, capture } = of(name);
      const rows = tshark(path, keysPath, 'esp.contained_data', 'esp.icv_good', 'vxlan.vni');
      expect(rows.map(([data = '']) => data.slice(HEADERS))).toEqual(capture.frames);
      expect(new Set(rows.map(([, good]) => good))).toEqual(new Set(['1']));
      expect(rows.every(([, , vni]) => vni !== '')).toBe(true);
    },
  );

  test.each(NAMES)('%s: opens none with a wrong key', (name) => {
    const { path, wrongPath, capture } = of(name);
    const rows = tshark(path, wrongPath, 'frame.number', 'esp.contained_data', 'esp.icv_good', 'vxlan.vni');
    expect(rows).toHaveLength(capture.frames.length);
    const found = rows.filter(([, data = '', good, vni]) => {
      return good === '1' || vni !== '' || capture.frames.includes(data.slice(HEADERS));
    });
    expect(found).toEqual([]);
  });

  test.each(NAMES)('%s: sees none without', (name) => {
    const { path, capture } = of(name);
    const rows = tshark(path, null, 'frame.protocols');
    expect(new Set(rows.map(([protocols = '']) => protocols.split(':').at(-1)))).toEqual(new Set(['esp']));
    expect(rows).toHaveLength(capture.frames.length);
  });

  test.each(NAMES)('%s: inspect --keys says of each packet what tshark says', async (name) => {
    const { path, keysPath } = of(name);
    const last = (cell: string | undefined): string | null => (cell ?? '').split(';').at(-1) || null;
    const theirs = tshark(
      ...[path, keysPath, 'frame.number', 'frame.len', 'vxlan.vni', 'eth.src', 'eth.dst', '_ws.col.Protocol'],
      ...['_ws.col.Source', '_ws.col.Destination', 'esp.spi', 'esp.sequence', 'esp.pad_len', 'esp.protocol'],
    ).map(([number, length, vni, src, dst, protocol, from, to]) => [
      ...[Number(number), Number(length), Number(last(vni)), last(src), last(dst), protocol, from, to],
    ]);
    const { out, err, code } = await cli(['inspect', '--packets', '--json', '--keys', keysPath, path]);
    expect([code, err]).toEqual([0, '']);
    const ours = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
      .map(({ number, length, vni, inner, protocol }) => [
        ...[number, length, vni, inner?.srcMac, inner?.dstMac, protocol],
        // tshark's columns have a MAC where there is no IP.
        ...(protocol === 'ARP' ? [inner?.srcMac, inner?.dstMac] : [inner?.src, inner?.dst]),
      ]);
    expect(ours).toEqual(theirs);
  });

  test.each(NAMES)('%s: fields of ESP have the values that tshark has', (name) => {
    const { path, capture, keysPath } = of(name);
    const names = [
      'esp.spi',
      'esp.sequence',
      'esp.iv',
      'esp.pad_len',
      'esp.protocol',
      'esp.icv',
      'esp.contained_data',
    ];
    const rows = tshark(path, keysPath, ...names);
    const sight = opening(capture.keys);
    for (const [i, { bytes }] of packetsOf(capture.closed).entries()) {
      read(sight, bytes, i + 1);
      const { view, d, from } = sight.parts[1] as Part;
      const esp = d.start(from);
      const icv = d.packetEnd - d.icvLength;
      const slice = (a: number, b: number): string =>
        toHex(new Uint8Array(view.buffer, view.byteOffset + a, b - a));
      expect([
        `0x${slice(esp, esp + 4)}`,
        String(view.getUint32(esp + 4)),
        slice(esp + 8, esp + 16),
        String(view.getUint8(icv - 2)),
        `0x${slice(icv - 1, icv)}`,
        slice(icv, d.packetEnd),
        slice(d.head(from), d.end(from)),
      ]).toEqual(rows[i]);
    }
  });
});

interface Row {
  readonly number: number;
  readonly length: number;
  readonly vni: number | null;
  readonly inner: {
    readonly srcMac: string;
    readonly dstMac: string;
    readonly src: string;
    readonly dst: string;
  } | null;
  readonly protocol: string;
}

describe('our own reading with the keys', () => {
  test.each(NAMES)('%s: is that of the same packets in the clear, but for lengths', async (name) => {
    const { path, plainPath, keysPath } = of(name);
    const rows = async (...argv: readonly string[]): Promise<unknown[]> => {
      const { out } = await cli(['inspect', '--packets', '--json', ...argv]);
      return out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const strip = ({ length: _, captured: __, opened, ...row }: Record<string, unknown>) => ({ opened, row });
    const closed = ((await rows('--keys', keysPath, path)) as Record<string, unknown>[]).map(strip);
    const plain = ((await rows(plainPath)) as Record<string, unknown>[]).map(strip);
    expect(closed.map(({ row }) => row)).toEqual(plain.map(({ row }) => row));
    expect(new Set(closed.map(({ opened }) => opened))).toEqual(new Set([true]));
    expect(new Set(plain.map(({ opened }) => opened))).toEqual(new Set([undefined]));
  });
});

describe.skipIf(PYTHON === undefined)('Scapy', () => {
  test.each(NAMES)('%s: opens every packet to the frame that went in', (name) => {
    const { path, keysPath, capture } = of(name);
    expect(scapy(['open', path, keysPath])).toEqual({ frames: capture.frames });
  });

  test.each(NAMES)('%s: opens none with a wrong key', (name) => {
    const { path, wrongPath, capture } = of(name);
    expect(scapy(['open', path, wrongPath])).toEqual({ frames: capture.frames.map(() => null) });
  });

  test('what it seals we open, and not with a bit turned', () => {
    const six = { a: 0x20010db8, b: 0, c: 0, d: 17 };
    const path = files.path('built.keys');
    const associations = [
      ...([8, 12, 16] as const).map((icvLength) => ({ ...DOCKER_LIKE, spi: 0x1000 + icvLength, icvLength })),
      { ...DOCKER_LIKE, src: six, dst: { ...six, d: 18 }, key: new Uint8Array(32).fill(9) },
    ];
    writeFileSync(path, writeKeysFile(associations));
    const built = scapy(['build', path, '12']) as { packet: string; frame: string }[];
    expect(built).toHaveLength(48);
    const sight = new Sight(undefined, {}, new Opener(associations.map(keyOf), NODE_CIPHER));
    for (const [i, { packet, frame }] of built.entries()) {
      const bytes = hex(packet);
      read(sight, bytes, 2 * i + 1);
      expect(innerOf(sight)).toBe(frame);
      const at = bytes.length - 1 - ((i * 7) % 60);
      bytes[at] = (bytes[at] as number) ^ (1 << (i & 7));
      read(sight, bytes, 2 * i + 2);
      expect(innerOf(sight)).toBeNull();
    }
    expect(sight.opener?.counts).toMatchObject({ packets: 96, opened: 48, refused: 48 });
  });
});

function opening(keys: string): Sight {
  return new Sight(undefined, {}, new Opener(readKeysFile(keys).keys, NODE_CIPHER));
}

function read(sight: Sight, bytes: Uint8Array, number: number): void {
  sight.read(viewOf(bytes), 0, bytes.length, meta(number, 0, bytes.length));
}

function innerOf(sight: Sight): string | null {
  const { view, d } = sight.last;
  const row = d.innerVxlan;
  if (row < 0) return null;
  return toHex(new Uint8Array(view.buffer, view.byteOffset + d.head(row), d.end(row) - d.head(row)));
}
