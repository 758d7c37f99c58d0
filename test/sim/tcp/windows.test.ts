// Receivers that read slowly or not at all: windows that close and open again, probes meanwhile, bounded memory, and the MTU of
// a path that becomes smaller while bytes are on it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/engine/time/clock.ts';
import { journeys, play, script } from '../../support/journey.ts';
import { tries } from '../../support/properties.ts';
import { HONEST, Road } from '../../support/road.ts';
import type { Script } from '../../support/streams.ts';
import { Audience, SCRIPT, Talker } from '../../support/streams.ts';
import { Referee } from '../../support/tcp-referee.ts';

const MEGABYTES = 3_000_000;

describe('a reader that is slower than the path', () => {
  test('gets every byte; its window closes and opens, and no byte goes beyond it', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 500, max: 60_000 }),
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom(0, 0, 0.01),
        fc.constantFrom(1450, 9000),
        (seed, gulp, rest, loss, mtu) => {
          const down: Script = { ...SCRIPT, gulp, rest: rest * MILLISECOND };
          const up: Script = { ...SCRIPT, send: 1_600_000, piece: 65_000 };
          const impair = { delay: 2 * MILLISECOND, loss };
          const journey = {
            seed,
            family: 4 as const,
            mtu,
            impair,
            mischief: HONEST,
            talks: [{ up, down }],
            apart: 0,
          };
          const { complaints, pairs, road } = play(journey);
          expect(complaints).toEqual([]);
          expect(pairs[0]?.down?.received).toBe(up.send);
          if (loss === 0) expect(road.a.tcp.retransmits).toBe(0);
        },
      ),
      tries(30),
    );
  });

  test('that stands still for an hour: probes ever slower, at most as far apart as a retransmission, and no end of it', () => {
    const referee = new Referee();
    const road = new Road({ seed: 1, impair: { delay: MILLISECOND }, referee });
    const { clock, a, b } = road;
    const audience = new Audience(clock, b.tcp, 80, () => ({
      script: { ...SCRIPT, rest: 4000 * SECOND, gulp: 1 },
      id: 0,
    }));
    const up = Talker.connect(clock, a.tcp, road.ipB, 80, { ...SCRIPT, send: MEGABYTES, piece: 65_000 }, 0);
    clock.runUntil(100 * SECOND);
    const before = referee.segments;
    const stuck = up.sent;
    clock.runUntil(3700 * SECOND);
    // What was promised was taken: nothing was cut and sent again.
    expect([up.outcome, up.sent, a.tcp.retransmits]).toEqual(['none', stuck, 0]);
    // A question and an answer each; 0.2 s doubled up to 120 s makes some ten in the first minutes, then thirty an hour.
    const probes = (referee.segments - before) / 2;
    expect(probes).toBeGreaterThan(25);
    expect(probes).toBeLessThan(60);
    // Both buffers are bounded.
    const [down] = [...audience.talkers.values()];
    expect(up.socket?.unacknowledged).toBeLessThanOrEqual(1 << 22);
    expect(down?.socket?.readableLength).toBeLessThanOrEqual(6 << 20);
    expect(stuck).toBeLessThan(MEGABYTES);
    expect([...up.faults, ...(down?.faults ?? []), ...referee.faults]).toEqual([]);
    up.abort();
    clock.runUntil(3701 * SECOND);
    expect(down?.outcome).toBe('ECONNRESET');
    expect(road.end()).toEqual([]);
  });

  test('and goes on then: the rest arrives without a pause', () => {
    const road = new Road({ seed: 1, impair: { delay: MILLISECOND } });
    const { clock, a, b } = road;
    const listener = b.tcp.listen(80, { acceptable: () => {} });
    const up = Talker.connect(clock, a.tcp, road.ipB, 80, { ...SCRIPT, send: MEGABYTES, piece: 65_000 }, 0);
    clock.runUntil(500 * SECOND);
    const silent = { connected() {}, readable() {}, writable() {}, ended() {}, closed() {} };
    const socket = listener.accept(silent);
    const before = clock.now;
    const into = new Uint8Array(100_000);
    let heard = 0;
    while (heard < MEGABYTES && clock.now - before < 10 * SECOND) {
      for (let n = socket?.read(into) ?? 0; n > 0; n = socket?.read(into) ?? 0) heard += n;
      clock.runUntil(clock.now + MILLISECOND);
    }
    listener.close();
    expect(heard).toBe(MEGABYTES);
    // No timer was waited for: the window's opening was told at once.
    expect(clock.now - before).toBeLessThan(SECOND);
    expect(up.outcome).not.toBe('ETIMEDOUT');
    expect(road.end()).toEqual([]);
  });
});

describe('a path whose MTU shrinks (RFC 1191, RFC 8201)', () => {
  const shrunk = (family: 4 | 6): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min: family === 4 ? 576 : 1280, max: 1499 }), { minLength: 1, maxLength: 3 });

  test('takes the streams in smaller pieces from then on', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc
          .constantFrom(4 as const, 6 as const)
          .chain((family) => fc.tuple(fc.constant(family), shrunk(family))),
        fc.integer({ min: 0, max: 80 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(0, 0, 0.02),
        script(400_000),
        script(400_000),
        (seed, [family, mtus], first, delay, loss, up, down) => {
          const impair = { delay: delay * MILLISECOND, loss };
          const talks = [{ up: { ...up, rest: 0 }, down: { ...down, rest: 0 } }];
          const journey = {
            seed,
            family,
            mtu: 1500,
            routers: true,
            impair,
            mischief: HONEST,
            talks,
            apart: 0,
          };
          const events = mtus.map((mtu, i) => ({
            at: (first + i * 40) * MILLISECOND,
            run: (road: Road) => road.shrink(mtu),
          }));
          const { complaints } = play(journey, [], events);
          expect(complaints).toEqual([]);
        },
      ),
      tries(150),
    );
  });

  test('is learned in one round trip, not by a timeout', () => {
    for (const family of [4, 6] as const) {
      const road = new Road({ seed: 1, family, routers: true, impair: { delay: 10 * MILLISECOND } });
      const { clock, a, b } = road;
      const audience = new Audience(clock, b.tcp, 80, () => ({ script: SCRIPT, id: 0 }));
      road.shrink(1300);
      const up = Talker.connect(clock, a.tcp, road.ipB, 80, { ...SCRIPT, send: 14_000 }, 0);
      clock.runUntil(150 * MILLISECOND);
      const [down] = [...audience.talkers.values()];
      expect(down?.received).toBe(14_000);
      expect(up.socket?.info().mss).toBe(1300 - (family === 4 ? 40 : 60) - 12);
      expect(up.faults).toEqual([]);
      expect(road.end()).toEqual([]);
    }
  });
});

test('journeys through routers, with all else that may happen', () => {
  fc.assert(
    fc.property(journeys(0.1, 40_000, 2), (journey) => {
      const { complaints } = play({ ...journey, routers: true }, ['ETIMEDOUT']);
      expect(complaints).toEqual([]);
    }),
    tries(150),
  );
});
