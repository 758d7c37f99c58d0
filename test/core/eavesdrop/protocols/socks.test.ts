import { describe, expect, test } from 'vitest';
import { socks } from '../../../../src/core/eavesdrop/protocols/socks.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';

const GRANTED = '\x05\0\0\x01\0\0\0\0\0\0';

/** RFC 1929's log-in, and a name to connect to. */
const LOGIN: readonly Turn[] = [
  ['C', '\x05\x02\0\x02'],
  ['S', '\x05\x02'],
  ['C', '\x01\x03bob\x05alice'],
  ['S', '\x01\0'],
  ['C', '\x05\x01\0\x03\x0bexample.org\0\x50'],
  ['S', GRANTED],
];
const OPEN: readonly Turn[] = [
  ['C', '\x05\x01\0'],
  ['S', '\x05\0'],
  ['C', '\x05\x01\0\x01\xc0\0\x02\x07\x01\xbb'],
  ['S', GRANTED],
];
const FOUR: readonly Turn[] = [
  ['C', '\x04\x01\0\x50\0\0\0\x01carol\0example.net\0'],
  ['S', '\0\x5a\0\0\0\0\0\0'],
];

describe('SOCKS', () => {
  test('the user, the password and whom they are to reach (RFC 1928 s.4, RFC 1929 s.2)', () => {
    const { readings, wire, handedOver } = overhear(socks, LOGIN);
    expect(readings.map(({ kind, what, text, secret }) => [kind, what, text, secret])).toEqual([
      ['identity', 'user', 'bob', ''],
      ['secret', 'password', 'bob', 'alice'],
      ['content', 'connect', 'example.org:80', ''],
    ]);
    expect(wire.slice(0, 2)).toEqual(['bob', 'alice']);
    expect(handedOver).toBe(true);
  });

  test('without a log-in, and version 4A with a user', () => {
    const open = overhear(socks, OPEN);
    expect(open.readings.map(({ what, text }) => [what, text])).toEqual([['connect', '192.0.2.7:443']]);
    expect(open.handedOver).toBe(true);
    const four = overhear(socks, FOUR);
    expect(four.readings.map(({ what, text }) => [what, text])).toEqual([
      ['user', 'carol'],
      ['connect', 'example.net:80'],
    ]);
    expect(four.handedOver).toBe(true);
  });

  test('is not what begins otherwise', () => {
    for (const first of ['GET / HTTP/1.1\r\n', '\x05\0', '\x06\x01\0'])
      expect(overhear(socks, [['C', first]]).claim).toBe('not mine');
    // The server chose what was not offered.
    expect(
      overhear(socks, [
        ['C', '\x05\x01\0'],
        ['S', '\x05\x02'],
      ]).claim,
    ).toBe('not mine');
  });
});

keepsTheLaws(socks, { login: LOGIN, open: OPEN, four: FOUR });
