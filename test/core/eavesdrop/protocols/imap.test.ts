// IMAP's reader: strings of each kind, examples of RFC 9051, real conversations, and what must not be taken for a log-in.

import { describe, expect, test } from 'vitest';
import { imap } from '../../../../src/core/eavesdrop/protocols/imap.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const HELLO: Turn = ['S', '* OK [CAPABILITY IMAP4rev2 STARTTLS] server ready\r\n'];

function secrets(turns: readonly Turn[]): string[] {
  return told(overhear(imap, turns)).filter((line) => line.startsWith('secret'));
}

/** RFC 9051 s.4.3 and s.7.6: literals, one of them refused. */
const LITERALS: readonly Turn[] = [
  HELLO,
  ['C', 'A001 LOGIN {11}\r\n'],
  ['S', '+ Ready for additional command text\r\n'],
  ['C', 'FRED FOOBAR {7}\r\n'],
  ['S', '+ Ready for additional command text\r\n'],
  ['C', 'fat man\r\n'],
  ['S', 'A001 OK LOGIN completed\r\n'],
  ['C', 'A044 BLURDYBLOOP {102856}\r\n'],
  ['S', 'A044 BAD No such command as "BLURDYBLOOP"\r\n'],
  ['C', 'A045 SELECT inbox\r\n'],
  ['S', 'A045 OK done\r\n'],
];

const APPEND: readonly Turn[] = [
  HELLO,
  ['C', 'a1 LOGIN "smith" "sesa\\"me"\r\n'],
  ['S', 'a1 OK\r\n'],
  ['C', 'A003 APPEND saved-messages (\\Seen) {9000+}\r\n'],
  [
    'C',
    `Subject: afternoon meeting\r\nFrom: a@b.example\r\n\r\na7 LOGIN nobody nothing\r\n${'x'.repeat(8928)}\r\n`,
  ],
  ['S', 'A003 OK APPEND completed\r\n'],
  ['C', 'a9 AUTHENTICATE PLAIN AGFubmEAYmVydGE=\r\n'],
  ['S', 'a9 NO [AUTHENTICATIONFAILED] no\r\n'],
];

const FETCH: readonly Turn[] = [
  HELLO,
  ['C', 'f1 FETCH 1 (BODY[HEADER] BODY[TEXT] FLAGS)\r\n'],
  [
    'S',
    '* 1 FETCH (BODY[HEADER] {31}\r\nSubject: x\r\nTo: b@c.example\r\n\r\n BODY[TEXT] {33}\r\nA1 OK no reply\r\nf1 NO no refusal\n FLAGS ())\r\n',
  ],
  ['S', 'f1 OK done\r\n* LIST (\\HasNoChildren) "/" "Board minutes"\r\n'],
];

describe('LOGIN', () => {
  test.each([
    ['atoms', 'a1 LOGIN fred secret\r\n', 'fred / secret', 'secret'],
    ['quotes', 'a1 login "fr\\"ed" "pass \\\\ word"\r\n', 'fr"ed / pass \\ word', 'pass \\\\ word'],
    ['an empty user', 'a1 LOGIN "" x\r\n', ' / x', 'x'],
    ['literals that wait for nobody', 'a1 LOGIN {4+}\r\nfred {3+}\r\np\r\n\r\n', 'fred / p\r\n', 'p\r\n'],
  ])('with %s', (_, command, shown, wire) => {
    const heard = overhear(imap, [HELLO, ['C', command], ['S', 'a1 OK\r\n']]);
    expect(told(heard)).toContain(`secret LOGIN: ${shown}`);
    expect(heard.wire.at(-1)).toBe(wire);
  });

  test('with literals, and a refused one that never comes', () => {
    expect(told(overhear(imap, LITERALS))).toEqual([
      'content greeting: server ready',
      'secret LOGIN: FRED FOOBAR / fat man',
      'content refusal: A044 BAD No such command as "BLURDYBLOOP"',
      'content SELECT: inbox',
    ]);
  });

  test('in a mail that is stored or fetched is none', () => {
    expect(secrets(APPEND)).toEqual([
      'secret LOGIN: smith / sesa"me',
      'secret AUTHENTICATE PLAIN: anna / berta',
    ]);
    expect(told(overhear(imap, FETCH))).toEqual([
      'content greeting: server ready',
      'content Subject: x',
      'identity To: b@c.example',
      'content message: A1 OK no reply\r\nf1 NO no refusal\n',
      'content mailbox: "Board minutes"',
    ]);
  });

  test('is not read from the middle of a lost literal', () => {
    const lost: readonly Turn[] = [
      ...APPEND.slice(0, 4),
      ['C', 'Subject: a\r\n'],
      ['C', 8000],
      ['C', `a7 LOGIN nobody nothing\r\n${'x'.repeat(960)}\r\n`],
    ];
    expect(secrets(lost)).toEqual(['secret LOGIN: smith / sesa"me']);
  });
});

test('STARTTLS hands over when the server agrees', () => {
  const asked: readonly Turn[] = [HELLO, ['C', 'a STARTTLS\r\n']];
  expect(overhear(imap, [...asked, ['S', 'a BAD no\r\n']]).handedOver).toBe(false);
  expect(overhear(imap, [...asked, ['S', 'a OK Begin TLS negotiation now\r\n']]).handedOver).toBe(true);
});

test('between Dovecot and imaplib or a socket', () => {
  const capture = 'logins/imap.pcap';
  expect(protocolsIn(capture)).toEqual(['IMAP', 'IMAP', 'IMAP', 'IMAP, TLS', 'IMAP', 'IMAP']);
  expect(loginsIn(capture)).toEqual([
    'IMAP LOGIN: erika / wrong "quoted" \\one',
    'IMAP LOGIN: erika / mail word 1',
    '~ IMAP AUTHENTICATE CRAM-MD5: erika / challenge=... answer=...',
    'IMAP AUTHENTICATE PLAIN: erika / mail word 1',
    'IMAP LOGIN: erika / mail word 1',
    'IMAP LOGIN: erika / mail word 1',
  ]);
  expect(contentsOf(capture, 'IMAP SEARCH')).toEqual(['SEARCH SUBJECT "Zugang"']);
  expect(contentsOf(capture, 'IMAP message')).toEqual([
    'Hallo Erika,\ndas Passwort ist erika-neu.\nJürgen\n',
    'body\r\n',
  ]);
});

keepsTheLaws(imap, { LITERALS, APPEND, FETCH, ...samplesOf('logins/imap.pcap') });
