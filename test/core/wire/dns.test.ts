import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DnsMessage, DnsRecord, RecordData } from '../../../src/core/wire/dns.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import { faultKind, faultNeeded, KIND } from '../../../src/core/wire/fault.ts';
import { parseIp4, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';

// Docker's embedded server answering in a Swarm container: two addresses, and a name for one (the lab's own capture).
const DOCKER_A =
  hex(`962e81800001000200000000097765627365727665720000010001097765627365727665720000010001000002580004
  0a0001020977656273657276657200000100010000025800040a000103`);
const DOCKER_PTR =
  hex(`6e638180000100010000000001340131013002313007696e2d61646472046172706100000c0001013401310130023130
  07696e2d61646472046172706100000c0001000002580037116c6563747572655f61707073657276657201311967336b
  37666670656e6678786470346d6837767472636a696e076d797765626e7700`);
// Arkime's tests, dns-udp.pcap, packet 2: CNAME, A and NS with compression throughout.
const GITHUB =
  hex(`e03981800001000200040004037777770667697468756203636f6d0000010001c00c00050001000007bc0002c010c010
  00010001000000040004c01efc80c01000020001000001480014036e7333037031360664796e656374036e657400c010
  00020001000001480006036e7332c04ec01000020001000001480006036e7334c04ec01000020001000001480006036e
  7331c04ec06a0001000100000e1000040a025f0cc04a0001000100000e1000040a025f0cc08e0001000100000e100004
  0a025f0cc07c0001000100000e1000040a025f0c`);
// tcpdump's tests, dns_udp.pcap, packet 1: a query with a cookie in its OPT record.
const EDNS =
  hex(`593401200001000000000001037777770774637064756d70036f72670000010001000029100000000000000c000a0008
  42f5d00996f90b13`);
// Arkime's tests, v6.pcap, packet 8: an MX record.
const YAHOO =
  hex(`00068180000100010004000503777777057961686f6f03636f6d00000f0001c00c000f00010000031c00110000036d72
  31057961686f6f03636f6d00c010000200010002a298000f036e7331057961686f6f03636f6d00c010000200010002a2
  980013036e733203646361057961686f6f03636f6d00c010000200010002a2980015026e73066575726f706505796168
  6f6f03636f6d00c010000200010002a2980013036e733503646378057961686f6f03636f6d00036d7231c01000010001
  0000031c0004cefb114d036e733503646378c010000100010002a2970004d8204a0a026e73066575726f7065c0100001
  00010002a2970004c3433119036e733203646361c010000100010002a2970004d18fc822036e7331c010000100010002
  a2970004cc47c821`);
// PcapPlusPlus's tests, DnsPackets.pcap, packet 20: no such name, with the root's SOA.
const NO_NAME =
  hex(`0b6181830001000000010000047770616404484f4d450000010001000006000100000a26004001610c726f6f742d7365
  7276657273036e657400056e73746c640c766572697369676e2d67727303636f6d00780cbe6c00000708000003840009
  3a8000015180`);
// Arkime's tests, arkime_synthetic.pcap, packet 333: a TXT record.
const SPF =
  hex(`200585800001000100000000076578616d706c65036f72670000100001076578616d706c65036f726700001000010000
  0e10002524763d7370663120696e636c7564653a5f7370662e6578616d706c652e6f7267207e616c6c`);

const ALL = { DOCKER_A, DOCKER_PTR, GITHUB, EDNS, YAHOO, NO_NAME, SPF };

function read(bytes: Uint8Array): DnsMessage {
  const message = dns.read(viewOf(bytes), 0, bytes.length);
  if (typeof message === 'number') throw new Error(`fault of kind ${faultKind(message)}`);
  return message;
}

function written(message: DnsMessage, compress?: boolean): Uint8Array {
  const bytes = new Uint8Array(2000);
  return bytes.slice(0, dns.write(viewOf(bytes), 0, message, compress));
}

function withAnswer(record: DnsRecord): DnsMessage {
  return { id: 7, flags: 0x8180, questions: [], answers: [record], authorities: [], additionals: [] };
}

function answer(type: number, data: RecordData, name = 'a.example'): DnsRecord {
  return { name, type, class: dns.CLASS_IN, ttl: 600, data };
}

/** A message of one answer with these data bytes, owned by the root. */
function dataBytes(type: string, data: string, cls = '0001'): Uint8Array {
  const length = hex(data).length.toString(16).padStart(4, '0');
  return hex(`0007 8180 0000 0001 0000 0000 00 ${type} ${cls} 00000258 ${length} ${data}`);
}

describe('DNS, RFC 1035', () => {
  test("Docker's answer is taken apart", () => {
    const message = read(DOCKER_A);
    expect(message).toMatchObject({
      id: 0x962e,
      flags: dns.FLAG.response | dns.FLAG.recursionDesired | dns.FLAG.recursionAvailable,
      questions: [{ name: 'webserver', type: dns.RR.a, class: dns.CLASS_IN }],
      authorities: [],
      additionals: [],
    });
    expect(message.answers).toEqual([
      { name: 'webserver', type: 1, class: 1, ttl: 600, data: { kind: 'a', address: parseIp4('10.0.1.2') } },
      { name: 'webserver', type: 1, class: 1, ttl: 600, data: { kind: 'a', address: parseIp4('10.0.1.3') } },
    ]);
    const name = 'lecture_appserver.1.g3k7ffpenfxxdp4mh7vtrcjin.mywebnw';
    expect(read(DOCKER_PTR).answers[0]).toMatchObject({
      name: '4.1.0.10.in-addr.arpa',
      data: { kind: 'name', name },
    });
  });

  test("Docker's answers are built again byte for byte, without compression", () => {
    expect(toHex(written(read(DOCKER_A), false))).toBe(toHex(DOCKER_A));
    expect(toHex(written(read(DOCKER_PTR), false))).toBe(toHex(DOCKER_PTR));
    expect(written(read(DOCKER_A)).length).toBe(DOCKER_A.length - 2 * 9);
  });

  test('a compressed answer is taken apart and built again byte for byte', () => {
    const message = read(GITHUB);
    expect(message.answers.map((r) => r.data)).toEqual([
      { kind: 'name', name: 'github.com' },
      { kind: 'a', address: parseIp4('192.30.252.128') },
    ]);
    expect(message.authorities.map((r) => r.data)).toEqual(
      ['ns3', 'ns2', 'ns4', 'ns1'].map((host) => ({ kind: 'name', name: `${host}.p16.dynect.net` })),
    );
    expect(message.additionals.map((r) => r.name.slice(0, 3))).toEqual(['ns2', 'ns3', 'ns1', 'ns4']);
    expect(toHex(written(message))).toBe(toHex(GITHUB));
  });

  test('an OPT record and its cookie are taken apart and built again (RFC 6891)', () => {
    const message = read(EDNS);
    const opt = message.additionals[0] as DnsRecord;
    expect(opt.data).toEqual({ kind: 'opt', options: [{ code: 10, bytes: hex('42f5d00996f90b13') }] });
    expect(dns.ednsOf(opt)).toEqual({ udpSize: 4096, extendedCode: 0, version: 0, dnssecOk: false });
    expect(dns.ednsOf({ ...opt, class: 1232, ttl: 0x01028000 })).toEqual({
      udpSize: 1232,
      extendedCode: 1,
      version: 2,
      dnssecOk: true,
    });
    expect(toHex(written(message))).toBe(toHex(EDNS));
  });

  test('MX, SOA and TXT records are taken apart', () => {
    expect(read(YAHOO).answers[0]?.data).toEqual({ kind: 'mx', preference: 0, exchange: 'mr1.yahoo.com' });
    const soa = read(NO_NAME);
    expect(dns.rcode(soa.flags)).toBe(dns.RCODE.nameError);
    expect(soa.authorities[0]).toMatchObject({
      name: '.',
      data: {
        kind: 'soa',
        primary: 'a.root-servers.net',
        mailbox: 'nstld.verisign-grs.com',
        serial: 2014101100,
        refresh: 1800,
        retry: 900,
        expire: 604800,
        minimum: 86400,
      },
    });
    expect(toHex(written(soa))).toBe(toHex(NO_NAME));
    const strings = ['v=spf1 include:_spf.example.org ~all'];
    expect(read(SPF).answers[0]?.data).toEqual({ kind: 'txt', strings });
    expect(toHex(written(read(SPF), false))).toBe(toHex(SPF));
  });

  test('the header fields are read where they stand', () => {
    const view = viewOf(GITHUB);
    expect([dns.id(view, 0), dns.flags(view, 0), dns.isResponse(view, 0)]).toEqual([0xe039, 0x8180, true]);
    expect(dns.isResponse(viewOf(EDNS), 0)).toBe(false);
    const counts = [dns.questionCount, dns.answerCount, dns.authorityCount, dns.additionalCount];
    expect(counts.map((count) => count(view, 0))).toEqual([1, 2, 4, 4]);
  });

  test('the flags word is taken apart and put together', () => {
    const bits = dns.FLAG.response | dns.FLAG.authoritative;
    const word = dns.flagsOf(bits, dns.OPCODE.update, dns.RCODE.refused);
    expect(word).toBe(0xac05);
    expect([dns.opcode(word), dns.rcode(word)]).toEqual([5, 5]);
  });

  test('every record type that has a form is read back as written', () => {
    const forms: [number, RecordData][] = [
      [dns.RR.a, { kind: 'a', address: 0xfffefdfc }],
      [dns.RR.aaaa, { kind: 'aaaa', address: parseIp6('fd00::1:2') }],
      [dns.RR.ns, { kind: 'name', name: 'ns.a.example' }],
      [dns.RR.srv, { kind: 'srv', priority: 1, weight: 2, port: 3, target: 'b.a.example' }],
      [dns.RR.mx, { kind: 'mx', preference: 10, exchange: 'mail.a.example' }],
      [dns.RR.txt, { kind: 'txt', strings: ['', 'a "b" \\\\c', '\\000\\255'] }],
      [dns.RR.opt, { kind: 'opt', options: [] }],
    ];
    for (const [type, data] of forms) {
      const bytes = written(withAnswer(answer(type, data)));
      expect(read(bytes)).toEqual(withAnswer(answer(type, data)));
    }
  });

  test("SRV's target is never compressed (RFC 2782)", () => {
    const data: RecordData = { kind: 'srv', priority: 0, weight: 0, port: 80, target: 'a.example' };
    expect(
      toHex(written(withAnswer(answer(dns.RR.srv, data)))).endsWith(
        '0050 0161 07 6578616d706c65 00'.replaceAll(' ', ''),
      ),
    ).toBe(true);
  });

  test('what has no form, another class, another length or no data is kept as bytes', () => {
    for (const bytes of [
      dataBytes('0063', '010203'),
      dataBytes('0001', '0a000001', '0003'),
      dataBytes('0001', '0a0000'),
      dataBytes('001c', '0a000001'),
      dataBytes('000f', ''),
    ]) {
      const message = read(bytes);
      expect(message.answers[0]?.data).toEqual({ kind: 'raw', at: 23, bytes: bytes.slice(23) });
      expect(toHex(written(message))).toBe(toHex(bytes));
    }
  });

  test('every truncation of every message is a fault', () => {
    for (const bytes of Object.values(ALL)) {
      for (let end = 0; end < bytes.length; end++) {
        const f = dns.read(viewOf(bytes.slice(0, end)), 0, end);
        if (typeof f !== 'number') throw new Error(`cut at ${end} and not noticed`);
        expect(faultKind(f)).toBe(end < 12 ? KIND.short : KIND.overrun);
      }
    }
  });

  test('counts that lie are overruns, whatever they promise', () => {
    for (const at of [4, 6, 8, 10]) {
      const bytes = DOCKER_A.slice();
      viewOf(bytes).setUint16(at, 0xffff);
      const f = dns.read(viewOf(bytes), 0, bytes.length);
      expect(typeof f === 'number' && [KIND.overrun, KIND.value].includes(faultKind(f) as 2)).toBe(true);
    }
  });

  test('a data length that lies is an overrun of what it claims, or leaves the name no room', () => {
    const bytes = DOCKER_A.slice();
    viewOf(bytes).setUint16(DOCKER_A.length - 6, 5);
    const f = dns.read(viewOf(bytes), 0, bytes.length);
    expect(f).toBeTypeOf('number');
    expect(faultNeeded(f as number)).toBe(DOCKER_A.length + 1);
    // MX, SRV, SOA, TXT and OPT data whose own parts need more than the record has.
    for (const [type, data] of [
      ['0005', '0361'],
      ['000f', '00'],
      ['000f', '0001 0361'],
      ['0021', '0001 0002 0003 0361'],
      ['0006', '0361'],
      ['0006', '00 0361'],
      ['0006', '00 00 0000'],
      ['0010', '0261'],
      ['0029', '0001 00'],
      ['0029', '0001 0002 01'],
    ] as const) {
      const lying = dataBytes(type, data);
      const fault = dns.read(viewOf(lying), 0, lying.length);
      expect([typeof fault, faultKind(fault as number)]).toEqual(['number', KIND.overrun]);
    }
  });

  test('a message elsewhere in the view is read with pointers from its own start', () => {
    const bytes = new Uint8Array(GITHUB.length + 13).fill(0xc0);
    bytes.set(GITHUB, 7);
    expect(dns.read(viewOf(bytes), 7, 7 + GITHUB.length)).toEqual(read(GITHUB));
    const copy = new Uint8Array(GITHUB.length + 5);
    expect(dns.write(viewOf(copy), 5, read(GITHUB))).toBe(GITHUB.length);
    expect(toHex(copy.slice(5))).toBe(toHex(GITHUB));
  });

  test('a message that does not fit and a TXT string that is too long are refused by code', () => {
    for (const bytes of Object.values(ALL)) {
      const message = read(bytes);
      const full = written(message);
      for (let room = 0; room < full.length; room++) {
        expect(() => dns.write(viewOf(new Uint8Array(room)), 0, message)).toThrow(
          expect.objectContaining({ code: 'NO_ROOM' }),
        );
      }
    }
    const long = withAnswer(answer(dns.RR.txt, { kind: 'txt', strings: ['a'.repeat(256)] }));
    expect(() => written(long)).toThrow(expect.objectContaining({ code: 'BAD_TEXT' }));
  });

  test('messages are read back as written, compressed or not', () => {
    const name = fc
      .array(fc.constantFrom('a', 'B', 'web', 'tasks', 'x y'), { minLength: 1, maxLength: 4 })
      .map((labels) => labels.map((l) => l.replace(' ', '\\032')).join('.'));
    const record = fc
      .tuple(name, name, fc.nat({ max: 0xffffffff }), fc.boolean())
      .map(([owner, other, n, a]) =>
        a
          ? answer(dns.RR.a, { kind: 'a', address: n }, owner)
          : answer(dns.RR.cname, { kind: 'name', name: other }, owner),
      );
    const records = fc.array(record, { maxLength: 4 });
    fc.assert(
      fc.property(
        name,
        records,
        records,
        records,
        fc.boolean(),
        (q, answers, authorities, additionals, compress) => {
          const questions = [{ name: q, type: dns.RR.any, class: 1 }];
          const message: DnsMessage = { id: 1, flags: 0x8000, questions, answers, authorities, additionals };
          expect(read(written(message, compress))).toEqual(message);
        },
      ),
    );
  });

  test('known messages with bytes changed at random never throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(ALL)),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (known, changes) => {
          const bytes = known.slice();
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const result = dns.read(viewOf(bytes), 0, bytes.length);
          if (typeof result === 'number') expect(faultKind(result)).toBeGreaterThan(0);
          else expect(result.answers.length).toBe(dns.answerCount(viewOf(bytes), 0));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('writeRaw writes counts that lie', () => {
    const bytes = new Uint8Array(12);
    dns.writeRaw(viewOf(bytes), 0, {
      id: 1,
      flags: 2,
      questions: 3,
      answers: 4,
      authorities: 5,
      additionals: 6,
    });
    expect(bytes).toEqual(hex('000100020003000400050006'));
  });
});
