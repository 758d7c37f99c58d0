// MySQL's reader: real conversations of several servers and clients, captures that begin in the middle or have gaps, and
// payloads over packets.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { mysql } from '../../../../src/core/eavesdrop/protocols/mysql.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { bytesOf, overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { conversationsOf, samplesOf } from '../../../support/turns.ts';
import { overhearCapture } from '../overhear.ts';

const MARIADB = 'logins/mysql-mariadb.pcap';

function packet(seq: number, payload: string | Uint8Array): Uint8Array {
  const bytes = bytesOf(payload);
  const n = bytes.length;
  return new Uint8Array([n & 255, (n >> 8) & 255, n >> 16, seq, ...bytes]);
}

function query(text: string): Turn {
  return ['C', packet(0, `\x03${text}`)];
}

/** One column and one row, as a server without CLIENT_DEPRECATE_EOF sends them. */
function answer(name: string, value: string): Turn {
  const text = (one: string): string => String.fromCharCode(one.length) + one;
  const column = `\x03def${text('')}${text('')}${text('')}${text(name)}${text('')}\x0c\x21\0\x20\0\0\0\xfd\0\0\0\0\0`;
  const packets = ['\x01', column, '\xfe\0\0\x02\0', text(value), '\xfe\0\0\x02\0'];
  return ['S', Buffer.concat(packets.map((one, i) => packet(i + 1, one)))];
}

describe('log-ins', () => {
  test('of MariaDB, with each method', () => {
    const user = (name: string, method: string): string =>
      `~ MySQL ${method}: ${name} / nonce=... answer=...`;
    expect(loginsIn(MARIADB)).toEqual([
      user('nora', 'mysql_native_password'),
      'MySQL password in a statement: temp / temps-pass',
      'MySQL password in a statement: temp / next-pass',
      user('edda', 'mysql_native_password'),
      user('edda', 'client_ed25519'),
      ...[1, 2, 3, 4].map(() => user('nora', 'mysql_native_password')),
    ]);
    expect(loginsIn('logins/mysql-clear.pcap')).toEqual(['MySQL mysql_clear_password: cleo / in-the-clear']);
  });

  test('the nonce and the answer are enough to check a guess', () => {
    const [conversation] = overhearCapture(MARIADB).report.conversations;
    const proof = conversation?.readings.find(({ kind }) => kind === 'challenge')?.secret ?? '';
    const [, nonce = '', answer] = /nonce=(\w+) answer=(\w+)/.exec(proof) ?? [];
    const sha1 = (...parts: readonly Uint8Array[]): Buffer =>
      createHash('sha1').update(Buffer.concat(parts)).digest();
    const once = sha1(Buffer.from('native-pass'));
    const mask = sha1(Buffer.from(nonce, 'hex'), sha1(once));
    const expected = Buffer.from(once.map((byte, i) => byte ^ (mask[i] as number)));
    expect(expected.toString('hex')).toBe(answer);
  });

  test('of MySQL 8 with caching_sha2_password, also after a change of the method', () => {
    const logins = loginsIn('public/zeek/mysql/caching_sha2_password-after-auth-switch.pcapng');
    expect(logins).toEqual(['~ MySQL caching_sha2_password: root / nonce=... answer=...']);
    expect(loginsIn('public/zeek/mysql/change-user-error.pcap')).toHaveLength(4);
  });

  test('none without a password, none inside TLS', () => {
    expect(loginsIn('public/arkime/mysql-deny.pcap')).toEqual([]);
    expect(loginsIn('public/arkime/mysql-tls.pcap')).toEqual([]);
    expect(protocolsIn('public/arkime/mysql-tls.pcap')).toEqual(['MySQL, TLS']);
  });

  test('of a replica, whose password stands in the clear', () => {
    const register = '\x15\x07\0\0\0\x05db-02\x04repl\x09repl-pass\xea\x0c\0\0\0\0\0\0\0\0\0';
    const heard = overhear(mysql, [query('SELECT 1'), ['C', packet(0, register)]]);
    expect(told(heard).slice(1)).toEqual([
      'identity replica: db-02',
      'secret replica password: repl / repl-pass',
    ]);
    expect(heard.wire[2]).toBe('repl-pass');
  });
});

