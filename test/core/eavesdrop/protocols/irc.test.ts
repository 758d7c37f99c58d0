// IRC's reader: passwords of servers, operators, nicknames, SASL, and what is said.

import { expect, test } from 'vitest';
import { irc } from '../../../../src/core/eavesdrop/protocols/irc.ts';
import { contentsOf, loginsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/irc.pcap';

/** IRCv3 "SASL" specification's example. */
const SASL: readonly Turn[] = [
  ['C', 'CAP REQ :sasl\r\nNICK jilles\r\nUSER jilles cheetah.stack.nl 1 :Jilles Tjoelker\r\n'],
  ['S', ':jaguar.test CAP jilles ACK :sasl\r\n'],
  ['C', 'AUTHENTICATE PLAIN\r\n'],
  ['S', 'AUTHENTICATE +\r\n'],
  ['C', 'AUTHENTICATE amlsbGVzAGppbGxlcwBzZXNhbWU=\r\n'],
  ['S', ':jaguar.test 903 jilles :SASL authentication successful\r\n'],
  [
    'C',
    'JOIN #a key\r\nPRIVMSG #a :PASS is no command here\r\nPRIVMSG NickServ :IDENTIFY acct pw\r\nNS REGISTER pw2 a@b\r\n',
  ],
  ['S', ':bob!b@host PRIVMSG #a :hi\r\n'],
];

test('log-ins and talk', () => {
  const heard = overhear(irc, SASL);
  expect(told(heard)).toEqual([
    'identity NICK: jilles',
    'identity USER: jilles (Jilles Tjoelker)',
    'secret AUTHENTICATE PLAIN: jilles / sesame',
    'content JOIN: #a',
    'secret JOIN key: #a / key',
    'content PRIVMSG: to #a: PASS is no command here',
    'secret NickServ: acct / pw',
    'content NickServ: IDENTIFY acct ***',
    'secret NickServ: jilles / pw2',
    'content NickServ: REGISTER ***',
    'content PRIVMSG: bob to #a: hi',
  ]);
  expect(heard.wire[6]).toBe('pw');
});

test('with ngIRCd', () => {
  expect(loginsIn(CAPTURE)).toEqual([
    'IRC PASS:  / server-pass',
    'IRC OPER: op / wrong',
    'IRC OPER: op / op-pass',
    'IRC NickServ: greta / gretas-pw',
  ]);
  expect(contentsOf(CAPTURE, 'IRC PRIVMSG')).toEqual(['to #lab: the key is under the mat']);
});

keepsTheLaws(irc, { SASL, ...samplesOf(CAPTURE) });
