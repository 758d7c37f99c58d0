// PostgreSQL's reader: real conversations with each way to log in, captures that begin in the middle or have gaps.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { postgres } from '../../../../src/core/eavesdrop/protocols/postgres.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { conversationsOf, samplesOf } from '../../../support/turns.ts';
import { overhearCapture } from '../overhear.ts';

const CAPTURE = 'logins/postgres-login.pcap';
const PREPARED = 'logins/postgres-prepared.pcap';

function message(letter: string, fields: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(fields.length + 4);
  return letter + length.toString('latin1') + fields;
}

function query(text: string): Turn {
  return ['C', message('Q', `${text}\0`)];
}

function rows(name: string, value: string): Turn {
  const column = `\0\x01${name}\0${'\0'.repeat(18)}`;
  const row = `\0\x01\0\0\0${String.fromCharCode(value.length)}${value}`;
  return ['S', message('T', column) + message('D', row) + message('C', 'SELECT 1\0') + message('Z', 'I')];
}

function challenges(): string[] {
  return overhearCapture(CAPTURE).report.conversations.flatMap(({ readings }) =>
    readings.filter(({ kind }) => kind === 'challenge').map(({ secret }) => secret),
  );
}

describe('log-ins', () => {
  test('with each method', () => {
    expect(loginsIn(CAPTURE)).toEqual([
      'PostgreSQL password: carla / clear-as-day',
      '~ PostgreSQL MD5 password: max / salt=... answer=...',
      '~ PostgreSQL SASL SCRAM-SHA-256: sara / first=... challenge=... answer=...',
      'PostgreSQL password in a statement: carla / even-clearer',
    ]);
    expect(loginsIn(PREPARED)).toEqual([
      'PostgreSQL password: carla / wrong',
      expect.stringMatching(/^PostgreSQL cancel key: process \d+ \/ [0-9a-f]{8}$/),
    ]);
  });

  test('salt and answer are enough to check a guess at MD5', () => {
    const [, salt = '', answer] = /salt=(\w+) answer=(\w+)/.exec(challenges()[0] ?? '') ?? [];
    const inner = createHash('md5').update('md-fivemax').digest('hex');
    const outer = createHash('md5').update(Buffer.concat([Buffer.from(inner), Buffer.from(salt, 'hex')]));
    expect(`md5${outer.digest('hex')}`).toBe(answer);
  });

  test('both messages are enough to check a guess at SCRAM (RFC 5802 s.3)', () => {
    const [, first = '', challenge = '', answer = ''] =
      /first=n,,(\S+) challenge=(\S+) answer=(\S+)/.exec(challenges()[1] ?? '') ?? [];
    const [, salt = '', count] = /s=([^,]+),i=(\d+)/.exec(challenge) ?? [];
    const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    const salted = pbkdf2Sync('scrambled', Buffer.from(salt, 'base64'), Number(count), 32, 'sha256');
    const key = hmac(salted, 'Client Key');
    const signature = hmac(
      createHash('sha256').update(key).digest(),
      `${first},${challenge},${answer.replace(/,p=.*/, '')}`,
    );
    const proof = Buffer.from(key.map((byte, i) => byte ^ (signature[i] as number))).toString('base64');
    expect(answer.endsWith(`,p=${proof}`)).toBe(true);
  });

  test('the password is known for one from the client alone', () => {
    const [carla] = conversationsOf(CAPTURE);
    const turns = (carla?.turns ?? []).filter(([who]) => who === 'C');
    expect(told(overhear(postgres, turns))).toContain('secret password: carla / clear-as-day');
  });

  test('TLS: the request hands over when the server agrees, and goes on in the clear when not', () => {
    const request: Turn = ['C', '\0\0\0\x08\x04\xd2\x16\x2f'];
    expect(overhear(postgres, [request, ['S', 'S']]).handedOver).toBe(true);
    expect(overhear(postgres, [request, ['C', '\x16\x03\x01']]).handedOver).toBe(true);
    const plain = overhear(postgres, [request, ['S', 'N'], ['C', '\0\0\0\x11\0\x03\0\0user\0eve\0\0']]);
    expect(plain.handedOver).toBe(false);
    expect(told(plain)).toEqual(['identity user: eve']);
  });

  test('each conversation is claimed', () => {
    expect(new Set([...protocolsIn(CAPTURE), ...protocolsIn(PREPARED)])).toEqual(new Set(['PostgreSQL']));
  });
});

