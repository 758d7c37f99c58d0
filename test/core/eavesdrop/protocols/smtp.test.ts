// SMTP's reader: examples of RFC 5321, RFC 4954 and RFC 3030, real conversations, and what must not be taken for a log-in.

import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { smtp } from '../../../../src/core/eavesdrop/protocols/smtp.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const HELLO: readonly Turn[] = [
  ['S', '220-smtp.example.com ESMTP Server\r\n220 ready\r\n'],
  ['C', 'EHLO client.example.com\r\n'],
  ['S', '250-smtp.example.com Hello client.example.com\r\n250 AUTH GSSAPI DIGEST-MD5 PLAIN\r\n'],
];

/** RFC 4954 s.4.1, the exchange without TLS. */
const PLAIN: readonly Turn[] = [
  ...HELLO,
  ['C', 'AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\r\n'],
  ['S', '235 2.7.0 Authentication successful\r\n'],
];

/** RFC 2195 s.2 in SMTP's clothes. */
const CRAM: readonly Turn[] = [
  ['S', '220 postoffice.example ESMTP\r\n'],
  ['C', 'EHLO x\r\n'],
  ['S', '250-postoffice.example\r\n250 AUTH CRAM-MD5\r\n'],
  ['C', 'AUTH CRAM-MD5\r\n'],
  ['S', '334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n'],
  ['C', 'dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n'],
  ['S', '235 ok\r\n'],
];

/** RFC 5321 appendix D.1 with a mail that looks like commands. */
const MAIL: readonly Turn[] = [
  ['S', '220 foo.com Simple Mail Transfer Service Ready\r\n'],
  ['C', 'EHLO bar.com\r\n'],
  ['S', '250-foo.com greets bar.com\r\n250-8BITMIME\r\n250 HELP\r\n'],
  ['C', 'MAIL FROM:<Smith@bar.com>\r\n'],
  ['S', '250 OK\r\n'],
  ['C', 'RCPT TO:<Jones@foo.com>\r\n'],
  ['S', '250 OK\r\n'],
  ['C', 'RCPT TO:<Green@foo.com>\r\n'],
  ['S', '550 No such user here\r\n'],
  ['C', 'DATA\r\n'],
  ['S', '354 Start mail input; end with <CRLF>.<CRLF>\r\n'],
  [
    'C',
    'From: =?utf-8?B?Sm9obiBTbWl0aA==?= <Smith@bar.com>\r\nTo: Jones <Jones@foo.com>\r\n' +
      'Subject: The monthly\r\n numbers\r\nX-Other: no\r\n\r\n' +
      'AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\r\n..dotted\r\nPASS secret\r\n.\r\n',
  ],
  ['S', '250 OK\r\n'],
  ['C', 'QUIT\r\n'],
  ['S', '221 foo.com Service closing transmission channel\r\n'],
];

/** RFC 3030 s.4.2: a mail in chunks, commands sent ahead. */
const CHUNKS: readonly Turn[] = [
  ['S', '220 cnri.reston.va.us SMTP service ready\r\n'],
  ['C', 'EHLO ymir.claremont.edu\r\n'],
  ['S', '250-cnri.reston.va.us says hello\r\n250 CHUNKING\r\n'],
  ['C', 'MAIL FROM:<ned@ymir.claremont.edu>\r\nRCPT TO:<mrose@cnri.reston.va.us>\r\n'],
  ['S', '250 sender ok\r\n250 recipient ok\r\n'],
  ['C', 'BDAT 25\r\nSubject: In two\r\n\r\nAUTH ABDAT 14 LAST\r\nLOGIN x y z\r\nRQUIT\r\n'],
  ['S', '250 25 octets received\r\n250 Message OK\r\n221 bye\r\n'],
];

