import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { macHi, macLo } from '../../../src/core/wire/address.ts';
import { Bridge, FLOOD } from '../../../src/engine/fabric/bridge.ts';
import { LEARN } from '../../../src/engine/fabric/fdb.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import { A, ALL, B, C, ether, Ground, Out } from './ground.ts';

/** The FDB's grain of time. */
const TICK = 2 ** 22;

let ground: Ground;
let bridge: Bridge;
let outs: Out[];

beforeEach(() => {
  ground = new Ground();
  bridge = new Bridge(1, 'br0', ground.clock, ground.trace);
  outs = [0, 1, 2].map((n) => new Out(`p${n}`));
  for (const out of outs) bridge.attach(out);
});

const enter = (bytes: Uint8Array, port: number): void => bridge.receive(ground.pool.from(bytes), port);
const counts = (): number[] => outs.map((out) => out.got.length);
const where = (mac: number): number => bridge.fdb.lookup(macHi(mac), macLo(mac), ground.clock.now);

describe('bridge', () => {
  test('an unknown destination goes to every port but the one it came from, a learned one to its port alone', () => {
    enter(ether(B, A), 0);
    expect(counts()).toEqual([0, 1, 1]);
    enter(ether(A, B), 1);
    expect(counts()).toEqual([1, 1, 1]);
    enter(ether(B, A), 0);
    expect(counts()).toEqual([1, 2, 1]);
    expect(ground.told(TRACE.flood)).toEqual([[2, FLOOD.unknown]]);
    expect(ground.told(TRACE.forward)).toEqual([
      [0, 1],
      [1, 0],
    ]);
    ground.end();
  });

  test('a station that turns up elsewhere moves, one that is heard again is refreshed', () => {
    enter(ether(ALL, A), 0);
    enter(ether(ALL, A), 0);
    enter(ether(ALL, A), 2);
    expect(ground.told(TRACE.learn)).toEqual([
      [LEARN.new, 0],
      [LEARN.refreshed, 0],
      [LEARN.moved, 2],
    ]);
    expect(where(A)).toBe(2);
  });

  test('a pinned station does not move', () => {
    bridge.fdb.pin(macHi(A), macLo(A), 1);
    enter(ether(ALL, A), 0);
    expect(where(A)).toBe(1);
    expect(ground.told(TRACE.learn)).toEqual([[LEARN.pinned, 0]]);
  });

  test('an entry is there a tick before 300 s and gone a tick after; being looked up does not keep it', () => {
    enter(ether(ALL, A), 0);
    ground.clock.runUntil(300 * SECOND - TICK);
    enter(ether(A, B), 1);
    expect(counts()).toEqual([1, 1, 1]);
    ground.clock.runUntil(300 * SECOND + TICK);
    enter(ether(A, B), 1);
    expect(counts()).toEqual([2, 1, 2]);
  });

  test('hearing a station keeps its entry', () => {
    enter(ether(ALL, A), 0);
    ground.clock.runUntil(200 * SECOND);
    enter(ether(ALL, A), 0);
    ground.clock.runUntil(499 * SECOND);
    expect(where(A)).toBe(0);
    ground.clock.runUntil(500 * SECOND + TICK);
    expect(where(A)).toBe(-1);
  });

  test('options: another ageing time, and a bound beyond which nothing is learned but everything is forwarded', () => {
    bridge = new Bridge(1, 'br0', ground.clock, ground.trace, { ageing: 10 * SECOND, maxEntries: 1 });
    for (const out of outs) bridge.attach(out);
    enter(ether(ALL, A), 0);
    enter(ether(ALL, B), 1);
    expect([where(A), where(B)]).toEqual([0, -1]);
    expect(counts()).toEqual([1, 1, 2]);
    ground.clock.runUntil(10 * SECOND + TICK);
    enter(ether(ALL, B), 1);
    expect([where(A), where(B)]).toEqual([-1, 1]);
  });

  test('a port that does not learn', () => {
    const quiet = bridge.attach(new Out('quiet'), false);
    enter(ether(ALL, A), quiet);
    expect(where(A)).toBe(-1);
    expect(counts()).toEqual([1, 1, 1]);
  });

  test('a frame for a station behind the port it came from ends there', () => {
    enter(ether(ALL, A), 0);
    enter(ether(A, B), 0);
    expect(bridge.counters.dropped(DROP.sameport)).toBe(1);
    expect(counts()).toEqual([0, 1, 1]);
    ground.end();
  });

  test('01:80:c2:00:00:01 to 0f stay here; :00, :10 and neighbours of the block are flooded', () => {
    for (let n = 1; n < 16; n++) enter(ether(0x0180c2000000 + n, A), 0);
    expect(bridge.counters.dropped(DROP.linkLocalGroup)).toBe(15);
    expect(counts()).toEqual([0, 0, 0]);
    for (const group of [0x0180c2000000, 0x0180c2000010, 0x0180c2000101, 0x0180c3000001, 0x0181c2000001]) {
      enter(ether(group, A), 0);
    }
    expect(counts()).toEqual([0, 5, 5]);
    expect(ground.told(TRACE.flood)[0]).toEqual([2, FLOOD.multicast]);
    ground.end();
  });

  test('a group or zero as source and a frame without a whole Ethernet header are dropped and not learned', () => {
    enter(ether(B, 0x010000000001), 0);
    enter(ether(B, 0), 0);
    enter(new Uint8Array(13), 0);
    enter(new Uint8Array(0), 0);
    expect(bridge.counters.snapshot().drops).toEqual({ 'invalid source MAC': 2, 'invalid header': 2 });
    expect(bridge.fdb.size).toBe(0);
    ground.end();
  });

  test('detaching forgets what is behind the port, pinned entries too, and its number is given again', () => {
    enter(ether(ALL, A), 1);
    bridge.fdb.pin(macHi(C), macLo(C), 1);
    bridge.detach(1);
    expect([where(A), where(C), bridge.port(1)]).toEqual([-1, -1, null]);
    enter(ether(A, B), 0);
    expect(counts()).toEqual([1, 0, 2]);
    expect(() => bridge.detach(1)).toThrow(expect.objectContaining({ code: 'NO_SUCH_PORT' }));
    expect(() => bridge.detach(9)).toThrow(expect.objectContaining({ code: 'NO_SUCH_PORT' }));
    const fresh = new Out('fresh');
    expect(bridge.attach(fresh)).toBe(1);
    expect(bridge.ports().map(({ id, port }) => [id, port.name])).toEqual([
      [0, 'p0'],
      [1, 'fresh'],
      [2, 'p2'],
    ]);
    ground.end();
  });

  test('isolated ports reach the others and not one another', () => {
    const [x, y] = [new Out('x'), new Out('y')];
    const [atX, atY] = [bridge.attach(x, true, true), bridge.attach(y, true, true)];
    enter(ether(ALL, A), atX);
    expect([...counts(), x.got.length, y.got.length]).toEqual([1, 1, 1, 0, 0]);
    enter(ether(A, B), atY);
    expect(bridge.counters.dropped(DROP.isolated)).toBe(1);
    enter(ether(A, C), 0);
    expect(x.got.length).toBe(1);
    ground.end();
  });

  test('a flood out of a bridge with one port ends quietly', () => {
    bridge.detach(1);
    bridge.detach(2);
    enter(ether(ALL, A), 0);
    expect(bridge.counters.dropped()).toBe(0);
    expect(bridge.counters.txPackets).toBe(0);
    ground.end();
  });

  test('every port of a flood gets the same bytes though one of them writes headers into its own', () => {
    for (const writer of [0, 1, 2, 3]) {
      ground = new Ground();
      bridge = new Bridge(1, 'br0', ground.clock, ground.trace);
      outs = [0, 1, 2, 3, 4].map((n) => new Out(`p${n}`));
      for (const out of outs) bridge.attach(out);
      (outs[writer] as Out).touch = (frame) => {
        const mine = frame.own();
        mine.view.setUint32(mine.push(8), 0xdeadbeef);
        mine.bytes.fill(0xee, mine.start, mine.end);
        return mine;
      };
      const bytes = ether(ALL, A);
      enter(bytes, 4);
      for (const out of outs.slice(0, 4)) expect(out.got).toEqual([bytes]);
      ground.end();
    }
  });

  test('counters count frames and bytes in, and each copy out', () => {
    enter(ether(ALL, A, 86), 0);
    enter(ether(A, B, 46), 1);
    const { rxPackets, rxBytes, txPackets, txBytes } = bridge.counters.snapshot();
    expect([rxPackets, rxBytes, txPackets, txBytes]).toEqual([2, 160, 3, 260]);
  });

  test('property: any bytes at any port: no exception, every frame comes home, none goes back where it came from', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .tuple(fc.constantFrom(A, B, C, ALL), fc.constantFrom(A, B, C, 0))
        .map(([to, from]) => ether(to, from)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, fc.nat(2)), { maxLength: 40 }), (frames) => {
        for (const [one, port] of frames) {
          const before = counts()[port];
          enter(one, port);
          expect(counts()[port]).toBe(before);
          expect(ground.pool.out).toBe(0);
        }
      }),
    );
  });
});
