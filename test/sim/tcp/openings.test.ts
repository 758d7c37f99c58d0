// Connections that begin in unusual ways: both ends open at once, somebody accepts late, a port's queue is small, hundreds at
// a time.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TcpEvents } from '../../../src/engine/host/tcp/socket.ts';
import { MILLISECOND, SECOND } from '../../../src/engine/time/clock.ts';
import { isLate, play } from '../../support/journey.ts';
import { tries } from '../../support/properties.ts';
import { HONEST, Road } from '../../support/road.ts';
import type { Script } from '../../support/streams.ts';
import { Audience, SCRIPT, Talker } from '../../support/streams.ts';
import { Referee } from '../../support/tcp-referee.ts';

describe('both ends open at once (RFC 9293 s.3.5)', () => {
  test('become one connection, on which both can speak', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 50_000 }),
        fc.nat(20_000),
        fc.nat(20_000),
        fc.nat(100),
        fc.integer({ min: 0, max: 200 }),
        (seed, delay, toB, toA, apart, loss) => {
          const referee = new Referee();
          const impair = { delay: delay * 1000, loss: loss / 1000 };
          const road = new Road({ seed, impair, referee });
          const { clock, a, b, ipA, ipB } = road;
          const left = Talker.connect(clock, a.tcp, ipB, 5000, { ...SCRIPT, send: toB }, 0, {
            localPort: 5000,
          });
          // Before the first SYN arrives.
          clock.runUntil(Math.floor((apart / 101) * impair.delay));
          const right = new Talker(clock, { ...SCRIPT, send: toA }, 1, 0);
          right.socket = b.tcp.connect(ipA, 5000, right, { localPort: 5000 });
          clock.runUntil(clock.now + 3600 * SECOND);
          expect([left.faults, right.faults, referee.faults]).toEqual([[], [], []]);
          expect([
            isLate(left, right) ? null : left.outcome,
            isLate(right, left) ? null : right.outcome,
          ]).toEqual([null, null]);
          expect([left.received, right.received]).toEqual([toA, toB]);
          expect([a.tcp.size, b.tcp.size]).toEqual([0, 0]);
          expect(road.end()).toEqual([]);
        },
      ),
      tries(400),
    );
  });

  test('to itself: a port that connects to itself hears itself', () => {
    const road = new Road({ seed: 1 });
    const talker = new Talker(road.clock, { ...SCRIPT, send: 5000, last: 'stay' }, 0, 0);
    talker.socket = road.a.tcp.connect(road.ipA, 5000, talker, { localPort: 5000 });
    if (talker.connectedAt >= 0 && talker.sent === 0) talker.connected();
    road.clock.runUntil(SECOND);
    expect(talker.received).toBe(5000);
    talker.abort();
    expect(road.end()).toEqual([]);
  });
});

