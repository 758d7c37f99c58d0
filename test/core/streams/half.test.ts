// One direction of TCP against a model: bytes of which each one knows its position, cut, mixed, repeated and lost by chance.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bounds } from '../../../src/core/streams/half.ts';
import { Half, PATIENCE } from '../../../src/core/streams/half.ts';
import type { StreamLimits } from '../../../src/core/streams/limits.ts';
import { streamLimits } from '../../../src/core/streams/limits.ts';
import type { Listener } from '../../../src/core/streams/listener.ts';
import { Purse } from '../../../src/core/streams/purse.ts';
import { tries } from '../../support/properties.ts';

/** Hears a direction as text: a letter a byte, `?` for one that is missing, `.` for one that nobody wanted. */
class Transcript implements Listener {
  text = '';
  closes = 0;
  wanted = true;
  /** For each byte heard: packet and offset in it. */
  readonly places: [number, number][] = [];

  wants(): boolean {
    return this.wanted;
  }
  hear(_side: 0 | 1, bytes: Uint8Array, from: number, to: number, packet: number, offset: number): void {
    for (let i = from; i < to; i++) {
      this.text += String.fromCharCode(bytes[i] as number);
      this.places.push([packet, offset + i - from]);
    }
  }
  pass(_side: 0 | 1, n: number): void {
    this.text += '.'.repeat(n);
  }
  miss(_side: 0 | 1, n: number): void {
    this.text += '?'.repeat(n);
  }
  close(): void {
    this.closes++;
  }
}

function half(limits: Partial<StreamLimits> = {}): { half: Half; heard: Transcript; bounds: Bounds } {
  const heard = new Transcript();
  const all = streamLimits(limits);
  const counts = { streams: 0, held: 0, segments: 0, bytes: 0 };
  const bounds = { limits: all, counts, purse: new Purse(all.bytes) };
  return { half: new Half(0, bounds, heard), heard, bounds };
}

/** `abc` at position 3 of a direction that starts at `isn`. */
function say(one: Half, isn: number, at: number, text: string, packet = 1, cut = 0): void {
  const bytes = new Uint8Array(Buffer.from(text, 'latin1'));
  one.take((isn + at) | 0, bytes, 0, bytes.length, cut, packet, 100, 'packet');
}

describe('in order', () => {
  test('each byte comes once, whatever was sent again', () => {
    const { half: one, heard } = half();
    say(one, 7, 0, 'hello ');
    say(one, 7, 0, 'hello ');
    say(one, 7, 3, 'lo wor');
    say(one, 7, 9, 'ld');
    expect(heard.text).toBe('hello world');
  });

  test('what comes early waits, and keeps its place', () => {
    const { half: one, heard, bounds } = half();
    one.start(0);
    say(one, 0, 4, 'ef', 2);
    say(one, 0, 2, 'cd', 3);
    expect(heard.text).toBe('');
    expect(bounds.purse.held).toBeGreaterThan(4);
    say(one, 0, 0, 'ab', 4);
    expect(heard.text).toBe('abcdef');
    expect(heard.places).toEqual([
      [4, 100],
      [4, 101],
      [3, 100],
      [3, 101],
      [2, 100],
      [2, 101],
    ]);
    expect(bounds.purse.held).toBe(0);
  });

  test('where two segments differ the first one counts, in order and ahead', () => {
    const { half: one, heard } = half();
    one.start(0);
    say(one, 0, 4, 'EF');
    say(one, 0, 3, 'xxxx');
    say(one, 0, 0, 'abcyyyyy');
    expect(heard.text).toBe('abcxEFxy');
  });

  test('sequence numbers wrap', () => {
    const { half: one, heard } = half();
    say(one, 0xffff_fffe, 0, 'ab');
    say(one, 0xffff_fffe, 4, 'ef');
    say(one, 0xffff_fffe, 2, 'cd');
    expect(heard.text).toBe('abcdef');
  });

  test('what a snapshot length cut away is missing, and what follows goes on', () => {
    const { half: one, heard } = half();
    say(one, 0, 0, 'ab', 1, 3);
    say(one, 0, 5, 'fg');
    say(one, 0, 9, 'jk', 1, 2);
    say(one, 0, 7, 'hi');
    expect(heard.text).toBe('ab???fghijk??');
  });
});

