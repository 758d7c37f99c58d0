import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHECKSUM, checksumVerdict, isOffloaded } from '../../../src/core/dissect/checksums.ts';
import { Dissection, L } from '../../../src/core/dissect/layer.ts';
import { dissect } from '../../../src/core/dissect/walk.ts';
import type { AnonymizeOptions } from '../../../src/core/edit/anonymize/anonymize.ts';
import { Anonymizer } from '../../../src/core/edit/anonymize/anonymize.ts';
import { AnyReader } from '../../../src/core/pcap/reader.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { formatIp4, formatMac, readMac } from '../../../src/core/wire/address.ts';
import { finish, sum, verifies } from '../../../src/core/wire/checksum.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';
import '../../support/properties.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 3);

function anonymizer(options: AnonymizeOptions = {}, key: Uint8Array = KEY): Anonymizer {
  const cipher = createCipheriv('aes-128-ecb', key.subarray(0, 16), null).setAutoPadding(false);
  return new Anonymizer((blocks) => cipher.update(blocks), key.subarray(16), options);
}

interface Pair {
  readonly number: number;
  readonly before: DataView;
  readonly was: Dissection;
  readonly after: DataView;
  readonly is: Dissection;
  readonly bytes: Uint8Array;
}

/** Every packet of a capture before and after, with its rows. */
function both(file: Uint8Array, options: AnonymizeOptions, see: (pair: Pair) => void, key = KEY): void {
  const made = anonymizer(options, key);
  const sight = new Sight();
  const is = new Dissection();
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    const was = sight.own.d;
    const stop = made.take(view, was);
    dissect(made.view, start, stop, meta.linkType, is, undefined, meta.originalLength);
    const bytes = new Uint8Array(made.view.buffer, start, stop - start);
    see({ number: meta.number, before: view, was, after: made.view, is, bytes });
  });
  reader.push(file);
  reader.end();
}

function outputOf(file: Uint8Array, options: AnonymizeOptions = {}, key = KEY): Uint8Array[] {
  const packets: Uint8Array[] = [];
  both(file, options, ({ bytes }) => packets.push(bytes.slice()), key);
  return packets;
}

/** One frame anonymised; its view and rows. */
function one(
  frame: Uint8Array,
  options: AnonymizeOptions = {},
): { readonly bytes: Uint8Array; readonly d: Dissection } {
  const d = new Dissection();
  const view = viewOf(frame);
  dissect(view, 0, frame.length, 1, d);
  const made = anonymizer(options);
  const end = made.take(view, d);
  const bytes = new Uint8Array(made.view.buffer, 0, end).slice();
  const after = new Dissection();
  dissect(viewOf(bytes), 0, end, 1, after, undefined, frame.length);
  return { bytes, d: after };
}

const REAL = ['docker-swarm', 'kernel', 'ovs'].flatMap(captureNames).filter((name) => name.endsWith('.pcap'));
const ALL = [...REAL, ...['formats', 'public'].flatMap(captureNames)].filter((name) =>
  /\.(pcap|pcapng|cap|ntar)$/.test(name),
);

/** Addresses of all rows as hex, those left out that are kept for what they mean. */
function addressesOf(view: DataView, d: Dissection, made: Anonymizer, into: Set<string>): void {
  const add = (at: number, length: number, kept: boolean): void => {
    if (!kept) into.add(toHex(new Uint8Array(view.buffer, view.byteOffset + at, length)));
  };
  const mac = (at: number): void => add(at, 6, made.map.mac(readMac(view, at)) === readMac(view, at));
  const ip4 = (at: number): void => {
    const ip = view.getUint32(at);
    // 239.1.1.1 and such are not kept; the addresses of this network and groups of routing protocols are.
    add(at, 4, made.map.ip4(ip) === ip);
  };
  const ip6 = (at: number): void => {
    const word = (i: number): number => view.getUint32(at + 4 * i);
    const ip = { a: word(0), b: word(1), c: word(2), d: word(3) };
    const mapped = made.map.ip6(ip);
    add(at, 16, ip.a === mapped.a && ip.b === mapped.b && ip.c === mapped.c && ip.d === mapped.d);
  };
  for (let row = 0; row < d.count; row++) {
    const at = d.start(row);
    const have = d.head(row) - at;
    const kind = d.kind(row);
    if (kind === L.ethernet && have >= 14) {
      mac(at);
      mac(at + 6);
    } else if (kind === L.ipv4 && have >= 20) {
      ip4(at + 12);
      ip4(at + 16);
    } else if (kind === L.ipv6 && have >= 40) {
      ip6(at + 8);
      ip6(at + 24);
    } else if (kind === L.arp && have === 28) {
      mac(at + 8);
      ip4(at + 14);
      mac(at + 18);
      ip4(at + 24);
    }
  }
}

