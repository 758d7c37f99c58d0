import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ip, Ip6 } from '../../../src/core/wire/address.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import { parseIp, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import { REACH } from '../../../src/engine/host/destination.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { covers6, hopFor, RouteTable } from '../../../src/engine/host/routes.ts';
import { address, Inbox, Lab, pattern } from '../../support/lab.ts';

const DEV = {} as Interface;
const hop = { via: null, dev: DEV };

/** The address as one number of all its bits. */
function bits(ip: Ip): bigint {
  if (typeof ip === 'number') return BigInt(ip);
  return [ip.a, ip.b, ip.c, ip.d].reduce((whole, word) => (whole << 32n) | BigInt(word), 0n);
}

const word = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0, 1, 0x80000000, 0xffffffff, 0x0a000000));
const ip6 = fc.record({ a: word, b: word, c: word, d: word });

interface Entry {
  ip: Ip;
  prefix: number;
  metric: number;
}

function model(routes: readonly Entry[], ip: Ip, width: number): number {
  let best = -1;
  for (const [i, route] of routes.entries()) {
    const shift = BigInt(width - route.prefix);
    if (bits(route.ip) >> shift !== bits(ip) >> shift) continue;
    const before = routes[best];
    const better =
      before === undefined ||
      route.prefix > before.prefix ||
      (route.prefix === before.prefix && route.metric < before.metric);
    if (better) best = i;
  }
  return best;
}

describe('route table', () => {
  test.each([
    ['IPv4', 32, word],
    ['IPv6', 128, ip6],
  ] as const)(
    '%s: the longest prefix wins, then the lowest metric, then the first, as a naive model has it',
    (_name, width, one) => {
      const entry = fc.record({
        ip: one as fc.Arbitrary<Ip>,
        prefix: fc.nat({ max: width }),
        metric: fc.nat({ max: 3 }),
      });
      fc.assert(
        fc.property(
          fc.array(entry, { maxLength: 30 }),
          fc.array(one as fc.Arbitrary<Ip>, { maxLength: 10 }),
          fc.nat({ max: width - 1 }),
          (entries, asked, flip) => {
            const table = new RouteTable();
            for (const route of entries) table.add({ ...route, hops: [hop] });
            const near = entries.map(({ ip }) => flipped(ip, flip));
            for (const ip of [...asked, ...entries.map((route) => route.ip), ...near]) {
              const expected = entries[model(entries, ip, width)];
              const found = table.lookup(ip);
              if (expected === undefined) expect(found).toBeNull();
              else expect(found).toMatchObject(expected);
            }
          },
        ),
      );
    },
  );

  test('covers6 agrees with shifting all 128 bits', () => {
    fc.assert(
      fc.property(ip6, fc.nat({ max: 128 }), fc.nat({ max: 127 }), (ip, prefix, flip) => {
        const other = flipped(ip, flip) as Ip6;
        expect(covers6(ip, prefix, other)).toBe(flip >= prefix);
      }),
    );
  });

  test('a route without hop or with an impossible prefix is refused', () => {
    const table = new RouteTable();
    const bad = expect.objectContaining({ code: 'BAD_ROUTE' });
    expect(() => table.add({ ip: 0, prefix: 0, hops: [] })).toThrowError(bad);
    expect(() => table.add({ ip: 0, prefix: 33, hops: [hop] })).toThrowError(bad);
    expect(() => table.add({ ip: 0, prefix: -1, hops: [hop] })).toThrowError(bad);
    expect(() => table.add({ ip: parseIp('::'), prefix: 129, hops: [hop] })).toThrowError(bad);
    expect(table.generation).toBe(0);
  });

  test('removing answers how many went, and only a change makes a new generation', () => {
    const table = new RouteTable();
    for (const prefix of [8, 16, 24]) table.add({ ip: 0x0a000000, prefix, hops: [hop] });
    table.add({ ip: parseIp('fd00::'), prefix: 16, hops: [hop] });
    expect(table.generation).toBe(4);
    expect(table.remove((route) => route.prefix === 16)).toBe(2);
    expect(table.generation).toBe(5);
    expect(table.remove((route) => route.prefix === 16)).toBe(0);
    expect(table.generation).toBe(5);
    expect(table.all().map((route) => `${formatIp(route.ip)}/${route.prefix}`)).toEqual([
      '10.0.0.0/24',
      '10.0.0.0/8',
    ]);
  });

  test('hopFor takes the only hop or one by hash', () => {
    const hops = [1, 2, 3].map((index) => ({ via: index, dev: DEV }));
    const route = { ip: 0, prefix: 0, hops, src: null, metric: 0 };
    expect([0, 1, 2, 3, -1].map((hash) => hopFor(route, hash).via)).toEqual([1, 2, 3, 1, 1]);
    expect(hopFor({ ...route, hops: [hops[2] as never] }, 12345).via).toBe(3);
  });
});

