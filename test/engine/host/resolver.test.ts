import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import type { Ip } from '../../../src/core/wire/address.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import type { DnsMessage, DnsQuestion, DnsRecord } from '../../../src/core/wire/dns.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { LookupAnswer, QueryAnswer } from '../../../src/engine/host/names.ts';
import type { HostsFile } from '../../../src/engine/host/resolver.ts';
import { Resolver } from '../../../src/engine/host/resolver.ts';
import type { DatagramReceiver, UdpSocket } from '../../../src/engine/host/udp.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import { viewOf } from '../../support/bytes.ts';
import { address, Inbox, Lab } from '../../support/lab.ts';

const SERVER = '10.0.0.2';
const { noError, nameError, serverFailure, refused, notImplemented } = dns.RCODE;

interface Heard {
  readonly message: DnsMessage;
  readonly from: Ip;
  readonly port: number;
  readonly time: number;
}

/** A server that says what it is told to. */
class Server implements DatagramReceiver {
  readonly heard: Heard[] = [];
  readonly socket: UdpSocket;
  readonly #host: Host;
  reply: (message: DnsMessage, heard: Heard) => Partial<DnsMessage> | null = () => null;

  constructor(host: Host, port = 53) {
    this.#host = host;
    this.socket = host.udp.bind(port, this);
  }

  datagram(frame: Frame, ip: number, at: number, end: number, port: number): void {
    const message = dns.read(frame.view, at, end);
    const from = ipv4.src(frame.view, ip);
    frame.release();
    if (typeof message === 'number') throw new Error('a query that cannot be read');
    const heard = { message, from, port, time: this.#host.ground.clock.now / 1e9 };
    this.heard.push(heard);
    const reply = this.reply(message, heard);
    if (reply !== null) this.socket.send(from, port, bytesOf(answerTo(message, reply)));
  }

  error(): void {}
}

function answerTo({ id, questions }: DnsMessage, edit: Partial<DnsMessage>): DnsMessage {
  return { id, flags: 0x8180, questions, answers: [], authorities: [], additionals: [], ...edit };
}

function bytesOf(message: DnsMessage): Uint8Array {
  const bytes = new Uint8Array(2048);
  return bytes.slice(0, dns.write(viewOf(bytes), 0, message));
}

function typeOf({ questions }: DnsMessage): number {
  return (questions[0] as DnsQuestion).type;
}

/** An address record, or with a name an alias. */
function record(name: string, to: string): DnsRecord {
  const common = { name, class: 1, ttl: 600 };
  if (to.includes(':')) return { ...common, type: 28, data: { kind: 'aaaa', address: parseIp(to) as never } };
  if (/^[\d.]+$/.test(to)) return { ...common, type: 1, data: { kind: 'a', address: parseIp(to) as number } };
  return { ...common, type: 5, data: { kind: 'name', name: to } };
}

/** Answers A and AAAA from these. */
function answering(name: string, four: readonly string[], six: readonly string[] = []): Server['reply'] {
  return (message) => ({
    answers: (typeOf(message) === dns.RR.a ? four : six).map((to) => record(name, to)),
  });
}

const NO_HOSTS: HostsFile = () => [];

let lab: Lab;
let a: Host;
let b: Host;
let server: Server;
let resolver: Resolver;

function make(hosts: HostsFile = NO_HOSTS, at: string | null = SERVER, seed = 1): Resolver {
  return new Resolver(a, at === null ? null : parseIp(at), hosts, new RandomSource(seed).stream('resolver'));
}

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  b = lab.host('b');
  lab.wire(a, { ips: ['10.0.0.1/24', 'fd00::1/64'] }, b, { ips: [`${SERVER}/24`, 'fd00::2/64'] });
  lab.run(1);
  server = new Server(b);
  resolver = make();
});

afterEach(() => {
  resolver.close();
  lab.end();
});

/** Looks up, lets time pass, and answers what was told: `address ...` or the error, with the seconds it took. */
function look(name: string, family: 0 | 4 | 6 = 0, by = resolver): { said: string; took: number } {
  const start = lab.clock.now;
  const told: LookupAnswer[] = [];
  let took = -1;
  by.lookup(name, family, (answer) => {
    told.push(answer);
    took = (lab.clock.now - start) / 1e9;
  });
  expect(told).toEqual([]);
  lab.run(30);
  expect(told.length).toBe(1);
  const [{ addresses, error }] = told as [LookupAnswer];
  expect(addresses.length === 0).toBe(error !== null);
  return { said: error ?? addresses.map(formatIp).join(' '), took };
}

