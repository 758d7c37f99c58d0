import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ip } from '../../../src/core/wire/address.ts';
import { compareIp, formatIp, macHi, macLo, writeIp6 } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { IpMap } from '../../../src/engine/fabric/ip-map.ts';
import { NO_MAC, PeerDb } from '../../../src/engine/fabric/peer-db.ts';
import { NO_PEER, Peers } from '../../../src/engine/fabric/peers.ts';
import { A, B, C } from './ground.ts';

const view = new DataView(new ArrayBuffer(20));
function written(ip: Ip): DataView {
  if (typeof ip !== 'number') writeIp6(view, 4, ip);
  return view;
}

// Few values, so that operations meet; IPv6 ones differ in each word, and in sign bits.
const word = fc.constantFrom(0, 1, 0x80, 0x7fffffff, 0x80000000, 0xffffffff);
const anyIp: fc.Arbitrary<Ip> = fc.oneof(
  fc.constantFrom(0, 1, 0x0a000001, 0xffffffff),
  fc.record({ a: word, b: word, c: word, d: word }),
);

describe('IpMap', () => {
  test('property: as a Map keyed by text, in any mix of families', () => {
    const step = fc.tuple(fc.constantFrom('set', 'delete', 'get'), anyIp, fc.nat(9));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const map = new IpMap<number>();
        const model = new Map<string, [Ip, number]>();
        for (const [what, ip, value] of steps) {
          const key = formatIp(ip);
          if (what === 'set') {
            map.set(ip, value);
            model.set(key, [ip, value]);
          }
          if (what === 'delete') expect(map.delete(ip)).toBe(model.delete(key));
          const want = model.get(key)?.[1];
          expect(map.get(ip)).toBe(want);
          expect(map.has(ip)).toBe(want !== undefined);
          expect(typeof ip === 'number' ? map.get4(ip) : map.get6(written(ip), 4)).toBe(want);
          expect(map.size).toBe(model.size);
        }
        const sorted = [...model.values()].sort((x, y) => compareIp(x[0], y[0]));
        expect(map.entries()).toEqual(sorted);
        map.clear();
        expect([map.size, map.entries()]).toEqual([0, []]);
      }),
      { numRuns: 300 },
    );
  });

  test('ten thousand IPv6 addresses, eight to a bucket (the hash passes over the low bits of the second word): each found, every other taken out', () => {
    const map = new IpMap<number>();
    const ip = (n: number): Ip => ({ a: 0x20010db8, b: n & 7, c: n >>> 3, d: 1 });
    for (let n = 0; n < 10_000; n++) map.set(ip(n), n);
    for (let n = 0; n < 10_000; n++) map.set(ip(n), n);
    for (let n = 0; n < 10_000; n += 2) expect(map.delete(ip(n))).toBe(true);
    for (let n = 0; n < 10_000; n += 2) expect(map.delete(ip(n))).toBe(false);
    expect(map.size).toBe(5000);
    for (let n = 0; n < 10_000; n++) expect(map.get(ip(n))).toBe(n % 2 === 0 ? undefined : n);
  });
});

describe('Peers', () => {
  test('numbers from 0 on first sight, the same afterwards, and back to the address', () => {
    const peers = new Peers();
    const ips = ['192.0.2.11', 'fd00::1', '239.0.0.1', 'ff05::1'].map((text) => parseIp(text));
    expect(ips.map((ip) => peers.idOf(ip))).toEqual([0, 1, 2, 3]);
    expect(ips.map((ip) => peers.idOf(ip))).toEqual([0, 1, 2, 3]);
    expect([0, 1, 2, 3].map((id) => peers.addressOf(id))).toEqual(ips);
    expect([0, 1, 2, 3].map((id) => peers.isGroup(id))).toEqual([false, false, true, true]);
    expect([peers.find4(ips[0] as number), peers.find6(written(ips[1] as Ip), 4)]).toEqual([0, 1]);
    expect([peers.find4(7), peers.find6(written(parseIp('::7')), 4), peers.size]).toEqual([
      NO_PEER,
      NO_PEER,
      4,
    ]);
    expect(() => peers.addressOf(4)).toThrow(expect.objectContaining({ code: 'NO_SUCH_PEER' }));
  });
});

describe('PeerDb', () => {
  test('a row answers by MAC and by address of either family; replaced, the old addresses are gone', () => {
    const db = new PeerDb();
    const [four, six] = [parseIp('10.0.0.2'), parseIp('fd00::2')];
    db.set(A, [four, six], 3);
    expect(db.peerOf(macHi(A), macLo(A))).toBe(3);
    expect([db.macOf4(four as number), db.macOf6(written(six), 4)]).toEqual([A, A]);
    db.set(A, [parseIp('10.0.0.9')], 4);
    expect([db.macOf4(four as number), db.macOf6(written(six), 4)]).toEqual([NO_MAC, NO_MAC]);
    expect([db.peerOf(macHi(A), macLo(A)), db.size]).toEqual([4, 1]);
  });

  test('an address claimed by two: the later claim stays when the earlier row goes', () => {
    const db = new PeerDb();
    db.set(A, [1], 3);
    db.set(B, [1], 4);
    db.delete(A);
    expect(db.macOf4(1)).toBe(B);
    expect([db.delete(B), db.delete(B), db.macOf4(1)]).toEqual([true, false, NO_MAC]);
  });

  test('property: rows, look-ups and the failure of a node, as a Map', () => {
    const mac = fc.constantFrom(A, B, C, 1, 0xffffffffffff - 1);
    const step = fc.tuple(fc.constantFrom('set', 'delete', 'fail'), mac, fc.nat(3));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const db = new PeerDb();
        const model = new Map<number, number>();
        for (const [what, one, peer] of steps) {
          const ip = one % 2 ** 32;
          if (what === 'set') {
            db.set(one, [ip], peer);
            model.set(one, peer);
          } else if (what === 'delete') {
            expect(db.delete(one)).toBe(model.delete(one));
          } else {
            const gone = [...model].filter(([, at]) => at === peer);
            expect(db.deletePeer(peer)).toBe(gone.length);
            for (const [key] of gone) model.delete(key);
          }
          expect(db.peerOf(macHi(one), macLo(one))).toBe(model.get(one) ?? NO_PEER);
          expect(db.macOf4(ip)).toBe(model.has(one) ? one : NO_MAC);
        }
        const rows = db.rows().map((row) => [row.mac, row.peer]);
        expect(rows).toEqual([...model].sort((x, y) => x[0] - y[0]));
      }),
    );
  });
});
