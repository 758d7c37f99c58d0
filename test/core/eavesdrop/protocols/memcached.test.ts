// memcached's reader: its text protocol, real values, and the log-in of its binary one.

import { expect, test } from 'vitest';
import { memcached } from '../../../../src/core/eavesdrop/protocols/memcached.ts';
import { contentsOf } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/memcached.pcap';

const TEXT: readonly Turn[] = [
  ['C', 'set a 0 0 13 noreply\r\nget secret\r\n!\r\nms b 2 T9\r\nhi\r\n'],
  ['S', 'HD\r\n'],
  ['C', 'get a b\r\nmg b v\r\n'],
  ['S', 'VALUE a 0 13\r\nget secret\r\n!\r\nVALUE b 0 2 77\r\nhi\r\nEND\r\nVA 2\r\nhi\r\n'],
  ['C', 'incr a 1\r\n'],
  ['S', 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'],
];

const ANSWER = '\0anna\0pw';
const BINARY: readonly Turn[] = [
  ['C', `\x80\x21\0\x05\0\0\0\0\0\0\0\x0d${'\0'.repeat(12)}PLAIN${ANSWER}`],
  ['S', `\x81\x21${'\0'.repeat(22)}`],
];

test('commands and values, whatever is in them', () => {
  const heard = overhear(memcached, TEXT, { serverPort: 9 });
  expect(told(heard)).toEqual([
    'content command: set a 0 0 13 noreply',
    'content value: get secret\r\n!',
    'content command: ms b 2 T9',
    'content value: hi',
    'content command: get a b',
    'content command: mg b v',
    'content value: get secret\r\n!',
    'content value: hi',
    'content value: hi',
    'content command: incr a 1',
    'content error: CLIENT_ERROR cannot increment or decrement non-numeric value',
  ]);
});

test('SASL in the binary protocol', () => {
  const heard = overhear(memcached, BINARY);
  expect(told(heard)).toEqual(['secret SASL PLAIN: anna / pw']);
  expect(heard.wire).toEqual(['pw']);
});

test('of a real server', () => {
  expect(contentsOf(CAPTURE, 'memcached value')[0]).toBe('user=claire');
});

keepsTheLaws(memcached, { TEXT, BINARY, ...samplesOf(CAPTURE) });
