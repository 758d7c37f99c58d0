// The table that rules remember flows in: what is in it is found, and at its bound the longest unasked goes.

import { expect, test } from 'vitest';
import { Table } from '../../../src/core/doctor/table.ts';

function keyed(capacity: number): { table: Table<{ n: number }>; at: (n: number) => number; gone: number[] } {
  const gone: number[] = [];
  let made = 0;
  const table: Table<{ n: number }> = new Table(
    2,
    capacity,
    () => ({ n: made++ }),
    (_value, entry) => gone.push(table.word(entry, 0)),
  );
  const at = (n: number): number => {
    table.words[0] = n;
    table.words[1] = ~n;
    return table.seek();
  };
  return { table, at, gone };
}

test('a thousand keys are told apart and found again, before and after the table has grown', () => {
  const { table, at } = keyed(1024);
  const first = Array.from({ length: 1000 }, (_, n) => table.value(at(n * 65537)));
  expect(table.size).toBe(1000);
  expect(Array.from({ length: 1000 }, (_, n) => table.value(at(n * 65537)))).toEqual(first);
  table.words[0] = 7;
  table.words[1] = 7;
  expect(table.find()).toBe(-1);
});

test('a full table forgets what was not asked for, tells which, and still finds the rest', () => {
  const { table, at, gone } = keyed(8);
  for (let n = 0; n < 8; n++) at(n);
  const kept = table.value(at(3));
  for (let n = 100; n < 107; n++) {
    at(n);
    expect(table.value(at(3))).toBe(kept);
  }
  expect(table.size).toBe(8);
  expect(table.forgotten).toBe(7);
  expect(gone.toSorted((x, y) => x - y)).toEqual([0, 1, 2, 4, 5, 6, 7]);
  for (let n = 100; n < 107; n++) {
    table.words[0] = n;
    table.words[1] = ~n;
    expect(table.word(table.find(), 0)).toBe(n);
  }
});

test('a key that was forgotten comes back as a new one', () => {
  const { table, at } = keyed(2);
  const before = table.value(at(1));
  for (let n = 2; n < 10; n++) at(n);
  expect(table.value(at(1))).not.toBe(before);
});