describe('log-ins', () => {
  test('AUTH PLAIN, at its encoded bytes', () => {
    const heard = overhear(smtp, PLAIN);
    expect(told(heard)).toEqual([
      'content greeting: ready',
      'identity client: client.example.com',
      'secret AUTH PLAIN: test / 1234',
    ]);
    expect(heard.wire[2]).toBe('dGVzdAB0ZXN0ADEyMzQ=');
  });

  test('CRAM-MD5 as challenge and answer, with which a guess is checked', () => {
    const line = told(overhear(smtp, CRAM)).at(-1) as string;
    const [, challenge = '', answer] = /challenge=(\S+) answer=(\S+)/.exec(line) ?? [];
    // RFC 2195: the shared secret is "tanstaaftanstaaf".
    expect(createHmac('md5', 'tanstaaftanstaaf').update(challenge).digest('hex')).toBe(answer);
    expect(line).toMatch(/^challenge AUTH CRAM-MD5: tim \//);
  });

  test.each([
    [
      'XOAUTH2',
      'user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qm\x01\x01',
      'someuser@example.com / ya29.vF9dft4qm',
    ],
    [
      'OAUTHBEARER',
      'n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qm\x01\x01',
      'user@example.com / vF9dft4qm',
    ],
    ['PLAIN', 'Ursel\0Kurt\0xipj3plmq', 'Kurt as Ursel / xipj3plmq'],
  ])('AUTH %s', (mechanism, answer, shown) => {
    const packed = Buffer.from(answer, 'latin1').toString('base64');
    const heard = overhear(smtp, [...HELLO, ['C', `AUTH ${mechanism} ${packed}\r\n`]]);
    expect(told(heard).at(-1)).toBe(`secret AUTH ${mechanism}: ${shown}`);
    expect(heard.wire.at(-1)).toBe(packed);
  });

  test('an answer that is taken back is none', () => {
    const heard = overhear(smtp, [
      ...HELLO,
      ['C', 'AUTH LOGIN\r\n'],
      ['S', '334 VXNlcm5hbWU6\r\n'],
      ['C', '*\r\n'],
      ['S', '501 ok\r\n'],
      ['C', 'NOOP\r\n'],
    ]);
    expect(told(heard).filter((line) => !line.startsWith('content'))).toEqual([
      'identity client: client.example.com',
    ]);
  });

  test('both sides at once, as a claim may leave them', () => {
    expect(told(overhear(smtp, CRAM, { late: true })).sort()).toEqual(told(overhear(smtp, CRAM)).sort());
  });

  test('the client alone, where the server was not captured', () => {
    const turns = PLAIN.filter(([who]) => who === 'C');
    expect(told(overhear(smtp, turns))).toContain('secret AUTH PLAIN: test / 1234');
  });
});

describe('mails', () => {
  test('headers, the text without stuffed dots, and nothing in it is a command', () => {
    const heard = overhear(smtp, MAIL);
    expect(told(heard)).toEqual([
      'content greeting: foo.com Simple Mail Transfer Service Ready',
      'identity client: bar.com',
      'identity MAIL FROM: Smith@bar.com',
      'identity RCPT TO: Jones@foo.com',
      'identity RCPT TO: Green@foo.com',
      'content refusal: 550 No such user here',
      'identity From: John Smith <Smith@bar.com>',
      'identity To: Jones <Jones@foo.com>',
      'content Subject: The monthly numbers',
      'content message: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\r\n.dotted\r\nPASS secret\r\n',
    ]);
    expect(heard.wire[8]).toBe('Subject: The monthly\r\n numbers');
    expect(heard.wire[9]).toBe('AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\r\n..dotted\r\nPASS secret\r\n');
  });

  test('in chunks, whose bytes are no lines', () => {
    const lines = told(overhear(smtp, CHUNKS));
    expect(lines.slice(-2)).toEqual(['content Subject: In two', 'content message: AUTH ALOGIN x y z\r\nR']);
    expect(lines.some((line) => line.startsWith('secret'))).toBe(false);
  });

  test('after a refused DATA commands go on', () => {
    const refused: readonly Turn[] = [
      ...HELLO,
      ['C', 'DATA\r\n'],
      ['S', '503 no\r\n'],
      ['C', 'AUTH PLAIN AGEAYg==\r\n'],
    ];
    expect(told(overhear(smtp, refused)).at(-1)).toBe('secret AUTH PLAIN: a / b');
  });

  test('lost bytes in the middle of a mail tell no log-in', () => {
    const lost: readonly Turn[] = [
      ...MAIL.slice(0, 11),
      ['C', 'Subject: x\r\n\r\nabc'],
      ['C', 100],
      ['C', 'x\r\nAUTH PLAIN AGEAYg==\r\n.\r\nQUIT\r\n'],
    ];
    expect(told(overhear(smtp, lost)).some((line) => line.startsWith('secret'))).toBe(false);
  });

  test('a long one is cut, and takes no more memory', () => {
    const body = `Subject: long\r\n\r\n${'0123456789abcdef'.repeat(20_000)}\r\n.\r\n`;
    const heard = overhear(smtp, [...MAIL.slice(0, 11), ['C', body]], { pieces: [1448] });
    const last = heard.readings.at(-1);
    expect(last?.text).toHaveLength(1025);
    expect(last?.text.endsWith('\u2026')).toBe(true);
    expect(heard.stuck).toBe(0);
  });
});

test('STARTTLS hands over when the server agrees, and not before', () => {
  const asked: readonly Turn[] = [...HELLO, ['C', 'STARTTLS\r\n']];
  expect(overhear(smtp, asked).handedOver).toBe(false);
  expect(overhear(smtp, [...asked, ['S', '454 later\r\n']]).handedOver).toBe(false);
  expect(overhear(smtp, [...asked, ['S', '220 go\r\n']]).handedOver).toBe(true);
  expect(overhear(smtp, [...asked.filter(([who]) => who === 'C'), ['C', '\x16\x03\x01']]).handedOver).toBe(
    true,
  );
});

describe('between aiosmtpd and smtplib', () => {
  const CAPTURE = 'logins/smtp.pcap';

  test('who logs in with what', () => {
    expect(protocolsIn(CAPTURE)).toEqual(['SMTP', 'SMTP', 'SMTP', 'SMTP, TLS']);
    expect(loginsIn(CAPTURE)).toEqual([
      'SMTP AUTH PLAIN: erika / wrong',
      'SMTP AUTH LOGIN: erika / wrong',
      'SMTP AUTH LOGIN: erika / send it',
      'SMTP AUTH PLAIN: erika / send it',
    ]);
  });

  test('the mail', () => {
    expect(contentsOf(CAPTURE, 'SMTP Subject')).toEqual(['Grüße und ein Paßwort']);
    expect(contentsOf(CAPTURE, 'SMTP message')[0]).toContain(
      '\r\n.dot at the start\r\nDas Paßwort ist geheim.',
    );
  });
});

keepsTheLaws(smtp, { PLAIN, CRAM, MAIL, CHUNKS, ...samplesOf('logins/smtp.pcap') });
