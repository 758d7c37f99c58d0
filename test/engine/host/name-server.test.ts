import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ip } from '../../../src/core/wire/address.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import type { DnsMessage } from '../../../src/core/wire/dns.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Zone } from '../../../src/engine/host/answer.ts';
import { answer, reverseOf, STREAM_MAX } from '../../../src/engine/host/answer.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import { NameServer, RESOLVER_ADDRESS } from '../../../src/engine/host/name-server.ts';
import type { RandomStream } from '../../../src/engine/time/random.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import { toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { Inbox, Lab } from '../../support/lab.ts';

const { noError, nameError, refused, formatError, notImplemented } = dns.RCODE;

/** A zone of given names; owns what has no dot. */
class Table implements Zone {
  readonly names: Map<string, readonly Ip[]> = new Map();
  readonly pointers: Map<string, string> = new Map();

  put(name: string, ...ips: readonly string[]): this {
    this.names.set(name, ips.map(parseIp));
    return this;
  }

  addresses(name: string): readonly Ip[] | null {
    return this.names.get(name) ?? null;
  }

  pointer(ip: Ip): string | null {
    return this.pointers.get(formatIp(ip)) ?? null;
  }

  owns(name: string): boolean {
    return !name.includes('.');
  }

  ownsAddress(ip: Ip): boolean {
    return formatIp(ip).startsWith('10.0.1.');
  }
}

/** Leaves every order as it is. */
const STILL = { shuffle: <T>(list: T[]): T[] => list } as unknown as RandomStream;

function query(
  name: string,
  type: number,
  edit: Partial<DnsMessage> = {},
  cls: number = dns.CLASS_IN,
): Uint8Array {
  const bytes = new Uint8Array(512);
  const length = dns.write(viewOf(bytes), 0, {
    id: 0x1234,
    flags: dns.FLAG.recursionDesired,
    questions: [{ name, type, class: cls }],
    answers: [],
    authorities: [],
    additionals: [],
    ...edit,
  });
  return bytes.slice(0, length);
}

function raw(zone: Zone, bytes: Uint8Array, room = dns.UDP_MAX, random = STILL): Uint8Array | null {
  return answer(zone, viewOf(bytes), 0, bytes.length, random, room);
}

function read(bytes: Uint8Array | null): DnsMessage {
  if (bytes === null) throw new Error('no answer');
  const message = dns.read(viewOf(bytes), 0, bytes.length);
  if (typeof message === 'number') throw new Error(`an answer with fault ${message}`);
  return message;
}

function opt(udpSize: number): DnsMessage['additionals'] {
  return [{ name: '.', type: dns.RR.opt, class: udpSize, ttl: 0, data: { kind: 'opt', options: [] } }];
}

function addressesIn(message: DnsMessage): string[] {
  return message.answers.map(({ data }) =>
    data.kind === 'a' || data.kind === 'aaaa' ? formatIp(data.address) : '?',
  );
}

describe('a real swarm asked and answered', () => {
  /** DNS payloads of the capture in a container, by who sent them. */
  function messages(): { queries: Uint8Array[]; answers: Uint8Array[] } {
    const bytes = captureBytes('docker-swarm/dns-in-container-lo.pcap');
    const view = viewOf(bytes);
    const queries: Uint8Array[] = [];
    const answers: Uint8Array[] = [];
    for (let at = 24; at < bytes.length; ) {
      const length = view.getUint32(at + 8, true);
      const packet = bytes.slice(at + 16, at + 16 + length);
      at += 16 + length;
      // Ethernet, IPv4 without options, UDP.
      if (viewOf(packet).getUint16(12) !== 0x0800 || packet[23] !== 17) continue;
      const message = packet.slice(42);
      (dns.isResponse(viewOf(message), 0) ? answers : queries).push(message);
    }
    return { queries, answers };
  }

  test('and ours answers the same questions with the same bytes', () => {
    const { queries, answers } = messages();
    expect(answers.length).toBeGreaterThan(30);
    const kinds = new Set<string>();
    for (const real of answers) {
      const { id, questions, answers: records } = read(real);
      const zone = new Table();
      const { name, type } = questions[0] as (typeof questions)[number];
      kinds.add(`${type} ${records.length}`);
      zone.put(name, ...(type === dns.RR.a ? addressesIn(read(real)) : ['10.9.9.9']));
      for (const { data } of records)
        if (data.kind === 'name') zone.pointers.set(formatIp(reverseOf(name) as Ip), data.name);
      const asked = queries.find((bytes) => viewOf(bytes).getUint16(0) === id) as Uint8Array;
      expect(toHex(raw(zone, asked) as Uint8Array)).toBe(toHex(real));
    }
    expect([...kinds].sort()).toEqual(['1 1', '1 2', '12 1', '28 0']);
  });
});

