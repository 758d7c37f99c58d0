import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import { entropyOf, portFor } from '../../../src/engine/fabric/entropy.ts';
import { viewOf } from '../../support/bytes.ts';
import { packet4, packet6, udpBytes } from '../host/packets.ts';
import { A, B, C, ether } from './ground.ts';

const of = (bytes: Uint8Array): number => entropyOf(viewOf(bytes), 0, bytes.length);

interface Flow {
  readonly src: string;
  readonly dst: string;
  readonly from: number;
  readonly to: number;
}

const four = (f: Flow, more = {}): Uint8Array =>
  packet4(
    { to: A, from: B },
    { src: f.src, dst: f.dst, proto: 17, ...more },
    udpBytes(f.src, f.dst, f.from, f.to, new Uint8Array(4)),
  );
const six = (f: Flow): Uint8Array =>
  packet6(
    { to: A, from: B },
    { src: f.src, dst: f.dst, next: 17 },
    udpBytes(f.src, f.dst, f.from, f.to, new Uint8Array(4)),
  );
const back = (f: Flow): Flow => ({ src: f.dst, dst: f.src, from: f.to, to: f.from });

const F4: Flow = { src: '10.0.1.2', dst: '10.0.1.3', from: 1000, to: 2000 };
const F6: Flow = { src: 'fd00::1', dst: 'fd00::2', from: 1000, to: 2000 };

const port = fc.integer({ min: 0, max: 0xffff });
const ip4 = fc.nat(0xffffffff).map((n) => formatIp(n));
const word = fc.nat(0xffffffff);
const ip6 = fc.tuple(word, word, word, word).map(([a, b, c, d]) => formatIp({ a, b, c, d }));
const flow = (ip: fc.Arbitrary<string>): fc.Arbitrary<Flow> =>
  fc.record({ src: ip, dst: ip, from: port, to: port });

