// What several protocols share: mails (RFC 5322, RFC 2045, RFC 2047), mechanisms of SASL, statements of SQL, MySQL's values.

import { describe, expect, test } from 'vitest';
import { mysql } from '../../../../src/core/eavesdrop/protocols/mysql.ts';
import { postgres } from '../../../../src/core/eavesdrop/protocols/postgres.ts';
import { smtp } from '../../../../src/core/eavesdrop/protocols/smtp.ts';
import { loginsIn } from '../../../support/logins.ts';
import { bytesOf, overhear, told } from '../../../support/overheard.ts';

const HELLO = ['S', '220 x ESMTP\r\n'] as const;

function mail(text: string): string[] {
  const turns = [
    HELLO,
    ['C', 'EHLO x\r\nDATA\r\n'],
    ['S', '250 ok\r\n354 go\r\n'],
    ['C', `${text}\r\n.\r\n`],
  ] as const;
  return told(overhear(smtp, turns)).slice(2);
}

describe('mails', () => {
  test.each([
    ['=?iso-8859-1?q?Keld_J=F8rn_Simonsen?= <k@d>', 'Keld Jørn Simonsen <k@d>'],
    [
      '=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=',
      'If you can read this yo=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=',
    ],
    ['=?utf-8?b?w4TDpA==?= =?utf-8?b?w5bDtg==?=', 'ÄäÖö'],
    ['Gr\xc3\xbc\xc3\x9fe', 'Grüße'],
    ['=?utf-8?b?!?= x', '=?utf-8?b?!?= x'],
  ])('subject %j', (written, read) => {
    expect(mail(`Subject: ${written}\r\n`)).toEqual([`content Subject: ${read}`]);
  });

  test('text as it is packed', () => {
    const quoted = mail('Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 is=\r\n one line');
    expect(quoted).toEqual(['content message: café is one line\r\n']);
    const packed = mail('Content-Transfer-Encoding: base64\r\n\r\naGVsbG8g\r\nd29ybGQ=');
    expect(packed).toEqual(['content message: hello world']);
    const parts = mail('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b--');
    expect(parts).toEqual(['content message: --b\r\n\r\nhi\r\n--b--\r\n']);
    const broken = mail('Content-Transfer-Encoding: base64\r\n\r\nnot base64 at all');
    expect(broken).toEqual(['content message: not base64 at all\r\n']);
  });

  test('a mail without headers has a text', () => {
    expect(mail('\r\nSubject: of the text')).toEqual(['content message: Subject: of the text\r\n']);
  });
});

describe('mechanisms of SASL', () => {
  test('NTLM, in SMB, DCE/RPC, TDS, SMTP, IMAP, POP3 and LDAP', () => {
    const logins = loginsIn('cleartext/arkime/ntlm_synthetic.pcap').filter((line) => !line.includes('HTTP'));
    expect(logins).toEqual([
      expect.stringMatching(/^~ SMB session setup NTLM: ARKDOM1\\alice1/),
      expect.stringMatching(/^~ SMB session setup NTLM: SPNDOM\\bob/),
      expect.stringMatching(/^~ SMB session setup NTLM: V6DOM\\charlie/),
      '~ LDAP bind NTLM: LDAPDOM\\frank / challenge= lm=... nt=...',
      '~ LDAP bind NTLM: SASLDOM\\grace / challenge=... lm=... nt=...',
      expect.stringMatching(/^~ DCE\/RPC bind NTLM: RPC6DOM\\ivy/),
      expect.stringMatching(/^~ SMTP AUTH NTLM: SMTPDOM\\jack/),
      expect.stringMatching(/^~ IMAP AUTHENTICATE NTLM: IMAPDOM\\kate/),
      expect.stringMatching(/^~ POP3 AUTH NTLM: POP3DOM\\liam/),
      expect.stringMatching(/^~ TDS login NTLM: TDSDOM\\mona/),
    ]);
  });

  test.each([
    [
      'DIGEST-MD5',
      'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",response=d388dad90d4bbd760a152321f2143af7',
      'challenge AUTH DIGEST-MD5: chris',
    ],
    ['SCRAM-SHA-1', 'n,,n=us=2Cer=3D,r=fyko', 'identity AUTH SCRAM-SHA-1 user: us,er='],
    ['EXTERNAL', 'fred@example.com', 'identity AUTH EXTERNAL: fred@example.com'],
    ['ANONYMOUS', 'sirhc', 'identity AUTH ANONYMOUS: sirhc'],
    ['LOGIN', 'user', 'identity AUTH LOGIN user: user'],
  ])('%s', (mechanism, answer, expected) => {
    const packed = Buffer.from(answer).toString('base64');
    const heard = overhear(smtp, [HELLO, ['C', `EHLO x\r\nAUTH ${mechanism} ${packed}\r\n`]]);
    expect(told(heard).at(-1)?.startsWith(expected)).toBe(true);
  });

  test.each([
    ['PLAIN', 'no zeros'],
    ['CRAM-MD5', 'oneword'],
    ['DIGEST-MD5', 'realm="x"'],
    ['NTLM', 'NTLMSSP\0\x01\0\0\0'],
    ['XOAUTH2', 'user=x'],
    ['GSSAPI', '\x60\x82\x01'],
  ])('what is no answer of %s tells nothing', (mechanism, answer) => {
    const packed = Buffer.from(answer, 'latin1').toString('base64');
    const heard = overhear(smtp, [HELLO, ['C', `EHLO x\r\nAUTH ${mechanism} ${packed}\r\n`]]);
    expect(told(heard).slice(2)).toEqual([]);
  });
});

