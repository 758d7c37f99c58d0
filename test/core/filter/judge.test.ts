import { describe, expect, test } from 'vitest';
import { hasTool, runTool } from '../../support/peers.ts';
import { ask, askTshark, ranges, table } from './ask.ts';

// fixtures/filters.tsv: filters over captures of every folder and what tshark 4.0.17 lets through.

const TABLE = [...table()].map(([capture, rows]) => ({ capture, rows }));
const VERSION = hasTool('tshark') ? runTool('tshark', ['--version']) : '';

describe('filters let through what they do in tshark', () => {
  test.each(TABLE)('$capture', ({ capture, rows }) => {
    const found = ask(
      capture,
      rows.map((row) => row.filter),
    );
    expect(rows.map((row, i) => `${row.filter}: ${ranges(found[i] ?? [])}`)).toEqual(
      rows.map((row) => `${row.filter}: ${row.ours}`),
    );
  });

  test('the table is long, has every operator, and says why where we differ', () => {
    const rows = TABLE.flatMap((one) => one.rows);
    expect(rows.length).toBeGreaterThan(400);
    expect(TABLE.length).toBeGreaterThan(60);
    const text = rows.map((row) => row.filter).join('\n');
    const words =
      '== != === !== ~= > >= < <= eq ne gt any_eq any_ne all_eq all_ne contains matches ~ in not && || ! &';
    for (const word of [...words.split(' '), ...'and or any all + - * / %'.split(' ')]) {
      expect(` ${text} `.replaceAll('\n', ' \n ').includes(` ${word} `), word).toBe(true);
    }
    for (const call of ['len(', 'count(', 'upper(', 'lower(', 'string(', 'max(', 'min(', 'abs(']) {
      expect(text).toContain(call);
    }
    const differing = rows.filter((row) => row.ours !== row.theirs);
    expect(differing.every((row) => row.why !== null)).toBe(true);
    expect(rows.filter((row) => row.why !== null)).toEqual(differing);
    expect(differing.length).toBeLessThan(12);
    expect(rows.filter((row) => row.theirs === '-').length).toBeLessThan(rows.length / 10);
  });
});

// Other versions know other names and read other protocols.
describe.skipIf(!/4\.0\./.test(VERSION) || !VERSION.includes('with Lua'))(
  'tshark, asked anew, says the same',
  () => {
    test('every row of the table', { timeout: 180_000 }, () => {
      const said = TABLE.flatMap(({ capture, rows }) =>
        askTshark(
          capture,
          rows.map((row) => row.filter),
        ).map((numbers, i) => `${capture} ${rows[i]?.filter}: ${numbers}`),
      );
      expect(said).toEqual(
        TABLE.flatMap(({ rows }) => rows.map((row) => `${row.capture} ${row.filter}: ${row.theirs}`)),
      );
    });
  },
);
