import { describe, expect, test } from 'vitest';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { innerEcn, ipAt, outerEcn, setEcn, tosAt } from '../../../src/engine/fabric/ecn.ts';
import { viewOf } from '../../support/bytes.ts';
import { packet4, packet6 } from '../host/packets.ts';
import { A, B, ether } from './ground.ts';

const HEAD = { to: A, from: B };
const four = (tos: number): Uint8Array =>
  packet4(HEAD, { src: '10.0.0.1', dst: '10.0.0.2', proto: 17, tos }, new Uint8Array(8));
const six = (): Uint8Array => packet6(HEAD, { src: 'fd00::1', dst: 'fd00::2', next: 17 }, new Uint8Array(8));

/** A tag put in behind the MAC addresses. */
function tagged(bytes: Uint8Array, type = 0x8100): Uint8Array {
  const all = new Uint8Array(bytes.length + 4);
  all.set(bytes.subarray(0, 12));
  viewOf(all).setUint32(12, type * 0x10000 + 99);
  all.set(bytes.subarray(12), 16);
  return all;
}

describe('RFC 6040', () => {
  test('s.4.1 normal mode: Not-ECT, ECT(1), ECT(0) are copied out, CE goes out as ECT(0)', () => {
    expect([0, 1, 2, 3].map(outerEcn)).toEqual([0, 1, 2, 2]);
    expect(outerEcn(0xff)).toBe(2);
  });

  // Inner in rows, outer in columns, both 00 01 10 11; -1 is a drop.
  test.each([
    [0, [0, 0, 0, -1]],
    [1, [1, 1, 1, 3]],
    [2, [2, 1, 2, 3]],
    [3, [3, 3, 3, 3]],
  ])('s.4.2 figure 4: inner %i', (inner, delivered) => {
    expect([0, 1, 2, 3].map((outer) => innerEcn(inner, outer))).toEqual(delivered);
    expect([0, 1, 2, 3].map((outer) => innerEcn(inner | 0xfc, outer | 0xfc))).toEqual(delivered);
  });

  test('writing the mark keeps the DSCP and the header checksum, for all 256 TOS values', () => {
    for (let tos = 0; tos < 256; tos++) {
      for (const ecn of [0, 1, 2, 3]) {
        const bytes = four(tos);
        setEcn(viewOf(bytes), 14, ecn);
        expect(tosAt(viewOf(bytes), 14)).toBe((tos & 0xfc) | ecn);
        expect(ipv4.checksumOk(viewOf(bytes), 14)).toBe(true);
      }
    }
  });

  test('in IPv6 the mark is in the traffic class and nothing else moves', () => {
    const bytes = six();
    const view = viewOf(bytes);
    view.setUint32(14, 0x6b8abcde);
    const before = bytes.slice();
    expect(tosAt(view, 14)).toBe(0xb8);
    for (const ecn of [3, 1, 2, 0]) {
      setEcn(view, 14, ecn);
      expect(tosAt(view, 14)).toBe(0xb8 | ecn);
    }
    expect(bytes).toEqual(before);
  });
});

describe('where the IP header is', () => {
  test('behind no tag, one or two', () => {
    for (const bytes of [four(0), six()]) {
      expect(ipAt(viewOf(bytes), 0, bytes.length)).toBe(14);
      expect(ipAt(viewOf(tagged(bytes)), 0, bytes.length + 4)).toBe(18);
      expect(ipAt(viewOf(tagged(tagged(bytes), 0x88a8)), 0, bytes.length + 8)).toBe(22);
    }
  });

  test('nowhere in other frames and in ones cut short at any byte', () => {
    expect(ipAt(viewOf(ether(A, B)), 0, 60)).toBe(-1);
    for (const [bytes, header] of [
      [tagged(four(0)), 20],
      [tagged(six()), 40],
    ] as const) {
      for (let end = 0; end < 18 + header; end++) expect(ipAt(viewOf(bytes), 0, end)).toBe(-1);
      expect(ipAt(viewOf(bytes), 0, 18 + header)).toBe(18);
    }
    expect(tosAt(viewOf(four(9)), -1)).toBe(0);
  });
});
