import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileFilter, FilterError } from '../../../src/core/filter/index.ts';
import { everyName } from '../../../src/core/filter/names.ts';
import { distance, nearest } from '../../../src/core/filter/suggest.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { ask } from './ask.ts';

function refused(text: string): FilterError {
  try {
    compileFilter(text);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`taken: ${text}`);
}

describe('a filter that cannot be used', () => {
  test('says what, where and what to do, and shows the place', () => {
    const error = refused('tcp.port == 80 && ip.scr == 10.0.1.2');
    expect(error).toBeInstanceOf(VxlabError);
    expect(error.code).toBe('BAD_FILTER');
    expect(error.column).toBe(19);
    expect(error.message).toBe(
      'filter, column 19: "ip.scr" is neither a field nor a protocol; did you mean ip.src?',
    );
    expect(error.caret).toBe('tcp.port == 80 && ip.scr == 10.0.1.2\n                  ^~~~~~');
  });

  test('the caret stands right under tabs and at the end', () => {
    expect(refused('tcp\t==\n').caret).toBe('tcp == \n       ^');
    expect(refused('"').caret).toBe('"\n^');
  });

  test.each([
    ['tcp.prot == 80', 'did you mean tcp.port?'],
    ['vxlan.vnii', 'did you mean vxlan.vni?'],
    ['vni == 5', 'did you mean vxlan.vni?'],
    ['vxlann', 'did you mean vxlan?'],
    ['inner.ip.scr == 1.2.3.4', 'did you mean inner.ip.src?'],
    ['outer.upd.port', 'did you mean outer.udp.port?'],
    ['frame.nubmer == 1', 'did you mean frame.number?'],
    ['tcp.flags.sync', 'did you mean tcp.flags.syn?'],
    ['quite.something.else', 'docs/filters.md lists the names'],
    ['tcp.seq == 1', 'depends on other packets of the stream; use tcp.seq_raw'],
    ['tcp.stream == 0', 'pin addresses and ports instead'],
    ['tcp.len-1 > 0', 'put spaces around the minus sign'],
    ['lenght(tcp) == 1', 'is no function; there are'],
    ['uper(http.host) == "A"', 'did you mean upper()?'],
    ['string(ip.src, ip.dst) == "a"', 'string() takes a number or an address'],
    ['len(foo) == 3', '"foo" is neither'],
    ['max(1, 2) == 3', 'max() takes one or more values of one type'],
    ['count(len(ip)) == 3', 'count() takes a field or protocol'],
    ['len(tcp)', 'say what len() is compared with'],
    ['ip.src == "abc"', '"abc" is not an IPv4 address, which ip.src is; write 10.0.1.2 or 10.0.0.0/8'],
    ['ip.src == 10.0.0.0/33', 'is not an IPv4 address'],
    ['ip.src == 10.0.1', 'is not an IPv4 address'],
    ['ipv6.src == 10.0.1.2', 'is not an IPv6 address'],
    ['eth.src == 02:42', 'is not a MAC address'],
    ['tcp.port == 70000', '"70000" is more than tcp.port can hold, which is 65535 at most'],
    ['vxlan.vni == 16777216', 'which is 16777215 at most'],
    ['tcp.port == 08', 'is not a number'],
    ['tcp.port == htpp', 'or did you mean the field http?'],
    ['tcp.flags.syn == maybe', 'is not a yes-or-no flag'],
    ['frame.time_delta == soon', 'is not a time in seconds'],
    ['frame.time > "2026-02-30"', 'is not a date'],
    ['tcp.payload == xyz', 'is not bytes'],
    ['http.host == ip.src', 'text cannot be compared with an IPv4 address'],
    ['ip.src contains 0a', 'contains looks into text and bytes'],
    ['tcp.port matches "80"', 'write string(...)'],
    ['http.host matches app', 'matches wants a regular expression in double quotes'],
    ['http.host matches "("', 'is no regular expression'],
    ['tcp.port[0] == 1', 'a number has no slices'],
    ['tcp.flags.syn & 1', '& does not go with'],
    ['http.host + 1 == 2', '+ does not go with'],
    ['frame.time_delta * 2 > 1', 'it takes numbers or times'],
    ['-ip.src == 1', 'has no negative'],
    ['5', '"5" is neither a field nor a protocol'],
    ['"a" == "a"', 'a field is wanted here, not a literal'],
    ['inner.frame.len > 1', 'write it without a side or layer'],
    ['frame#1', 'write it without a side or layer'],
    ['ip.src == "10.0.1.2', 'the quote is not closed'],
  ])('%s', (text, words) => {
    const { message } = refused(text);
    expect(message).toContain(words);
    expect(message).toMatch(/^filter, column \d+: [^\n]+$/);
  });

  test('no text leads to another error, and what compiles can be asked', () => {
    const names = [...everyName()];
    const piece = fc.oneof(
      fc.constantFrom(...names, ...names.map((name) => `inner.${name}`)),
      fc.constantFrom(
        ...'== != === !== ~= > < >= <= && || ! ^^ & + - * / % ( ) { } , .. # [ ] ~ $ :'.split(' '),
      ),
      fc.constantFrom(
        ...'and or not xor in contains matches any all eq len( count( max( string( upper('.split(' '),
      ),
      fc.constantFrom(
        '10.0.0.1',
        '10.0.0.0/8',
        '::1',
        'fe80::/10',
        '02:42:0a:00:01:02',
        '"GET"',
        "'G'",
        'r"\\d"',
      ),
      fc.constantFrom(
        '80',
        '0x50',
        '-1',
        '1.5',
        'True',
        '[0:2]',
        '[-1]',
        '[1-2,3]',
        '#2',
        '#[1-2]',
        '0',
        '99999999999',
      ),
      fc.string({ maxLength: 6 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    );
    const taken: string[] = [];
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), fc.constantFrom('', ' '), (pieces, between) => {
        const text = pieces.join(between);
        try {
          compileFilter(text);
          taken.push(text);
        } catch (error) {
          if (!(error instanceof FilterError)) throw error;
          expect(error.caret.split('\n')).toHaveLength(2);
        }
      }),
      { numRuns: 20_000 },
    );
    const some = taken.slice(0, 800);
    expect(some.length).toBeGreaterThan(300);
    expect(ask('kernel/unicast4.pcap', some)).toHaveLength(some.length);
    expect(ask('kernel/outer-frag.pcap', some)).toHaveLength(some.length);
  });
});

describe('the nearest name', () => {
  test('counts letters added, dropped, changed and swapped', () => {
    expect(distance('abc', 'abc', 9)).toBe(0);
    expect(distance('abc', 'acb', 9)).toBe(1);
    expect(distance('abc', 'ab', 9)).toBe(1);
    expect(distance('abc', 'xabc', 9)).toBe(1);
    expect(distance('kitten', 'sitting', 9)).toBe(3);
    expect(distance('abc', 'xyz', 2)).toBe(2);
  });

  test('is none when all are far', () => {
    expect(nearest('zzzzzz', ['ip.src', 'tcp'])).toBeNull();
    expect(nearest('tcq', ['ip.src', 'tcp'])).toBe('tcp');
  });
});
