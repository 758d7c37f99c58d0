import { describe, expect, test } from 'vitest';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { VirtualClock } from '../../../src/engine/time/virtual-clock.ts';
import { Counters } from '../../../src/engine/trace/counters.ts';
import { DROP, DROP_NAMES, DROP_SENTENCES, drop } from '../../../src/engine/trace/drop.ts';
import { SILENT, TRACE } from '../../../src/engine/trace/event.ts';
import { Recorder } from '../../../src/engine/trace/recorder.ts';
import { Registry } from '../../../src/engine/trace/registry.ts';

describe('recorder', () => {
  test('every field comes back, times beyond 2^32 and negative numbers too', () => {
    const clock = new VirtualClock();
    const recorder = new Recorder(clock, { snap: 8 });
    const pool = new FramePool();
    const frame = pool.from(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    const times = [0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 12345];
    for (const [i, time] of times.entries()) {
      clock.runUntil(time);
      frame.id = recorder.nextId();
      recorder.emit(i, TRACE.drop, frame, -1, 2 ** 31 - 1);
    }
    for (const [i, time] of times.entries()) {
      const event = recorder.at(i);
      expect(event).toMatchObject({
        time,
        where: i,
        what: TRACE.drop,
        frame: i + 1,
        a: -1,
        b: 2 ** 31 - 1,
        length: 10,
      });
      expect([event.bytes.byteLength, event.bytes.getUint32(4)]).toEqual([8, 0x05060708]);
    }
    expect(recorder.journey(3).map(({ time }) => time)).toEqual([times[2]]);
  });

  test('it grows, is bounded, counts what it missed, and begins again', () => {
    const recorder = new Recorder(new VirtualClock(), { max: 3000, snap: 4 });
    const frame = new FramePool().take(2);
    for (let i = 0; i < 3005; i++) {
      frame.view.setUint16(frame.start, i);
      recorder.emit(i, TRACE.send, frame, 0, 0);
    }
    expect([recorder.length, recorder.missed]).toEqual([3000, 5]);
    for (const i of [0, 1023, 1024, 2999]) {
      expect([
        recorder.at(i).where,
        recorder.at(i).bytes.byteLength,
        recorder.at(i).bytes.getUint16(0),
      ]).toEqual([i, 2, i]);
    }
    recorder.clear();
    expect([recorder.length, recorder.missed]).toEqual([0, 0]);
  });

  test('without a snap length no bytes are kept', () => {
    const recorder = new Recorder(new VirtualClock());
    recorder.emit(1, TRACE.send, new FramePool().take(60), 0, 0);
    expect(recorder.at(0).bytes.byteLength).toBe(0);
  });

  test('silence has no numbers and takes anything', () => {
    const frame = new FramePool().take(60);
    SILENT.emit(1, TRACE.send, frame, 0, 0);
    expect([SILENT.on, SILENT.nextId()]).toEqual([false, 0]);
  });
});

describe('drops and counters', () => {
  test('every reason has a name and a sentence of its own', () => {
    const reasons = Object.values(DROP);
    expect(reasons).toEqual(reasons.map((_, i) => i));
    for (const list of [DROP_NAMES, DROP_SENTENCES]) {
      expect([list.length, new Set(list).size]).toEqual([reasons.length, reasons.length]);
    }
  });

  test('a drop is counted under its reason, told, and the frame goes home', () => {
    const pool = new FramePool();
    const trace = new Recorder(new VirtualClock());
    const counters = new Counters();
    expect([counters.dropped(), counters.dropped(DROP.noRoute)]).toEqual([0, 0]);
    drop({ id: 5, counters, trace }, pool.take(60), DROP.noRoute, 77);
    drop({ id: 5, counters, trace: SILENT }, pool.take(60), DROP.noRoute);
    drop({ id: 5, counters, trace: SILENT }, pool.take(60), DROP.localMac);
    expect([counters.dropped(DROP.noRoute), counters.dropped(DROP.isolated), counters.dropped()]).toEqual([
      2, 0, 3,
    ]);
    expect(counters.snapshot()).toEqual({
      rxPackets: 0,
      rxBytes: 0,
      txPackets: 0,
      txBytes: 0,
      drops: { 'no route': 2, 'local MAC': 1 },
    });
    expect([trace.length, trace.at(0)]).toMatchObject([
      1,
      { where: 5, what: TRACE.drop, a: DROP.noRoute, b: 77 },
    ]);
    expect(pool.out).toBe(0);
  });
});

test('registry: numbers from 1, nobody for any other', () => {
  const registry = new Registry();
  const id = registry.add('vtep', 'vxlan0', 'worker1/1-abc');
  expect([id, registry.add('host', 'web', 'worker1'), registry.size]).toEqual([1, 2, 2]);
  expect(registry.at(id)).toEqual({ kind: 'vtep', name: 'vxlan0', place: 'worker1/1-abc' });
  expect([registry.at(0).name, registry.at(99).name]).toEqual(['nobody', 'nobody']);
});
