import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ip, Ip6 } from '../../../src/core/wire/address.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Cidr } from '../../../src/engine/ipam/cidr.ts';
import {
  addressAt,
  broadcastOf,
  contains,
  formatCidr,
  networkOf,
  nthSubnet,
  offsetOf,
  overlaps,
  parseCidr,
  SIZE_MAX,
  size,
  subnetCount,
  subnetIndex,
  subnetOf,
  within,
} from '../../../src/engine/ipam/cidr.ts';

const word = fc.nat({ max: 0xffffffff });
const ip6 = fc.record({ a: word, b: word, c: word, d: word });
const cidr4: fc.Arbitrary<Cidr> = fc.record({ ip: word, prefix: fc.nat(32) });
const cidr6: fc.Arbitrary<Cidr> = fc.record({ ip: ip6, prefix: fc.nat(128) });
const anyCidr: fc.Arbitrary<Cidr> = fc.oneof(cidr4, cidr6);

/** The model: an address as one big number, a block as an interval. */
function big(ip: Ip): bigint {
  if (typeof ip === 'number') return BigInt(ip);
  return (BigInt(ip.a) << 96n) | (BigInt(ip.b) << 64n) | (BigInt(ip.c) << 32n) | BigInt(ip.d);
}

function interval(cidr: Cidr): { first: bigint; last: bigint; count: bigint } {
  const host = BigInt((typeof cidr.ip === 'number' ? 32 : 128) - cidr.prefix);
  const first = (big(cidr.ip) >> host) << host;
  const count = 1n << host;
  return { first, last: first + count - 1n, count };
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(VxlabError);
    return (error as VxlabError).code;
  }
  return 'none';
}

