// Redis' reader: real conversations, each command that carries a password, values of any size and depth.

import { describe, expect, test } from 'vitest';
import { redis } from '../../../../src/core/eavesdrop/protocols/redis.ts';
import { contentsOf, loginsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/redis-login.pcap';

function command(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

function secrets(...args: string[]): string[] {
  const heard = overhear(redis, [['C', command(...args)]]);
  return heard.readings
    .filter(({ kind }) => kind === 'secret')
    .map(({ what, text, secret }) => `${what}: ${text} / ${secret}`);
}

const REPLIES: readonly Turn[] = [
  ['C', command('GET', 'token')],
  ['S', '$6\r\nab\r\ncd\r\n'],
  ['C', command('XRANGE', 's', '-', '+')],
  ['S', '*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n*-1\r\n'],
  ['C', command('HELLO', '3')],
  ['S', '|1\r\n+ttl\r\n:3\r\n%2\r\n+server\r\n+redis\r\n$5\r\nproto\r\n:3\r\n'],
  ['C', command('GET', 'none')],
  ['S', '_\r\n+OK\r\n:7\r\n$-1\r\n'],
  ['S', '>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n!11\r\nSYNTAX oops\r\n'],
];

describe('passwords', () => {
  test.each([
    [['AUTH', 'p w'], 'AUTH:  / p w'],
    [['auth', 'anna', 'pw'], 'AUTH: anna / pw'],
    [['HELLO', '3', 'AUTH', 'anna', 'pw', 'SETNAME', 'x'], 'HELLO AUTH: anna / pw'],
    [['CONFIG', 'SET', 'maxmemory', '1', 'requirepass', 'pw'], 'CONFIG SET requirepass:  / pw'],
    [['ACL', 'SETUSER', 'bob', 'on', '>pw', '+@all'], 'ACL SETUSER: bob / pw'],
    [['MIGRATE', 'h', '6379', 'k', '0', '9', 'AUTH', 'pw'], 'MIGRATE AUTH:  / pw'],
    [['MIGRATE', 'h', '6379', '', '0', '9', 'AUTH2', 'anna', 'pw', 'KEYS', 'a'], 'MIGRATE AUTH: anna / pw'],
  ])('%s', (args, expected) => {
    expect(secrets(...args)).toEqual([expected]);
    const shown = overhear(redis, [['C', command(...args)]]).readings.filter(
      ({ kind }) => kind === 'content',
    );
    expect(shown.every(({ text }) => !text.includes('pw') && !text.includes('p w'))).toBe(true);
  });

  test('in a value or a key are none', () => {
    expect(secrets('SET', 'AUTH', 'pw')).toEqual([]);
    expect(secrets('SET', 'x', command('AUTH', 'anna', 'pw'))).toEqual([]);
  });

  test('as somebody types them', () => {
    const heard = overhear(redis, [
      ['C', 'AUTH anna "p w"\r\n'],
      ['S', '+OK\r\n'],
      ['C', "SET a 'b c'\r\n"],
    ]);
    expect(told(heard)).toEqual(['secret AUTH: anna / p w', 'content command: SET a b c']);
    expect(heard.wire).toEqual(['p w', "SET a 'b c"]);
  });

  test('of redis-cli and a socket', () => {
    expect(loginsIn(CAPTURE)).toEqual([
      'Redis AUTH:  / wrong',
      'Redis AUTH: anna / p@ss w0rd',
      'Redis AUTH: anna / p@ss w0rd',
      'Redis AUTH: anna / p@ss w0rd',
      'Redis AUTH:  / s3cret-default',
      'Redis CONFIG SET masterauth:  / upstream-pw',
      'Redis AUTH:  / s3cret-default',
      'Redis ACL SETUSER: bob / bobs-pw',
      'Redis AUTH:  / s3cret-default',
    ]);
    expect(contentsOf(CAPTURE, 'Redis command')).toContain('ACL SETUSER bob on >*** +get');
    expect(contentsOf(CAPTURE, 'Redis reply')).toContain('name | Anna | mail | anna@example.com');
  });
});

describe('replies', () => {
  test('of each sort and depth', () => {
    const heard = overhear(redis, REPLIES);
    expect(told(heard).filter((line) => !line.startsWith('content command'))).toEqual([
      'content reply: ab\r\ncd',
      'content reply: 1-0 | k | v',
      'content reply: ttl | 3',
      'content reply: server | redis | proto | 3',
      'content reply: message | news | hello',
      'content error: SYNTAX oops',
    ]);
    expect(heard.wire[1]).toBe('ab\r\ncd');
  });

  test('values of megabytes are cut, and what follows is read', () => {
    const big = 'x'.repeat(2_000_000);
    const turns: Turn[] = [
      ['C', command('SET', 'k', big, 'EX', '9')],
      ['C', command('GET', 'k')],
      ['S', `+OK\r\n$${big.length}\r\n${big}\r\n`],
      ['S', '$1\r\ny\r\n'],
    ];
    const heard = overhear(redis, turns, { pieces: [9000] });
    expect(heard.readings.map(({ what, text }) => `${what} ${text.length}`)).toEqual([
      'command 1025',
      'command 5',
      'reply 1025',
      'reply 1',
    ]);
    expect(heard.stuck).toBe(0);
  });

  test('gaps end at the next command or reply', () => {
    const turns: Turn[] = [
      ['C', command('GET', 'a')],
      ['C', 50],
      ['C', 'rest\r\n'],
      ['C', command('GET', 'b')],
      ['S', '$9\r\nab'],
      ['S', 7],
      ['S', 'x\r\n'],
      ['S', '$1\r\nz\r\n'],
    ];
    expect(told(overhear(redis, turns))).toEqual([
      'content command: GET a',
      'content command: GET b',
      'content reply: z',
    ]);
  });
});

keepsTheLaws(redis, { REPLIES, ...samplesOf(CAPTURE) });