describe('who accepts late', () => {
  test('hears all that came before, and the end', () => {
    const road = new Road({ seed: 1, impair: { delay: MILLISECOND } });
    const { clock, a, b } = road;
    const listener = b.tcp.listen(80, { acceptable: () => {} });
    const up = Talker.connect(clock, a.tcp, road.ipB, 80, { ...SCRIPT, send: 3000 }, 0);
    clock.runUntil(20 * SECOND);
    const down = new Talker(clock, { ...SCRIPT, send: 700, last: 'end-last' }, 1, 0);
    const socket = listener.accept(down);
    if (socket === null) throw new Error('nothing to accept');
    down.adopt(socket);
    clock.runUntil(40 * SECOND);
    expect([up.outcome, down.outcome, up.received, down.received]).toEqual([null, null, 700, 3000]);
    expect([...up.faults, ...down.faults]).toEqual([]);
    expect(listener.accept(down)).toBe(null);
    listener.close();
    expect(road.end()).toEqual([]);
  });

  test('too late: a connection that was reset meanwhile tells it, or is not there', () => {
    const road = new Road({ seed: 1, impair: { delay: MILLISECOND } });
    const { clock, a, b } = road;
    const listener = b.tcp.listen(80, { acceptable: () => {} });
    const up = Talker.connect(clock, a.tcp, road.ipB, 80, { ...SCRIPT, send: 3000, last: 'abort' }, 0);
    clock.runUntil(20 * SECOND);
    expect(up.aborted).toBe(true);
    const heard: unknown[] = [];
    const events: TcpEvents = {
      connected: () => heard.push('connected'),
      readable: () => {},
      writable: () => {},
      ended: () => heard.push('ended'),
      closed: (error) => heard.push(error),
    };
    const socket = listener.accept(events);
    clock.runUntil(40 * SECOND);
    expect(heard).toEqual(socket === null ? [] : ['ECONNRESET']);
    listener.close();
    expect([a.tcp.size, b.tcp.size]).toEqual([0, 0]);
    expect(road.end()).toEqual([]);
  });

  test('nobody accepts: the queue fills, the rest wait until there is room', () => {
    const road = new Road({ seed: 1, impair: { delay: MILLISECOND } });
    const { clock, a, b } = road;
    const listener = b.tcp.listen(80, { acceptable: () => {} }, { backlog: 4 });
    const script: Script = { ...SCRIPT, send: 100, last: 'stay' };
    const ups = Array.from({ length: 12 }, (_, i) => Talker.connect(clock, a.tcp, road.ipB, 80, script, i));
    clock.runUntil(500 * MILLISECOND);
    // One more than the backlog, as Linux counts.
    expect(b.tcp.size).toBeLessThanOrEqual(1 + 5 + 4);
    const downs: Talker[] = [];
    const accept = (): void => {
      for (;;) {
        const early = new Talker(clock, script, 0, 0);
        const socket = listener.accept(early);
        if (socket === null) return;
        const i = ups.findIndex((up) => up.socket?.localPort === socket.remotePort);
        const down = new Talker(clock, script, 2 * i + 1, 2 * i);
        socket.events = down;
        down.adopt(socket);
        downs.push(down);
      }
    };
    for (let s = 1; s < 100; s++) {
      clock.runUntil(s * SECOND);
      accept();
    }
    expect(downs.length).toBe(12);
    for (const one of [...ups, ...downs]) {
      expect([one.faults, one.outcome, one.received]).toEqual([[], 'none', 100]);
      one.abort();
    }
    listener.close();
    expect(road.end()).toEqual([]);
  });
});

describe('many at once', () => {
  test('five hundred connections over one cable that loses two in a hundred', () => {
    const talks = Array.from({ length: 500 }, (_, i) => ({
      up: { ...SCRIPT, send: (i * 37) % 9000, piece: 500 + (i % 7) * 900 },
      down: {
        ...SCRIPT,
        send: (i * 101) % 12_000,
        last: i % 2 === 0 ? ('end' as const) : ('end-last' as const),
      },
    }));
    const impair = { delay: 5 * MILLISECOND, loss: 0.02, rate: 200e6, queue: 400 };
    const journey = {
      seed: 3,
      family: 4 as const,
      mtu: 1450,
      impair,
      mischief: HONEST,
      talks,
      apart: 100_000,
    };
    const { complaints, pairs } = play(journey);
    expect(complaints).toEqual([]);
    expect(pairs.filter(({ up, down }) => up.clean && down?.clean === true).length).toBe(500);
  });

  test('one after the other on the same ports: a new connection waits for nothing old', () => {
    const road = new Road({ seed: 1, impair: { delay: MILLISECOND } });
    const { clock, a, b } = road;
    const script: Script = { ...SCRIPT, send: 2000 };
    const talkers: Talker[] = [];
    for (let i = 0; i < 50; i++) {
      const audience = new Audience(clock, b.tcp, 80, () => ({ script: { ...SCRIPT, send: 100 }, id: i }));
      // The other end closes first, so that the opener has no TIME-WAIT to sit out.
      const up = Talker.connect(clock, a.tcp, road.ipB, 80, { ...script, last: 'end-last' }, i, {
        localPort: 4000,
      });
      talkers.push(up);
      clock.runUntil(clock.now + SECOND);
      audience.listener.close();
    }
    for (const { faults, outcome, received } of talkers)
      expect([faults, outcome, received]).toEqual([[], null, 100]);
    expect(road.end()).toEqual([]);
  });
});
