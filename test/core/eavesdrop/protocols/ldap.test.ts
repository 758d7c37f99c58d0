// LDAP's reader: real conversations with OpenLDAP and others' captures, filters as RFC 4515 writes them.

import { describe, expect, test } from 'vitest';
import { ldap } from '../../../../src/core/eavesdrop/protocols/ldap.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/ldap.pcap';

function tlv(tag: number, ...parts: string[]): string {
  const inside = parts.join('');
  const size = inside.length < 128 ? [inside.length] : [0x82, inside.length >> 8, inside.length & 255];
  return String.fromCharCode(tag, ...size) + inside;
}

function request(id: number, ...op: string[]): string {
  return tlv(0x30, tlv(2, String.fromCharCode(id)), ...op);
}

function search(filter: string): Turn {
  const fields = [
    tlv(4, 'dc=x'),
    '\n\x01\x02',
    '\n\x01\0',
    '\x02\x01\0',
    '\x02\x01\0',
    '\x01\x01\0',
    filter,
    tlv(0x30),
  ];
  return ['C', request(2, tlv(0x63, ...fields))];
}

const BIND: readonly Turn[] = [
  ['C', request(1, tlv(0x60, '\x02\x01\x03', tlv(4, 'cn=a'), tlv(0x80, 'pw\xc3\xa9')))],
  ['S', request(1, tlv(0x61, '\n\x01\x31', tlv(4), tlv(4, 'no')))],
];

describe('binds', () => {
  test('simple: name, password, refusal', () => {
    const heard = overhear(ldap, BIND, { serverPort: 9 });
    expect(told(heard)).toEqual([
      'secret simple bind: cn=a / pw\u00e9',
      'content refusal: invalidCredentials no',
    ]);
    expect(heard.wire[0]).toBe('pw\xc3\xa9');
  });

  test('without a password nothing is secret', () => {
    const bind: Turn = ['C', request(1, tlv(0x60, '\x02\x01\x03', tlv(4, 'cn=a'), tlv(0x80)))];
    expect(told(overhear(ldap, [bind]))).toEqual(['identity bind without a password: cn=a']);
  });

  test('of OpenLDAP, with what else has passwords', () => {
    expect(protocolsIn(CAPTURE).at(-1)).toBe('LDAP, TLS');
    const admin = 'LDAP simple bind: cn=admin,dc=lab,dc=example / admin-of-lab';
    const erika = 'uid=erika,dc=lab,dc=example';
    expect(loginsIn(CAPTURE)).toEqual([
      admin,
      `LDAP userPassword: ${erika} / erikas-first`,
      `LDAP simple bind: ${erika} / wrong`,
      `LDAP simple bind: ${erika} / erikas-first`,
      admin,
      `LDAP userPassword: ${erika} / erikas-first`,
      admin,
      `LDAP new password: ${erika} / erikas-second`,
      admin,
      admin,
      `LDAP userPassword: ${erika} / {CLEARTEXT}third`,
      '~ LDAP bind DIGEST-MD5: erika / username=...',
    ]);
  });
});

describe('searches', () => {
  test('of OpenLDAP: base, filter, entries', () => {
    expect(contentsOf(CAPTURE, 'LDAP search')).toEqual([
      'dc=lab,dc=example (&(|(uid=eri*)(mail=*@lab.example))(!(sn=Nobody))(objectClass=*))',
    ]);
    expect(contentsOf(CAPTURE, 'LDAP entry')).toEqual(['uid=erika,dc=lab,dc=example']);
    expect(contentsOf(CAPTURE, 'LDAP attributes')).toContain('mail=erika@lab.example');
  });

  /** RFC 4515 s.4. */
  test.each([
    ['(cn=Babs Jensen)', tlv(0xa3, tlv(4, 'cn'), tlv(4, 'Babs Jensen'))],
    ['(!(cn=Tim Howes))', tlv(0xa2, tlv(0xa3, tlv(4, 'cn'), tlv(4, 'Tim Howes')))],
    [
      '(o=univ*of*mich*)',
      tlv(0xa4, tlv(4, 'o'), tlv(0x30, tlv(0x80, 'univ'), tlv(0x81, 'of'), tlv(0x81, 'mich'))),
    ],
    ['(seeAlso=*)', tlv(0x87, 'seeAlso')],
    [
      '(cn:caseExactMatch:=Fred Flintstone)',
      tlv(0xa9, tlv(0x81, 'caseExactMatch'), tlv(0x82, 'cn'), tlv(0x83, 'Fred Flintstone')),
    ],
    ['(age>=21)', tlv(0xa5, tlv(4, 'age'), tlv(4, '21'))],
  ])('filter %s', (text, filter) => {
    expect(told(overhear(ldap, [...BIND.slice(0, 1), search(filter)])).at(-1)).toBe(
      `content search: dc=x ${text}`,
    );
  });
});

describe('changes', () => {
  const change = (name: string, value: string): string =>
    tlv(0x30, '\n\x01\x02', tlv(0x30, tlv(4, name), tlv(0x31, tlv(4, value))));
  const modify = (...changes: string[]): Turn => [
    'C',
    request(4, tlv(0x66, tlv(4, 'cn=x'), tlv(0x30, ...changes))),
  ];

  test('passwords are secrets, their hashes can be guessed at, the rest is told', () => {
    const changes = [
      change('unicodePwd', '"\0n\0e\0w\0"\0'),
      change('userPassword', '{SSHA}AAAAAAAA'),
      change('sambaNTPassword', '0123'),
      change('jpegPhoto', '\xff\xd8\x01'),
    ];
    expect(told(overhear(ldap, [modify(...changes)]))).toEqual([
      'content modify: cn=x',
      'secret unicodePwd: cn=x / "new"',
      'challenge userPassword: cn=x / {SSHA}AAAAAAAA',
      'challenge sambaNTPassword: cn=x / 0123',
      'content attributes: jpegPhoto=\\xffd801',
    ]);
  });

  test('names that change or go', () => {
    const rename: Turn = ['C', request(5, tlv(0x6c, tlv(4, 'cn=x'), tlv(4, 'cn=y'), '\x01\x01\xff'))];
    const remove: Turn = ['C', request(6, tlv(0x4a, 'cn=y'))];
    expect(told(overhear(ldap, [rename, remove]))).toEqual([
      'content rename: cn=x to cn=y',
      'content delete: cn=y',
    ]);
  });
});

test('StartTLS hands over when the server agrees', () => {
  const asked: Turn = ['C', request(3, tlv(0x77, tlv(0x80, '1.3.6.1.4.1.1466.20037')))];
  const said = (code: string): Turn => ['S', request(3, tlv(0x78, `\n\x01${code}`, tlv(4), tlv(4)))];
  expect(overhear(ldap, [asked, said('\x02')]).handedOver).toBe(false);
  expect(overhear(ldap, [asked, said('\0')]).handedOver).toBe(true);
});

keepsTheLaws(ldap, { BIND, ...samplesOf(CAPTURE, 0, 3, 4, 6, 7) });
