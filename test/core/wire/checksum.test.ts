import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  finish,
  finishUdp,
  fold,
  pseudo4,
  pseudo6,
  sum,
  update16,
  update32,
  verifies,
} from '../../../src/core/wire/checksum.ts';
import { hex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

/** The one's complement sum as RFC 1071 s.1 words it: 16 bits at a time, each carry brought round at once. */
function naive(bytes: Uint8Array, start = 0): number {
  let s = start;
  for (let i = 0; i < bytes.length; i += 2) {
    s += (bytes[i] as number) * 256 + (bytes[i + 1] ?? 0);
    if (s > 0xffff) s -= 0xffff;
  }
  return s;
}

const word = fc.nat(0xffff);
const word32 = fc.nat({ max: 0xffffffff });

describe('the Internet checksum, RFC 1071', () => {
  test('the worked example of section 3', () => {
    const bytes = hex('0001 f203 f4f5 f6f7');
    expect(fold(sum(viewOf(bytes), 0, 8))).toBe(0xddf2);
    expect(finish(sum(viewOf(bytes), 0, 8))).toBe(0x220d);
  });

  test('agrees with the 16-bit definition on any bytes, from any even place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), fc.nat(8), word, (bytes, skip, start) => {
        const from = Math.min(skip * 2, bytes.length);
        const expected = naive(bytes.slice(from), start);
        expect(fold(sum(viewOf(bytes), from, bytes.length, start))).toBe(expected);
      }),
    );
  });

  test('every length from 0 to 70 of the largest bytes, so that each tail and each carry is met', () => {
    const bytes = new Uint8Array(70).fill(0xff);
    for (let length = 0; length <= 70; length++) {
      expect(fold(sum(viewOf(bytes), 0, length))).toBe(naive(bytes.slice(0, length)));
    }
  });

  test('the largest datagram of the largest bytes keeps every carry, and so does ten times as much', () => {
    for (const length of [65534, 65535, 131072, 131073, 262146, 600_001]) {
      const bytes = new Uint8Array(length).fill(0xff);
      expect(fold(sum(viewOf(bytes), 0, length))).toBe(naive(bytes));
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 65520, maxLength: 65535, size: 'max' }), (bytes) => {
        expect(fold(sum(viewOf(bytes), 0, bytes.length))).toBe(naive(bytes));
      }),
      { numRuns: 10 },
    );
  });

  test('an odd last byte is the high half of a word', () => {
    expect(sum(viewOf(hex('12')), 0, 1)).toBe(0x1200);
    expect(sum(viewOf(hex('0000 0000 12')), 0, 5)).toBe(0x1200);
    expect(sum(viewOf(hex('0001 12')), 0, 3)).toBe(0x1201);
  });

  test('fold brings every carry round, at and beyond 2^32', () => {
    expect(fold(0)).toBe(0);
    expect(fold(0xffff)).toBe(0xffff);
    expect(fold(0x1_0000)).toBe(1);
    expect(fold(0x1_fffe)).toBe(0xffff);
    expect(fold(0xffff_ffff)).toBe(0xffff);
    expect(fold(0x1_0000_0000)).toBe(1);
    expect(fold(0x1_0000_ffff)).toBe(1);
    // The first fold of these leaves a carry that needs a second one.
    expect(fold(0x1_ffff_ffff)).toBe(1);
    expect(fold(0x2_ffff_fffe)).toBe(1);
    expect(fold(2 ** 47)).toBe(0x8000);
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 47 }), (s) => {
        const left = s % 0xffff;
        expect(fold(s)).toBe(s !== 0 && left === 0 ? 0xffff : left);
      }),
    );
  });

  test('bytes swapped within each word swap the sum (section 2, byte order independence)', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40, size: 'max' }), (words) => {
        const there = new DataView(new ArrayBuffer(words.length * 2));
        const back = new DataView(new ArrayBuffer(words.length * 2));
        words.forEach((w, i) => {
          there.setUint16(i * 2, w);
          back.setUint16(i * 2, w, true);
        });
        const swapped = fold(sum(back, 0, back.byteLength));
        expect(((swapped & 0xff) << 8) | (swapped >>> 8)).toBe(fold(sum(there, 0, there.byteLength)));
      }),
    );
  });

  test('a range with its own checksum in it adds up, and one changed bit does not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 2, maxLength: 61, size: 'max' }),
        fc.nat(),
        word32,
        (bytes, bit, start) => {
          bytes[0] = bytes[1] = 0;
          const view = viewOf(bytes);
          view.setUint16(0, finish(sum(view, 0, bytes.length, start)));
          expect(verifies(view, 0, bytes.length, start)).toBe(true);
          const at = (bit >>> 3) % bytes.length;
          bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
          expect(verifies(view, 0, bytes.length, start)).toBe(false);
        },
      ),
    );
  });

  test('a computed zero stays zero for IP and becomes 0xffff for UDP (RFC 768)', () => {
    expect(finish(0xffff)).toBe(0);
    expect(finishUdp(0xffff)).toBe(0xffff);
    expect(finish(0)).toBe(0xffff);
    expect(finishUdp(0)).toBe(0xffff);
    expect(finishUdp(0x220d)).toBe(0xddf2);
  });
});

