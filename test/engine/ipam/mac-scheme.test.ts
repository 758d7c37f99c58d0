import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMac, isGroupMac, macHi } from '../../../src/core/wire/address.ts';
import { parseIp, parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import { dockerMac, dockerMac4, randomLocalMac } from '../../../src/engine/ipam/mac-scheme.ts';

describe('MAC schemes', () => {
  test.each([
    ['10.0.1.2', '02:42:0a:00:01:02'],
    ['172.18.0.3', '02:42:ac:12:00:03'],
    ['255.255.255.255', '02:42:ff:ff:ff:ff'],
  ])('Docker gives %s the MAC %s', (ip, mac) => {
    expect(formatMac(dockerMac4(parseIp4(ip)))).toBe(mac);
    expect(formatMac(dockerMac(parseIp(ip)))).toBe(mac);
  });

  test('an IPv6 address is hashed with FNV-1a', () => {
    // FNV-1a of sixteen zero bytes: the basis times the prime to the sixteenth, modulo 2^32.
    let zeros = 0x811c9dc5n;
    for (let i = 0; i < 16; i++) zeros = (zeros * 0x01000193n) & 0xffffffffn;
    expect(dockerMac(parseIp('::'))).toBe(0x0242 * 2 ** 32 + Number(zeros));
    let known = 0x811c9dc5n;
    for (const byte of [0xfd, ...new Array<number>(14).fill(0), 2]) {
      known = ((known ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
    }
    expect(dockerMac(parseIp('fd00::2'))).toBe(0x0242 * 2 ** 32 + Number(known));
  });

  test('a thousand neighbouring IPv6 addresses get a thousand MACs', () => {
    const base = { a: 0xfd000000, b: 0, c: 0 };
    expect(new Set(Array.from({ length: 1000 }, (_, d) => dockerMac({ ...base, d }))).size).toBe(1000);
  });

  test('a random MAC is local and unicast and keeps the other 46 bits', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffffffff }), fc.nat({ max: 0xffffffff }), (first, second) => {
        const draws = [first, second];
        const mac = randomLocalMac(() => draws.shift() as number);
        const hi = macHi(mac);
        expect(hi & 0x0200).toBe(0x0200);
        expect(isGroupMac(hi)).toBe(false);
        expect(hi & 0xfcff).toBe(first & 0xfcff);
        expect(mac % 2 ** 32).toBe(second);
        expect(draws).toEqual([]);
      }),
    );
  });
});
