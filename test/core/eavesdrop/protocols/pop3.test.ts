// POP3's reader: examples of RFC 1939 and RFC 5034, real conversations, and what must not be taken for a log-in.

import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { pop3 } from '../../../../src/core/eavesdrop/protocols/pop3.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';
import { overhearCapture } from '../overhear.ts';

/** RFC 1939 s.10. */
const APOP: readonly Turn[] = [
  ['S', '+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n'],
  ['C', 'APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n'],
  ['S', "+OK mrose's maildrop has 2 messages (320 octets)\r\n"],
];

const SESSION: readonly Turn[] = [
  ['S', '+OK dewey POP3 server ready\r\n'],
  ['C', 'USER mrose\r\n'],
  ['S', '+OK mrose is a real hoopy frood\r\n'],
  ['C', 'PASS two words\r\n'],
  ['S', '-ERR maildrop already locked\r\n'],
  ['C', 'PASS two words\r\n'],
  ['S', '+OK mrose has 1 message\r\n'],
  ['C', 'LIST\r\nRETR 1\r\nUIDL\r\n'],
  [
    'S',
    '+OK\r\n1 120\r\n.\r\n+OK 120 octets\r\nFrom: a@b.example\r\nSubject: keys\r\n\r\nUSER x\r\nPASS not-a-log-in\r\n',
  ],
  ['S', '..\r\n.\r\n+OK\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n.\r\n'],
  ['C', 'QUIT\r\n'],
  ['S', '+OK dewey POP3 server signing off\r\n'],
];

describe('log-ins', () => {
  test("APOP with the greeting's time stamp, with which a guess is checked", () => {
    const heard = overhear(pop3, APOP);
    const line = told(heard).at(-1) as string;
    const [, challenge, answer] = /challenge=(\S+) answer=(\S+)/.exec(line) ?? [];
    // The shared secret of the RFC's example is "tanstaaf".
    expect(createHash('md5').update(`${challenge}tanstaaf`).digest('hex')).toBe(answer);
    expect(heard.wire.at(-1)).toBe('mrose c4c9334bac560ecc979e58001b3e22fb');
  });

  test('USER and PASS with blanks, and a mail that has both', () => {
    const heard = overhear(pop3, SESSION);
    expect(told(heard)).toEqual([
      'content greeting: dewey POP3 server ready',
      'identity USER: mrose',
      'secret PASS: mrose / two words',
      'content refusal: -ERR maildrop already locked',
      'secret PASS: mrose / two words',
      'identity From: a@b.example',
      'content Subject: keys',
      'content message: USER x\r\nPASS not-a-log-in\r\n.\r\n',
    ]);
    expect(heard.wire[2]).toBe('two words');
  });

  test('both sides at once', () => {
    expect(told(overhear(pop3, SESSION, { late: true })).sort()).toEqual(
      told(overhear(pop3, SESSION)).sort(),
    );
  });

  test('after lost bytes of a mail its lines are no replies', () => {
    const lost: readonly Turn[] = [
      ...SESSION.slice(0, 9),
      ['S', 50],
      ['S', 'x\r\n+OK\r\n.\r\n'],
      ['C', 'PASS after\r\n'],
    ];
    expect(told(overhear(pop3, lost)).filter((line) => line.startsWith('secret'))).toHaveLength(3);
  });
});

describe('between Dovecot and poplib or curl', () => {
  const CAPTURE = 'logins/pop3.pcap';

  test('who logs in with what', () => {
    expect(protocolsIn(CAPTURE)).toEqual(['POP3', 'POP3', 'POP3, TLS', 'POP3', 'POP3', 'POP3']);
    expect(loginsIn(CAPTURE)).toEqual([
      'POP3 PASS: erika / wrong',
      'POP3 PASS: erika / mail word 1',
      '~ POP3 APOP: erika / challenge=... answer=...',
      'POP3 AUTH PLAIN: erika / mail word 1',
      '~ POP3 AUTH CRAM-MD5: erika / challenge=... answer=...',
    ]);
  });

  test('the challenges are enough to check the password by', () => {
    const proofs = overhearCapture(CAPTURE).report.conversations.flatMap(({ readings }) =>
      readings
        .filter(({ kind }) => kind === 'challenge')
        .map(({ secret }) => /challenge=(\S+) answer=(\S+)/.exec(secret)),
    );
    const [apop, cram] = proofs;
    expect(createHash('md5').update(`${apop?.[1]}mail word 1`).digest('hex')).toBe(apop?.[2]);
    expect(
      createHmac('md5', 'mail word 1')
        .update(cram?.[1] ?? '')
        .digest('hex'),
    ).toBe(cram?.[2]);
  });

  test('the mail, unpacked from base64', () => {
    expect(contentsOf(CAPTURE, 'POP3 message')[0]).toBe(
      'Hallo Erika,\ndas Passwort ist erika-neu.\nJürgen\n',
    );
    expect(contentsOf(CAPTURE, 'POP3 From')[0]).toBe('Jürgen <j@lab.example>');
  });
});

keepsTheLaws(pop3, { APOP, SESSION, ...samplesOf('logins/pop3.pcap') });