describe('gaps', () => {
  test('a gap that was acknowledged is lost after some packets, not at once', () => {
    const { half: one, heard } = half();
    say(one, 0, 0, 'ab');
    say(one, 0, 4, 'ef');
    one.acknowledged(6);
    for (let i = 1; i < PATIENCE; i++) one.wait();
    expect(heard.text).toBe('ab');
    one.wait();
    expect(heard.text).toBe('ab??ef');
    say(one, 0, 2, 'cd');
    expect(heard.text).toBe('ab??ef');
  });

  test('a gap that nobody acknowledged is waited for', () => {
    const { half: one, heard } = half();
    say(one, 0, 0, 'ab');
    say(one, 0, 4, 'ef');
    one.acknowledged(2);
    for (let i = 0; i < 10 * PATIENCE; i++) one.wait();
    expect(heard.text).toBe('ab');
    say(one, 0, 2, 'cd');
    expect(heard.text).toBe('abcdef');
  });

  test('a side that the capture never has is counted by what was acknowledged', () => {
    const { half: one, heard } = half();
    one.acknowledged(1000);
    for (let i = 0; i < PATIENCE; i++) one.wait();
    one.acknowledged(1500);
    for (let i = 0; i < PATIENCE; i++) one.wait();
    expect(heard.text).toBe('?'.repeat(500));
  });

  test('the end tells what is held and what is missing before it', () => {
    const { half: one, heard, bounds } = half();
    say(one, 0, 0, 'ab');
    say(one, 0, 4, 'ef');
    one.acknowledged(9);
    one.end();
    one.end();
    expect(heard.text).toBe('ab??ef???');
    expect(heard.closes).toBe(1);
    expect(bounds.purse.held).toBe(0);
  });

  test('an acknowledged FIN that the capture does not have is no missing byte', () => {
    const { half: one, heard } = half();
    say(one, 0, 0, 'ab');
    one.acknowledged(3);
    for (let i = 0; i < 3 * PATIENCE; i++) one.wait();
    one.end();
    expect(heard.text).toBe('ab');
  });

  test('a FIN closes when its turn has come', () => {
    const { half: one, heard } = half();
    one.start(0);
    say(one, 0, 2, 'cd');
    one.fin(4);
    expect(heard.closes).toBe(0);
    say(one, 0, 0, 'ab');
    expect(heard).toMatchObject({ text: 'abcd', closes: 1 });
    say(one, 0, 4, 'more');
    expect(heard.text).toBe('abcd');
  });

  test('a FIN in front of data that came is none', () => {
    const { half: one, heard } = half();
    say(one, 0, 0, 'abcd');
    one.fin(2);
    say(one, 0, 4, 'ef');
    expect(heard).toMatchObject({ text: 'abcdef', closes: 0 });
  });
});

describe('bounds', () => {
  test('when no more can be held the gap is lost, and that is counted', () => {
    const { half: one, heard, bounds } = half({ segments: 3 });
    say(one, 0, 0, 'a');
    for (const [i, letter] of ['c', 'e', 'g', 'i'].entries()) say(one, 0, 2 + 2 * i, letter);
    expect(heard.text).toBe('a?c');
    expect(bounds.counts).toMatchObject({ segments: 1, held: 0 });
    say(one, 0, 3, 'd');
    expect(heard.text).toBe('a?cde');
  });

  test('bytes held are bounded likewise', () => {
    const { half: one, heard, bounds } = half({ held: 1000 });
    say(one, 0, 0, 'a');
    say(one, 0, 10, 'x'.repeat(600));
    say(one, 0, 700, 'y'.repeat(600));
    expect(heard.text).toBe(`a${'?'.repeat(9)}${'x'.repeat(600)}`);
    expect(bounds.counts.held).toBe(1);
    expect(bounds.purse.held).toBeLessThanOrEqual(1000);
  });

  test('a segment larger than all that may be held is told at once', () => {
    const { half: one, heard } = half({ held: 100 });
    say(one, 0, 0, 'a');
    say(one, 0, 3, 'x'.repeat(600));
    expect(heard.text).toBe(`a??${'x'.repeat(600)}`);
  });

  test('what nobody wants is held as a length', () => {
    const { half: one, heard, bounds } = half({ held: 1000 });
    heard.wanted = false;
    one.start(0);
    say(one, 0, 1, 'x'.repeat(60_000));
    expect(bounds.purse.held).toBeLessThan(1000);
    say(one, 0, 0, 'a');
    expect(heard.text).toBe(`a${'.'.repeat(60_000)}`);
  });

  test('very many tiny segments in a hostile order hold no more than told', () => {
    const { half: one, heard, bounds } = half({ segments: 64, held: 4096 });
    heard.miss = () => {};
    const byte = new Uint8Array(1);
    one.start(0);
    let seed = 1;
    for (let i = 0; i < 300_000; i++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) | 0;
      one.take(seed, byte, 0, 1, 0, i, 0, 'packet');
      if (bounds.purse.held > 4096) throw new Error(`${bounds.purse.held} bytes held`);
    }
    one.end();
    expect(bounds.purse.held).toBe(0);
  });
});

