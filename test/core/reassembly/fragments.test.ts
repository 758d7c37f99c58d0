import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fragments, TAKEN } from '../../../src/core/reassembly/fragments.ts';
import { viewOf } from '../../support/bytes.ts';
import '../../support/properties.ts';
import type { Cut } from './cut.ts';
import { cutsAt, join, payload } from './cut.ts';

/** Adds a cut of `whole`; its bytes stand behind three others. */
function add(datagram: Fragments, whole: Uint8Array, cut: Cut, packet: number): number {
  const view = viewOf(join('000000', whole.subarray(cut.offset, cut.offset + cut.length)));
  return datagram.add(view, 3, cut.offset, cut.length, cut.more, packet);
}

/** A payload, the pieces that it is cut into twice over, and an order in which they come. */
const CUT = fc
  .record({
    length: fc.integer({ min: 1, max: 3000 }),
    units: fc.array(fc.nat(374), { maxLength: 30 }),
    other: fc.array(fc.nat(374), { maxLength: 30 }),
    seed: fc.nat(255),
  })
  .chain(({ length, units, other, seed }) => {
    const places = (list: number[]): number[] => list.map((unit) => unit * 8);
    const first = cutsAt(length, places(units));
    // The same datagram cut elsewhere: at a second tap, behind a link with a smaller MTU.
    const again = cutsAt(length, places(other));
    return fc.record({
      whole: fc.constant(payload(length, seed)),
      first: fc.constant(first),
      order: fc.shuffledSubarray([...first, ...again, ...first], {
        minLength: 2 * first.length + again.length,
      }),
    });
  });

describe('a datagram from its fragments', () => {
  test('any cut, in any order, with anything twice: whole with the last byte that was missing, and not before', () => {
    fc.assert(
      fc.property(CUT, ({ whole, order }) => {
        const datagram = new Fragments(0);
        const have = new Set<number>();
        let ended = false;
        for (const [i, cut] of order.entries()) {
          const before = have.size;
          const knew = ended;
          for (let at = cut.offset; at < cut.offset + cut.length; at++) have.add(at);
          ended ||= !cut.more;
          const taken = add(datagram, whole, cut, i);
          if (ended && have.size === whole.length) {
            expect(taken).toBe(TAKEN.whole);
            expect(datagram.payload).toEqual(whole);
            return;
          }
          expect(taken).toBe(have.size === before && knew === ended ? TAKEN.again : TAKEN.more);
        }
        expect.unreachable('all pieces came');
      }),
      { numRuns: 400 },
    );
  });

  test('with any one piece missing it is never whole', () => {
    fc.assert(
      fc.property(CUT, fc.nat(), ({ whole, first }, pick) => {
        const missing = pick % first.length;
        const datagram = new Fragments(0);
        for (const [i, cut] of [...first, ...first].entries()) {
          if (i % first.length !== missing) expect(add(datagram, whole, cut, i)).not.toBe(TAKEN.whole);
        }
      }),
    );
  });

  test('a byte that comes again and differs makes it void', () => {
    fc.assert(
      fc.property(CUT, fc.nat(), fc.nat(), ({ whole, first }, pick, place) => {
        const cut = first[pick % first.length] as Cut;
        const datagram = new Fragments(0);
        add(datagram, whole, { ...cut, more: true }, 1);
        const other = whole.slice();
        const at = cut.offset + (place % cut.length);
        other[at] = (other[at] as number) ^ 1;
        expect(add(datagram, other, cut, 2)).toBe(TAKEN.overlap);
      }),
    );
  });

  test('the packets that brought it are named once each, in the order of their offsets', () => {
    const whole = payload(40);
    const datagram = new Fragments(0);
    add(datagram, whole, { offset: 24, length: 16, more: false }, 9);
    add(datagram, whole, { offset: 8, length: 8, more: true }, 3);
    add(datagram, whole, { offset: 24, length: 16, more: false }, 4);
    expect(add(datagram, whole, { offset: 0, length: 24, more: true }, 7)).toBe(TAKEN.whole);
    expect(datagram.packets).toEqual([7, 3, 9]);
  });

  test.each([
    [
      'bytes behind the last fragment',
      { offset: 16, length: 8, more: false },
      { offset: 24, length: 8, more: true },
    ],
    [
      'a last fragment before the end of another',
      { offset: 24, length: 8, more: true },
      { offset: 0, length: 8, more: false },
    ],
    ['two ends', { offset: 16, length: 8, more: false }, { offset: 16, length: 4, more: false }],
    [
      'a teardrop: a last fragment within the first',
      { offset: 0, length: 32, more: true },
      { offset: 8, length: 4, more: false },
    ],
  ])('%s: void', (_, one, two) => {
    const whole = payload(64);
    const datagram = new Fragments(0);
    expect(add(datagram, whole, one, 1)).toBe(TAKEN.more);
    expect(add(datagram, whole, two, 2)).toBe(TAKEN.overlap);
  });

  test('the longest datagram of all, last piece first', () => {
    const whole = payload(65535);
    const datagram = new Fragments(0);
    const cuts = cutsAt(
      whole.length,
      Array.from({ length: 45 }, (_, i) => i * 1480),
    ).reverse();
    const taken = cuts.map((cut, i) => add(datagram, whole, cut, i));
    expect(taken.pop()).toBe(TAKEN.whole);
    expect(new Set(taken)).toEqual(new Set([TAKEN.more]));
    expect(datagram.payload).toEqual(whole);
    expect(datagram.packets).toEqual(cuts.map((_, i) => cuts.length - 1 - i));
  });

  test('it says what it takes of memory, and lets go when it is refused', () => {
    const datagram = new Fragments(0);
    const empty = datagram.held;
    add(datagram, payload(65535), { offset: 65528, length: 7, more: false }, 1);
    expect(datagram.held).toBeGreaterThanOrEqual(65535);
    datagram.refuse();
    expect(datagram.held).toBe(empty);
  });
});
