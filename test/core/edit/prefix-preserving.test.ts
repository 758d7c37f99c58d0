import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressMap } from '../../../src/core/edit/anonymize/address-map.ts';
import type { BlockCipher } from '../../../src/core/edit/anonymize/prefix-preserving.ts';
import { PrefixFlips } from '../../../src/core/edit/anonymize/prefix-preserving.ts';
import type { Ip6 } from '../../../src/core/wire/address.ts';
import {
  formatIp4,
  formatIp6,
  formatMac,
  groupMac4,
  groupMac6,
  parseMac,
  solicitedNode,
} from '../../../src/core/wire/address.ts';
import { parseIp4, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import '../../support/properties.ts';

/** The key of the sample trace in the Crypto-PAn distribution. */
const SAMPLE = Uint8Array.of(
  21,
  34,
  23,
  141,
  51,
  164,
  207,
  128,
  19,
  10,
  91,
  22,
  73,
  144,
  125,
  16,
  216,
  152,
  143,
  131,
  121,
  121,
  101,
  39,
  98,
  87,
  76,
  45,
  42,
  132,
  34,
  2,
);

function aes(key: Uint8Array): BlockCipher {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return (blocks) => cipher.update(blocks);
}

function mapOf(key: Uint8Array = SAMPLE, keepOui = false): AddressMap {
  return new AddressMap(aes(key.subarray(0, 16)), key.subarray(16), { keepOui });
}

function other(text: string): string {
  return formatIp4(map.ip4(parseIp4(text)));
}

function other6(text: string): string {
  return formatIp6(map.ip6(parseIp6(text)));
}

const map = mapOf();
const wordsOf = (ip: Ip6): readonly number[] => [ip.a, ip.b, ip.c, ip.d];

/** Leading bits that two addresses of 32-bit words share. */
function shared(x: readonly number[], y: readonly number[]): number {
  let bits = 0;
  for (let i = 0; i < x.length; i++) {
    const same = Math.clz32((x[i] as number) ^ (y[i] as number));
    bits += same;
    if (same < 32) break;
  }
  return bits;
}

const word = fc.integer({ min: 0, max: 0xffffffff });
/** Addresses of both kinds of neighbourhood: anywhere, and near one that is kept. */
const ip4 = fc.oneof(
  word,
  fc
    .tuple(fc.constantFrom(0, 0xffffffff, 0x7f000001, 0xa9fe0000, 0xe0000001, 0xef010101), fc.nat(0xffff))
    .map(([near, low]) => (near ^ low) >>> 0),
);
const ip6 = fc.oneof(
  fc.record({ a: word, b: word, c: word, d: word }),
  fc
    .tuple(
      fc.constantFrom('::', 'fe80::', 'ff02::1:ff00:0', 'ff05::', 'ff02::', '::ffff:10.0.0.0', '2001:db8::'),
      word,
    )
    .map(([near, low]) => {
      const ip = parseIp6(near);
      return { ...ip, d: (ip.d ^ (low % 0x1000000)) >>> 0 };
    }),
);
const MACS = [
  '00:00:00:00:00:00',
  'ff:ff:ff:00:00:00',
  '01:00:5e:00:00:00',
  '33:33:ff:00:00:00',
  '02:42:0a:00:00:00',
];
const mac = fc.oneof(
  fc.nat(0xffffffffffff),
  fc.tuple(fc.constantFrom(...MACS), fc.nat(0xffffff)).map(([near, low]) => parseMac(near) + low),
);

describe('Crypto-PAn as published', () => {
  function published(text: string): string {
    const flips = new PrefixFlips(aes(SAMPLE.subarray(0, 16)), SAMPLE.subarray(16));
    if (!text.includes(':')) {
      flips.find(32, parseIp4(text));
      return formatIp4(parseIp4(text) ^ flips.a);
    }
    const { a, b, c, d } = parseIp6(text);
    flips.find(128, a, b, c, d);
    const turned = (x: number, y: number): number => (x ^ y) >>> 0;
    return formatIp6({
      a: turned(a, flips.a),
      b: turned(b, flips.b),
      c: turned(c, flips.c),
      d: turned(d, flips.d),
    });
  }

  test.each([
    ['128.11.68.132', '135.242.180.132'],
    ['129.118.74.4', '134.136.186.123'],
    ['130.132.252.244', '133.68.164.234'],
    ['141.223.7.43', '141.167.8.160'],
    ['152.163.225.39', '151.140.114.167'],
    ['192.102.249.13', '252.138.62.131'],
    ['24.5.0.80', '100.9.15.210'],
    ['64.39.15.238', '0.219.7.41'],
    ['10.185.25.118', '117.161.29.118'],
  ])('the sample trace has %s as %s', (from, to) => {
    expect(published(from)).toBe(to);
  });

  test.each([
    ['::1', '78ff:f001:9fc0:20df:8380:b1f1:704:ed'],
    ['::ffff', '78ff:f001:9fc0:20df:8380:b1f1:704:f838'],
    ['2001:db8::1', '4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e'],
    ['2001:db8::2', '4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c'],
  ])('other implementations have %s as %s', (from, to) => {
    expect(published(from)).toBe(to);
  });

  test('a pad key of another length is refused', () => {
    expect(() => new PrefixFlips(aes(SAMPLE.subarray(0, 16)), SAMPLE)).toThrow(/16 bytes/);
  });
});

describe('addresses that stand for others', () => {
  test('two IPv4 addresses share exactly as many leading bits as before', () => {
    fc.assert(
      fc.property(ip4, ip4, (x, y) => {
        expect(shared([map.ip4(x)], [map.ip4(y)])).toBe(shared([x], [y]));
      }),
      { numRuns: 2000 },
    );
  });

  test('two IPv4 addresses that differ late share exactly as many leading bits as before', () => {
    fc.assert(
      fc.property(ip4, fc.integer({ min: 0, max: 31 }), (x, bit) => {
        const y = (x ^ (1 << bit)) >>> 0;
        expect(shared([map.ip4(x)], [map.ip4(y)])).toBe(31 - bit);
      }),
      { numRuns: 2000 },
    );
  });

  test('two IPv6 addresses share exactly as many leading bits as before', () => {
    fc.assert(
      fc.property(ip6, ip6, fc.integer({ min: 0, max: 127 }), (x, y, bit) => {
        expect(shared(wordsOf(map.ip6(x)), wordsOf(map.ip6(y)))).toBe(shared(wordsOf(x), wordsOf(y)));
        const near = wordsOf(x).map((w, i) => (i === bit >> 5 ? (w ^ (1 << (31 - (bit & 31)))) >>> 0 : w));
        const [a = 0, b = 0, c = 0, d = 0] = near;
        expect(shared(wordsOf(map.ip6(x)), wordsOf(map.ip6({ a, b, c, d })))).toBe(bit);
      }),
      { numRuns: 1500 },
    );
  });

  test('two MAC addresses that differ stay different, and share the maker if they did', () => {
    fc.assert(
      fc.property(mac, fc.integer({ min: 0, max: 47 }), (x, bit) => {
        const y = Number(BigInt(x) ^ (1n << BigInt(bit)));
        const differs = BigInt(map.mac(x)) ^ BigInt(map.mac(y));
        expect(differs.toString(2).length - 1).toBe(bit);
      }),
      { numRuns: 2000 },
    );
  });

  test('a MAC address stays one of a group or of a station, and of global or local administration', () => {
    fc.assert(
      fc.property(mac, (x) => {
        const first = (m: number): number => Math.floor(m / 2 ** 40) & 3;
        expect(first(map.mac(x))).toBe(first(x));
      }),
    );
  });

  test('VNIs of 24 bits stay apart', () => {
    const seen = new Set(Array.from({ length: 5000 }, (_, i) => map.vni(i * 3355)));
    expect(seen.size).toBe(5000);
    expect(Math.max(...seen)).toBeLessThan(0x1000000);
  });

  test.each([
    '0.0.0.0',
    '255.255.255.255',
    '127.0.0.1',
    '127.0.0.11',
    '224.0.0.1',
    '224.0.0.22',
    '224.0.0.251',
  ])('%s is kept', (text) => {
    expect(other(text)).toBe(text);
  });

  test.each(['::', '::1', 'ff02::1', 'ff02::2', 'ff02::16', 'ff02::fb', 'ff02::1:2', 'ff05::1:3'])(
    '%s is kept',
    (text) => {
      expect(other6(text)).toBe(text);
    },
  );

  test.each(['ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00', '01:80:c2:00:00:0e', '33:33:00:00:00:16'])(
    '%s is kept',
    (text) => {
      expect(formatMac(map.mac(parseMac(text)))).toBe(text);
    },
  );

  test('link-local addresses and groups stay within their prefix, and are mapped behind it', () => {
    expect(other('169.254.7.9')).toMatch(/^169\.254\.(?!7\.9$)/);
    expect(other('239.1.1.1')).toMatch(/^239\.(?!1\.1\.1$)/);
    expect(other6('fe80::42:aff:fe00:105')).toMatch(/^fe80::(?!42:aff:fe00:105$)/);
    expect(other6('ff05::7abc:def0')).toMatch(/^ff05::(?!7abc:def0$)/);
  });

  test('an IPv4 address inside an IPv6 one goes where it goes by itself', () => {
    const mapped = map.ip6(parseIp6('::ffff:10.0.1.5'));
    expect([mapped.a, mapped.b, mapped.c, mapped.d]).toEqual([0, 0, 0xffff, map.ip4(parseIp4('10.0.1.5'))]);
  });

  test("a group's MAC address is that of the mapped group", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0xe0000000, max: 0xefffffff }), ip6, (group, near) => {
        expect(map.mac(groupMac4(group))).toBe(groupMac4(map.ip4(group)));
        const group6 = { ...near, a: (0xff000000 | near.a) >>> 0 };
        expect(map.mac(groupMac6(group6))).toBe(groupMac6(map.ip6(group6)));
      }),
    );
  });

  test('the solicited-node group of an address is that of the mapped address', () => {
    fc.assert(
      fc.property(ip6, (ip) => {
        // Addresses by the side of :: keep bits that their group does not.
        fc.pre(ip.a >>> 24 !== 0xff && (ip.a !== 0 || ip.b !== 0));
        expect(map.ip6(solicitedNode(ip))).toEqual(solicitedNode(map.ip6(ip)));
      }),
    );
  });

  test('the maker of a MAC address is kept when asked', () => {
    const kept = mapOf(SAMPLE, true);
    fc.assert(
      fc.property(mac, (x) => {
        expect(Math.floor(kept.mac(x) / 2 ** 24)).toBe(Math.floor(x / 2 ** 24));
      }),
    );
    expect(kept.mac(0x005056123456)).not.toBe(0x005056123456);
  });

  test('the same key gives the same addresses whatever was asked before, another key others', () => {
    const again = mapOf();
    const second = mapOf(SAMPLE.map((byte) => byte ^ 1));
    let changed = 0;
    for (let i = 0; i < 40_000; i++) again.ip4(Math.imul(i, 0x9e3779b1) >>> 0);
    for (let i = 0; i < 1000; i++) {
      const ip = Math.imul(i, 0x85ebca6b) >>> 0;
      expect(again.ip4(ip)).toBe(map.ip4(ip));
      if (second.ip4(ip) !== map.ip4(ip)) changed++;
    }
    expect(changed).toBeGreaterThan(900);
  });

  test('copies between views what it maps', () => {
    const from = new DataView(new ArrayBuffer(32));
    const to = new DataView(new ArrayBuffer(32));
    from.setUint32(0, 0x0a000105);
    from.setUint16(4, 0x0242);
    from.setUint32(6, 0x0a000105);
    from.setUint32(16, 0x20010db8);
    map.copyIp4(from, to, 0);
    map.copyMac(from, to, 4);
    map.copyIp6(from, to, 16);
    expect(to.getUint32(0)).toBe(map.ip4(0x0a000105));
    expect(to.getUint16(4) * 2 ** 32 + to.getUint32(6)).toBe(map.mac(0x02420a000105));
    expect(to.getUint32(28)).toBe(map.ip6({ a: 0x20010db8, b: 0, c: 0, d: 0 }).d);
  });
});
