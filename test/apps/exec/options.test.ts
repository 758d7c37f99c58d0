import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalNumber, readOptions, wholeNumber } from '../../../src/apps/exec/options.ts';
import '../../support/properties.ts';

const SHAPE = { letters: 'ab:c', long: { alpha: 'a', 'beta=': 'b', 'gamma=': 'gamma' } };
const names = (argv: readonly string[]): unknown => {
  const read = readOptions(argv, SHAPE);
  return 'fault' in read ? read : [read.options.map(({ name, value }) => name + value), read.operands];
};

describe('options are read as getopt_long reads them', () => {
  test.each([
    [
      ['-a', '-c'],
      [['a', 'c'], []],
    ],
    [['-ac'], [['a', 'c'], []]],
    [
      ['-b', '1'],
      [['b1'], []],
    ],
    [['-b1'], [['b1'], []]],
    [
      ['-acb1', 'x'],
      [['a', 'c', 'b1'], ['x']],
    ],
    [
      ['-b', '-a'],
      [['b-a'], []],
    ],
    [
      ['x', '-a', 'y'],
      [['a'], ['x', 'y']],
    ],
    [
      ['-a', '--', '-c', '--'],
      [['a'], ['-c', '--']],
    ],
    [
      ['-', '-a'],
      [['a'], ['-']],
    ],
    [
      ['--alpha', '--beta', '2', '--gamma=3=4'],
      [['a', 'b2', 'gamma3=4'], []],
    ],
    [[], [[], []]],
  ])('%j', (argv, expected) => expect(names(argv)).toEqual(expected));

  test.each([
    [['-x'], { fault: 'unknown', written: '-x' }],
    [['-ax'], { fault: 'unknown', written: '-x' }],
    [['-:'], { fault: 'unknown', written: '-:' }],
    [['--delta'], { fault: 'unknown', written: '--delta' }],
    [['--alpha=1'], { fault: 'unknown', written: '--alpha=1' }],
    [['--toString'], { fault: 'unknown', written: '--toString' }],
    [['-b'], { fault: 'no-value', written: '-b' }],
    [['--beta'], { fault: 'no-value', written: '--beta' }],
  ])('%j is a fault', (argv, expected) => expect(names(argv)).toEqual(expected));

  test('any words are read or refused, and none is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 5 }), { maxLength: 6 }), (argv) => {
        const read = readOptions(argv, SHAPE);
        if ('fault' in read) return;
        for (const operand of read.operands) expect(argv).toContain(operand);
        for (const { name, value, written } of read.options) {
          expect(['a', 'b', 'c', 'gamma']).toContain(name);
          expect(argv.some((word) => word.startsWith(written) || word.includes(name))).toBe(true);
          if (name !== 'b' && name !== 'gamma') expect(value).toBe('');
        }
      }),
    );
  });
});

test('numbers are decimal digits, and nothing else', () => {
  expect(['0', '12', '', '-1', '1.5', '0x1', '1e3', '9'.repeat(20)].map(wholeNumber)).toEqual([
    0,
    12,
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
  expect(['0.5', '.5', '2.', '3', '.', '-1', '1e3', 'x'].map(decimalNumber)).toEqual([
    0.5,
    0.5,
    2,
    3,
    null,
    null,
    null,
    null,
  ]);
});