describe('what is in the captures', () => {
  test.each(REAL)('%s: no address of any layer is left, in any place', (name) => {
    const made = anonymizer();
    const secret = new Set<string>();
    const outputs: string[] = [];
    both(captureBytes(name), {}, ({ before, was, bytes }) => {
      addressesOf(before, was, made, secret);
      outputs.push(toHex(bytes));
    });
    const text = outputs.join('|');
    // Four bytes that are an address here may be a number there: what is asked is whether they stand where addresses do.
    const left = [...secret].filter((address) => address.length > 8 && text.includes(address));
    expect(left).toEqual([]);
    const ip4s = [...secret].filter((address) => address.length === 8);
    const still = new Set<string>();
    both(captureBytes(name), {}, ({ after, is }) => addressesOf(after, is, made, still));
    expect(ip4s.filter((address) => still.has(address))).toEqual([]);
  });

  test.each([
    ['kernel/http-noffload.pcap', ['alice', 'S3cr3t', 'hunter2', 'bob', 'Authorization', 'HTTP']],
    ['docker-swarm/traffic-worker1-eth0.pcap', ['alice', 'S3cr3t', 'T0pSecret', 'root', 'cgi-bin']],
    ['kernel/overlap-two-vnis.pcap', ['Basic', 'dGVuYW50']],
    ['kernel/unicast4.pcap', ['example', 'dnsmasq']],
    ['docker-swarm/dns-in-container-lo.pcap', ['webserver', 'appserver', 'mysql', 'lecture']],
  ])('%s: no secret and no name is left', (name, secrets) => {
    const before = Buffer.from(captureBytes(name)).toString('latin1').toLowerCase();
    const after = Buffer.concat(outputOf(captureBytes(name)))
      .toString('latin1')
      .toLowerCase();
    expect(secrets.some((secret) => before.includes(secret.toLowerCase()))).toBe(true);
    expect(secrets.filter((secret) => after.includes(secret.toLowerCase()))).toEqual([]);
  });

  test('no word of the original is left in any packet', () => {
    let words = 0;
    for (const name of REAL) {
      both(captureBytes(name), {}, ({ number, before, was, bytes }) => {
        const original = new Uint8Array(
          before.buffer,
          before.byteOffset + was.packetStart,
          was.packetEnd - was.packetStart,
        );
        const found =
          Buffer.from(original)
            .toString('latin1')
            .match(/[\w-]{9,}/g) ?? [];
        const text = Buffer.from(bytes).toString('latin1');
        words += found.length;
        expect([name, number, found.filter((word) => text.includes(word))]).toEqual([name, number, []]);
      });
    }
    expect(words).toBeGreaterThan(500);
  });
});

