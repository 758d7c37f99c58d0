// NNTP's reader: examples of RFC 3977 and RFC 4643.

import { expect, test } from 'vitest';
import { nntp } from '../../../../src/core/eavesdrop/protocols/nntp.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';

/** RFC 4643 s.2.3.3 and RFC 3977 s.6.2.1.3, s.6.3.1.3. */
const SESSION: readonly Turn[] = [
  ['S', '200 news.example.com InterNetNews ready (posting ok)\r\n'],
  ['C', 'AUTHINFO USER fred\r\n'],
  ['S', '381 Enter passphrase\r\n'],
  ['C', 'AUTHINFO PASS flintstone yabba\r\n'],
  ['S', '481 Authentication failed\r\n'],
  ['C', 'AUTHINFO SASL PLAIN AHRlc3QAMTIzNA==\r\n'],
  ['S', '281 Authentication accepted\r\n'],
  ['C', 'GROUP misc.test\r\nARTICLE\r\n'],
  ['S', '211 1234 3000234 3002322 misc.test\r\n220 3000234 <45223423@example.com>\r\n'],
  [
    'S',
    'From: "Demo User" <nobody@example.net>\r\nSubject: I am just a test article\r\n\r\nAUTHINFO PASS none\r\n.\r\n',
  ],
  ['C', 'POST\r\n'],
  ['S', '340 Input article\r\n'],
  ['C', 'Subject: mine\r\n\r\nAUTHINFO USER x\r\nAUTHINFO PASS none\r\n.\r\n'],
  ['S', '240 Article received OK\r\n'],
  ['C', 'QUIT\r\n'],
  ['S', '205 bye\r\n'],
];

test('log-ins, groups, articles, and what in them is none', () => {
  expect(told(overhear(nntp, SESSION))).toEqual([
    'content greeting: news.example.com InterNetNews ready (posting ok)',
    'identity AUTHINFO USER: fred',
    'secret AUTHINFO PASS: fred / flintstone yabba',
    'content refusal: 481 Authentication failed',
    'secret AUTHINFO PLAIN: test / 1234',
    'content group: misc.test',
    'identity From: "Demo User" <nobody@example.net>',
    'content Subject: I am just a test article',
    'content message: AUTHINFO PASS none\r\n',
    'content Subject: mine',
    'content message: AUTHINFO USER x\r\nAUTHINFO PASS none\r\n',
  ]);
});

test('STARTTLS hands over when the server agrees (RFC 4642 s.2.2.2)', () => {
  const asked: readonly Turn[] = [
    ['S', '201 nntp ready\r\n'],
    ['C', 'STARTTLS\r\n'],
  ];
  expect(overhear(nntp, [...asked, ['S', '580 Can not initiate TLS negotiation\r\n']]).handedOver).toBe(
    false,
  );
  expect(overhear(nntp, [...asked, ['S', '382 Continue with TLS negotiation\r\n']]).handedOver).toBe(true);
});

keepsTheLaws(nntp, { SESSION });
