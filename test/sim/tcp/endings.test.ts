// Connections that end before their time, at any moment: one end resets, a host goes, a cable is pulled, for good or for a
// while. Whoever is left hears of it in the right word, and nothing stays behind.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/engine/time/clock.ts';
import type { Event } from '../../support/journey.ts';
import { journeys, play } from '../../support/journey.ts';
import { tries } from '../../support/properties.ts';
import { Road } from '../../support/road.ts';
import { Audience, SCRIPT, Talker } from '../../support/streams.ts';

/** Milliseconds, mostly while the talk goes on. */
const moment = fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 5_000 }));

describe('at any moment', () => {
  test('the opener, or the other end, resets', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(journeys(0.1, 60_000, 3), moment, fc.nat(2), fc.boolean(), (journey, ms, which, opener) => {
        const event: Event = {
          at: ms * MILLISECOND,
          run: (_, pairs) => {
            const pair = pairs[which % pairs.length];
            const one = opener ? pair?.up : pair?.down;
            if (one !== null && one?.over === false) one.abort();
          },
        };
        const { complaints, pairs } = play(journey, ['ECONNRESET', 'EPIPE', 'ETIMEDOUT'], [event]);
        expect(complaints).toEqual([]);
        for (const { up, down } of pairs) {
          if (up.aborted) seen.add(`up ${down?.outcome}`);
          if (down?.aborted === true) seen.add(`down ${up.outcome}`);
        }
      }),
      tries(300),
    );
    expect(seen).toContain('up ECONNRESET');
    expect(seen).toContain('down ECONNRESET');
  });

  test('a host goes without a word', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(journeys(0.1, 60_000, 3), moment, (journey, ms) => {
        const event: Event = { at: ms * MILLISECOND, run: (road) => road.unplug(road.b) };
        const { complaints, pairs } = play(journey, ['ETIMEDOUT', 'ECONNABORTED'], [event]);
        expect(complaints).toEqual([]);
        for (const { up } of pairs) seen.add(String(up.outcome));
      }),
      tries(200),
    );
    expect(seen).toEqual(new Set(['null', 'ETIMEDOUT']));
  });

  test('a cable is pulled for good', () => {
    fc.assert(
      fc.property(journeys(0.1, 60_000, 3), moment, (journey, ms) => {
        const event: Event = {
          at: ms * MILLISECOND,
          run: (road) => {
            road.up = false;
          },
        };
        expect(play(journey, ['ETIMEDOUT'], [event]).complaints).toEqual([]);
      }),
      tries(200),
    );
  });

  test('a cable is pulled for up to five minutes: once connected, all streams arrive', () => {
    fc.assert(
      fc.property(
        journeys(0.05, 60_000, 2),
        moment,
        fc.integer({ min: 1, max: 300 }),
        (journey, ms, away) => {
          const quiet = {
            ...journey,
            talks: journey.talks.map(({ up, down }) => ({
              up: { ...up, keepAlive: 0 },
              down: { ...down, keepAlive: 0 },
            })),
          };
          const begun = 10 * SECOND + ms * MILLISECOND;
          const set = (at: number, up: boolean): Event => ({
            at,
            run: (road) => {
              road.up = up;
            },
          });
          const opened = new Map<number, boolean>();
          const look: Event = {
            at: begun,
            run: (_, pairs) => {
              for (const [i, { up, down }] of pairs.entries())
                opened.set(i, up.connectedAt >= 0 && down !== null);
            },
          };
          const late = { ...quiet, talks: quiet.talks.map((one) => slowed(one)) };
          const events = [look, set(begun, false), set(begun + away * SECOND, true)];
          // Whoever waits for the last acknowledgement may find that the other end has waited long enough, and is told by a reset.
          const { complaints, pairs } = play(late, ['ETIMEDOUT', 'ECONNRESET'], events);
          expect(complaints).toEqual([]);
          for (const [i, { up, down }] of pairs.entries()) {
            if (opened.get(i) !== true) continue;
            expect([up.received, down?.received]).toEqual([down?.sent, up.sent]);
            expect([up.outcome, down?.outcome]).toContain(null);
            expect([up.outcome, down?.outcome]).not.toContain('ETIMEDOUT');
          }
        },
      ),
      tries(100),
    );
  });
});