describe('what it says', () => {
  const zone = new Table().put('web', '10.0.1.2').put('dual', '10.0.1.3', 'fd00::3').put('six', 'fd00::4');
  zone.pointers.set('10.0.1.2', 'lecture_web.1.abc.net');
  zone.pointers.set('fd00::3', 'lecture_dual.1.abc.net');
  const A = dns.RR.a;
  const AAAA = dns.RR.aaaa;
  const PTR = dns.RR.ptr;

  test.each([
    ['web', A, noError, ['10.0.1.2']],
    ['web', AAAA, noError, []],
    ['web', dns.RR.mx, noError, []],
    ['web', dns.RR.srv, noError, []],
    ['web', dns.RR.any, noError, ['10.0.1.2']],
    ['WeB', A, noError, ['10.0.1.2']],
    ['dual', A, noError, ['10.0.1.3']],
    ['dual', AAAA, noError, ['fd00::3']],
    ['dual', dns.RR.any, noError, ['10.0.1.3', 'fd00::3']],
    ['six', A, noError, []],
    ['mysql', A, nameError, []],
    ['example.com', A, refused, []],
    ['.', dns.RR.ns, refused, []],
    ['9.1.0.10.in-addr.arpa', PTR, nameError, []],
    ['8.8.8.8.in-addr.arpa', PTR, refused, []],
    ['2.1.0.10.in-addr.arpa', A, noError, []],
    ['01.1.0.10.in-addr.arpa', PTR, refused, []],
    ['1.0.10.in-addr.arpa', PTR, refused, []],
  ])('%s, type %d', (name, type, rcode, addresses) => {
    const message = read(raw(zone, query(name, type)));
    expect(dns.rcode(message.flags)).toBe(rcode);
    expect(addressesIn(message)).toEqual(addresses);
    expect(message.questions).toEqual([{ name, type, class: 1 }]);
    expect(message.flags & ~0xf).toBe(0x8180);
    for (const record of message.answers) expect([record.name, record.ttl]).toEqual([name, 600]);
  });

  test('an address has the name of its container, IPv6 in nibbles', () => {
    const nibbles = `3.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`;
    for (const [name, pointer] of [
      ['2.1.0.10.in-addr.arpa', 'lecture_web.1.abc.net'],
      [nibbles, 'lecture_dual.1.abc.net'],
    ] as const) {
      const { answers } = read(raw(zone, query(name, PTR)));
      expect(answers.map(({ type, data }) => [type, data])).toEqual([[PTR, { kind: 'name', name: pointer }]]);
    }
  });

  test('RD and CD come back as asked, AA and AD never', () => {
    const flags = (bits: number): number => read(raw(zone, query('web', A, { flags: bits }))).flags;
    expect(flags(0)).toBe(0x8080);
    expect(flags(dns.FLAG.checkingDisabled)).toBe(0x8090);
    expect(flags(dns.FLAG.recursionDesired | dns.FLAG.authenticData | dns.FLAG.authoritative)).toBe(0x8180);
  });

  test('a class other than the Internet is refused, any class is not', () => {
    expect(dns.rcode(read(raw(zone, query('web', A, {}, 3))).flags)).toBe(refused);
    expect(addressesIn(read(raw(zone, query('web', A, {}, 255))))).toEqual(['10.0.1.2']);
  });

  test('reverse names of all addresses are read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (ip) => {
        const name = `${formatIp(ip).split('.').reverse().join('.')}.in-addr.arpa`;
        expect(reverseOf(name)).toBe(ip);
      }),
    );
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.record({ a: word, b: word, c: word, d: word }), (ip) => {
        const digits = [ip.a, ip.b, ip.c, ip.d].map((one) => one.toString(16).padStart(8, '0')).join('');
        expect(reverseOf(`${[...digits].reverse().join('.')}.ip6.arpa`)).toEqual(ip);
      }),
    );
  });
});

describe('several addresses', () => {
  const many = new Table().put('web', ...Array.from({ length: 60 }, (_, i) => `10.0.1.${i + 2}`));
  const three = new Table().put('web', '10.0.1.2', '10.0.1.3', '10.0.1.4');

  test('come in an order of chance, all of them, the same again from the same seed', () => {
    const run = (seed: number): string[] => {
      const random = new RandomSource(seed).stream('names');
      return Array.from({ length: 300 }, () =>
        addressesIn(read(raw(three, query('web', dns.RR.a), 512, random))).join(' '),
      );
    };
    const orders = run(1);
    const counts = new Map<string, number>();
    for (const order of orders) counts.set(order, (counts.get(order) ?? 0) + 1);
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(count).toBeGreaterThan(25);
    expect(run(1)).toEqual(orders);
    expect(run(2)).not.toEqual(orders);
  });

  test('that do not fit in 512 bytes over UDP are cut off, and TC says so', () => {
    const said = raw(many, query('web', dns.RR.a)) as Uint8Array;
    const message = read(said);
    // 21 bytes of header and question, 19 a record.
    expect(message.answers.length).toBe(Math.floor((512 - 21) / 19));
    expect(said.length).toBe(21 + 19 * message.answers.length);
    expect(message.flags & dns.FLAG.truncated).not.toBe(0);
  });

  test('room that the question offers is used (EDNS), less than 512 is not believed, and no OPT comes back', () => {
    const answers = (udpSize: number): DnsMessage =>
      read(raw(many, query('web', dns.RR.a, { additionals: opt(udpSize) })));
    expect(answers(1232).answers.length).toBe(60);
    expect(answers(1232).flags & dns.FLAG.truncated).toBe(0);
    expect(answers(1232).additionals).toEqual([]);
    expect(answers(700).answers.length).toBe(Math.floor((700 - 21) / 19));
    expect(answers(100).answers.length).toBe(Math.floor((512 - 21) / 19));
  });

  test('over a stream all come, and what is more than its length field can say is left out', () => {
    expect(read(raw(many, query('web', dns.RR.a), STREAM_MAX)).answers.length).toBe(60);
    const huge = new Table();
    huge.names.set(
      'web',
      Array.from({ length: 5000 }, (_, i) => 0x0a000000 + i),
    );
    const said = raw(huge, query('web', dns.RR.a), STREAM_MAX) as Uint8Array;
    expect(said.length).toBeLessThanOrEqual(0xffff);
    expect(read(said).answers.length).toBe(Math.floor((0xffff - 21) / 19));
  });
});

