// FTP's reader: RFC 959's replies, data connections of RFC 959 and RFC 2428, a real conversation.

import { describe, expect, test } from 'vitest';
import { ftp } from '../../../../src/core/eavesdrop/protocols/ftp.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const SESSION: readonly Turn[] = [
  ['S', '220-Welcome\r\n 220 not yet\r\n220 ftp.example.com ready\r\n'],
  ['C', 'USER anna\r\n'],
  ['S', '331 Password required\r\n'],
  ['C', 'PASS  two blanks\r\n'],
  ['S', '230-Messages:\r\n530 of these lines none is a refusal\r\n230 logged in\r\n'],
  ['C', 'ACCT books\r\n'],
  ['S', '230 ok\r\n'],
  ['C', 'PORT 10,0,0,2,12,34\r\n'],
  ['S', '200 ok\r\n'],
  ['C', 'EPRT |2|1080::8:800:200C:417A|5282|\r\n'],
  ['S', '200 ok\r\n'],
  ['C', 'PASV\r\nEPSV\r\n'],
  ['S', '227 Entering Passive Mode (192,168,1,2,4,1).\r\n229 Entering Extended Passive Mode (|||6446|)\r\n'],
  ['C', 'RETR /etc/shadow of a lab\r\n'],
  ['S', '550 Permission denied.\r\n'],
  ['C', '\xff\xf4\xff\xf2ABOR\r\n'],
  ['S', '226 closing\r\n'],
];

describe('what is read', () => {
  test('log-ins, paths, where data goes, refusals', () => {
    const heard = overhear(ftp, SESSION);
    expect(told(heard)).toEqual([
      'content greeting: Welcome',
      'identity USER: anna',
      'secret PASS: anna /  two blanks',
      'secret ACCT: anna / books',
      'content data connection: 10.0.0.2:3106',
      'content data connection: [1080::8:800:200C:417A]:5282',
      'content data connection: 192.168.1.2:1025',
      'content data connection: port 6446',
      'content RETR: /etc/shadow of a lab',
      'content refusal: 550 Permission denied.',
    ]);
    expect(heard.wire[6]).toBe('192,168,1,2,4,1');
  });

  test('AUTH TLS hands over when the server agrees', () => {
    const asked: readonly Turn[] = [
      ['S', '220 FTP\r\n'],
      ['C', 'AUTH TLS\r\n'],
    ];
    expect(overhear(ftp, [...asked, ['S', '500 no\r\n'], ['C', 'USER x\r\n']]).handedOver).toBe(false);
    expect(overhear(ftp, [...asked, ['S', '234 go\r\n']]).handedOver).toBe(true);
  });
});

test('between vsftpd and ftplib', () => {
  const capture = 'logins/ftp.pcap';
  expect(protocolsIn(capture).filter((one) => one.startsWith('FTP'))).toEqual(['FTP', 'FTP', 'FTP, TLS']);
  expect(loginsIn(capture)).toEqual(['FTP PASS: fritz / nope', 'FTP PASS: fritz / files for all']);
  expect(contentsOf(capture, 'FTP RETR')).toEqual(['report.txt']);
  expect(contentsOf(capture, 'FTP STOR')).toEqual(['Umsätze 2023.csv']);
});

keepsTheLaws(ftp, { SESSION, ...samplesOf('logins/ftp.pcap', 0, 1, 5) });