describe('destinations', () => {
  test.each([
    ['IPv4', '10.0.1.', '10.0.9.1', '10.0.9.0/24'],
    ['IPv6', 'fd01::', 'fd09::1', 'fd09::/64'],
  ])(
    '%s: a router with equal ways keeps a flow on one and spreads flows over all',
    (_name, net, far, subnet) => {
      const lab = new Lab();
      const a = lab.host('a');
      const r = lab.host('r', { forwarding: true });
      const prefix = net.includes(':') ? 64 : 24;
      lab.wire(a, { ips: [`${net}1/${prefix}`] }, r, { ips: [`${net}254/${prefix}`] });
      const out = ['10.0.2.1', '10.0.3.1', '10.0.4.1'].map((ip, i) =>
        lab.alone(r, { ips: [`${ip}/24`, `fd0${i + 2}::1/64`] }),
      );
      const hops = out.map((dev, i) => {
        const via = parseIp(net.includes(':') ? `fd0${i + 2}::2` : `10.0.${i + 2}.2`);
        r.neighbours.pin(via, dev, 0x02_00_00_00_ff_00 + i);
        return { via, dev };
      });
      const { ip, prefix: length } = address(subnet);
      r.routes.add({ ip, prefix: length, hops });
      a.routes.add({
        ip,
        prefix: length,
        hops: [{ via: parseIp(`${net}254`), dev: a.interfaces[0] as Interface }],
      });
      const counts = [0, 0, 0];
      for (let flow = 0; flow < 300; flow++) {
        const socket = a.udp.bind(0, new Inbox());
        lab.sent.length = 0;
        for (let i = 0; i < 3; i++) socket.send(parseIp(far), 80, pattern(i));
        const macs = lab
          .frames(undefined, 'r')
          .flatMap(({ bytes }) => (bytes[4] === 0xff ? [bytes[5] as number] : []));
        expect(macs.length).toBe(3);
        expect(new Set(macs).size).toBe(1);
        counts[macs[0] as number] = (counts[macs[0] as number] as number) + 1;
      }
      for (const count of counts) expect(count).toBeGreaterThan(60);
      lab.end();
    },
  );

  test('a destination is looked up once, and again when routes change', () => {
    const lab = new Lab();
    const a = lab.host('a');
    const dev = lab.alone(a, { ips: ['10.0.0.1/24'] });
    const first = a.destination(parseIp('10.0.0.2'));
    expect(a.destination(parseIp('10.0.0.2'))).toBe(first);
    a.routes.add({ ip: parseIp('10.0.0.2'), prefix: 32, hops: [{ via: parseIp('10.0.0.9'), dev }] });
    const second = a.destination(parseIp('10.0.0.2'));
    expect(second).not.toBe(first);
    expect(second?.neighbour?.ip).toBe(parseIp('10.0.0.9'));
    lab.end();
  });

  test('own addresses, broadcasts and groups are told apart', () => {
    const lab = new Lab();
    const a = lab.host('a');
    lab.alone(a, { ips: ['10.0.0.1/24', 'fd00::1/64'] });
    const reach = (ip: string): number | undefined => a.destination(parseIp(ip))?.reach;
    expect(['10.0.0.1', 'fd00::1'].map(reach)).toEqual([REACH.local, REACH.local]);
    expect(['10.0.0.255', '255.255.255.255'].map(reach)).toEqual([REACH.broadcast, REACH.broadcast]);
    expect(['239.1.1.1', 'ff02::1', 'ff05::2'].map(reach)).toEqual([
      REACH.multicast,
      REACH.multicast,
      REACH.multicast,
    ]);
    expect(['10.0.0.2', 'fd00::2', 'fe80::2'].map(reach)).toEqual([
      REACH.unicast,
      REACH.unicast,
      REACH.unicast,
    ]);
    expect(['10.0.1.1', 'fd01::1'].map(reach)).toEqual([undefined, undefined]);
    lab.end();
  });

  test('a host without an address, or without an interface, reaches nobody', () => {
    const lab = new Lab();
    const none = lab.host('none');
    expect(none.destination(parseIp('239.1.1.1'))).toBeNull();
    const dev = lab.alone(none, { ips: [] });
    none.routes.add({ ip: 0, prefix: 0, hops: [{ via: parseIp('10.0.0.9'), dev }] });
    for (const ip of ['239.1.1.1', '10.0.0.1', 'ff02::1']) expect(none.destination(parseIp(ip))).toBeNull();
    lab.end();
  });

  test('the source has the scope of the destination', () => {
    const lab = new Lab();
    const a = lab.host('a');
    const dev = lab.alone(a, { ips: ['fe80::77/64', 'fd00::1/64'] });
    const source = (ip: string): string => formatIp(dev.source6(parseIp6(ip)) ?? 0);
    expect(['fe80::1', 'ff02::1', 'fd00::2', 'ff05::1', '2001:db8::1'].map(source)).toEqual([
      'fe80::77',
      'fe80::77',
      'fd00::1',
      'fd00::1',
      'fd00::1',
    ]);
    a.removeAddress(dev, parseIp('fd00::1'));
    expect(source('2001:db8::1')).toBe('fe80::77');
    a.removeAddress(dev, parseIp('fe80::77'));
    expect(dev.source6(parseIp6('fe80::1'))).toBeNull();
    lab.end();
  });
});

function flipped(ip: Ip, bit: number): Ip {
  const mask = (1 << (31 - (bit & 31))) >>> 0;
  if (typeof ip === 'number') return bit > 31 ? ip : (ip ^ mask) >>> 0;
  const words = [ip.a, ip.b, ip.c, ip.d];
  words[bit >> 5] = ((words[bit >> 5] as number) ^ mask) >>> 0;
  const [a, b, c, d] = words as [number, number, number, number];
  return { a, b, c, d };
}
