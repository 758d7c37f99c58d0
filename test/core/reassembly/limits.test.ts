import { describe, expect, test } from 'vitest';
import type { ReassemblyLimits } from '../../../src/core/reassembly/limits.ts';
import { REASSEMBLY_LIMITS } from '../../../src/core/reassembly/limits.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { viewOf } from '../../support/bytes.ts';
import { cutsAt, ethernet, ip4, ip6, meta, payload, see } from './cut.ts';

/** Two fragments of a datagram of 64 bytes. */
function pair(id: number, length = 64): [Uint8Array, Uint8Array] {
  const cuts = cutsAt(length, [32]);
  return cuts.map((cut) => ethernet(0x800, ip4(payload(length, id), { id, protocol: 253 }, cut))) as never;
}

function limited(limits: Partial<ReassemblyLimits>): Sight {
  return new Sight(undefined, limits);
}

describe('age', () => {
  test.each([
    [0, 30, 2],
    [0, 31, 1],
    [1000, 970, 2],
    // A file that was joined to another from long before.
    [1000, 900, 1],
  ])('a fragment at %i s and one at %i s: %i parts', (one, two, parts) => {
    const sight = new Sight();
    const [a, b] = pair(1);
    see(sight, a, 1, one);
    expect(see(sight, b, 2, two)).toHaveLength(parts);
    expect(sight.reassembler.counts.timedOut).toBe(2 - parts);
  });

  test('old ones go when any other fragment comes', () => {
    const sight = limited({ seconds: 1 });
    for (let id = 1; id <= 5; id++) see(sight, pair(id)[0], id, 0);
    see(sight, pair(6)[0], 6, 0.5);
    expect(sight.reassembler.waiting).toBe(6);
    see(sight, pair(7)[0], 7, 1.25);
    expect(sight.reassembler.waiting).toBe(2);
    expect(sight.reassembler.counts.timedOut).toBe(5);
  });

  test('one that is too old is given up though an older entry is not', () => {
    const sight = new Sight();
    see(sight, pair(1)[0], 1, 100);
    see(sight, pair(2)[0], 2, 75);
    expect(see(sight, pair(2)[1], 3, 110)).toHaveLength(1);
    expect(sight.reassembler).toMatchObject({ waiting: 2, counts: { timedOut: 1 } });
  });

  test('packets without a time never grow old', () => {
    const sight = new Sight();
    const [a, b] = pair(1);
    for (const [i, frame] of [a, b].entries()) {
      const view = viewOf(frame);
      sight.read(view, 0, frame.length, { ...meta(i + 1, 0, frame.length), timed: false });
    }
    expect(sight.parts).toHaveLength(2);
  });
});

describe('room', () => {
  test('with too many datagrams the oldest goes', () => {
    const sight = limited({ datagrams: 3 });
    for (let id = 1; id <= 4; id++) see(sight, pair(id)[0], id);
    expect(sight.reassembler.waiting).toBe(3);
    expect(sight.reassembler.counts.evicted).toBe(1);
    for (let id = 2; id <= 4; id++) expect(see(sight, pair(id)[1], 10 + id)).toHaveLength(2);
    expect(see(sight, pair(1)[1], 20)).toHaveLength(1);
  });

  test('bytes are those of memory: a fragment at the end of 64 KB counts for all of it', () => {
    const sight = limited({ bytes: 1_000_000 });
    const cut = { offset: 65000, length: 8, more: true };
    for (let id = 1; id <= 200; id++) {
      see(sight, ethernet(0x800, ip4(payload(65008), { id, protocol: 253 }, cut)), id);
      expect(sight.reassembler.bytes).toBeLessThanOrEqual(1_000_000);
    }
    expect(sight.reassembler.waiting).toBe(10);
    expect(sight.reassembler.counts.evicted).toBe(190);
  });

  test('less room than one datagram takes: none is kept, nothing breaks', () => {
    const sight = limited({ bytes: 100 });
    for (const frame of pair(1)) expect(see(sight, frame)).toHaveLength(1);
    expect(sight.reassembler).toMatchObject({ waiting: 0, bytes: 0, counts: { evicted: 2, completed: 0 } });
  });

  test('nothing is held of datagrams that are whole', () => {
    const sight = new Sight();
    for (let id = 1; id <= 50; id++) for (const frame of pair(id)) see(sight, frame);
    expect(sight.reassembler).toMatchObject({ waiting: 0, bytes: 0, counts: { completed: 50, evicted: 0 } });
  });

  test.each([{ datagrams: 0 }, { datagrams: 1.5 }, { bytes: 0 }, { bytes: Number.NaN }, { seconds: 0 }])(
    'a limit that cannot be is refused: %o',
    (limits) => {
      expect(() => limited(limits)).toThrow(VxlabError);
    },
  );

  test('what is left out is the default', () => {
    expect(limited({ seconds: 5 }).reassembler.limits).toEqual({ ...REASSEMBLY_LIMITS, seconds: 5 });
  });
});

