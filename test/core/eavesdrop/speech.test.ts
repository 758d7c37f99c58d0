// A speech against a model: a string of all that was said and not taken in.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RUNS_MAX, SPEECH_MAX, SpeechRing } from '../../../src/core/eavesdrop/speech.ts';
import { Purse } from '../../../src/core/streams/purse.ts';
import { tries } from '../../support/properties.ts';

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

function spoken(...texts: readonly string[]): SpeechRing {
  const ring = new SpeechRing(new Purse(1 << 20));
  for (const [i, text] of texts.entries()) ring.hear(bytesOf(text), 0, text.length, i + 1, 50, 'packet');
  return ring;
}

describe('reading', () => {
  test('numbers, text and bytes', () => {
    const ring = spoken('\x01\x02', '\x03\xfe', 'gr\xc3\xbc\xc3\x9fe \xff');
    expect(ring.uint16(0)).toBe(0x0102);
    expect(ring.uint32(0)).toBe(0x010203fe);
    expect(ring.utf8(4, ring.length)).toBe('grüße \ufffd');
    expect(ring.latin1(4, 6)).toBe('gr');
    expect([...ring.bytes(1, 3)]).toEqual([2, 3]);
    expect(ring.bytes(5, 2)).toHaveLength(0);
    expect(ring.latin1(0, 1000)).toHaveLength(ring.length);
  });

  test('a byte is found behind a position, or not at all', () => {
    const ring = spoken('a\nb\n');
    expect([ring.find(10), ring.find(10, 2), ring.find(10, 4), ring.find(7)]).toEqual([1, 3, -1, -1]);
    ring.take(2);
    expect([ring.find(10), ring.find(97)]).toEqual([1, -1]);
  });

  test('each byte knows its packet', () => {
    const ring = spoken('abc', 'de', 'f');
    ring.take(1);
    expect([0, 1, 2, 4].map((at) => ring.place(at))).toEqual([
      { packet: 1, offset: 51, within: 'packet' },
      { packet: 1, offset: 52, within: 'packet' },
      { packet: 2, offset: 50, within: 'packet' },
      { packet: 3, offset: 50, within: 'packet' },
    ]);
  });
});

describe('bounds', () => {
  test('it holds 64 kB and then takes no more', () => {
    const ring = new SpeechRing(new Purse(1 << 20));
    const piece = new Uint8Array(40_000).fill(97);
    expect(ring.hear(piece, 0, 40_000, 1, 0, 'packet')).toBe(40_000);
    expect(ring.full).toBe(false);
    expect(ring.hear(piece, 0, 40_000, 2, 0, 'packet')).toBe(SPEECH_MAX - 40_000);
    expect(ring.full).toBe(true);
    expect(ring.hear(piece, 0, 10, 3, 0, 'packet')).toBe(0);
    ring.take(30_000);
    expect(ring.hear(piece, 0, 30_000, 3, 0, 'packet')).toBe(30_000);
    expect(ring.place(SPEECH_MAX - 1)).toEqual({ packet: 3, offset: 29_999, within: 'packet' });
  });

  test('one byte a packet fills it sooner', () => {
    const ring = new SpeechRing(new Purse(1 << 20));
    let n = 0;
    while (ring.hear(bytesOf('x'), 0, 1, n + 1, 0, 'packet') === 1) n++;
    expect(n).toBe(RUNS_MAX);
    expect(ring.full).toBe(true);
    ring.take(100);
    expect(ring.full).toBe(false);
    expect(ring.place(0).packet).toBe(101);
  });

  test('what it takes of memory goes back', () => {
    const purse = new Purse(1 << 20);
    const ring = new SpeechRing(purse);
    for (let i = 0; i < 100; i++) ring.hear(new Uint8Array(600), 0, 600, i, 0, 'packet');
    expect(purse.held).toBeGreaterThan(60_000);
    expect(purse.held).toBeLessThan(80_000);
    ring.release();
    expect(purse.held).toBe(0);
  });
});

describe('what is not wanted', () => {
  test('is skipped whether it is there or not', () => {
    const ring = spoken('abcdef');
    ring.skip(10);
    expect(ring.length).toBe(0);
    ring.hear(bytesOf('ghijkl'), 0, 6, 2, 50, 'packet');
    expect(ring.latin1(0, 9)).toBe('kl');
    expect(ring.place(0)).toEqual({ packet: 2, offset: 54, within: 'packet' });
  });

  test('may be missing, and nobody need know', () => {
    const ring = spoken('ab');
    ring.skip(10);
    expect(ring.miss(3)).toBe(0);
    expect(ring.miss(7)).toBe(2);
    expect(ring.toSkip).toBe(0);
  });
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('hear' as const), n: fc.integer({ min: 1, max: 9000 }) }),
  fc.record({ kind: fc.constant('take' as const), n: fc.nat(9000) }),
  fc.record({ kind: fc.constant('skip' as const), n: fc.nat(3000) }),
  fc.record({ kind: fc.constant('miss' as const), n: fc.nat(2000) }),
);

describe('against the model', () => {
  test('whatever is said, taken in, skipped and missing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const purse = new Purse(1 << 20);
        const ring = new SpeechRing(purse);
        /** Letter, packet, offset. */
        let model: [number, number, number][] = [];
        let toSkip = 0;
        for (const [packet, { kind, n }] of steps.entries()) {
          if (kind === 'hear') {
            const bytes = Uint8Array.from({ length: n + 3 }, (_, i) => (packet * 31 + i) & 0xff);
            const heard = ring.hear(bytes, 3, n + 3, packet, 70, 'datagram');
            const skipped = Math.min(toSkip, n);
            toSkip -= skipped;
            for (let i = skipped; i < heard; i++) model.push([bytes[3 + i] as number, packet, 70 + i]);
            expect(heard === n || ring.full).toBe(true);
          } else if (kind === 'take') {
            ring.take(n);
            model = model.slice(n);
          } else if (kind === 'skip') {
            ring.skip(n);
            toSkip += Math.max(0, n - model.length);
            model = model.slice(n);
          } else {
            expect(ring.miss(n)).toBe(Math.max(0, n - toSkip));
            toSkip = Math.max(0, toSkip - n);
          }
          expect(ring.length).toBe(model.length);
          expect(
            Buffer.from(ring.bytes(0, ring.length)).equals(Buffer.from(model.map(([byte]) => byte))),
          ).toBe(true);
          // Twice: what was read last is not read again.
          for (const length of [20, 20, 5, 2000, 2000]) {
            const letters = model.slice(1, length).map(([byte]) => String.fromCharCode(byte));
            expect(ring.latin1(1, length)).toBe(letters.join(''));
          }
          for (const at of [0, model.length >> 1, model.length - 1]) {
            const [byte, from, offset] = model[at] ?? [];
            if (byte === undefined) continue;
            expect(ring.byte(at)).toBe(byte);
            expect(ring.place(at)).toEqual({ packet: from, offset, within: 'datagram' });
            expect(ring.find(byte, at)).toBe(at);
          }
        }
        ring.release();
        expect(purse.held).toBe(0);
      }),
      tries(150),
    );
  });
});