function ask(name: string, type: number, at: string | null = null, by = resolver): QueryAnswer {
  const told: QueryAnswer[] = [];
  by.query(name, type, at === null ? null : parseIp(at), (answer) => told.push(answer));
  expect(told).toEqual([]);
  lab.run(30);
  expect(told.length).toBe(1);
  return told[0] as QueryAnswer;
}

describe('without asking', () => {
  test.each([
    ['10.1.2.3', 0, '10.1.2.3'],
    ['10.1.2.3', 4, '10.1.2.3'],
    ['10.1.2.3', 6, 'ENOTFOUND'],
    ['fd00::99', 0, 'fd00::99'],
    ['FD00:0::99', 6, 'fd00::99'],
    ['fd00::99', 4, 'ENOTFOUND'],
  ] as const)('%s in letters, family %d: %s', (name, family, said) => {
    expect(look(name, family)).toEqual({ said, took: 0 });
    expect(server.heard).toEqual([]);
  });

  test('the hosts file comes first: every address of the name, IPv4 before IPv6, whatever the case', () => {
    const hosts: HostsFile = (name) =>
      name === 'me' ? [parseIp('::1'), parseIp('10.0.1.2'), parseIp('10.0.2.2')] : [];
    const with_ = make(hosts);
    expect(look('me', 0, with_).said).toBe('10.0.1.2 10.0.2.2 ::1');
    expect(look('ME.', 4, with_).said).toBe('10.0.1.2 10.0.2.2');
    expect(look('me', 6, with_).said).toBe('::1');
    expect(server.heard).toEqual([]);
    with_.close();
  });

  test('a family that the hosts file lacks is asked for', () => {
    server.reply = answering('me', [], ['fd00::7']);
    const with_ = make((name) => (name === 'me' ? [parseIp('10.0.1.2')] : []));
    expect(look('me', 6, with_).said).toBe('fd00::7');
    with_.close();
  });

  test.each(['', '.', 'a..b', '.a', 'x'.repeat(64), 'ü', `${'abc.'.repeat(64)}d`])(
    'what DNS cannot carry does not exist: "%s"',
    (name) => {
      expect(look(name)).toEqual({ said: 'ENOTFOUND', took: 0 });
      expect(server.heard).toEqual([]);
    },
  );

  test('without a server only the hosts file knows names', () => {
    const alone = make((name) => (name === 'node1' ? [parseIp('192.0.2.11')] : []), null);
    expect(look('node1', 0, alone).said).toBe('192.0.2.11');
    expect(look('other', 0, alone)).toEqual({ said: 'ENOTFOUND', took: 0 });
    expect(alone.server).toBeNull();
    alone.close();
  });
});

describe('asking', () => {
  test('A and AAAA go out together from one port with an id each; IPv4 comes first, in the order of the answer', () => {
    server.reply = answering('web', ['10.0.1.3', '10.0.1.2'], ['fd00::3', 'fd00::2']);
    expect(look('web').said).toBe('10.0.1.3 10.0.1.2 fd00::3 fd00::2');
    expect(server.heard.map(({ message }) => [typeOf(message), message.flags])).toEqual([
      [dns.RR.a, 0x0100],
      [dns.RR.aaaa, 0x0100],
    ]);
    const [first, second] = server.heard as [Heard, Heard];
    expect(first.port).toBe(second.port);
    expect(first.message.id).not.toBe(second.message.id);
    expect(first.message.additionals).toEqual([]);
  });

  test.each([
    [4, dns.RR.a],
    [6, dns.RR.aaaa],
  ] as const)('family %d asks one question', (family, type) => {
    server.reply = answering('web', ['10.0.1.3'], ['fd00::3']);
    expect(look('web.', family).said).toBe(family === 4 ? '10.0.1.3' : 'fd00::3');
    expect(server.heard.map(({ message }) => message.questions)).toEqual([[{ name: 'web', type, class: 1 }]]);
  });

  test.each([
    ['no such name', nameError, 'ENOTFOUND', 2],
    ['a name without addresses', noError, 'ENOTFOUND', 2],
    ['a server that fails', serverFailure, 'EAI_AGAIN', 4],
    ['a server that refuses', refused, 'EAI_AGAIN', 4],
    ['a server that cannot', notImplemented, 'EAI_AGAIN', 4],
  ])('%s (rcode %d): %s after %d questions', (_what, rcode, said, count) => {
    server.reply = () => ({ flags: 0x8180 | rcode });
    expect(look('web')).toEqual({ said, took: 0 });
    expect(server.heard.length).toBe(count);
  });

  test('one family that fails does not matter when the other has addresses', () => {
    const good = answering('web', ['10.0.1.3']);
    server.reply = (message, heard) =>
      typeOf(message) === dns.RR.a ? good(message, heard) : { flags: 0x8182 };
    expect(look('web').said).toBe('10.0.1.3');
    server.reply = (message, heard) => (typeOf(message) === dns.RR.a ? good(message, heard) : null);
    expect(look('web')).toEqual({ said: '10.0.1.3', took: 10 });
  });

  test('aliases are followed, in any order of records and any case; a circle of them ends', () => {
    server.reply = () => ({
      answers: [
        record('C.example', '10.0.1.9'),
        record('www', 'b.example'),
        record('B.EXAMPLE', 'c.example'),
      ],
    });
    expect(look('WWW', 4).said).toBe('10.0.1.9');
    server.reply = () => ({ answers: [record('www', 'b'), record('b', 'www')] });
    expect(look('www', 4).said).toBe('ENOTFOUND');
    server.reply = () => ({ answers: [record('other', '10.0.1.9')] });
    expect(look('www', 4).said).toBe('ENOTFOUND');
  });
});