describe('lies', () => {
  test('a ping of death: past 65535 bytes there is no datagram, whatever comes after', () => {
    const whole = payload(65535);
    const sight = new Sight();
    const cuts = cutsAt(
      65520,
      Array.from({ length: 45 }, (_, i) => i * 1480),
    );
    for (const cut of cuts) {
      expect(see(sight, ethernet(0x800, ip4(whole, { protocol: 1 }, cut)))).toHaveLength(1);
    }
    expect(sight.reassembler.counts).toMatchObject({ oversize: 1, completed: 0, overlapping: 0 });
  });

  test.each([
    ['IPv4 counts its header', 65515, true],
    ['IPv4 counts its header', 65516, false],
  ])('%s: %i bytes of payload', (_, length, fits) => {
    const sight = new Sight();
    const cuts = cutsAt(length, [32000, 64000]);
    for (const cut of cuts) see(sight, ethernet(0x800, ip4(payload(length), { protocol: 253 }, cut)));
    expect(sight.parts.length === 2).toBe(fits);
  });

  test.each([
    [65535, '', true],
    [65527, '2c 00 0104 00000000', true],
    [65528, '2c 00 0104 00000000', false],
  ])(
    'IPv6 counts extension headers before the fragment header: %i bytes behind "%s"',
    (length, before, fits) => {
      const sight = new Sight();
      const first = before === '' ? 44 : 0;
      for (const cut of cutsAt(length, [32000, 64000])) {
        see(sight, ethernet(0x86dd, ip6(payload(length), cut, { first, before })));
      }
      expect(sight.parts.length === 2).toBe(fits);
    },
  );

  test('fragments that contradict each other: nothing more comes of the datagram until its time is up', () => {
    const sight = new Sight();
    const [a, b] = pair(1);
    const other = a.slice();
    other[40] = 0xff;
    see(sight, a, 1);
    see(sight, other, 2);
    for (const [i, frame] of [a, b].entries()) expect(see(sight, frame, 3 + i, 29)).toHaveLength(1);
    expect(sight.reassembler.counts).toMatchObject({ overlapping: 1, completed: 0, repeated: 0 });
    expect(see(sight, a, 5, 31)).toHaveLength(1);
    expect(see(sight, b, 6, 31)).toHaveLength(2);
    expect(sight.reassembler.counts.timedOut).toBe(0);
  });

  test('a length that is no multiple of 8 before the end: IPv4 loses the odd bytes, IPv6 the fragment', () => {
    const odd = { offset: 0, length: 35, more: true };
    const rest = { offset: 32, length: 32, more: false };
    const whole = payload(64);
    const sight = new Sight();
    see(sight, ethernet(0x800, ip4(whole, { protocol: 253 }, odd)));
    expect(see(sight, ethernet(0x800, ip4(whole, { protocol: 253 }, rest)))).toHaveLength(2);
    see(sight, ethernet(0x86dd, ip6(whole, odd)));
    expect(see(sight, ethernet(0x86dd, ip6(whole, rest)))).toHaveLength(1);
    expect(sight.reassembler.counts.fragments).toBe(3);
  });

  test('fragments without a byte and without a length are passed over', () => {
    const sight = new Sight();
    see(sight, ethernet(0x800, ip4(payload(8), {}, { offset: 0, length: 0, more: true })));
    see(sight, ethernet(0x86dd, ip6(payload(16), { offset: 8, length: 0, more: false })));
    const noLength = ethernet(0x800, ip4(payload(16), {}, { offset: 0, length: 16, more: true }));
    noLength.fill(0, 16, 18);
    see(sight, noLength);
    // Protocol 44 over IPv4 is a number without a meaning.
    see(
      sight,
      ethernet(
        0x800,
        ip4(ip6(payload(16), { offset: 0, length: 8, more: true }).subarray(40), { protocol: 44 }),
      ),
    );
    expect(sight.reassembler).toMatchObject({ waiting: 0, counts: { fragments: 0 } });
  });
});
