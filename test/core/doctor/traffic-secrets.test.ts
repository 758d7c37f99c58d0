// Credentials in the clear: each way to log in, the user named, and the secret nowhere in what is said.

import { describe, expect, test } from 'vitest';
import { L } from '../../../src/core/dissect/layer.ts';
import { SecretsRule } from '../../../src/core/doctor/traffic/secrets.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import type { Piece } from './traffic-run.ts';
import {
  bytesOf,
  changed,
  fileOf,
  findIn,
  findInCapture,
  indexOf,
  lines,
  piecesOf,
  withPayload,
} from './traffic-run.ts';

const rule = (): SecretsRule => new SecretsRule();
const SECRET = 'S3cr3t-pa55';

/** A segment of a client to port 80 in VNI 80. */
const HTTP = piecesOf('kernel/http-noffload.pcap');
const SEGMENT = HTTP[
  indexOf(HTTP, (view, d, { transport }) => {
    return transport >= 0 && d.kind(transport) === L.tcp && tcp.dstPort(view, d.start(transport)) === 80;
  })
] as Piece;

function carrying(payload: string, port = 80, fromServer = false): Piece {
  return changed(withPayload(SEGMENT, bytesOf(payload)), (view, d, { transport }) => {
    const at = d.start(transport);
    if (!fromServer) return tcp.setDstPort(view, at, port);
    tcp.setDstPort(view, at, 50_000);
    tcp.setSrcPort(view, at, port);
  });
}

describe('real captures', () => {
  test.each([
    [
      'docker-swarm/traffic-worker1-eth0.pcap',
      36,
      'VNI 4098 10.0.1.2 > 10.0.1.5:8080: password of alice readable, HTTP form',
    ],
    [
      'docker-swarm/traffic-worker1-eth0.pcap',
      50,
      'VNI 4097 10.0.3.3 > 10.0.3.2:3306: password of root readable, USER and PASS',
    ],
    [
      'kernel/http-noffload.pcap',
      9,
      'VNI 80 10.80.0.1 > 10.80.0.2:80: password of alice readable, HTTP Basic',
    ],
    ['kernel/http-noffload.pcap', 21, 'VNI 80 10.80.0.1 > 10.80.0.2:80: password of bob readable, HTTP form'],
    [
      'kernel/overlap-two-vnis.pcap',
      14,
      'VNI 100 10.0.0.1 > 10.0.0.2:80: password of tenant100 readable, HTTP Basic',
    ],
    [
      'kernel/overlap-two-vnis.pcap',
      32,
      'VNI 200 10.0.0.1 > 10.0.0.2:80: password of tenant200 readable, HTTP Basic',
    ],
  ])('%s packet %i', (name, packet, title) => {
    const found = findInCapture(name, rule);
    const one = found.find((each) => each.title === title);
    expect(one).toMatchObject({
      code: 'CLEARTEXT-CREDENTIALS',
      severity: 'warning',
      count: 1,
      packets: [packet],
    });
    expect(JSON.stringify(found)).not.toMatch(/S3cr3t|T0pSecret|hunter2|pw100|pw200|4111/);
  });
});