describe('pseudo headers', () => {
  test("IPv4 (RFC 768): the checksum of another program's UDP adds up (Vxlan1.pcap of PcapPlusPlus)", () => {
    const bytes = (packetsOf(captureBytes('public/pcapplusplus/Vxlan1.pcap'))[0] as { bytes: Uint8Array })
      .bytes;
    const view = viewOf(bytes);
    const length = view.getUint16(38);
    const pseudo = pseudo4(view.getUint32(26), view.getUint32(30), 17, length);
    expect(view.getUint16(40)).not.toBe(0);
    expect(verifies(view, 34, 34 + length, pseudo)).toBe(true);
    expect(verifies(view, 34, 34 + length, pseudo + 1)).toBe(false);
  });

  test('IPv4 equals the twelve bytes of RFC 768 summed as they stand', () => {
    fc.assert(
      fc.property(word32, word32, fc.nat(255), word, (src, dst, proto, length) => {
        const bytes = new Uint8Array(12);
        const view = viewOf(bytes);
        view.setUint32(0, src);
        view.setUint32(4, dst);
        view.setUint16(8, proto);
        view.setUint16(10, length);
        expect(fold(pseudo4(src, dst, proto, length))).toBe(naive(bytes));
        // An address that came out of a bitwise operation is negative and must count the same.
        expect(pseudo4(src | 0, dst | 0, proto, length)).toBe(pseudo4(src, dst, proto, length));
      }),
    );
  });

  test('IPv6 equals the forty bytes of RFC 8200 s.8.1 summed as they stand', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.nat(255),
        word32,
        (addresses, proto, length) => {
          const header = new Uint8Array(44);
          header.set(addresses, 12);
          const bytes = new Uint8Array(40);
          bytes.set(addresses);
          viewOf(bytes).setUint32(32, length);
          viewOf(bytes).setUint32(36, proto);
          expect(fold(pseudo6(viewOf(header), 4, proto, length))).toBe(naive(bytes));
        },
      ),
    );
  });
});

describe('the outer UDP checksum covers VXLAN and the whole inner frame (RFC 7348 s.5), as Open vSwitch sees it', () => {
  const PLAIN = 'fe71d883724f beb6f4e1494a 0800 4500001c0001000040013ede 1e000001 1e000002 0000ffff00000000';
  const DNS = 'ffffffffffff 000000000000 0800 4500001c0001000040117cce 7f000001 7f000001 0035003500080172';
  const IP4 = '4500004e0001000040110000 0101025c 01010258';
  const IP6 = '60000000003a1140 2001cafe000000000000000000000092 2001cafe000000000000000000000088';

  // tests/tunnel-push-pop.at and tunnel-push-pop-ipv6.at: port, VXLAN header, inner frame, checksum.
  test.each([
    ['B', IP4, '12b5', '0800000000007b00', PLAIN, 0x0232],
    ['C', IP4, '12b5', '0c00000300015900', PLAIN, 0x202e],
    ['F', IP4, 'c853', '0c00000300007b00', DNS, 0x8cd4],
    ['G over IPv6', IP6, 'c853', '0c00000300007b00', DNS, 0xbc70],
  ])('vector %s', (_name, ip, port, vxlan, inner, expected) => {
    const bytes = hex(`${ip} ${port} 12b5003a0000 ${vxlan} ${inner}`);
    const view = viewOf(bytes);
    const at = ip === IP4 ? 20 : 40;
    const length = bytes.length - at;
    expect(length).toBe(58);
    const pseudo =
      ip === IP4 ? pseudo4(view.getUint32(12), view.getUint32(16), 17, length) : pseudo6(view, 0, 17, length);
    expect(finishUdp(sum(view, at, bytes.length, pseudo))).toBe(expected);
    view.setUint16(at + 6, expected);
    expect(verifies(view, at, bytes.length, pseudo)).toBe(true);
    view.setUint16(at + 6, 0xdead);
    expect(verifies(view, at, bytes.length, pseudo)).toBe(false);
  });

  test('the header of vector A adds up to its checksum 0x73e9', () => {
    expect(finish(sum(viewOf(hex(IP4)), 0, 20))).toBe(0x73e9);
  });
});

describe('incremental update, RFC 1624', () => {
  test('the example of section 4: the answer is 0x0000, where RFC 1141 gave 0xffff', () => {
    const before = finish(0xcd7a + 0x5555);
    expect(before).toBe(0xdd2f);
    expect(update16(before, 0x5555, 0x3285)).toBe(0x0000);
    expect(finish(0xcd7a + 0x3285)).toBe(0x0000);
  });

  test('one changed 16-bit word gives what a full computation gives', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4, maxLength: 60, size: 'max' }),
        fc.nat(29),
        word,
        (bytes, index, after) => {
          // As in any IP header, one word is never zero.
          bytes[0] = 0x45;
          const view = viewOf(bytes);
          const at = 2 + 2 * (index % ((bytes.length >> 1) - 1));
          const old = finish(sum(view, 0, bytes.length));
          const before = view.getUint16(at);
          view.setUint16(at, after);
          expect(update16(old, before, after)).toBe(finish(sum(view, 0, bytes.length)));
        },
      ),
    );
  });

  test('one changed 32-bit word gives what a full computation gives, signed or not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 8, maxLength: 60, size: 'max' }),
        fc.nat(13),
        word32,
        (bytes, index, after) => {
          bytes[0] = 0x45;
          const view = viewOf(bytes);
          const at = 4 + 4 * (index % ((bytes.length >> 2) - 1));
          const old = finish(sum(view, 0, bytes.length));
          const before = view.getUint32(at);
          view.setUint32(at, after);
          const expected = finish(sum(view, 0, bytes.length));
          expect(update32(old, before, after)).toBe(expected);
          expect(update32(old, before | 0, after | 0)).toBe(expected);
        },
      ),
    );
  });

  test('a word changed and put back gives the old checksum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xfffe }), word, word, (check, x, y) => {
        fc.pre(fold((~check & 0xffff) + (~x & 0xffff) + y) !== 0);
        expect(update16(update16(check, x, y), y, x)).toBe(check);
      }),
    );
  });
});
