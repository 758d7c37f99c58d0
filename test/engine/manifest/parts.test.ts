// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts hold Compose's variables, not JavaScript's.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interpolate } from '../../../src/engine/manifest/interpolate.ts';
import { joinPath, subject } from '../../../src/engine/manifest/path.ts';
import {
  castBoolean,
  castNumber,
  parseDuration,
  parseSize,
  resolvePlain,
} from '../../../src/engine/manifest/scalar.ts';
import { distance, suggest } from '../../../src/engine/manifest/suggest.ts';
import { MendedText } from '../../../src/engine/manifest/text.ts';
import { splitWords } from '../../../src/engine/manifest/words.ts';

describe('unquoted scalars mean what go-yaml v3 makes of them', () => {
  test.each([
    ['', null],
    ['~', null],
    ['Null', null],
    ['true', true],
    ['False', false],
    ['yes', 'yes'],
    ['off', 'off'],
    ['42', 42],
    ['-7', -7],
    ['+7', 7],
    ['1_000', 1000],
    ['0440', 0o440],
    ['0o17', 15],
    ['-0x1F', -31],
    ['0b101', 5],
    ['0x', '0x'],
    ['0b12', '0b12'],
    ['08', 8],
    ['3.10', 3.1],
    ['.5', 0.5],
    ['1e3', 1000],
    ['-.inf', Number.NEGATIVE_INFINITY],
    ['.Inf', Number.POSITIVE_INFINITY],
    ['.nan', Number.NaN],
    ['22:22', '22:22'],
    ['10.0.1.0', '10.0.1.0'],
    ['1.2.3', '1.2.3'],
    ['-8085:80', '-8085:80'],
    ['-', '-'],
  ])('%j', (text, value) => {
    expect(resolvePlain(text)).toBe(value);
  });
});

describe('numbers and truth values out of variables', () => {
  test('are read as Compose reads them', () => {
    expect(['y', 'YES', 'on', 'True'].map(castBoolean)).toEqual([true, true, true, true]);
    expect(['n', 'No', 'OFF', 'false'].map(castBoolean)).toEqual([false, false, false, false]);
    expect(['', '1', 'perhaps'].map(castBoolean)).toEqual([null, null, null]);
    expect(castNumber('12', true)).toBe(12);
    expect(castNumber('1.5', true)).toBeNull();
    expect(castNumber('1.5', false)).toBe(1.5);
    expect(castNumber('x', false)).toBeNull();
  });
});

describe('durations and sizes', () => {
  test.each([
    ['90s', 90e9],
    ['1m30s', 90e9],
    ['1h', 3600e9],
    ['1.5h', 5400e9],
    ['500ms', 5e8],
    ['3us', 3000],
    ['3µs', 3000],
    ['10ns', 10],
    ['-5s', -5e9],
    ['.5s', 5e8],
    ['0', 0],
    ['', null],
    ['5', null],
    ['5 s', null],
    ['1d', null],
    ['99999999999h', null],
  ])('the duration %j', (text, nanoseconds) => {
    expect(parseDuration(text)).toBe(nanoseconds);
  });

  test.each([
    ['64', 64],
    ['64b', 64],
    ['64M', 64 * 1024 ** 2],
    ['1gb', 1024 ** 3],
    ['1.5 GiB', 1.5 * 1024 ** 3],
    ['2t', 2 * 1024 ** 4],
    ['x', null],
    ['1x', null],
    ['-1M', null],
  ])('the size %j', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});

describe('variables', () => {
  const filled = (text: string): string => interpolate(text, { A: 'a', E: '', __x9: 'u' }).text;
  const faults = (text: string): readonly string[] =>
    interpolate(text, { A: 'a', E: '' }).faults.map((fault) =>
      `${fault.kind} ${fault.name} ${fault.why}`.trim(),
    );

  test.each([
    ['plain', 'plain'],
    ['$A', 'a'],
    ['${A}b', 'ab'],
    ['$$A', '$A'],
    ['$$$A', '$a'],
    ['${A:-x}', 'a'],
    ['${E:-x}', 'x'],
    ['${E-x}', ''],
    ['${N-x y}', 'x y'],
    ['${N:-}', ''],
    ['$N-x', 'x'],
    ['$__x9.', 'u.'],
    ['${A:?must}', 'a'],
    ['${E?must}', ''],
  ])('%s becomes %j', (text, value) => {
    expect(filled(text)).toBe(value);
  });

  test('what is unset, demanded or no reference is told', () => {
    expect(faults('$N and ${M}')).toEqual(['unset N', 'unset M']);
    expect(faults('${E:?give one}')).toEqual(['required E give one']);
    expect(faults('${N?}')).toEqual(['required N']);
    expect(faults('cost: 5$ or ${}')).toEqual(['invalid $ or ${}', 'invalid ${}']);
    expect(faults('$constructor')).toEqual(['unset constructor']);
  });

  test('a text without a dollar sign is never changed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('$'));
        expect(interpolate(text, {})).toEqual({ text, faults: [] });
      }),
    );
  });
});