describe('what is no question', () => {
  const zone = new Table().put('web', '10.0.1.2');
  const good = query('web', dns.RR.a);

  function code(bytes: Uint8Array): number | null {
    const said = raw(zone, bytes);
    return said === null ? null : dns.rcode(dns.flags(viewOf(said), 0));
  }

  test('every message cut short: no answer before a whole header, FORMERR after', () => {
    for (let length = 0; length < good.length; length++) {
      expect(code(good.slice(0, length))).toBe(length < dns.HEADER_LEN ? null : formatError);
    }
    expect(code(good)).toBe(noError);
  });

  test('an answer is not answered', () => {
    expect(code(query('web', dns.RR.a, { flags: 0x8180 }))).toBeNull();
  });

  test.each([1, 2, 4, 5, 15])('opcode %d is not implemented, and comes back with the id', (opcode) => {
    const said = raw(zone, query('web', dns.RR.a, { flags: opcode << 11 })) as Uint8Array;
    const message = read(said);
    expect([message.id, dns.opcode(message.flags), dns.rcode(message.flags)]).toEqual([
      0x1234,
      opcode,
      notImplemented,
    ]);
  });

  test('no question or two are a format error (RFC 9619)', () => {
    expect(code(query('web', dns.RR.a, { questions: [] }))).toBe(formatError);
    const one = { name: 'web', type: 1, class: 1 };
    expect(code(query('web', dns.RR.a, { questions: [one, one] }))).toBe(formatError);
  });

  test('counts that lie, endless names and any bytes at all never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        raw(zone, bytes);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), (edits) => {
        const bytes = good.slice();
        for (const [at, value] of edits) bytes[at] = value;
        const said = raw(zone, bytes);
        if (said !== null) expect([said[0], said[1]]).toEqual([bytes[0], bytes[1]]);
      }),
    );
  });
});

describe('on a host', () => {
  let lab: Lab;
  let host: Host;

  beforeEach(() => {
    lab = new Lab();
    host = lab.host('a');
    lab.alone(host, { ips: ['10.0.1.2/24'] });
  });

  afterEach(() => lab.end());

  test("127.0.0.11 answers from port 53, beside the host's own server on every address", () => {
    const zone = new Table().put('web', '10.0.1.2');
    host.onLoopback = () => new NameServer(host, zone, STILL);
    const own = new Inbox();
    host.udp.bind(53, own);
    const inbox = new Inbox();
    const client = host.udp.bind(0, inbox);
    client.send(RESOLVER_ADDRESS, 53, query('web', dns.RR.a));
    client.send(parseIp('127.0.0.1'), 53, query('web', dns.RR.a));
    expect(own.datagrams.length).toBe(1);
    expect(inbox.datagrams.map(({ srcPort }) => srcPort)).toEqual([53]);
    expect(addressesIn(read(inbox.datagrams[0]?.bytes as Uint8Array))).toEqual(['10.0.1.2']);
    expect(lab.sent).toEqual([]);
  });

  test('noise gets no answer and leaves nothing behind', () => {
    const server = new NameServer(host, new Table(), STILL);
    const client = host.udp.bind(0, new Inbox());
    for (const bytes of [new Uint8Array(0), new Uint8Array(11), query('web', dns.RR.a, { flags: 0x8000 })])
      client.send(RESOLVER_ADDRESS, 53, bytes);
    expect(server.answered).toBe(0);
  });

  test('an asker who has gone by the time of the answer hurts nobody', () => {
    const server = new NameServer(host, new Table(), STILL);
    const client = host.udp.bind(0, new Inbox());
    host.udp.unbind(client);
    client.send(RESOLVER_ADDRESS, 53, query('web', dns.RR.a));
    expect(server.answered).toBe(1);
  });
});
