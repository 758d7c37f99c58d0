import { describe, expect, test } from 'vitest';
import type {
  CorrelateOptions,
  Correlation,
  FollowedFrame,
} from '../../../src/core/edit/correlate/correlate.ts';
import { Correlator } from '../../../src/core/edit/correlate/correlate.ts';
import { FrameKey } from '../../../src/core/edit/correlate/frame-key.ts';
import { PathTree } from '../../../src/core/edit/correlate/path-tree.ts';
import { Samples } from '../../../src/core/edit/correlate/samples.ts';
import { emptyMeta } from '../../../src/core/pcap/chunks.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import type { PacketMeta } from '../../../src/core/pcap/record.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { finish, sum } from '../../../src/core/wire/checksum.ts';
import { hex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';

const US = 1000;
const MS = 1_000_000;

/** An ICMP echo request in Ethernet, by its sequence number. */
function echo(seq: number, ttl = 64): Uint8Array {
  const frame = hex(`
    02 42 0a 00 01 03 02 42 0a 00 01 05 08 00
    45 00 00 1c 00 01 00 00 40 01 00 00 0a 00 01 05 0a 00 01 03
    08 00 f7 fe 00 01 00 00`);
  frame[22] = ttl;
  viewOf(frame).setUint16(40, seq);
  viewOf(frame).setUint16(24, finish(sum(viewOf(frame), 14, 34)));
  return frame;
}

/** The same to everybody. */
function broadcast(seq: number): Uint8Array {
  const frame = echo(seq);
  frame.fill(0xff, 0, 6);
  return frame;
}

/** A frame in VXLAN, as a VTEP sends it. */
function tunnelled(inner: Uint8Array, vni = 4097): Uint8Array {
  const head = hex(`
    02 00 00 00 00 02 02 00 00 00 00 01 08 00
    45 00 00 00 00 00 40 00 40 11 00 00 c0 00 02 0b c0 00 02 0c
    c3 50 12 b5 00 00 00 00  08 00 00 00 00 00 00 00`);
  const frame = new Uint8Array(head.length + inner.length);
  frame.set(head);
  frame.set(inner, head.length);
  const view = viewOf(frame);
  view.setUint16(16, 36 + inner.length);
  view.setUint16(38, 16 + inner.length);
  view.setUint32(46, vni << 8);
  return frame;
}

interface Seen {
  readonly tap: number;
  /** Nanoseconds. */
  readonly at: number;
  readonly frame: Uint8Array;
}

/** What is made of packets at taps that are all in one file, or each in its own. */
function correlated(
  seen: readonly Seen[],
  options: CorrelateOptions & { readonly files?: number } = {},
): { readonly found: Correlation; readonly frames: FollowedFrame[] } {
  const frames: FollowedFrame[] = [];
  const correlator = new Correlator({ ...options, each: (frame) => frames.push(frame) });
  const files = Array.from({ length: options.files ?? 1 }, () => correlator.file());
  const taps = Math.max(...seen.map(({ tap }) => tap)) + 1;
  for (let tap = 0; tap < taps; tap++) correlator.tap(files[tap % files.length] ?? 0);
  const sights = Array.from({ length: taps }, () => new Sight());
  const numbers = sights.map(() => 0);
  for (const { tap, at, frame } of seen) {
    numbers[tap] = (numbers[tap] ?? 0) + 1;
    const meta: PacketMeta = {
      ...emptyMeta(),
      number: numbers[tap] ?? 0,
      seconds: 1_700_000_000 + Math.floor(at / 1e9),
      nanos: at % 1e9,
      originalLength: frame.length,
      linkType: 1,
    };
    const sight = sights[tap] as Sight;
    sight.read(viewOf(frame), 0, frame.length, meta);
    correlator.packet(tap, sight, meta);
  }
  return { found: correlator.finish(), frames };
}

describe('the same frame at several taps', () => {
  test('is one, inside a tunnel and outside, with the delay of each hop', () => {
    const seen = [1, 2, 3].flatMap((seq) => [
      { tap: 0, at: seq * MS, frame: echo(seq) },
      { tap: 1, at: seq * MS + 5 * US, frame: tunnelled(echo(seq)) },
      { tap: 2, at: seq * MS + (5 + 10 * seq) * US, frame: tunnelled(echo(seq)) },
    ]);
    const { found } = correlated(seen);
    expect(found.frames).toBe(3);
    expect(found.hops).toEqual([
      { from: 0, to: 1, frames: 3, lost: 0, delay: { min: 5000, median: 5000, max: 5000 } },
      { from: 1, to: 2, frames: 3, lost: 0, delay: { min: 10_000, median: 20_000, max: 30_000 } },
    ]);
    expect(found.ways).toEqual([{ taps: [0, 1, 2], frames: 3, floods: 0, lost: 0 }]);
  });

  test('is one before and after a network card filled in its checksum', () => {
    const udp = hex(`
      02 42 0a 00 01 03 02 42 0a 00 01 05 08 00
      45 00 00 20 00 01 00 00 40 11 00 00 0a 00 01 05 0a 00 01 03  27 0f 27 0e 00 0c 16 3a 61 62 63 64`);
    const filled = udp.slice();
    filled[40] = 0xaa;
    expect(
      correlated([
        { tap: 0, at: 0, frame: udp },
        { tap: 1, at: 1, frame: filled },
      ]).found.frames,
    ).toBe(1);
    const other = udp.slice();
    other[45] = 0x65;
    expect(
      correlated([
        { tap: 0, at: 0, frame: udp },
        { tap: 1, at: 1, frame: other },
      ]).found.frames,
    ).toBe(2);
  });

  test('is one when Ethernet pads it to its smallest size at one of them', () => {
    const padded = new Uint8Array(60);
    padded.set(echo(1));
    expect(
      correlated([
        { tap: 0, at: 0, frame: echo(1) },
        { tap: 1, at: 1, frame: padded },
      ]).found.frames,
    ).toBe(1);
  });

  test('behind a router it is another, unless routed frames are asked for', () => {
    const behind = echo(1, 63);
    behind[5] = 9;
    const seen = [
      { tap: 0, at: 0, frame: echo(1) },
      { tap: 1, at: 1, frame: behind },
    ];
    expect(correlated(seen).found.frames).toBe(2);
    expect(correlated(seen, { routed: true }).found.frames).toBe(1);
  });

  test('is one where a snap length cut it, when only its first bytes are asked for', () => {
    const meta = { ...emptyMeta(), linkType: 1, originalLength: 42 };
    const keys = [42, 36].map((captured) => {
      const key = new FrameKey({ bytes: 34 });
      const sight = new Sight();
      sight.read(viewOf(echo(1)), 0, captured, meta);
      expect(key.take(sight)).toBe(true);
      return [key.high, key.low, key.pairHigh, key.pairLow];
    });
    expect(keys[0]).toEqual(keys[1]);
  });

  test('equal frames one behind the other stay in order', () => {
    const { found } = correlated([
      { tap: 0, at: 0, frame: echo(1) },
      { tap: 0, at: 10, frame: echo(1) },
      { tap: 1, at: 100, frame: echo(1) },
      { tap: 1, at: 110, frame: echo(1) },
    ]);
    expect(found.hops).toEqual([
      { from: 0, to: 1, frames: 2, lost: 0, delay: { min: 100, median: 100, max: 100 } },
    ]);
    expect(found.taps.map(({ repeats, duplicates }) => [repeats, duplicates])).toEqual([
      [1, 0],
      [0, 0],
    ]);
  });

  test('again at a tap where it did not begin is a duplicate', () => {
    const { found } = correlated([
      { tap: 0, at: 0, frame: echo(1) },
      { tap: 1, at: 100, frame: echo(1) },
      { tap: 1, at: 110, frame: echo(1) },
    ]);
    expect(found.frames).toBe(1);
    expect(found.taps.map(({ duplicates }) => duplicates)).toEqual([0, 1]);
  });

  test('after the window it is a new one', () => {
    const { found } = correlated(
      [
        { tap: 0, at: 0, frame: echo(1) },
        { tap: 1, at: 11 * MS, frame: echo(1) },
      ],
      { window: 10 * MS },
    );
    expect(found.frames).toBe(2);
  });
});

describe('captures that two taps took of the same packets', () => {
  /** Every packet at tap 0 and a microsecond later, perhaps changed, at tap 1. */
  function twice(
    name: string,
    options: CorrelateOptions,
    change: (bytes: Uint8Array) => void = () => {},
  ): Correlation {
    const seen = readAll(captureBytes(name)).packets.flatMap(({ bytes, time }): Seen[] => {
      const later = bytes.slice();
      change(later);
      const at = Number((time as bigint) % 1_000_000_000_000n);
      return [
        { tap: 0, at, frame: bytes },
        { tap: 1, at: at + US, frame: later },
      ];
    });
    return correlated(seen, options).found;
  }

  test.each([
    'kernel/outer-frag.pcap',
    'kernel/ipv6-underlay.pcap',
    'kernel/misc-stp.pcap',
    'kernel/gpe.pcap',
    'kernel/inner-vlan.pcap',
    'kernel/mcast3-vtep1.pcap',
  ])('%s: every frame is at both', (name) => {
    for (const options of [{}, { routed: true }, { bytes: 64 }]) {
      const { ways, lost } = twice(name, options);
      expect(ways.map(({ taps }) => taps)).toEqual([[0, 1]]);
      expect(lost).toBe(0);
    }
  });

  test('a whole frame is found whether its tunnel had to fragment it or not', () => {
    const whole = tunnelled(echo(1));
    const head = 34;
    // The IP payload in two fragments, the first of 40 bytes: within the inner IPv4 header.
    const pieces = [
      [0, 40],
      [40, whole.length - head],
    ].map(([from = 0, to = 0], i) => {
      const piece = new Uint8Array(head + to - from);
      piece.set(whole.subarray(0, head));
      piece.set(whole.subarray(head + from, head + to), head);
      const view = viewOf(piece);
      view.setUint16(16, 20 + to - from);
      view.setUint16(18, 77);
      view.setUint16(20, i === 0 ? 0x2000 : from / 8);
      return piece;
    });
    const { found } = correlated([
      { tap: 0, at: 0, frame: echo(1) },
      { tap: 1, at: 10, frame: pieces[0] as Uint8Array },
      { tap: 1, at: 20, frame: pieces[1] as Uint8Array },
    ]);
    expect(found.hops).toMatchObject([{ from: 0, to: 1, frames: 1, delay: { min: 20 } }]);
  });

  test('IPv6 behind a router is found when routed frames are asked for', () => {
    const hops = (routed: boolean): number =>
      twice('kernel/unicast4-inner.pcap', { routed }, (bytes) => {
        bytes[11] = 0xee;
        if (bytes[12] === 0x86) bytes[21] = (bytes[21] ?? 0) - 1;
      }).ways.filter(({ taps }) => taps.length === 2).length;
    expect([hops(true) > 0, hops(false)]).toEqual([true, 0]);
  });
});

describe('a lost frame', () => {
  const way = (seq: number, taps: readonly number[]): Seen[] =>
    taps.map((tap, i) => ({ tap, at: seq * MS + i * US, frame: i === 0 ? echo(seq) : tunnelled(echo(seq)) }));

  test('died behind its last tap, on the hop that others took', () => {
    const { found, frames } = correlated([
      ...way(1, [0, 1, 2]),
      ...way(2, [0, 1]),
      ...way(3, [0]),
      ...way(4, [0, 1, 2]),
    ]);
    expect(found.lost).toBe(2);
    expect(found.hops.map(({ from, to, lost }) => [from, to, lost])).toEqual([
      [0, 1, 1],
      [1, 2, 1],
    ]);
    expect(frames.map((frame) => found.diedBefore(frame))).toEqual([-1, 2, 1, -1]);
    expect(found.ways.map(({ taps, lost }) => [taps, lost])).toEqual([
      [[0, 1, 2], 0],
      [[0], 1],
      [[0, 1], 1],
    ]);
  });

  test('is not one that came as far as all of its kind do', () => {
    expect(correlated([...way(1, [0, 1]), ...way(2, [0, 1])]).found.lost).toBe(0);
  });

  test('is charged to the hop that most others took, where ways part', () => {
    const { found } = correlated([...way(1, [0, 1]), ...way(2, [0, 2]), ...way(3, [0, 2]), ...way(4, [0])]);
    expect(found.hops.find(({ lost }) => lost > 0)).toMatchObject({ from: 0, to: 2, lost: 1 });
  });

  test('broadcast goes many ways and is not judged', () => {
    const seen = [1, 2, 3].flatMap((seq) =>
      (seq === 2 ? [0] : [0, 1]).map((tap, i) => ({ tap, at: seq * MS + i, frame: broadcast(seq) })),
    );
    const { found } = correlated(seen);
    expect([found.lost, found.frames, found.hops]).toEqual([0, 3, []]);
    expect(found.ways.map(({ taps, floods }) => [taps, floods])).toEqual([
      [[0, 1], 2],
      [[0], 1],
    ]);
  });

  test('is none while not all captures were being taken', () => {
    // Tap 1, in a file of its own, sees frames 2 and 4; frame 3 is lost, frames 1 and 5 nobody could have seen there.
    const seen = [...way(1, [0]), ...way(2, [0, 1]), ...way(3, [0]), ...way(4, [0, 1]), ...way(5, [0])];
    const correlator = new Correlator();
    const files = [correlator.file(), correlator.file()];
    for (const file of files) correlator.tap(file);
    const sights = files.map(() => new Sight());
    correlator.ended(0, 0, 5 * MS);
    correlator.ended(1, 0, 4 * MS + US);
    for (const { tap, at, frame } of seen) {
      const meta: PacketMeta = { ...emptyMeta(), nanos: at, originalLength: frame.length, linkType: 1 };
      sights[tap]?.read(viewOf(frame), 0, frame.length, meta);
      correlator.packet(tap, sights[tap] as Sight, meta);
    }
    const found = correlator.finish();
    expect([found.lost, found.unjudged]).toEqual([1, 3]);
  });
});

describe('bounds', () => {
  test('records are given up early when there is no room, and said so', () => {
    const seen = Array.from({ length: 100 }, (_, i) => ({ tap: 0, at: i, frame: echo(i) }));
    const { found } = correlated(seen, { most: 10 });
    expect([found.frames, found.early]).toEqual([100, 90]);
  });

  test('limits that make no sense are refused', () => {
    expect(() => new Correlator({ window: 0 })).toThrow(/window/);
    expect(() => new Correlator({ most: 0 })).toThrow(/followed/);
  });

  test('the middle of many numbers stays close to the middle', () => {
    const samples = new Samples();
    for (let i = 0; i < 300_001; i++) samples.add((i * 7919) % 300_001);
    expect([samples.min, samples.max, samples.count]).toEqual([0, 300_000, 300_001]);
    expect(Math.abs(samples.median - 150_000)).toBeLessThan(3000);
    const few = new Samples();
    for (const value of [5, 1, 9]) few.add(value);
    expect(few.median).toBe(5);
  });

  test('a way tells its taps and its first one, and is the same when it is taken again', () => {
    const tree = new PathTree();
    const ab = tree.step(tree.step(0, 7), 8);
    const abc = tree.step(ab, 9);
    expect([tree.taps(abc), tree.first(abc), tree.tap(abc), tree.depth(abc)]).toEqual([[7, 8, 9], 7, 9, 3]);
    expect([tree.passes(abc, 8), tree.passes(abc, 1)]).toEqual([true, false]);
    expect(tree.step(ab, 9)).toBe(abc);
  });
});
