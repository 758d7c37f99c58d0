import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Label,
  putDecimal,
  putDigits,
  putHex16,
  putIp4Left,
  putIp4Right,
  putRight,
  SPILL,
} from '../../../src/cli/render/byte-text.ts';
import { ByteWriter } from '../../../src/cli/render/byte-writer.ts';
import { packetLine } from '../../../src/cli/render/packet.ts';
import { PacketTime } from '../../../src/cli/render/packet-time.ts';
import { PlainLine } from '../../../src/cli/render/plain-line.ts';
import { Crossing } from '../../../src/core/dissect/crossing.ts';
import { DEFAULT_WALK } from '../../../src/core/dissect/ports.ts';
import { AnyReader } from '../../../src/core/pcap/reader.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { formatIp4 } from '../../../src/core/wire/address.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';

/** What `put` wrote behind the first byte of a block, which it must not touch. */
function written(put: (block: DataView, at: number) => number): string {
  const bytes = new Uint8Array(64).fill(0x23);
  const end = put(new DataView(bytes.buffer), 1);
  expect(bytes[0]).toBe(0x23);
  expect(bytes.subarray(end + SPILL).every((byte) => byte === 0x23)).toBe(true);
  return new TextDecoder().decode(bytes.subarray(1, end));
}

const word = fc.integer({ min: 0, max: 0xffff_ffff });

describe('numbers as bytes', () => {
  test('are those that String makes, of every size', () => {
    const sizes = [0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000, 9_999_999, 10_000_000];
    const large = [
      99_999_999, 100_000_000, 999_999_999, 1_000_000_000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
    ];
    for (const n of [...sizes, ...large]) expect(written((b, at) => putDecimal(b, at, n))).toBe(String(n));
    fc.assert(
      fc.property(word, fc.integer({ min: 0, max: 8 }), (n, width) => {
        expect(written((b, at) => putDecimal(b, at, n))).toBe(String(n));
        expect(written((b, at) => putRight(b, at, n, width))).toBe(String(n).padStart(width));
      }),
    );
  });

  test('fill their places with zeros, and in hex', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 1, max: 9 }), (n, digits) => {
        const expected = String(n).padStart(digits, '0').slice(-digits);
        expect(written((b, at) => putDigits(b, at, n, digits))).toBe(expected);
      }),
    );
    expect(written((b, at) => putHex16(b, at, 0x1608))).toBe('1608');
    expect(written((b, at) => putHex16(b, at, 0x0a))).toBe('000a');
  });

  test('labels are their words', () => {
    for (const text of ['', 'a', ' → ', ' [FIN, SYN', 'Echo (ping) request  id=0x']) {
      const label = new Label(text);
      expect(written((b, at) => label.put(b, at))).toBe(text);
    }
  });

  test('addresses fill twelve characters on either side', () => {
    fc.assert(
      fc.property(word, (ip) => {
        expect(written((b, at) => putIp4Right(b, at, ip | 0))).toBe(formatIp4(ip).padStart(12));
        expect(written((b, at) => putIp4Left(b, at, ip | 0))).toBe(formatIp4(ip).padEnd(12));
      }),
    );
  });
});

const FOLDERS = ['docker-swarm', 'kernel', 'ovs', 'formats', 'public'];
const CAPTURES = FOLDERS.flatMap(captureNames).filter((name) => /\.(pcap|pcapng|cap|gz)$/.test(name));

/** Lines written in place of all packets that `PlainLine` knows, and what `packetLine` says of them. */
async function bothWays(bytes: Uint8Array): Promise<{ quick: string; slow: string }> {
  const sight = new Sight();
  const crossing = new Crossing();
  const plain = new PlainLine(DEFAULT_WALK);
  const writer = new ByteWriter();
  let clock: PacketTime | null = null;
  let slow = '';
  const reader = new AnyReader((view, start, end, meta) => {
    clock ??= new PacketTime(meta, 6);
    sight.read(view, start, end, meta);
    if (!plain.knows(view, start, end, meta) || !plain.write(writer, view, start, meta, clock)) return;
    slow += packetLine(sight, meta, crossing, clock.text(meta));
  });
  reader.push(bytes);
  reader.end();
  let quick = '';
  await writer.flush((block) => {
    quick += new TextDecoder().decode(block);
    return Promise.resolve();
  });
  return { quick, slow };
}

describe('lines written in place', () => {
  test.each(CAPTURES)('are those of the long way in %s', async (name) => {
    const { quick, slow } = await bothWays(captureBytes(name));
    expect(quick).toBe(slow);
  });

  test('are most of the lines of an ordinary capture', async () => {
    const { quick } = await bothWays(captureBytes('kernel/http-noffload.pcap'));
    expect(quick.split('\n').length).toBeGreaterThan(70);
  });

  test('say what the long way says when any one bit is turned', async () => {
    const bytes = captureBytes('docker-swarm/traffic-worker1-eth0.pcap').slice(0, 24 + 3000);
    for (let at = 24; at < bytes.length; at += 1) {
      const bit = 1 << (at % 8);
      bytes[at] = (bytes[at] as number) ^ bit;
      const { quick, slow } = await bothWays(bytes);
      expect(quick).toBe(slow);
      bytes[at] = (bytes[at] as number) ^ bit;
    }
  });
});

test('the writer keeps the order of long strings and lines, and fills blocks again', async () => {
  const writer = new ByteWriter();
  let out = '';
  const take = (bytes: Uint8Array): Promise<void> => {
    out += new TextDecoder().decode(bytes);
    return Promise.resolve();
  };
  const long = 'ü'.repeat(300_000);
  for (let round = 0; round < 3; round++) {
    writer.text(`a${round}`);
    writer.text(long);
    writer.text(`b${round}`);
    await writer.flush(take);
  }
  expect(out).toBe([0, 1, 2].map((round) => `a${round}${long}b${round}`).join(''));
});
