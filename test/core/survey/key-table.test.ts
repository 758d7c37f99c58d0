import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyTable } from '../../../src/core/survey/key-table.ts';

/** Few values, so that keys come again and differ in one word only. */
const word = fc.oneof(fc.constantFrom(0, 1, -1), fc.integer());
const key = fc.array(word, { minLength: 8, maxLength: 8 });

function row(table: KeyTable, words: readonly number[]): number {
  const [a, b, c, d, e, f, g, h] = words as [number, number, number, number, number, number, number, number];
  return table.row(a, b, c, d, e, f, g, h);
}

describe('a table of keys', () => {
  test('gives every key the row that a Map gives it, whatever the salt', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 60 }), fc.integer(), (keys, salt) => {
        const table = new KeyTable(1000, salt);
        const model = new Map<string, number>();
        for (const words of keys) {
          const name = words.join();
          const expected = model.get(name) ?? model.size;
          model.set(name, expected);
          expect(row(table, words)).toBe(expected);
        }
        expect(table.count).toBe(model.size);
        for (const [name, at] of model) {
          expect([0, 1, 2, 3, 4, 5, 6, 7].map((w) => table.word(at, w)).join()).toBe(name);
        }
      }),
    );
  });

  test('keeps rows and what their owner wrote when it doubles', () => {
    const table = new KeyTable(20_000);
    for (let i = 0; i < 20_000; i++) {
      const at = table.row(i, i * 7, 0, 0, 0, 0, 0, i & 3);
      expect(at).toBe(i);
      table.rows[at * 16 + 8] = i + 1;
    }
    for (let i = 0; i < 20_000; i++) {
      expect(table.row(i, i * 7, 0, 0, 0, 0, 0, i & 3)).toBe(i);
      expect(table.word(i, 8)).toBe(i + 1);
    }
  });

  test('refuses a new key when it is full and still finds the old ones', () => {
    const table = new KeyTable(2);
    expect(table.row(1, 0, 0, 0, 0, 0, 0, 0)).toBe(0);
    expect(table.row(2, 0, 0, 0, 0, 0, 0, 0)).toBe(1);
    expect(table.row(3, 0, 0, 0, 0, 0, 0, 0)).toBe(-1);
    expect(table.row(1, 0, 0, 0, 0, 0, 0, 0)).toBe(0);
  });
});