describe('what a packet still is', () => {
  test.each(ALL)(
    '%s: the same layers, ports and lengths, and checksums as right or wrong as before',
    (name) => {
      both(captureBytes(name), {}, ({ number, before, was, after, is }) => {
        for (let row = 0; row < was.count; row++) {
          // A name service on a port of its own is known by bytes that are zeros now.
          if (was.kind(row) >= L.dns || is.kind(row) >= L.dns) break;
          const told = (view: DataView, d: Dissection): unknown[] => {
            const at = d.start(row);
            const ports = d.kind(row) === L.udp || d.kind(row) === L.tcp ? view.getUint32(at) : 0;
            return [
              number,
              row,
              d.kind(row),
              d.depth(row),
              d.head(row) - at,
              ports,
              checksumVerdict(view, d, row),
            ];
          };
          if (was.fault(row) !== 0) break;
          expect(told(after, is)).toEqual(told(before, was));
        }
      });
    },
  );

  test('checksums that a network card was to fill in are left to it', () => {
    let offloaded = 0;
    for (const name of ['kernel/http-offload.pcap', 'docker-swarm/traffic-offload-worker1-eth0.pcap']) {
      both(captureBytes(name), {}, ({ number, before, was, after, is }) => {
        for (let row = 0; row < was.count; row++) {
          if (was.kind(row) !== L.tcp && was.kind(row) !== L.udp) continue;
          if (checksumVerdict(before, was, row) !== CHECKSUM.bad) continue;
          expect([name, number, row, isOffloaded(after, is, row)]).toEqual([
            name,
            number,
            row,
            isOffloaded(before, was, row),
          ]);
          offloaded++;
        }
      });
    }
    expect(offloaded).toBeGreaterThan(20);
  });

  test('a whole datagram put together from anonymised fragments has the right checksum', () => {
    const sight = new Sight();
    let whole = 0;
    const made = anonymizer();
    const first = new Sight();
    const reader = new AnyReader((view, start, end, meta) => {
      first.read(view, start, end, meta);
      const stop = made.take(view, first.own.d);
      sight.read(made.view, start, stop, meta);
      for (const { view: seen, d } of sight.parts.slice(1)) {
        for (let row = 0; row < d.count; row++) {
          const verdict = checksumVerdict(seen, d, row);
          expect([meta.number, row, d.kind(row), verdict]).not.toEqual([
            meta.number,
            row,
            d.kind(row),
            CHECKSUM.bad,
          ]);
          if (verdict === CHECKSUM.good && d.kind(row) !== L.ipv4) whole++;
        }
      }
    });
    for (const name of ['kernel/outer-frag.pcap', 'docker-swarm/traffic-worker1-eth0.pcap'])
      reader.push(captureBytes(name));
    reader.end();
    expect(whole).toBeGreaterThan(0);
  });

  test('the same station has the same address in ARP, in its frames and in what its errors quote', () => {
    const made = anonymizer();
    let quotes = 0;
    both(captureBytes('kernel/flannel.pcap'), {}, ({ before, was, after, is }) => {
      for (let row = 0; row < was.count; row++) {
        if (was.kind(row) === L.ipv4 && was.quoted(row)) quotes++;
        if (was.kind(row) !== L.ipv4) continue;
        for (const o of [12, 16]) {
          expect(formatIp4(after.getUint32(is.start(row) + o))).toBe(
            formatIp4(made.map.ip4(before.getUint32(was.start(row) + o))),
          );
        }
      }
    });
    expect(quotes).toBeGreaterThan(0);
  });

  test('a DNS answer keeps its form: other words of the same length, mapped addresses', () => {
    const made = anonymizer();
    let answers = 0;
    both(captureBytes('kernel/unicast4.pcap'), {}, ({ before, was, after, is }) => {
      const row = was.count - 1;
      if (was.kind(row) !== L.dns) return;
      const old = dns.read(before, was.start(row), was.head(row));
      const now = dns.read(after, is.start(row), is.head(row));
      if (typeof old === 'number' || typeof now === 'number') throw new Error('no message');
      expect([now.id, now.flags, now.questions[0]?.type]).toEqual([
        old.id,
        old.flags,
        old.questions[0]?.type,
      ]);
      expect(now.questions[0]?.name).toHaveLength(old.questions[0]?.name.length ?? 0);
      expect(now.questions[0]?.name).not.toBe(old.questions[0]?.name);
      for (const [i, answer] of now.answers.entries()) {
        const was4 = old.answers[i]?.data;
        if (answer.data.kind !== 'a' || was4?.kind !== 'a') continue;
        expect(answer.data.address).toBe(made.map.ip4(was4.address));
        expect(answer.name).toBe(now.questions[0]?.name);
        answers++;
      }
    });
    expect(answers).toBeGreaterThan(0);
  });
});

describe('the key', () => {
  const file = captureBytes('kernel/ipv6-underlay.pcap');

  test('gives the same bytes twice, and another key others', () => {
    const first = outputOf(file).map(toHex);
    expect(outputOf(file).map(toHex)).toEqual(first);
    const other = outputOf(
      file,
      {},
      KEY.map((byte) => byte ^ 0x55),
    ).map(toHex);
    expect(other.filter((packet, i) => packet === first[i])).toEqual([]);
  });
});

// An Ethernet frame with IPv4, UDP 9999 to 9998 and 12 bytes that say "top secret!!".
const PLAIN = hex(`
  02 42 0a 00 01 03 02 42 0a 00 01 05 08 00
  45 00 00 28 00 01 00 00 40 11 00 00 0a 00 01 05 0a 00 01 03
  27 0f 27 0e 00 14 00 00 74 6f 70 20 73 65 63 72 65 74 21 21`);
const SECRET = '746f70207365637265742121';