describe('address blocks', () => {
  test('text in, the same text out', () => {
    for (const text of [
      '10.0.1.0/24',
      '0.0.0.0/0',
      '192.0.2.1/32',
      '2001:db8::/32',
      'fd00::5/64',
      '::/0',
      '::1/128',
    ]) {
      expect(formatCidr(parseCidr(text))).toBe(text);
    }
    expect(parseCidr('10.50.5.7/16')).toEqual({ ip: 0x0a320507, prefix: 16 });
  });

  test.each([
    '10.0.1.0',
    '10.0.1.0/',
    '10.0.1.0/33',
    '10.0.1.0/024',
    '10.0.1.0/-1',
    '10.0.1.0/2x',
    '10.0.1.0/24/24',
    '10.0.1/24',
    '10.0.1.256/24',
    '2001:db8::/129',
    'fe80::1%eth0/64',
    '/24',
    '',
    'web',
  ])('"%s" is refused with a hint at what to write', (text) => {
    expect(codeOf(() => parseCidr(text))).toBe('BAD_CIDR');
    expect(() => parseCidr(text)).toThrow('10.0.1.0/24');
    expect(() => parseCidr(text)).toThrow(`"${text}"`);
  });

  test('network, broadcast and size agree with intervals of big numbers', () => {
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        const { first, last, count } = interval(cidr);
        expect(big(networkOf(cidr.ip, cidr.prefix))).toBe(first);
        expect(big(broadcastOf(cidr.ip, cidr.prefix))).toBe(last);
        expect(big(subnetOf(cidr).ip)).toBe(first);
        const cap = BigInt(SIZE_MAX);
        expect(BigInt(size(cidr))).toBe(count < cap ? count : cap);
      }),
    );
  });

  test('contains, overlaps and within agree with intervals', () => {
    const near = fc.oneof(
      fc
        .tuple(cidr4, fc.nat(32), fc.nat(0xffff))
        .map(([x, prefix, noise]) => [x, { ip: ((x.ip as number) ^ noise) >>> 0, prefix }] as const),
      fc.tuple(cidr6, fc.nat(128), fc.nat(0xffff)).map(([x, prefix, noise]) => {
        const ip = x.ip as Ip6;
        return [x, { ip: { ...ip, b: (ip.b ^ noise) >>> 0 }, prefix }] as const;
      }),
      fc.tuple(anyCidr, anyCidr),
    );
    fc.assert(
      fc.property(near, ([x, y]) => {
        const sameFamily = typeof x.ip === typeof y.ip;
        const a = interval(x);
        const b = interval(y);
        expect(contains(x, y.ip)).toBe(sameFamily && big(y.ip) >= a.first && big(y.ip) <= a.last);
        expect(overlaps(x, y)).toBe(sameFamily && a.first <= b.last && b.first <= a.last);
        expect(overlaps(y, x)).toBe(overlaps(x, y));
        expect(within(x, y)).toBe(sameFamily && a.first >= b.first && a.last <= b.last);
      }),
    );
  });

  test("addressAt and offsetOf are each other's reverse", () => {
    fc.assert(
      fc.property(anyCidr, fc.maxSafeNat(), (cidr, n) => {
        const offset = n % size(cidr);
        const ip = addressAt(cidr, offset);
        expect(big(ip)).toBe(interval(cidr).first + BigInt(offset));
        expect(offsetOf(cidr, ip)).toBe(offset);
      }),
    );
  });

  test('offsets outside a block and beyond 2^53 say so', () => {
    const net = parseCidr('10.0.1.0/24');
    expect(offsetOf(net, parseIp('10.0.2.0'))).toBe(-1);
    expect(offsetOf(net, parseIp('::1'))).toBe(-1);
    const wide = parseCidr('fd00::/64');
    expect(offsetOf(wide, parseIp('fd00::1f:ffff:ffff:ffff'))).toBe(Number.MAX_SAFE_INTEGER);
    expect(offsetOf(wide, parseIp('fd00::20:0:0:0'))).toBe(Number.POSITIVE_INFINITY);
    for (const offset of [-1, 256, 1.5, Number.NaN]) {
      expect(codeOf(() => addressAt(net, offset))).toBe('OUT_OF_BLOCK');
    }
    expect(codeOf(() => addressAt(wide, SIZE_MAX))).toBe('OUT_OF_BLOCK');
  });

  test('the nth subnet is where big numbers put it, and subnetIndex finds it again', () => {
    fc.assert(
      fc.property(anyCidr, fc.nat(128), fc.maxSafeNat(), (cidr, longer, n) => {
        const bits = typeof cidr.ip === 'number' ? 32 : 128;
        const prefix = cidr.prefix + (longer % (bits - cidr.prefix + 1));
        const index = n % subnetCount(cidr, prefix);
        const subnet = nthSubnet(cidr, prefix, index);
        expect(subnet.prefix).toBe(prefix);
        expect(big(subnet.ip)).toBe(interval(cidr).first + BigInt(index) * (1n << BigInt(bits - prefix)));
        expect(subnetIndex(cidr, prefix, broadcastOf(subnet.ip, prefix))).toBe(index);
      }),
    );
  });

  test('known cuts', () => {
    const ten = parseCidr('10.0.0.0/8');
    expect(formatCidr(nthSubnet(ten, 24, 3))).toBe('10.0.3.0/24');
    expect(subnetCount(ten, 24)).toBe(65536);
    expect(formatCidr(nthSubnet(parseCidr('fd00::/48'), 64, 0xabc))).toBe('fd00:0:0:abc::/64');
    expect(formatIp(broadcastOf(parseIp('172.18.0.0'), 16))).toBe('172.18.255.255');
  });

  test('cuts that do not exist are refused', () => {
    const ten = parseCidr('10.0.0.0/8');
    expect(subnetCount(ten, 7)).toBe(0);
    for (const [prefix, index] of [
      [24, 65536],
      [24, -1],
      [24, 0.5],
      [33, 0],
      [7, 0],
    ] as const) {
      expect(codeOf(() => nthSubnet(ten, prefix, index))).toBe('OUT_OF_BLOCK');
    }
    expect(subnetIndex(ten, 24, parseIp('11.0.0.0'))).toBe(-1);
    expect(subnetIndex(ten, 7, parseIp('10.0.0.0'))).toBe(-1);
    expect(subnetIndex(parseCidr('::/0'), 128, parseIp('8000::'))).toBe(Number.POSITIVE_INFINITY);
  });
});