describe('silence', () => {
  test('two sendings five seconds apart with the same ids and port, then EAI_AGAIN', () => {
    expect(look('web')).toEqual({ said: 'EAI_AGAIN', took: 10 });
    const seen = server.heard.map(({ message, port, time }) => [time, typeOf(message), message.id, port]);
    const [one, two] = seen as [number[], number[]];
    expect(seen).toEqual([one, two, [6, ...one.slice(1)], [6, ...two.slice(1)]]);
  });

  test('only what was not answered is asked again', () => {
    let asked = 0;
    server.reply = (message, heard) =>
      typeOf(message) === dns.RR.a || ++asked > 1 ? answering('web', ['10.0.1.3'])(message, heard) : null;
    expect(look('web')).toEqual({ said: '10.0.1.3', took: 5 });
    expect(server.heard.map(({ message }) => typeOf(message))).toEqual([1, 28, 28]);
  });

  test('a host without a server says so at once', () => {
    b.udp.unbind(server.socket);
    expect(look('web')).toEqual({ said: 'EAI_AGAIN', took: 0 });
  });

  test('a server that no route leads to', () => {
    const lost = make(NO_HOSTS, '192.0.2.1');
    expect(look('web', 0, lost)).toEqual({ said: 'EAI_AGAIN', took: 0 });
    lost.close();
  });
});

describe('doubt', () => {
  test.each<[string, (message: DnsMessage) => Partial<DnsMessage>]>([
    ['another id', ({ id }) => ({ id: id ^ 1 })],
    ['another name', () => ({ questions: [{ name: 'evil', type: 1, class: 1 }] })],
    ['another type', () => ({ questions: [{ name: 'web', type: 28, class: 1 }] })],
    ['another class', () => ({ questions: [{ name: 'web', type: 1, class: 3 }] })],
    ['no question', () => ({ questions: [] })],
    ['two questions', ({ questions }) => ({ questions: [...questions, ...questions] })],
    ['a question, not an answer', () => ({ flags: 0x0100 })],
  ])('an answer with %s is passed over, the right one behind it counts', (_what, edit) => {
    server.reply = (message, { from, port }) => {
      const forged = { answers: [record('web', '6.6.6.6')], ...edit(message) };
      server.socket.send(from, port, bytesOf(answerTo(message, forged)));
      return { answers: [record('web', '10.0.1.3')] };
    };
    expect(look('web', 4)).toEqual({ said: '10.0.1.3', took: 0 });
  });

  test('an answer from another address or port, and bytes that are none, are passed over', () => {
    b.addAddress(b.interfaces[0] as never, address('10.0.0.3/32'));
    const elsewhere = b.udp.bind(53, new Inbox(), { address: parseIp('10.0.0.3'), translated: true });
    const other = b.udp.bind(5353, new Inbox());
    server.reply = (message, { from, port }) => {
      const forged = bytesOf(answerTo(message, { answers: [record('web', '6.6.6.6')] }));
      elsewhere.send(from, port, forged);
      other.send(from, port, forged);
      for (let length = 0; length < forged.length; length += 3)
        server.socket.send(from, port, forged.slice(0, length));
      return { answers: [record('web', '10.0.1.3')] };
    };
    expect(look('web', 4)).toEqual({ said: '10.0.1.3', took: 0 });
  });

  test('ids and ports are spread over their range, and the same seed draws the same', () => {
    server.reply = answering('web', ['10.0.1.3']);
    const run = (seed: number): string[] => {
      server.heard.length = 0;
      const one = make(NO_HOSTS, SERVER, seed);
      for (let i = 0; i < 200; i++) look('web', 4, one);
      one.close();
      return server.heard.map(({ message, port }) => `${message.id} ${port}`);
    };
    const first = run(1);
    const ports = first.map((pair) => Number(pair.split(' ')[1]));
    expect(new Set(first).size).toBe(200);
    expect(new Set(ports).size).toBeGreaterThan(190);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(32768);
    expect(Math.max(...ports)).toBeLessThanOrEqual(60999);
    expect(Math.max(...ports) - Math.min(...ports)).toBeGreaterThan(20_000);
    expect(run(1)).toEqual(first);
    expect(run(2)).not.toEqual(first);
  });
});