/** A pause between pieces, so that the talk goes on for a quarter of a minute. */
function slowed<
  T extends { readonly up: { readonly send: number }; readonly down: { readonly send: number } },
>(talk: T): T {
  const slow = <S extends { readonly send: number }>(one: S): S => ({
    ...one,
    piece: Math.max(100, Math.ceil(one.send / 30)),
    pause: SECOND / 2,
  });
  return { ...talk, up: slow(talk.up), down: slow(talk.down) };
}

describe('the word for it', () => {
  const word = (
    build: (road: Road) => void,
    seconds: number,
    prepare?: (talker: Talker) => void,
  ): unknown => {
    const road = new Road({ seed: 1, impair: { delay: MILLISECOND } });
    build(road);
    const talker = Talker.connect(road.clock, road.a.tcp, road.ipB, 80, { ...SCRIPT, last: 'stay' }, 0);
    if (prepare !== undefined) prepare(talker);
    // Not from inside the call.
    const first = talker.outcome;
    road.clock.runUntil(seconds * SECOND);
    const before = seconds === 0 ? 'none' : talker.outcome;
    road.clock.runUntil(2000 * SECOND);
    expect(talker.faults).toEqual([]);
    expect([first, before]).toEqual(['none', 'none']);
    const { outcome } = talker;
    expect(road.end()).toEqual([]);
    return outcome;
  };
  const serve = (road: Road): Audience =>
    new Audience(road.clock, road.b.tcp, 80, () => ({ script: { ...SCRIPT, last: 'stay' }, id: 0 }));

  test('nobody listens: ECONNREFUSED', () => {
    expect(word(() => {}, 0)).toBe('ECONNREFUSED');
  });

  test('nobody answers: ETIMEDOUT after 127 seconds, as with tcp_syn_retries of 6', () => {
    const build = (road: Road): void => {
      road.up = false;
    };
    expect(word(build, 126.9)).toBe('ETIMEDOUT');
  });

  test('nobody on the link has the address: EHOSTUNREACH after three questions', () => {
    const build = (road: Road): void => {
      for (const dev of road.a.interfaces) road.a.neighbours.forget(road.ipB, dev);
      road.unplug(road.b);
    };
    expect(word(build, 2.9)).toBe('EHOSTUNREACH');
  });

  test('no route: ENETUNREACH', () => {
    const build = (road: Road): void => {
      road.a.routes.remove(() => true);
    };
    expect(word(build, 0)).toBe('ENETUNREACH');
  });

  test('the peer resets: ECONNRESET; when it had ended before: EPIPE', () => {
    for (const [ended, expected] of [
      [false, 'ECONNRESET'],
      [true, 'EPIPE'],
    ] as const) {
      let audience: Audience | null = null;
      const road = new Road({ seed: 1, impair: { delay: MILLISECOND } });
      audience = serve(road);
      const talker = Talker.connect(road.clock, road.a.tcp, road.ipB, 80, { ...SCRIPT, last: 'stay' }, 0);
      road.clock.runUntil(SECOND);
      const [other] = [...audience.talkers.values()];
      if (ended) other?.socket?.end();
      road.clock.runUntil(2 * SECOND);
      other?.abort();
      road.clock.runUntil(3 * SECOND);
      expect([talker.outcome, talker.faults]).toEqual([expected, []]);
      expect(talker.socket?.write(new Uint8Array(1))).toBe(0);
      expect(road.end()).toEqual([]);
    }
  });

  test('the peer is gone while bytes are on their way: ETIMEDOUT after some fifteen minutes, as with tcp_retries2 of 15', () => {
    const build = (road: Road): void => {
      serve(road);
      road.clock.at(SECOND, { fire: () => road.unplug(road.b) }, 0);
    };
    const prepare = (talker: Talker): void => {
      const write = { fire: (): void => void talker.socket?.write(new Uint8Array(10)) };
      (talker.socket as unknown as { host: { ground: Road['ground'] } }).host.ground.timers.at(
        2 * SECOND,
        write,
        0,
      );
    };
    expect(word(build, 850, prepare)).toBe('ETIMEDOUT');
  });
});
