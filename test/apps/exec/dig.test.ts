import dgram from 'node:dgram';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDig, reverseName } from '../../../src/apps/exec/dig/arguments.ts';
import { dig } from '../../../src/apps/exec/dig/dig.ts';
import type { DnsMessage, DnsRecord } from '../../../src/core/wire/dns.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import type { Ran } from './machine.ts';
import { onMachine } from './machine.ts';

/** A name server on loopback that answers from a table, over UDP and TCP. */
const udp = dgram.createSocket('udp4');
const tcp = net.createServer((socket) => {
  socket.on('data', (bytes) => {
    const reply = answer(bytes.subarray(2), false);
    socket.end(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
  });
});
let port = 0;
let asked: DnsMessage | null = null;

beforeAll(async () => {
  await new Promise<void>((done) => tcp.listen(0, '127.0.0.1', done));
  port = (tcp.address() as AddressInfo).port;
  await new Promise<void>((done) => udp.bind(port, '127.0.0.1', done));
  udp.on('message', (bytes, from) => {
    const silent = bytes.includes(Buffer.from('silent'));
    if (!silent) udp.send(answer(bytes, true), from.port, from.address);
  });
});
afterAll(() => {
  udp.close();
  tcp.close();
});

function record(name: string, type: number, data: DnsRecord['data']): DnsRecord {
  return { name, type, class: 1, ttl: 600, data };
}

const RECORDS: Readonly<Record<string, readonly DnsRecord[]>> = {
  'appserver 1': [
    record('appserver', 1, { kind: 'a', address: 0x0a000104 }),
    record('appserver', 1, { kind: 'a', address: 0x0a000105 }),
  ],
  '4.1.0.10.in-addr.arpa 12': [
    record('4.1.0.10.in-addr.arpa', 12, { kind: 'name', name: 'lecture_appserver.1.x.mywebnw' }),
  ],
  'a-name-that-is-longer-than-columns 1': [
    record('a-name-that-is-longer-than-columns', 1, { kind: 'a', address: 1 }),
  ],
  'text 16': [record('text', 16, { kind: 'txt', strings: ['a b', 'c'] })],
  'zone 6': [
    record('zone', 6, {
      kind: 'soa',
      primary: 'ns',
      mailbox: 'me',
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
      minimum: 5,
    }),
  ],
  'strange 65400': [record('strange', 65400, { kind: 'raw', at: 0, bytes: Uint8Array.from([1, 171]) })],
};

function answer(query: Uint8Array, cut: boolean): Buffer {
  const view = new DataView(query.buffer, query.byteOffset, query.length);
  asked = dns.read(view, 0, query.length) as DnsMessage;
  const question = asked.questions[0] as DnsMessage['questions'][number];
  const answers = RECORDS[`${question.name} ${question.type}`] ?? [];
  const truncated = cut && question.name === 'text' ? dns.FLAG.truncated : 0;
  const code = question.name.startsWith('nosuch') ? 3 : 0;
  const bytes = new Uint8Array(512);
  const length = dns.write(
    new DataView(bytes.buffer),
    0,
    {
      ...asked,
      flags: 0x8180 | truncated | code,
      answers: truncated === 0 ? answers : [],
      additionals: [],
    },
    false,
  );
  return Buffer.from(bytes.subarray(0, length));
}

const run = (...argv: string[]): Promise<Ran> => onMachine(dig, ['@127.0.0.1', '-p', String(port), ...argv]);
/** Without what changes from run to run. */
const plain = ({ out }: Ran): string =>
  out
    .replace(/id: \d+/, 'id: 7')
    .replace(/Query time: \d+/, 'Query time: 0')
    .replace(/WHEN: .*/, 'WHEN: now')
    .replaceAll(String(port), '53');

describe('dig prints', () => {
  test('an answer as dig 9.18 does', async () => {
    // The text is that of dig 9.18.49 for the same answer, but for its first line's version.
    expect(plain(await run('appserver'))).toBe(`
; <<>> DiG 9.18.49 <<>> @127.0.0.1 -p 53 appserver
; (1 server found)
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 7
;; flags: qr rd ra; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 0

;; QUESTION SECTION:
;appserver.			IN	A

;; ANSWER SECTION:
appserver.		600	IN	A	10.0.1.4
appserver.		600	IN	A	10.0.1.5

;; Query time: 0 msec
;; SERVER: 127.0.0.1#53(127.0.0.1) (UDP)
;; WHEN: now
;; MSG SIZE  rcvd: 77

`);
  });

  test('a name that does not exist, with exit 0', async () => {
    const ran = await run('nosuch');
    expect(ran.exit).toBe(0);
    expect(ran.out).toContain('status: NXDOMAIN');
    expect(ran.out).toContain(';nosuch.				IN	A\n');
    expect(ran.out).not.toContain('ANSWER SECTION');
  });

  test.each([
    [['+short', 'appserver'], '10.0.1.4\n10.0.1.5\n'],
    [
      ['+noall', '+answer', 'appserver'],
      'appserver.		600	IN	A	10.0.1.4\nappserver.		600	IN	A	10.0.1.5\n',
    ],
    [['+short', '-x', '10.0.1.4'], 'lecture_appserver.1.x.mywebnw.\n'],
    [['+short', 'text', 'TXT'], ';; Truncated, retrying in TCP mode.\n"a b" "c"\n'],
    [['+short', 'soa', 'zone'], 'ns. me. 1 2 3 4 5\n'],
    [['+short', '-t', 'TYPE65400', 'strange'], '\\# 2 01AB\n'],
    [
      ['+noall', '+answer', 'a-name-that-is-longer-than-columns'],
      'a-name-that-is-longer-than-columns. 600	IN A	0.0.0.1\n',
    ],
    [
      ['+nocmd', '+nocomments', '+nostats', 'appserver'],
      ';appserver.			IN	A\nappserver.		600	IN	A	10.0.1.4\nappserver.		600	IN	A	10.0.1.5\n',
    ],
    [
      ['+noall', '+answer', '+nottlid', 'appserver', 'A'],
      'appserver.		IN	A	10.0.1.4\nappserver.		IN	A	10.0.1.5\n',
    ],
    [
      ['+short', 'appserver', 'nosuch', '-x', '10.0.1.4'],
      '10.0.1.4\n10.0.1.5\nlecture_appserver.1.x.mywebnw.\n',
    ],
  ])('%j', async (argv, out) => expect(await run(...argv)).toEqual({ exit: 0, out, err: '' }));

  test('over TCP when told', async () => {
    expect((await run('+tcp', 'appserver')).out).toContain(`;; SERVER: 127.0.0.1#${port}(127.0.0.1) (TCP)\n`);
  });
});

test('dig asks as BIND does: recursion, AD, EDNS with 1232 bytes and a cookie', async () => {
  await run('appserver');
  expect(asked?.flags).toBe(0x0120);
  const opt = asked?.additionals[0] as DnsRecord;
  expect(dns.ednsOf(opt)).toEqual({ udpSize: 1232, extendedCode: 0, version: 0, dnssecOk: false });
  expect(opt.data).toMatchObject({ kind: 'opt', options: [{ code: 10 }] });
  await run('+norec', '+noedns', 'appserver');
  expect(asked).toMatchObject({ flags: 0x0020, additionals: [] });
});

describe('dig fails as dig', () => {
  test('9 when nobody answers, each try told', async () => {
    const ran = await run('+tries=2', '+timeout=1', 'silent');
    expect(ran.exit).toBe(9);
    expect(ran.out.match(/;; communications error to 127\.0\.0\.1#\d+: timed out\n/g)).toHaveLength(2);
    expect(ran.out).toMatch(/;; global options: \+cmd\n;; no servers could be reached\n$/);
  });

  test.each([
    [['-z', 'x'], 1, 'Invalid option: -z\nUsage:  dig '],
    [['+frob', 'x'], 1, 'Invalid option: +frob\n'],
    [['@nosuch', 'x'], 1, "dig: couldn't get address for 'nosuch': not found\n"],
    [['-x', 'ten'], 1, 'Invalid IP address ten\n'],
    [['a..b'], 10, "dig: 'a..b' is not a legal name"],
  ])('%j', async (argv, exit, err) => {
    const ran = await run(...argv);
    expect(ran.exit).toBe(exit);
    expect(ran.err).toContain(err);
  });
});

test('a type before or behind a name is that name’s', () => {
  const questions = (...argv: string[]): unknown => (readDig(argv) as { questions: unknown }).questions;
  expect(questions('AAAA', 'web')).toEqual([{ name: 'web', type: 28 }]);
  expect(questions('web', 'AAAA', 'app')).toEqual([
    { name: 'web', type: 28 },
    { name: 'app', type: 28 },
  ]);
  expect(questions('web', 'IN', 'MX')).toEqual([{ name: 'web', type: 15 }]);
  expect(questions()).toEqual([{ name: '.', type: 2 }]);
});

test('the reverse names of RFC 1035 s.3.5 and RFC 3596 s.2.5', () => {
  expect(reverseName('10.2.0.52')).toBe('52.0.2.10.in-addr.arpa');
  expect(reverseName('4321:0:1:2:3:4:567:89ab')).toBe(
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa',
  );
});