describe('entropy', () => {
  test('property: request and answer of a flow have the same, 0 to 2^31 - 1', () => {
    const check = (make: (f: Flow) => Uint8Array, f: Flow): void => {
      const entropy = of(make(f));
      expect(of(make(back(f)))).toBe(entropy);
      expect(Number.isInteger(entropy) && entropy >= 0 && entropy < 2 ** 31).toBe(true);
    };
    fc.assert(fc.property(flow(ip4), (f) => check(four, f)));
    fc.assert(fc.property(flow(ip6), (f) => check(six, f)));
  });

  test('each field of the flow counts, and the payload, TTL, id and MAC addresses do not', () => {
    const all = [
      F4,
      { ...F4, src: '10.0.1.4' },
      { ...F4, dst: '10.0.1.5' },
      { ...F4, from: 1001 },
      { ...F4, to: 2001 },
    ];
    expect(new Set(all.map((f) => of(four(f)))).size).toBe(5);
    const six6 = [
      F6,
      { ...F6, src: 'fd00:1::1' },
      { ...F6, dst: 'fd00::2:0:0' },
      { ...F6, from: 1001 },
      { ...F6, to: 2001 },
    ];
    expect(new Set(six6.map((f) => of(six(f)))).size).toBe(5);
    const other = packet4(
      { to: C, from: A },
      { src: F4.src, dst: F4.dst, proto: 17, ttl: 3, id: 99 },
      udpBytes(F4.src, F4.dst, 1000, 2000, new Uint8Array(99)),
    );
    expect(of(other)).toBe(of(four(F4)));
  });

  test('all fragments of a datagram have one entropy, whatever their ports would be', () => {
    const first = of(four(F4, { more: true }));
    expect(of(four({ ...F4, from: 7 }, { more: true, offset: 1480 }))).toBe(first);
    expect(of(four({ ...F4, to: 8 }, { offset: 2960 }))).toBe(first);
    expect(of(four({ ...F4, to: 8 }, { dontFragment: true }))).toBe(of(four({ ...F4, to: 8 })));
  });

  test('ICMP hashes on addresses alone', () => {
    const echo = (n: number): Uint8Array =>
      packet4({ to: A, from: B }, { src: F4.src, dst: F4.dst, proto: 1 }, new Uint8Array(8).fill(n));
    expect(of(echo(1))).toBe(of(echo(2)));
  });

  test('behind a VLAN tag the same fields count, and the VID with them, not the priority', () => {
    const tag = (bytes: Uint8Array, tci: number): Uint8Array => {
      const all = new Uint8Array(bytes.length + 4);
      all.set(bytes.subarray(0, 12));
      viewOf(all).setUint32(12, 0x81000000 + tci);
      all.set(bytes.subarray(12), 16);
      return all;
    };
    expect(of(tag(four(F4), 5))).toBe(of(tag(four(back(F4)), 5)));
    expect(of(tag(four(F4), 5))).not.toBe(of(tag(four(F4), 6)));
    expect(of(tag(four(F4), 0xe005))).toBe(of(tag(four(F4), 5)));
  });

  test('what is not IP hashes on MAC addresses, either way round, and EtherType', () => {
    expect(of(ether(A, B))).toBe(of(ether(B, A)));
    expect(of(ether(A, B))).not.toBe(of(ether(A, C)));
    expect(of(ether(A, B))).not.toBe(of(ether(A, B, 46, 0x88b6)));
  });

  test('property: any bytes will do, and none beyond the end are read', () => {
    const type = fc.constantFrom([8, 0], [0x86, 0xdd], [0x81, 0], [1, 2]);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 90 }),
        type,
        fc.uint8Array({ minLength: 60, maxLength: 60 }),
        (bytes, t, behind) => {
          if (bytes.length >= 14) bytes.set(t, 12);
          const entropy = of(bytes);
          const longer = new Uint8Array([...bytes, ...behind]);
          expect(entropyOf(viewOf(longer), 0, bytes.length)).toBe(entropy);
        },
      ),
    );
    expect(of(new Uint8Array(13))).toBe(0);
  });

  test.each([
    ['ports that count up', (n: number) => four({ ...F4, from: 32768 + n })],
    [
      'addresses that count up',
      (n: number) => four({ ...F4, dst: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` }),
    ],
    ['IPv6 ports', (n: number) => six({ ...F6, to: 1024 + n })],
    ['MAC addresses', (n: number) => ether(A, 0x020000000000 + n)],
  ])('4096 flows by %s spread over 64 bins as chance would', (_, make) => {
    const bins = new Array<number>(64).fill(0);
    for (let n = 0; n < 4096; n++) {
      const bin = (portFor(of(make(n)), 49152, 65535) - 49152) >> 8;
      bins[bin] = (bins[bin] as number) + 1;
    }
    const chi = bins.reduce((sum, n) => sum + (n - 64) ** 2 / 64, 0);
    // 63 degrees of freedom: mean 63, deviation 11.2; six deviations up.
    expect(chi).toBeLessThan(63 + 6 * Math.sqrt(2 * 63));
  });
});

describe('portFor', () => {
  test('the ends of the range are reached and not passed', () => {
    expect([0, 2 ** 31 - 1].map((entropy) => portFor(entropy, 49152, 65535))).toEqual([49152, 65535]);
    expect(portFor(2 ** 30, 5, 5)).toBe(5);
  });

  test('property: within bounds and rising with the entropy', () => {
    const entropy = fc.nat(2 ** 31 - 1);
    fc.assert(
      fc.property(entropy, entropy, port, port, (x, y, p, q) => {
        const [min, max] = [Math.min(p, q), Math.max(p, q)];
        const [low, high] = [portFor(Math.min(x, y), min, max), portFor(Math.max(x, y), min, max)];
        expect(min <= low && low <= high && high <= max && Number.isInteger(low)).toBe(true);
      }),
    );
  });
});
