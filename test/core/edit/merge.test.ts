import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Merger } from '../../../src/core/edit/merge.ts';
import { emptyMeta } from '../../../src/core/pcap/chunks.ts';
import type { PacketMeta } from '../../../src/core/pcap/record.ts';
import { viewOf } from '../../support/bytes.ts';
import '../../support/properties.ts';

const SECOND = 1_000_000_000;

interface Went {
  readonly input: number;
  /** The packet's place in its input. */
  readonly index: number;
  readonly time: number;
}

function metaOf(time: number, index: number): PacketMeta {
  return { ...emptyMeta(), number: index + 1, seconds: Math.floor(time / SECOND), nanos: time % SECOND };
}

/** Merges runs of times, feeding each input chunks of these sizes whenever it is wanted. */
function merged(runs: readonly (readonly number[])[], chunk: number): { went: Went[]; held: number } {
  const went: Went[] = [];
  let inside = 0;
  let held = 0;
  const merger = new Merger(runs.length, (input, view, start, end, meta) => {
    inside--;
    const index = view.getUint16(start);
    expect([end - start, meta.number]).toEqual([2 + input, index + 1]);
    went.push({ input, index, time: meta.seconds * SECOND + meta.nanos });
  });
  const at = runs.map(() => 0);
  const open = new Set(runs.keys());
  while (open.size > 0) {
    for (const input of [...open]) {
      if (!merger.wants(input)) continue;
      const run = runs[input] ?? [];
      const from = at[input] ?? 0;
      for (let i = from; i < Math.min(run.length, from + chunk); i++) {
        const bytes = new Uint8Array(2 + input);
        viewOf(bytes).setUint16(0, i);
        merger.add(input, viewOf(bytes), 0, bytes.length, metaOf(run[i] ?? 0, i));
        inside++;
        held = Math.max(held, inside);
      }
      at[input] = from + chunk;
      if (from + chunk >= run.length) {
        merger.finish(input);
        open.delete(input);
      }
      merger.drain();
    }
  }
  return { went, held };
}

const sorted = fc
  .array(fc.nat(3 * SECOND), { maxLength: 40 })
  .map((times) => [...times].sort((a, b) => a - b));
const close = fc.array(fc.nat(5), { maxLength: 40 }).map((times) => [...times].sort((a, b) => a - b));

describe('several captures as one', () => {
  test('packets go in the order of time, those of one time in the order of the inputs, of one input in its own', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(sorted, close), { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        (runs, chunk) => {
          const all = runs.flatMap((run, input) => run.map((time, index) => ({ input, index, time })));
          // Sorting is stable: the concatenation, sorted by time alone, is what must come.
          const expected = all.sort((a, b) => a.time - b.time);
          expect(merged(runs, chunk).went).toEqual(expected);
        },
      ),
    );
  });

  test('of an input that goes back in time every packet goes when its turn comes', () => {
    const { went } = merged(
      [
        [5, 1, 6],
        [2, 4, 7],
      ],
      2,
    );
    expect(went.map(({ input, time }) => `${input}:${time}`)).toEqual([
      '1:2',
      '1:4',
      '0:5',
      '0:1',
      '0:6',
      '1:7',
    ]);
  });

  test('what is held is what the last chunks brought, however long the inputs are', () => {
    const run = Array.from({ length: 3000 }, (_, i) => 10 * i);
    expect(merged([run, run, run], 8).held).toBeLessThanOrEqual(3 * 8);
  });

  test('an input without packets holds up nobody once it has ended', () => {
    expect(merged([[], [3], []], 4).went).toEqual([{ input: 1, index: 0, time: 3 }]);
  });

  test('a packet without a time goes at once', () => {
    const order: number[] = [];
    const merger = new Merger(2, (input) => order.push(input));
    const view = viewOf(new Uint8Array(4));
    merger.add(0, view, 0, 4, metaOf(SECOND, 0));
    merger.add(1, view, 0, 4, { ...metaOf(0, 0), timed: false });
    merger.finish(0);
    merger.finish(1);
    merger.drain();
    expect(order).toEqual([1, 0]);
  });

  test('a fraction of a second or more counts as what it is', () => {
    const order: number[] = [];
    const merger = new Merger(2, (input) => order.push(input));
    const view = viewOf(new Uint8Array(4));
    merger.add(0, view, 0, 4, { ...metaOf(SECOND, 0), nanos: 3 * SECOND });
    merger.add(1, view, 0, 4, metaOf(2 * SECOND, 0));
    merger.finish(0);
    merger.finish(1);
    merger.drain();
    expect(order).toEqual([1, 0]);
  });

  test('comments come along', () => {
    const seen: string[] = [];
    const merger = new Merger(1, (_input, view, start, end, meta) => {
      const text = (from: number, to: number): string =>
        Buffer.from(view.buffer, view.byteOffset + from, to - from).toString();
      seen.push(`${text(start, end)}/${text(meta.optionsStart, meta.optionsEnd)}`);
    });
    const chunk = viewOf(new Uint8Array(Buffer.from('..packet..options..')));
    merger.add(0, chunk, 2, 8, { ...metaOf(1, 0), optionsStart: 10, optionsEnd: 17 });
    merger.add(0, chunk, 3, 5, metaOf(2, 1));
    merger.finish(0);
    merger.drain();
    expect(seen).toEqual(['packet/options', 'ac/']);
  });
});