describe('statements', () => {
  function secretsIn(text: string): string[] {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(text.length + 5);
    const heard = overhear(postgres, [['C', `Q${size.toString('latin1')}${text}\0`]]);
    return told(heard);
  }

  test.each([
    ["CREATE USER 'jeffrey'@'localhost' IDENTIFIED BY 'pass''word'", 'jeffrey', "pass''word"],
    ["create user if not exists a identified with mysql_native_password by 'x'", 'a', 'x'],
    ["GRANT ALL ON *.* TO 'b'@'%' IDENTIFIED BY 'y'", 'b', 'y'],
    ["SET PASSWORD FOR 'c'@'h' = 'z'", 'c', 'z'],
    ["ALTER ROLE davide WITH ENCRYPTED PASSWORD 'hu8jmn3'", 'davide', 'hu8jmn3'],
    ["CHANGE MASTER TO MASTER_USER='r', MASTER_PASSWORD='w'", 'r', 'w'],
  ])('%s', (text, who, secret) => {
    const [first, second] = secretsIn(text);
    expect(first).toBe(`secret password in a statement: ${who} / ${secret}`);
    expect(second).toContain("'***'");
    expect(second).not.toContain(`'${secret}'`);
  });

  test.each([
    "SELECT * FROM users WHERE password = 'x'",
    "INSERT INTO t (password) VALUES ('x')",
    "UPDATE t SET password = 'x'",
  ])('%s is about data and told as it is', (text) => {
    expect(secretsIn(text)).toEqual([`content query: ${text}`]);
  });
});

test("MySQL's values in binary form", () => {
  const packet = (seq: number, payload: string): Uint8Array =>
    bytesOf(String.fromCharCode(payload.length, 0, 0, seq) + payload);
  const prepared = '\0\x01\0\0\0\0\0\x09\0\0\0\0';
  const types = [8, 9, 4, 5, 7, 12, 11, 11, 6].map((type) => `${String.fromCharCode(type)}\0`).join('');
  const values =
    '\xff\xff\xff\xff\xff\xff\xff\xff' + // a BIGINT
    '\x05\0\0\0' + // an INT24
    '\x66\x66\x26\x41' + // 10.4 as FLOAT ("Binary Protocol Value")
    '\x66\x66\x66\x66\x66\x66\x24\x40' + // 10.2 as DOUBLE
    '\x0b\xda\x07\x0a\x11\x13\x1b\x1e\x01\0\0\0' +
    '\x04\xda\x07\x0a\x11' +
    '\x0c\x01\x78\0\0\0\x13\x1b\x1e\x01\0\0\0' +
    '\0';
  const heard = overhear(mysql, [
    ['C', packet(0, '\x16insert into t values (?)')],
    ['S', packet(1, prepared)],
    ['C', packet(0, `\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x01${types}${values}`)],
  ]);
  expect(told(heard).at(-1)).toBe(
    'content parameters: -1 | 5 | 10.4 | 10.2 | 2010-10-17 19:27:30.000001 | 2010-10-17 | -2899:27:30.000001 | 00:00:00 | NULL',
  );
});
