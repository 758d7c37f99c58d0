import { describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { Backlog } from '../../../src/engine/fabric/backlog.ts';
import type { Sink } from '../../../src/engine/fabric/port.ts';
import { TapPort, TapSink } from '../../../src/engine/fabric/tap.ts';
import { VethEnd, veth } from '../../../src/engine/fabric/veth.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import { A, B, ether, Ground, Out } from './ground.ts';

function pair(mtu = 1500): { ground: Ground; a: VethEnd; b: VethEnd; atA: Out; atB: Out } {
  const ground = new Ground();
  const backlog = new Backlog();
  const a = new VethEnd(1, 'a', mtu, backlog, ground.trace);
  const b = new VethEnd(2, 'b', mtu, backlog, ground.trace);
  veth(a, b);
  const [atA, atB] = [new Out(), new Out()];
  a.plug(atA, 4);
  b.plug(atB, 5);
  return { ground, a, b, atA, atB };
}

describe('veth', () => {
  test('what goes into one end comes out of the other, under the port number that its owner gave', () => {
    const { ground, a, b, atA, atB } = pair();
    const bytes = ether(A, B);
    a.send(ground.pool.from(bytes));
    expect([atB.got, atB.ports, atA.got]).toEqual([[bytes], [5], []]);
    b.send(ground.pool.from(bytes));
    expect([atA.got, atA.ports]).toEqual([[bytes], [4]]);
    expect(a.counters.snapshot()).toMatchObject({ txPackets: 1, txBytes: 60, rxPackets: 1, rxBytes: 60 });
    expect(ground.told(TRACE.transmit)).toEqual([
      [2, 60],
      [1, 60],
    ]);
    ground.end();
  });

  test('18 bytes beyond the MTU pass, 19 do not', () => {
    const { ground, a, atB } = pair(1450);
    a.send(ground.pool.take(1468));
    a.send(ground.pool.take(1469));
    expect(atB.got.length).toBe(1);
    expect(a.counters.dropped(DROP.mtuExceeded)).toBe(1);
    ground.end();
  });

  test('nothing passes while either end is down', () => {
    const { ground, a, b, atA, atB } = pair();
    b.up = false;
    a.send(ground.pool.take(60));
    b.send(ground.pool.take(60));
    expect([a.counters.dropped(DROP.linkDown), b.counters.dropped(DROP.linkDown)]).toEqual([1, 1]);
    expect([atA.got, atB.got]).toEqual([[], []]);
    ground.end();
  });

  test('an end that nobody owns swallows what comes', () => {
    const ground = new Ground();
    const lone = new VethEnd(1, 'lone', 1500, new Backlog(), ground.trace);
    lone.send(ground.pool.take(60));
    ground.end();
  });
});

describe('backlog', () => {
  /** Hands on `answers` numbered frames for each frame numbered below `until`, and notes what it saw and how deep. */
  class Talker implements Sink {
    readonly seen: number[] = [];
    deepest = 0;
    #depth = 0;
    readonly #ground: Ground;
    readonly #backlog: Backlog;
    readonly #answers: (n: number) => readonly number[];
    constructor(ground: Ground, backlog: Backlog, answers: (n: number) => readonly number[]) {
      this.#ground = ground;
      this.#backlog = backlog;
      this.#answers = answers;
    }
    receive(frame: Frame, port: number): void {
      this.deepest = Math.max(this.deepest, ++this.#depth);
      this.seen.push(port);
      frame.release();
      for (const n of this.#answers(port)) this.#backlog.push(this.#ground.pool.take(14), this, n);
      this.#depth--;
    }
  }

  test('frames pushed while one is handled follow in order, and never inside one another', () => {
    const ground = new Ground();
    const backlog = new Backlog(4);
    const talker = new Talker(ground, backlog, (n) =>
      n === 0 ? [1, 2, 3] : n < 4 ? [n * 10, n * 10 + 1] : [],
    );
    backlog.push(ground.pool.take(14), talker, 0);
    expect(talker.seen).toEqual([0, 1, 2, 3, 10, 11, 20, 21, 30, 31]);
    expect(talker.deepest).toBe(1);
    ground.end();
  });

  test('it grows with the ring wrapped, and keeps order', () => {
    const ground = new Ground();
    const backlog = new Backlog(4);
    const burst = (n: number): number[] => Array.from({ length: 40 }, (_, i) => n + i);
    const talker = new Talker(ground, backlog, (n) =>
      n < 3 ? [n + 1] : n === 3 ? burst(100) : n === 110 ? burst(500) : [],
    );
    backlog.push(ground.pool.take(14), talker, 0);
    expect(talker.seen).toEqual([0, 1, 2, 3, ...burst(100), ...burst(500)]);
    ground.end();
  });

  test('two ends that answer each other a hundred thousand times do not exhaust the stack', () => {
    const ground = new Ground();
    const backlog = new Backlog();
    const talker = new Talker(ground, backlog, (n) => (n < 100_000 ? [n + 1] : []));
    backlog.push(ground.pool.take(14), talker, 0);
    expect(talker.seen.length).toBe(100_001);
    expect(talker.deepest).toBe(1);
  });

  test('receivers that throw: what waits behind them is delivered in order, then the first error is thrown', () => {
    const ground = new Ground();
    const backlog = new Backlog(4);
    const out = new Out();
    const broken: Sink = {
      receive: (frame, port) => {
        frame.release();
        for (let n = 1; n < 4; n++) backlog.push(ground.pool.take(14), out, port + n);
        if (port < 200) backlog.push(ground.pool.take(14), broken, port + 100);
        for (let n = 4; n < 7; n++) backlog.push(ground.pool.take(14), out, port + n);
        throw new Error(`broken at ${port}`);
      },
    };
    expect(() => backlog.push(ground.pool.take(14), broken, 0)).toThrow('broken at 0');
    const burst = (n: number): number[] => [1, 2, 3, 4, 5, 6].map((i) => n + i);
    expect(out.ports).toEqual([...burst(0), ...burst(100), ...burst(200)]);
    ground.end();
    backlog.push(ground.pool.take(14), out, 9);
    expect(out.ports.at(-1)).toBe(9);
    ground.end();
  });

  test('a receiver that throws on a frame that waited takes none with it', () => {
    const ground = new Ground();
    const backlog = new Backlog();
    const out = new Out();
    const broken: Sink = {
      receive: (frame) => {
        frame.release();
        throw new Error('broken');
      },
    };
    const first: Sink = {
      receive: (frame) => {
        for (const [n, sink] of [out, broken, out].entries()) backlog.push(ground.pool.take(14), sink, n);
        frame.release();
      },
    };
    expect(() => backlog.push(ground.pool.take(14), first, 0)).toThrow('broken');
    expect(out.ports).toEqual([0, 2]);
    ground.end();
  });
});

test('taps show every frame with its direction and hand it on unchanged', () => {
  const ground = new Ground();
  const inner = new Out('eth0');
  const shown: [number, boolean, number][] = [];
  const capture = {
    frame: (tap: number, inbound: boolean, frame: Frame): void => {
      shown.push([tap, inbound, frame.length]);
    },
  };
  const port = new TapPort(3, inner, capture);
  new TapSink(4, inner, capture).receive(ground.pool.from(ether(A, B)), 8);
  port.send(ground.pool.from(ether(B, A)));
  expect(shown).toEqual([
    [4, true, 60],
    [3, false, 60],
  ]);
  expect(inner.got).toEqual([ether(A, B), ether(B, A)]);
  expect(inner.ports).toEqual([8]);
  expect([port.name, port.mtu]).toEqual(['eth0', 1500]);
  ground.end();
});