describe('queries', () => {
  test('with columns, rows, parameters, files and errors', () => {
    const contents = (what: string): string[] => contentsOf(MARIADB, `MySQL ${what}`);
    expect(contents('row').slice(0, 2)).toEqual([
      '1 | Ann | 1970-01-31 | 12.50 | pays late',
      expect.stringMatching(/^2 \| Ben \| NULL \| 0\.00 \| long long/),
    ]);
    expect(contents('parameters')).toEqual(['Ann | 10', 'Ben | 20']);
    // Both in binary form.
    expect(contents('row').filter((row) => row === '1 | Ann | 1970-01-31 | 12.50')).toHaveLength(1);
    expect(contents('row')).toContain('zwei');
    expect(contents('file')).toEqual(['3,Cid,1980-02-03,7,from a file\n']);
    expect(contents('more rows')).toEqual(['14 more rows']);
    expect(contents('query')).toContain("create user temp@localhost identified by '***'");
    expect(contents('error')).toEqual([
      "#28000Access denied for user 'nora'@'localhost' (using password: YES)",
    ]);
  });

  test('with attributes (MySQL 9.0)', () => {
    const name = 'public/zeek/mysql/mysql-9.0.0-query-attributes.pcap';
    expect(contentsOf(name, 'MySQL attributes')).toEqual([
      'number1=42 | string1=a string | date1=1987-10-18 | datetime1=1990-09-26 12:13:14',
    ]);
    expect(contentsOf(name, 'MySQL query')).toEqual(['SELECT version()']);
  });

  test('compressed ones are named, and measured by others', () => {
    const compressed = overhearCapture(MARIADB).report.conversations[3];
    expect(compressed?.readings.at(-1)).toMatchObject({ what: 'compressed', text: 'zlib' });
    expect(compressed?.opaque?.bytes).toBeGreaterThan(100);
  });

  test('over several packets of 16 MB, with the next one behind them', () => {
    const half = new Uint8Array(0xffffff).fill(0x78);
    half.set(bytesOf('\x03SELECT '));
    const rest = new Uint8Array(5000).fill(0x79);
    const long = Buffer.concat([Buffer.from('ffffff00', 'hex'), half, packet(1, rest)]);
    const heard = overhear(mysql, [['C', long], query('SELECT 2')], { pieces: [60_000] });
    expect(heard.readings.map(({ what, text }) => `${what} ${text.length}`)).toEqual([
      'query 1025',
      'query 8',
    ]);
    expect(heard.stuck).toBe(0);
  });
});

describe('parts of a conversation', () => {
  test('from the middle on', () => {
    const heard = overhear(mysql, [query('SELECT name FROM t'), answer('name', 'Ann')], { serverPort: 9 });
    expect(heard.claim).toBe('mine');
    expect(told(heard)).toEqual([
      'content query: SELECT name FROM t',
      'content columns: name',
      'content row: Ann',
    ]);
  });

  test('a gap in an answer hides that one only', () => {
    const turns: Turn[] = [
      query('SELECT 1'),
      ['S', answer('a', 'x')[1].toString().slice(0, 10)],
      ['S', 30],
      ['S', 'rubbish'],
      query('SELECT 2'),
      answer('b', 'two'),
    ];
    expect(told(overhear(mysql, turns))).toEqual([
      'content query: SELECT 1',
      'content query: SELECT 2',
      'content columns: b',
      'content row: two',
    ]);
  });

  test('a gap in what the client says ends at the next command', () => {
    const turns: Turn[] = [
      query('SELECT 1'),
      ['C', packet(0, '\x03SELECT xyz').slice(0, 8)],
      ['C', 400],
      ['C', 'of a query'],
      query('SELECT 3'),
      answer('c', 'three'),
    ];
    expect(told(overhear(mysql, turns))).toEqual([
      'content query: SELECT 1',
      'content query: SELECT 3',
      'content columns: c',
      'content row: three',
    ]);
  });

  test('the client alone', () => {
    const [first] = conversationsOf('logins/mysql-mariadb.pcap');
    const turns = (first?.turns ?? []).filter(([who]) => who === 'C');
    const lines = told(overhear(mysql, turns));
    expect(lines).toContain('identity user: nora');
    expect(lines).toContain('content query: select * from customer');
  });

  test('a refusal instead of a greeting', () => {
    const refusal = packet(0, "\xff\x6a\x04Host '10.0.0.9' is not allowed to connect to this MySQL server");
    expect(told(overhear(mysql, [['S', refusal]]))).toEqual([
      "content error: Host '10.0.0.9' is not allowed to connect to this MySQL server",
    ]);
  });
});

keepsTheLaws(mysql, {
  ...samplesOf(MARIADB),
  ...samplesOf('logins/mysql-clear.pcap'),
  ...samplesOf('public/zeek/mysql/query-attr.pcap'),
  ...samplesOf('public/zeek/mysql/change-user-error.pcap'),
});