describe('one question, as dig asks it', () => {
  test('the answer comes as it is, with who gave it; AD and an OPT record for 1232 bytes go out', () => {
    server.reply = () => ({ flags: 0x8183 });
    const { message, error, server: by, time } = ask('nosuch', dns.RR.mx);
    expect([error, formatIp(by), time]).toEqual([null, SERVER, 0]);
    const bytes = message as Uint8Array;
    expect(dns.rcode(dns.flags(viewOf(bytes), 0))).toBe(nameError);
    const [heard] = server.heard as [Heard];
    expect(heard.message.flags).toBe(0x0120);
    expect(heard.message.additionals.map(({ type, class: size }) => [type, size])).toEqual([
      [dns.RR.opt, 1232],
    ]);
  });

  test('a refusal is an answer too, asked for once', () => {
    server.reply = () => ({ flags: 0x8185 });
    expect(ask('example.com', dns.RR.a).error).toBeNull();
    expect(server.heard.length).toBe(1);
  });

  test('the root may be asked for', () => {
    server.reply = () => ({});
    expect(ask('.', dns.RR.ns).error).toBeNull();
  });

  test('silence: three tries', () => {
    expect(ask('web', dns.RR.a)).toMatchObject({ message: null, error: 'EAI_AGAIN' });
    expect(server.heard.map(({ time }) => time)).toEqual([1, 6, 11]);
  });

  test('another server than the usual one; without any the host itself', () => {
    const third = make(NO_HOSTS, '10.0.0.77');
    server.reply = () => ({});
    expect(formatIp(ask('web', dns.RR.a, SERVER, third).server)).toBe(SERVER);
    expect(server.heard.length).toBe(1);
    third.close();
    const none = make(NO_HOSTS, null);
    expect(ask('web', dns.RR.a, null, none)).toMatchObject({
      error: 'EAI_AGAIN',
      server: parseIp('127.0.0.1'),
    });
    const here = new Server(a);
    here.reply = () => ({});
    expect(ask('web', dns.RR.a, null, none).error).toBeNull();
    none.close();
  });
});

test('after close nothing is told, and no socket and no timer is left', () => {
  let told = 0;
  const count = (): void => {
    told++;
  };
  for (const name of ['web', '10.0.0.1', 'other']) resolver.lookup(name, 0, count);
  resolver.query('web', 1, null, count);
  const ports = server.heard.map(({ port }) => port);
  expect(ports.length).toBe(5);
  resolver.close();
  resolver.lookup('web', 0, count);
  resolver.query('web', 1, null, count);
  for (const port of ports) expect(a.udp.isFree(port)).toBe(true);
  expect(lab.clock.pending).toBe(0);
  lab.run(30);
  expect(told).toBe(0);
  expect(server.heard.length).toBe(5);
});

test('whoever is told may ask again, or close', () => {
  server.reply = answering('web', ['10.0.1.3']);
  const order: string[] = [];
  resolver.lookup('web', 4, () => {
    order.push('first');
    resolver.lookup('web', 4, () => {
      order.push('second');
      resolver.lookup('web', 4, () => order.push('never'));
      resolver.close();
    });
  });
  lab.run(30);
  expect(order).toEqual(['first', 'second']);
});
