import { describe, expect, test } from 'vitest';
import {
  count,
  delay,
  duration,
  durationText,
  millis,
  percent,
  rate,
  span,
  whole,
} from '../../src/cli/units.ts';

describe('values on the command line', () => {
  test.each([
    ['10s', 10e9],
    ['10', 10e9],
    ['0.5s', 5e8],
    ['250ms', 25e7],
    ['3us', 3000],
    ['7ns', 7],
    ['2m', 120e9],
    ['1h', 3600e9],
    ['0', 0],
  ])('a duration %s is %d ns', (text, ns) => expect(duration(text)).toBe(ns));

  test.each(['', 's', '-1s', '1 s', '1e3', 'ten', '1d', '99999999h'])('a duration is not %j', (text) => {
    expect(() => duration(text)).toThrow('A duration is');
  });

  test('a span is longer than nothing', () => {
    expect(span('1ns')).toBe(1);
    expect(() => span('0s')).toThrow('longer than 0');
  });

  test('a delay has a unit', () => {
    expect(delay('1ms')).toBe(1e6);
    expect(() => delay('1')).toThrow('Say the unit');
  });

  test.each([
    ['1%', 0.01],
    ['0%', 0],
    ['100%', 1],
    ['0.5%', 0.005],
  ])('a share %s is %d', (text, share) => expect(percent(text)).toBe(share));

  test.each(['1', '101%', '-1%', '%'])('a share is not %j', (text) => {
    expect(() => percent(text)).toThrow('A share is');
  });

  test.each([
    ['100mbit', 1e8],
    ['1.5gbit', 15e8],
    ['64kbit', 64e3],
    ['9bit', 9],
  ])('a rate %s is %d bit/s', (text, bits) => expect(rate(text)).toBe(bits));

  test.each(['100', '100mb', 'mbit'])('a rate is not %j', (text) => {
    expect(() => rate(text)).toThrow('A rate is');
  });

  test('a whole number is in its range', () => {
    const port = whole(1, 65_535);
    expect(port('65535')).toBe(65_535);
    for (const text of ['0', '65536', '1.5', '', 'x', '-1'])
      expect(() => port(text)).toThrow('from 1 to 65535');
  });
});

test('numbers for people', () => {
  expect([durationText(10e9), durationText(25e7), durationText(1500), durationText(0)]).toEqual([
    '10 s',
    '250 ms',
    '1.5 us',
    '0 s',
  ]);
  expect(millis(123_456)).toBe('0.123');
  expect([count(1, 'node'), count(2, 'node'), count(0, 'entry', 'entries')]).toEqual([
    '1 node',
    '2 nodes',
    '0 entries',
  ]);
});