describe('payload', () => {
  test('is zeros unless asked for', () => {
    const { bytes } = one(PLAIN);
    expect(bytes).toHaveLength(PLAIN.length);
    expect(toHex(bytes.subarray(42))).toBe('00'.repeat(12));
  });

  test('is cut when asked: the packet ends behind its last header and keeps its length on the wire', () => {
    const { bytes, d } = one(PLAIN, { payload: 'cut' });
    expect(bytes).toHaveLength(42);
    expect([d.kind(d.count - 1), d.firstFault]).toEqual([L.udp, -1]);
  });

  test('stays when asked, and nothing else that is not known does', () => {
    expect(toHex(one(PLAIN, { payload: 'keep' }).bytes)).toContain(SECRET);
    const strange = PLAIN.slice();
    strange[23] = 253; // a protocol number for experiments (RFC 3692)
    expect(toHex(one(strange, { payload: 'keep' }).bytes)).not.toContain(SECRET);
    const fragment = PLAIN.slice();
    fragment[21] = 185; // a fragment behind the first
    expect(toHex(one(fragment, { payload: 'keep' }).bytes)).not.toContain(SECRET);
  });

  test('of a kept packet leaves checksums right', () => {
    both(captureBytes('kernel/http-noffload.pcap'), { payload: 'keep' }, ({ number, after, is }) => {
      for (let row = 0; row < is.count; row++) {
        expect([number, row, checksumVerdict(after, is, row) === CHECKSUM.bad]).toEqual([number, row, false]);
      }
    });
  });
});

describe('options', () => {
  test('VNIs stay, or are others and still two', () => {
    const vnis = (options: AnonymizeOptions): Set<number> => {
      const found = new Set<number>();
      both(captureBytes('kernel/overlap-two-vnis.pcap'), options, ({ after, is }) => {
        if (is.vxlan >= 0) found.add(after.getUint32(is.start(is.vxlan) + 4) >>> 8);
      });
      return found;
    };
    expect(vnis({})).toEqual(new Set([100, 200]));
    const other = vnis({ vni: true });
    expect([other.size, other.has(100), other.has(200)]).toEqual([2, false, false]);
  });

  test('the maker of a MAC address stays when asked', () => {
    const kept = one(PLAIN, { keepOui: true }).bytes;
    expect(formatMac(readMac(viewOf(kept), 0))).toMatch(/^02:42:0a:(?!00:01:03)/);
    expect(formatMac(readMac(viewOf(one(PLAIN).bytes), 0))).not.toMatch(/^02:42:0a/);
  });

  test('of IPv4, TCP and IPv6 that could tell something become padding of the same length', () => {
    // IPv4 with a record route option that holds 10.9.8.7; TCP with MSS and an MD5 signature.
    const frame = hex(`
      02 42 0a 00 01 03 02 42 0a 00 01 05 08 00
      47 00 00 48 00 01 00 00 40 06 00 00 0a 00 01 05 0a 00 01 03  07 07 08 0a 09 08 07 00
      27 0f 27 0e 00 00 00 01 00 00 00 00 b0 02 00 00 00 00 00 00
      02 04 05 b4  13 12 aa bb cc dd ee ff 00 11 22 33 44 55 66 77 88 99 01 01`);
    frame[17] = 28 + 44;
    const { bytes, d } = one(frame);
    expect(toHex(bytes.subarray(34, 42))).toBe('0101010101010100');
    expect(toHex(bytes.subarray(62, 86))).toBe(`020405b4${'01'.repeat(20)}`);
    expect(d.firstFault).toBe(-1);
  });
});

/** An Ethernet and an IPv6 header from fe80::1 to ff02::1 around a payload. */
function over6(next: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(54 + payload.length);
  frame.set(
    hex(`33 33 00 00 00 01 02 42 0a 00 01 05 86 dd 60 00 00 00 00 00 00 ff fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 01
      ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01`),
  );
  frame.set(payload, 54);
  viewOf(frame).setUint16(18, payload.length);
  frame[20] = next;
  return frame;
}

const PREFIX = '20010db80042000b0000000000000000';
const SERVER = '20010db8004200070000000000000053';
const GROUP = 'ff1500000000000000000000cafebabe';