describe('another connection', () => {
  test('what is further ahead than any window is not heard', () => {
    const { half: one, heard } = half({ segments: 1 });
    say(one, 0, 0, 'a');
    say(one, 0, 2 ** 30 + 2, 'z');
    say(one, 0, 1, 'b');
    one.end();
    expect(heard.text).toBe('ab');
  });

  test('numbers far behind, going on in a row, are not this connection', () => {
    const { half: one } = half();
    say(one, 0, 0, 'a');
    const far = -(1 << 28);
    expect([0, 10, 20, 30].map((at) => one.isAstray(far + at, 10))).toEqual([false, false, true, true]);
    expect(one.isAstray(-5, 5)).toBe(false);
  });
});

const TEXT = 300;
const original = Array.from({ length: TEXT }, (_, i) => String.fromCharCode(0x100 + (i % 50) - 0xc0)).join(
  '',
);

/** Segments that cover a text, mixed within a distance, some twice and with other edges. */
const segments = fc
  .record({
    isn: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    cuts: fc.array(fc.integer({ min: 1, max: TEXT - 1 }), { maxLength: 40 }),
    extra: fc.array(fc.tuple(fc.nat(TEXT - 1), fc.integer({ min: 1, max: 60 })), { maxLength: 20 }),
    order: fc.infiniteStream(fc.nat(1000)),
    lost: fc.array(fc.nat(60), { maxLength: 8 }),
  })
  .map(({ isn, cuts, extra, order, lost }) => {
    const edges = [0, ...[...new Set(cuts)].sort((x, y) => x - y), TEXT];
    const pieces = edges.slice(1).map((to, i) => [edges[i] as number, to] as const);
    const kept = pieces.filter((_, i) => i === 0 || !lost.includes(i));
    const again = extra.map(([from, n]) => [from, Math.min(TEXT, from + n)] as const);
    const keys = order.take(kept.length + again.length);
    const mixed = [...kept, ...again].map((piece) => [keys.next().value as number, piece] as const);
    return { isn, lost, mixed: mixed.sort((x, y) => x[0] - y[0]).map(([, piece]) => piece) };
  });

describe('against the model', () => {
  test('all bytes, each once and in order, when none is lost', () => {
    fc.assert(
      fc.property(segments, ({ isn, mixed }) => {
        const { half: one, heard } = half();
        one.start(isn);
        for (const [i, [from, to]] of mixed.entries()) say(one, isn, from, original.slice(from, to), i);
        const covered = new Set(
          mixed.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i)),
        );
        one.acknowledged((isn + TEXT) | 0);
        one.end();
        const expected = Array.from(original, (letter, i) => (covered.has(i) ? letter : '?')).join('');
        // One byte at the very end may be a FIN's.
        const end = expected.endsWith('?') && !expected.endsWith('??') ? expected.slice(0, -1) : expected;
        expect(heard.text).toBe(end);
      }),
      tries(2000),
    );
  });

  test('every byte tells where it stood', () => {
    fc.assert(
      fc.property(segments, ({ isn, mixed }) => {
        const { half: one, heard } = half();
        one.start(isn);
        for (const [i, [from, to]] of mixed.entries()) say(one, isn, from, original.slice(from, to), i);
        one.end();
        let at = 0;
        for (const letter of heard.text) {
          if (letter === '?') continue;
          const [packet, offset] = heard.places[at++] as [number, number];
          const [from] = mixed[packet] as readonly [number, number];
          expect(original[from + offset - 100]).toBe(letter);
        }
        expect(at).toBe(heard.places.length);
      }),
      tries(500),
    );
  });

  test('with little room bytes are lost, never moved, never told twice', () => {
    fc.assert(
      fc.property(segments, fc.integer({ min: 1, max: 6 }), ({ isn, mixed }, room) => {
        const { half: one, heard, bounds } = half({ segments: room });
        one.start(isn);
        for (const [from, to] of mixed) {
          say(one, isn, from, original.slice(from, to));
          expect(bounds.purse.held).toBeLessThanOrEqual(room * (96 + TEXT));
        }
        one.end();
        expect(heard.text.length).toBeLessThanOrEqual(TEXT);
        for (const [i, letter] of Array.from(heard.text).entries())
          if (letter !== '?') expect(letter).toBe(original[i]);
      }),
      tries(1000),
    );
  });
});