const basic = (pair: string): string => Buffer.from(pair).toString('base64');
const get = (header: string): string => `GET /x HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`;
const post = (body: string, type = 'application/x-www-form-urlencoded'): string =>
  `POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const pg = (word: string): string => `p\0\0\0${String.fromCharCode(word.length + 5)}${word}\0`;
const mysql = (step: number, body: string): string =>
  `${String.fromCharCode(body.length)}\0\0${String.fromCharCode(step)}${body}`;

interface Case {
  readonly name: string;
  readonly payload: string;
  readonly port?: number;
  readonly says: string;
}

const CASES: readonly Case[] = [
  {
    name: 'HTTP Basic',
    payload: get(`Authorization: Basic ${basic(`eve:${SECRET}`)}`),
    says: 'password of eve readable, HTTP Basic',
  },
  {
    name: 'HTTP proxy',
    payload: get(`proxy-authorization:basic ${basic(`eve:${SECRET}`)}`),
    says: 'password of eve readable, HTTP Basic',
  },
  {
    name: 'HTTP Bearer',
    payload: get(`Authorization: Bearer ${SECRET}`),
    says: 'token readable, HTTP Bearer',
  },
  { name: 'API key', payload: get(`X-Api-Key: ${SECRET}`), says: 'token readable, HTTP header' },
  { name: 'cookie', payload: get(`Cookie: session=${SECRET}`), says: 'cookie readable, HTTP' },
  { name: 'form', payload: post(`user=eve&password=${SECRET}`), says: 'password of eve readable, HTTP form' },
  {
    name: 'form without user',
    payload: post(`a=b&new_passwd=${SECRET}`),
    says: 'password readable, HTTP form',
  },
  {
    name: 'JSON',
    payload: post(`{"username": "eve", "password": "${SECRET}"}`, 'application/json'),
    says: 'password of eve readable, HTTP form',
  },
  {
    name: 'multipart',
    payload: post(
      `--b\r\nContent-Disposition: form-data; name="username"\r\n\r\neve\r\n--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${SECRET}\r\n--b--`,
      'multipart/form-data; boundary=b',
    ),
    says: 'password of eve readable, HTTP form',
  },
  {
    name: 'query',
    payload: `GET /a?login=eve&pwd=${SECRET} HTTP/1.1\r\nHost: a\r\n\r\n`,
    says: 'password of eve readable, HTTP query',
  },
  { name: 'FTP', payload: `PASS ${SECRET}\r\n`, port: 21, says: 'password readable, FTP or POP3 PASS' },
  {
    name: 'one line',
    payload: `USER eve PASS ${SECRET}`,
    port: 3306,
    says: 'password of eve readable, USER and PASS',
  },
  {
    name: 'POP3 pipelined',
    payload: `user eve\r\npass ${SECRET}\r\n`,
    port: 110,
    says: 'password of eve readable, USER and PASS',
  },
  {
    name: 'SMTP PLAIN',
    payload: `AUTH PLAIN ${basic(`\0eve\0${SECRET}`)}\r\n`,
    port: 25,
    says: 'password of eve readable, AUTH PLAIN',
  },
  {
    name: 'SMTP LOGIN',
    payload: `AUTH LOGIN ${basic('eve')}\r\n`,
    port: 587,
    says: 'password of eve readable, AUTH LOGIN',
  },
  {
    name: 'IMAP LOGIN',
    payload: `a001 LOGIN eve "${SECRET}"\r\n`,
    port: 143,
    says: 'password of eve readable, IMAP LOGIN',
  },
  {
    name: 'IMAP PLAIN',
    payload: `a1 AUTHENTICATE PLAIN ${basic(`\0eve\0${SECRET}`)}\r\n`,
    port: 143,
    says: 'password of eve readable, IMAP AUTHENTICATE',
  },
  {
    name: 'Redis',
    payload: `*2\r\n$4\r\nAUTH\r\n$11\r\n${SECRET}\r\n`,
    port: 6379,
    says: 'password readable, Redis AUTH',
  },
  {
    name: 'Redis user',
    payload: `*3\r\n$4\r\nauth\r\n$3\r\neve\r\n$11\r\n${SECRET}\r\n`,
    port: 6379,
    says: 'password of eve readable, Redis AUTH',
  },
  {
    name: 'Redis HELLO',
    payload: `*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\neve\r\n$11\r\n${SECRET}\r\n`,
    port: 6379,
    says: 'password of eve readable, Redis HELLO',
  },
  { name: 'Redis inline', payload: `AUTH ${SECRET}\r\n`, port: 6379, says: 'password readable, Redis AUTH' },
  { name: 'PostgreSQL', payload: pg(SECRET), port: 5432, says: 'password readable, PostgreSQL' },
  {
    name: 'MySQL',
    payload: mysql(1, `${'\0'.repeat(32)}eve\0${String.fromCharCode(12)}${SECRET}\0mysql_clear_password\0`),
    port: 3306,
    says: 'password of eve readable, MySQL',
  },
];

test.each(CASES)('$name', ({ payload, port = 80, says }) => {
  const found = findIn(fileOf([carrying(payload, port)]), [rule]);
  const severity = says.startsWith('cookie') ? 'note' : 'warning';
  const code = says.startsWith('cookie') ? 'CLEARTEXT-COOKIE' : 'CLEARTEXT-CREDENTIALS';
  expect(lines(found)).toEqual([`${severity} ${code} VNI 80 10.80.0.1 > 10.80.0.2:${port}: ${says}`]);
  expect(found[0]?.packets).toEqual([1]);
  const said = JSON.stringify(found);
  for (const part of [SECRET, basic(SECRET), basic(`eve:${SECRET}`), basic(`\0eve\0${SECRET}`)]) {
    expect(said).not.toContain(part);
  }
});

test.each([
  ['PostgreSQL', 'R\0\0\0\x08\0\0\0\x03', 5432, 'PostgreSQL asks in the clear'],
  ['MySQL', mysql(2, '\xfemysql_clear_password\0'), 3306, 'MySQL asks in the clear'],
])(
  'a %s server that asks for a clear-text password is named as the server',
  (_name, payload, port, where) => {
    expect(lines(findIn(fileOf([carrying(payload, port, true)]), [rule]))).toEqual([
      `warning CLEARTEXT-CREDENTIALS VNI 80 10.80.0.2 > 10.80.0.1:${port}: password readable, ${where}`,
    ]);
  },
);

test.each([
  ['no credentials', get('Accept: */*'), 80],
  ['an empty password', post('user=eve&password='), 80],
  ['a page about passwords', 'HTTP/1.1 200 OK\r\n\r\npassword=', 80],
  ['Digest', get('Authorization: Digest username="eve", response="0123"'), 80],
  ['APOP', 'APOP eve c4c9334bac560ecc979e58001b3e22fb\r\n', 110],
  ['CRAM-MD5', 'AUTH CRAM-MD5\r\n', 25],
  ['an MD5 answer', pg(`md5${'0123456789abcdef'.repeat(2)}`), 5432],
  ['SCRAM', 'p\0\0\0\x37SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=fyko+d2lbbFgONRv9qkxdawL', 5432],
  ['a MySQL hash', mysql(1, `${'\0'.repeat(32)}eve\0\x14${'h'.repeat(20)}mysql_native_password\0`), 3306],
  ['Redis without AUTH', '*1\r\n$4\r\nPING\r\n', 6379],
  ['IRC', 'USER guest 0 * :Ronnie\r\n', 6667],
  ['TLS', '\x16\x03\x01\x02\0\x01\0', 443],
  ['passive FTP', 'PASV\r\n', 21],
])('%s: nothing', (_name, payload, port) => {
  expect(lines(findIn(fileOf([carrying(payload, port)]), [rule]))).toEqual([]);
});

test('many requests of one user are one finding with their number', () => {
  const request = carrying(get(`Authorization: Basic ${basic(`eve:${SECRET}`)}`));
  const found = findIn(fileOf(Array.from({ length: 50 }, (_, i) => ({ ...request, at: i }))), [rule]);
  expect(found).toHaveLength(1);
  expect(found[0]?.count).toBe(50);
  expect(found[0]?.packets).toHaveLength(20);
});

test('a name with control characters cannot write on a terminal', () => {
  const found = findIn(fileOf([carrying(post(`user=\x1b[31meve&password=${SECRET}`))]), [rule]);
  expect(found[0]?.title).toContain('password of ?[31meve readable');
});
