import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../src/cli/render/byte-writer.ts';
import { LineMemory } from '../../../src/cli/render/line-memory.ts';
import { packetLine } from '../../../src/cli/render/packet.ts';
import { PacketTime } from '../../../src/cli/render/packet-time.ts';
import { PlainLine } from '../../../src/cli/render/plain-line.ts';
import { Crossing } from '../../../src/core/dissect/crossing.ts';
import { DEFAULT_WALK } from '../../../src/core/dissect/ports.ts';
import { AnyReader } from '../../../src/core/pcap/reader.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';

const FOLDERS = ['docker-swarm', 'kernel', 'ovs', 'formats', 'public'];
const CAPTURES = FOLDERS.flatMap(captureNames).filter((name) => /\.(pcap|pcapng|cap|gz)$/.test(name));

const memory = LineMemory.make() as LineMemory;

/** Lines written in place of all packets that `PlainLine` knows, and what `packetLine` says of them. */
async function bothWays(bytes: Uint8Array): Promise<{ quick: string; slow: string }> {
  const sight = new Sight();
  const crossing = new Crossing();
  const writer = new ByteWriter(memory.text);
  const plain = new PlainLine(DEFAULT_WALK, memory);
  let clock: PacketTime | null = null;
  let slow = '';
  const reader = new AnyReader((view, start, end, meta) => {
    clock ??= new PacketTime(meta, 6);
    sight.read(view, start, end, meta);
    if (!plain.write(writer, view, start, end, meta, clock)) return;
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

test('what is being written stands until it has been, and what comes meanwhile follows it', async () => {
  const writer = new ByteWriter(new Uint8Array(4096));
  let out = '';
  let go = (): void => {};
  const take = async (bytes: Uint8Array): Promise<void> => {
    await new Promise<void>((done) => {
      go = done;
    });
    out += new TextDecoder().decode(bytes);
  };
  writer.text('a'.repeat(1000));
  let first = false;
  const flushed = writer.flush(take).then(() => {
    first = true;
  });
  await new Promise(setImmediate);
  // More than there is room for, while the first is under way.
  for (let i = 0; i < 20; i++) writer.text(String.fromCharCode(0x62 + i).repeat(700));
  expect(first).toBe(false);
  const rest = writer.flush(take);
  let over = false;
  void rest.then(() => {
    over = true;
  });
  while (!over) {
    go();
    await new Promise(setImmediate);
  }
  await flushed;
  const expected = Array.from({ length: 20 }, (_, i) => String.fromCharCode(0x62 + i).repeat(700)).join('');
  expect(out).toBe('a'.repeat(1000) + expected);
  expect(writer.room()).toBe(true);
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