describe('did you mean', () => {
  const KEYS = ['driver', 'driver_opts', 'ipam', 'internal', 'attachable', 'name', 'labels', 'external'];

  test.each([
    ['drier', 'driver'],
    ['divers', 'driver'],
    ['spam', 'ipam'],
    ['IPAM', 'ipam'],
    ['Driver', 'driver'],
    ['driverOpts', 'driver_opts'],
    ['driver-opts', 'driver_opts'],
    ['dirver', 'driver'],
    ['lables', 'labels'],
    ['atachable', 'attachable'],
    ['externel', 'external'],
    ['options', 'driver_opts'],
    ['zone', null],
    ['x', null],
    ['driver', null],
    ['__proto__', null],
  ])('%s is %s', (word, meant) => {
    const others = KEYS.filter((key) => word !== 'driver' || key === 'ipam');
    expect(suggest(word, others)).toBe(meant);
  });

  test('a transposition counts one, and the bound is kept', () => {
    expect(distance('sunbet', 'subnet', 3)).toBe(1);
    expect(distance('ubsnet', 'subnet', 3)).toBe(2);
    expect(distance('usbnet', 'subnet', 3)).toBe(1);
    expect(distance('kitten', 'sitting', 3)).toBe(3);
    expect(distance('kitten', 'sitting', 2)).toBe(3);
    expect(distance('a', 'abcdef', 2)).toBe(3);
  });

  test('is a symmetric measure that is 0 for equal words only', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const off = distance(a, b, 10);
        expect(off).toBe(distance(b, a, 10));
        expect(off === 0).toBe(a === b);
        expect(off).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(off).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});

describe('a command line', () => {
  test.each([
    ['', []],
    ['  a  b ', ['a', 'b']],
    [`sh -c 'a "b"'`, ['sh', '-c', 'a "b"']],
    ['a"b c"d', ['ab cd']],
    ['a\\ b', ['a b']],
    ['"a\\"b"', ['a"b']],
    ["'a\\b'", ['a\\b']],
    ['a "" b', ['a', '', 'b']],
    ['a # rest\nb', ['a', 'b']],
    ['a#b', ['a#b']],
    ['a # rest', ['a']],
    ['"open', ['open']],
    ['end\\', ['end\\']],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });
});

describe('paths', () => {
  test('are joined with dots, odd keys in quotes, and named by their last part', () => {
    expect(joinPath('', 'networks', 'front')).toBe('networks.front');
    expect(joinPath('a', 'x.y')).toBe('a["x.y"]');
    expect(subject('')).toBe('the document');
    expect(subject('a.b')).toBe('"b"');
    expect(subject('a["x.y"]')).toBe('"x.y"');
    expect(subject('a.ports[2]')).toBe('item 3 of "ports"');
    expect(subject('a["x.y"][0]')).toBe('item 1');
    expect(subject('[4]')).toBe('item 5');
  });
});

describe('mended text', () => {
  test('places behind insertions map back to the original', () => {
    const text = new MendedText('ab:c\r\n\tx\nz');
    text.insert(0, 3, ' ');
    text.overwrite(1, 0, ' ');
    text.insert(1, 1, '   ');
    text.insert(1, 0, ' ');
    expect(text.toString()).toBe('ab: c\n     x\nz');
    expect(text.edited).toBe(true);
    expect(text.place(0)).toEqual({ line: 1, column: 1 });
    expect(text.place(2)).toEqual({ line: 1, column: 3 });
    expect(text.place(3)).toEqual({ line: 1, column: 4 });
    expect(text.place(4)).toEqual({ line: 1, column: 4 });
    expect(text.place(11)).toEqual({ line: 2, column: 2 });
    expect(text.place(13)).toEqual({ line: 3, column: 1 });
    expect(text.place(99)).toEqual({ line: 3, column: 2 });
  });

  test('any insertions: every original unit is found at its own place again', () => {
    const inserts = fc.array(fc.tuple(fc.nat(30), fc.constantFrom(' ', ':', '  ')), { maxLength: 5 });
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 20 }),
        inserts,
        (line, list) => {
          const text = new MendedText(line);
          for (const [at, more] of list) text.insert(0, Math.min(at, text.line(0).length), more);
          let next = 0;
          [...text.toString()].forEach((char, offset) => {
            if (!/[abc]/.test(char)) return;
            expect(text.place(offset)).toEqual({ line: 1, column: ++next });
          });
          expect(next).toBe(line.length);
        },
      ),
    );
  });

  test('without edits it is the text, line ends aside', () => {
    const text = new MendedText('a\r\nb\n');
    expect(text.toString()).toBe('a\nb\n');
    expect(text.edited).toBe(false);
    expect(text.length).toBe(3);
    expect(text.line(9)).toBe('');
  });
});
