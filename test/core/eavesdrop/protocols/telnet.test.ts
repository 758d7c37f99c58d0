// Telnet's reader: commands between letters (RFC 854), prompts, and a log-in typed key by key.

import { describe, expect, test } from 'vitest';
import { telnet } from '../../../../src/core/eavesdrop/protocols/telnet.ts';
import { loginsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const DO_TERMINAL = '\xff\xfd\x18';
const WILL_TERMINAL = '\xff\xfb\x18';

const TYPED: readonly Turn[] = [
  ['S', `${DO_TERMINAL}\xff\xfa\x27\x01\xff\xf0`],
  ['C', `${WILL_TERMINAL}\xff\xfa\x27\x00\x00USER\x01carol\xff\xf0`],
  ['S', 'login: '],
  ['C', 'ro'],
  ['S', 'ro'],
  ['C', 'x\x7fo\xff\xf1t\r\0'],
  ['S', 'x\b \bot\r\nPassword for root: '],
  ['C', 'pa\xff\xffss\r\n'],
  ['S', '\r\nLast login: today\r\n# '],
  ['C', 'ls\r\n'],
  ['S', 'ls\r\npassword: is a file\r\n# '],
  ['C', 'exit\r\n'],
];

describe('what is typed', () => {
  test('a user and a password where they are asked for, and nowhere else', () => {
    const heard = overhear(telnet, TYPED);
    expect(told(heard)).toEqual([
      'identity USER: carol',
      'content output: login: ',
      'identity login: root',
      'content output: rox\\x08 \\x08ot\r\nPassword for root: ',
      'secret password: root / pa\xffss'.replace('\xff', ''),
      'content output: \r\nLast login: today\r\n# ',
      'content input: ls',
      'content output: ls\r\npassword: is a file\r\n# ',
      'content input: exit',
    ]);
    expect(heard.wire[2]).toBe('rox\x7fo\xff\xf1t');
  });

  test('a server that negotiates nothing, on its port', () => {
    const turns: readonly Turn[] = [
      ['S', 'router\r\nUsername: '],
      ['C', 'ops\r\n'],
      ['S', 'Password: '],
      ['C', 'hidden\r\n'],
    ];
    expect(told(overhear(telnet, turns))).toContain('secret password: ops / hidden');
    expect(overhear(telnet, turns, { serverPort: 9999 }).claim).toBe('not mine');
  });
});

test('between telnetd and telnet of GNU inetutils', () => {
  expect(loginsIn('logins/telnet.pcap')).toEqual(['Telnet password: erika / tel pass!']);
});

keepsTheLaws(telnet, { TYPED, ...samplesOf('logins/telnet.pcap') });