describe('queries', () => {
  test('with columns, rows, copies and errors', () => {
    const contents = (what: string): string[] => contentsOf(CAPTURE, `PostgreSQL ${what}`);
    expect(contents('columns')[0]).toBe('id | name | card');
    expect(contents('row').slice(0, 2)).toEqual(['1 | Ann | 4111 1111 1111 1111', '2 | Ben | NULL']);
    expect(contents('copy')).toEqual(['1\tAnn\t4111 1111 1111 1111\n2\tBen\t\\N\n']);
    expect(contents('error')).toEqual(['ERROR 42P01 relation "nowhere" does not exist']);
    expect(contents('more rows')).toEqual(['24 more rows']);
    expect(contents('query')).toContain("alter role carla password '***'");
  });

  test('prepared, with parameters', () => {
    expect(contentsOf(PREPARED, 'PostgreSQL prepare')).toEqual([
      "SELECT name FROM customer WHERE id = $1 AND name <> 'no one';",
    ]);
    expect(contentsOf(PREPARED, 'PostgreSQL parameters')[0]).toBe('17');
  });

  test('notifications, and binary values that are no text', () => {
    const bound = `\0\0\0\x01\0\x01\0\x02\0\0\0\x04\0\0\0\x2a\xff\xff\xff\xff\0\0`;
    const turns: Turn[] = [
      query('listen jobs'),
      ['S', message('A', '\0\0\0\x07jobs\0order 17\0')],
      ['C', message('B', bound)],
    ];
    expect(told(overhear(postgres, turns)).slice(1)).toEqual([
      'content notification: jobs: order 17',
      'content parameters: \\x0000002a | NULL',
    ]);
  });

  test('a long one is cut, and the next one read', () => {
    const heard = overhear(postgres, [query(`select '${'x'.repeat(3_000_000)}'`), query('select 2')], {
      pieces: [9000],
    });
    expect(heard.readings.map(({ text }) => text.length)).toEqual([1025, 8]);
    expect(heard.stuck).toBe(0);
  });
});

describe('parts of a conversation', () => {
  test('from the middle on, whatever the port', () => {
    const heard = overhear(postgres, [query('select 1'), rows('one', '1')], { serverPort: 9 });
    expect(told(heard)).toEqual(['content query: select 1', 'content columns: one', 'content row: 1']);
  });

  test('a gap in an answer hides that one only', () => {
    const turns: Turn[] = [
      query('select 1'),
      ['S', rows('a', 'x')[1].toString().slice(0, 12)],
      ['S', 99],
      ['S', 'rubbish'],
      query('select 2'),
      rows('b', 'two'),
    ];
    expect(told(overhear(postgres, turns))).toEqual([
      'content query: select 1',
      'content query: select 2',
      'content columns: b',
      'content row: two',
    ]);
  });

  test('a gap in what the client says ends at the next message', () => {
    const turns: Turn[] = [
      query('select 1'),
      ['C', 99],
      ['C', 'of a query'],
      query('select 3'),
      rows('c', 'three'),
    ];
    expect(told(overhear(postgres, turns)).at(1)).toBe('content query: select 3');
  });

  test('a password in copied data is none', () => {
    const turns: Turn[] = [
      query('copy t from stdin'),
      ['S', message('G', '\0\0\0')],
      ['C', message('d', 'p\0\0\0\x0bsecret\0')],
      ['C', message('c', '')],
    ];
    expect(told(overhear(postgres, turns)).some((line) => line.startsWith('secret'))).toBe(false);
  });
});

keepsTheLaws(postgres, {
  ...samplesOf(CAPTURE),
  ...samplesOf(PREPARED),
  ...samplesOf('public/arkime/postgres-good.pcap'),
});