describe('messages about the network', () => {
  const made = anonymizer();
  const mapped = (address: string): string => {
    const view = viewOf(hex(address));
    const word = (i: number): number => view.getUint32(4 * i);
    const { a, b, c, d } = made.map.ip6({ a: word(0), b: word(1), c: word(2), d: word(3) });
    return [a, b, c, d].map((w) => w.toString(16).padStart(8, '0')).join('');
  };

  test('a router advertisement has another prefix with zeros behind it, other name servers and another MAC address', () => {
    const { bytes } = one(
      over6(
        58,
        hex(`86 00 00 00 40 00 07 08 00 00 00 00 00 00 00 00
          01 01 02 42 0a 00 01 05
          05 01 00 00 00 00 05 aa
          03 04 40 c0 00 01 51 80 00 00 38 40 00 00 00 00 ${PREFIX}
          19 03 00 00 00 00 01 2c ${SERVER}
          1f 02 00 00 00 00 01 2c 04 68 6f 6d 65 00 00 00`),
      ),
    );
    const text = toHex(bytes);
    expect(text).not.toContain('02420a000105');
    expect(text).not.toContain('20010db80042');
    expect(text).not.toContain(toHex(Buffer.from('home')));
    expect(text).toContain('05010000000005aa');
    expect(text).toContain(`030440c0000151800000384000000000${mapped(PREFIX).slice(0, 16)}${'0'.repeat(16)}`);
    expect(text).toContain(`190300000000012c${mapped(SERVER)}`);
    expect(text.endsWith(`1f02${'0'.repeat(28)}`)).toBe(true);
  });

  test('listener reports and queries have other groups and other sources', () => {
    const report = toHex(
      one(over6(58, hex(`8f 00 00 00 00 00 00 01  04 00 00 01 ${GROUP} ${SERVER}`))).bytes.subarray(54),
    );
    expect(report).toMatch(new RegExp(`^8f00....0000000104000001${mapped(GROUP)}${mapped(SERVER)}$`));
    const query = toHex(
      one(over6(58, hex(`82 00 00 00 27 10 00 00 ${GROUP} 02 7d 00 01 ${SERVER}`))).bytes.subarray(54),
    );
    expect(query).toMatch(new RegExp(`^8200....27100000${mapped(GROUP)}027d0001${mapped(SERVER)}$`));
    // IGMP, version 3: a report for 239.7.8.9 from 10.0.1.5, and a query for the same.
    const igmp = (message: string): string => {
      const payload = hex(message);
      const frame = new Uint8Array(34 + payload.length);
      frame.set(PLAIN.subarray(0, 34));
      frame.set(payload, 34);
      frame[17] = 20 + payload.length;
      frame[23] = 2;
      return toHex(one(frame).bytes.subarray(34));
    };
    const four = (ip: number): string => made.map.ip4(ip).toString(16).padStart(8, '0');
    expect(igmp('22 00 00 00 00 00 00 01 06 00 00 01 ef 07 08 09 0a 00 01 05')).toMatch(
      new RegExp(`^2200....0000000106000001${four(0xef070809)}${four(0x0a000105)}$`),
    );
    expect(igmp('11 64 00 00 ef 07 08 09 02 7d 00 01 0a 00 01 05')).toMatch(
      new RegExp(`^1164....${four(0xef070809)}027d0001${four(0x0a000105)}$`),
    );
  });

  test('a redirect has other addresses, the packet it quotes in an option is gone', () => {
    const text = toHex(
      one(
        over6(
          58,
          hex(`89 00 00 00 00 00 00 00 ${SERVER} ${PREFIX} 04 02 00 00 00 00 00 00 60 00 00 00 00 08 3a 40`),
        ),
      ).bytes,
    );
    expect(text).toContain(`${mapped(SERVER)}${mapped(PREFIX)}0402${'0'.repeat(28)}`);
  });

  test('hop-by-hop options that are not known become padding, routing headers have other addresses', () => {
    const text = toHex(
      one(over6(0, hex(`2b 01 05 02 00 00 3e 04 aa bb cc dd 00 00 00 00  3b 02 00 01 00 00 00 00 ${SERVER}`)))
        .bytes,
    );
    expect(text).toContain(`2b01050200000104${'0'.repeat(16)}3b020001${'0'.repeat(8)}${mapped(SERVER)}`);
  });

  test("a tunnel's own checksum is right again, and its options say nothing", () => {
    // GRE with checksum around IPv4; Geneve with one option around Ethernet.
    const inner = PLAIN.subarray(14);
    const greHead = hex('80 00 08 00 00 00 00 00');
    const gre = new Uint8Array(34 + 8 + inner.length);
    gre.set(PLAIN.subarray(0, 34));
    gre[23] = 47;
    gre[17] = gre.length - 14;
    gre.set(greHead, 34);
    gre.set(inner, 42);
    viewOf(gre).setUint16(38, finish(sum(viewOf(gre), 34, gre.length)));
    const after = viewOf(one(gre).bytes);
    expect(verifies(viewOf(gre), 34, gre.length)).toBe(true);
    expect(verifies(after, 34, after.byteLength)).toBe(true);
    expect(after.getUint16(38)).not.toBe(viewOf(gre).getUint16(38));
    const geneve = new Uint8Array(42 + 16 + PLAIN.length);
    geneve.set(PLAIN.subarray(0, 42));
    viewOf(geneve).setUint16(36, 6081);
    viewOf(geneve).setUint16(16, geneve.length - 14);
    viewOf(geneve).setUint16(38, geneve.length - 34);
    geneve.set(hex('02 00 65 58 00 10 01 00 01 02 80 01 de ad be ef'), 42);
    geneve.set(PLAIN, 58);
    const { bytes, d } = one(geneve);
    expect(toHex(bytes.subarray(42, 58))).toBe('02006558001001000102800100000000');
    expect([d.depth(d.count - 1), toHex(bytes).includes(SECRET)]).toEqual([1, false]);
  });

  test('records of DNS that are not known lose their contents and keep their lengths', () => {
    // An answer with a TXT, an MX, an SRV, an SOA and an OPT record with a client subnet.
    const name = '01 61 07 65 78 61 6d 70 6c 65 00';
    const message = hex(`12 34 81 80 00 01 00 04 00 00 00 01  ${name} 00 ff 00 01
      c0 0c 00 10 00 01 00 00 00 3c 00 06 05 70 61 70 65 72
      c0 0c 00 0f 00 01 00 00 00 3c 00 09 00 0a 04 6d 61 69 6c c0 0e
      c0 0c 00 21 00 01 00 00 00 3c 00 0d 00 00 00 05 00 50 04 68 6f 73 74 c0 0e
      c0 0c 00 06 00 01 00 00 00 3c 00 1b 02 6e 73 c0 0e c0 0e 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 00 00 00 05
      00 00 29 10 00 00 00 00 00 00 0b 00 08 00 07 00 01 18 00 0a 09 08`);
    const frame = new Uint8Array(42 + message.length);
    frame.set(PLAIN.subarray(0, 42));
    frame.set(message, 42);
    const view = viewOf(frame);
    view.setUint16(34, 53);
    view.setUint16(16, frame.length - 14);
    view.setUint16(38, frame.length - 34);
    const { bytes } = one(frame);
    const read = dns.read(viewOf(bytes), 42, bytes.length);
    if (typeof read === 'number') throw new Error('no message');
    const [txt, mx, srv, soa] = read.answers.map(({ data }) => data);
    expect(txt).toMatchObject({ kind: 'txt' });
    expect(mx).toMatchObject({ kind: 'mx', preference: 10 });
    expect(srv).toMatchObject({ kind: 'srv', priority: 0, weight: 5, port: 80 });
    expect(soa).toMatchObject({ kind: 'soa', serial: 1, minimum: 5 });
    expect(read.additionals[0]?.data).toMatchObject({ kind: 'opt' });
    const text = Buffer.from(bytes).toString('latin1');
    expect(['example', 'paper', 'mail', 'host'].filter((word) => text.includes(word))).toEqual([]);
    expect(toHex(bytes.subarray(-7))).toBe('00'.repeat(7));
    expect(toHex(bytes.subarray(42, 54))).toBe(toHex(message.subarray(0, 12)));
  });
});

describe('bytes of strangers', () => {
  test('cut anywhere give a packet of the same length and no fault of ours', () => {
    const file = captureBytes('docker-swarm/traffic-worker1-eth0.pcap');
    const frames: Uint8Array[] = [];
    const reader = new AnyReader((view, start, end) => {
      frames.push(new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice());
    });
    reader.push(file);
    reader.end();
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.array(fc.tuple(fc.nat(1500), fc.nat(255)), { maxLength: 8 }),
        fc.nat(1500),
        (frame, changes, cut) => {
          const bytes = frame.slice(0, Math.max(1, frame.length - (cut % frame.length)));
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          expect(one(bytes).bytes).toHaveLength(bytes.length);
          expect(one(bytes, { payload: 'cut' }).bytes.length).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
