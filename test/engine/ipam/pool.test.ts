import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ip } from '../../../src/core/wire/address.ts';
import { compareIp, formatIp } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { addressAt, parseCidr, size } from '../../../src/engine/ipam/cidr.ts';
import type { PoolOptions } from '../../../src/engine/ipam/pool.ts';
import { AddressPool } from '../../../src/engine/ipam/pool.ts';

function poolOf(subnet: string, range?: string, gateway?: string | null): AddressPool {
  const options: PoolOptions = {
    subnet: parseCidr(subnet),
    ...(range === undefined ? {} : { range: parseCidr(range) }),
    ...(gateway === undefined ? {} : { gateway: gateway === null ? null : parseIp(gateway) }),
  };
  return new AddressPool(options);
}

function drain(pool: AddressPool): string[] {
  const given: string[] = [];
  while (pool.free > 0) given.push(formatIp(pool.lease(`c${given.length}`)));
  return given;
}

const failing = (code: string): unknown => expect.objectContaining({ name: 'VxlabError', code });

describe('address pool', () => {
  test('a /24 gives .2 to .254 once each and in order, then names the pool and the count', () => {
    const pool = poolOf('10.0.1.0/24');
    expect(formatIp(pool.gateway as Ip)).toBe('10.0.1.1');
    expect(pool.capacity).toBe(253);
    expect(drain(pool)).toEqual(Array.from({ length: 253 }, (_, i) => `10.0.1.${i + 2}`));
    expect(() => pool.lease('late')).toThrow(failing('POOL_EXHAUSTED'));
    expect(() => pool.lease('late')).toThrow('10.0.1.0/24 has no free address left: all 253 are leased');
  });

  test('of a network that has a name, the sentence says which, and who goes without', () => {
    const small = new AddressPool({ subnet: parseCidr('10.0.1.0/30'), network: 'lecture_web' });
    small.lease('web.1');
    expect(() => small.lease('web.2')).toThrow(
      '10.0.1.0/30 of network lecture_web has no free address left: its only one is leased, none is left for web.2',
    );
    const none = new AddressPool({
      subnet: parseCidr('10.0.1.0/32'),
      gateway: parseIp('10.0.1.0'),
      network: 'n',
    });
    expect(() => none.lease('web.1')).toThrow('10.0.1.0/32 of network n has no address to lease');
  });

  test('a freed address waits until the range has wrapped, as after docker node drain', () => {
    const pool = poolOf('10.0.2.0/24');
    const mysql = pool.lease('mysql');
    for (let i = 0; i < 5; i++) pool.lease(`other${i}`);
    expect(pool.release(mysql)).toBe('mysql');
    expect(formatIp(pool.lease('mysql'))).toBe('10.0.2.8');
    for (let i = 9; i < 255; i++) expect(pool.lease('filler')).toBe(0x0a000200 + i);
    expect(pool.lease('wrapped')).toBe(mysql);
    expect(() => pool.lease('none')).toThrow(failing('POOL_EXHAUSTED'));
  });

  test("--ip-range with a gateway of one's own: the first container has the range's first address", () => {
    const pool = poolOf('10.50.0.0/16', '10.50.5.0/24', '10.50.0.254');
    expect(pool.capacity).toBe(256);
    const given = drain(pool);
    expect([given[0], given[1], given[255]]).toEqual(['10.50.5.0', '10.50.5.1', '10.50.5.255']);
    expect(() => pool.lease('late')).toThrow('the range 10.50.5.0/24 of 10.50.0.0/16 has no free address');
    expect(pool.leaseExact(parseIp('10.50.9.9'), 'outside the range')).toBe(parseIp('10.50.9.9'));
    expect(pool.owner(parseIp('10.50.9.9'))).toBe('outside the range');
    expect(pool.release(parseIp('10.50.9.9'))).toBe('outside the range');
    expect(pool.free).toBe(0);
  });

  test('a range at either end of the subnet steps over network, gateway and broadcast', () => {
    expect(drain(poolOf('10.0.0.0/24', '10.0.0.0/30'))).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(drain(poolOf('10.0.0.0/24', '10.0.0.252/30'))).toEqual(['10.0.0.252', '10.0.0.253', '10.0.0.254']);
  });

  test('--ip takes the address, and the serial cursor neither moves nor trips over it', () => {
    const pool = poolOf('10.0.1.0/24');
    pool.leaseExact(parseIp('10.0.1.3'), 'fixed');
    pool.leaseExact(parseIp('10.0.1.77'), 'docs');
    expect([pool.lease('a'), pool.lease('b')].map(formatIp)).toEqual(['10.0.1.2', '10.0.1.4']);
    expect(pool.leases().map((lease) => `${formatIp(lease.ip)} ${lease.owner}`)).toEqual([
      '10.0.1.2 a',
      '10.0.1.3 fixed',
      '10.0.1.4 b',
      '10.0.1.77 docs',
    ]);
  });

  test('an address has one owner: taking it again names both', () => {
    const pool = poolOf('10.0.1.0/24');
    const ip = pool.lease('first');
    expect(() => pool.leaseExact(ip, 'second')).toThrow(failing('ADDRESS_TAKEN'));
    expect(() => pool.leaseExact(ip, 'second')).toThrow(
      '10.0.1.2 of 10.0.1.0/24 is taken by first; second cannot',
    );
    expect(() => pool.reserve(ip, 'second')).toThrow(failing('ADDRESS_TAKEN'));
    for (const kept of ['10.0.1.0', '10.0.1.1', '10.0.1.255']) {
      expect(() => pool.leaseExact(parseIp(kept), 'x')).toThrow(failing('ADDRESS_TAKEN'));
      expect(() => pool.release(parseIp(kept))).toThrow('it is reserved');
    }
    expect(pool.owner(ip)).toBe('first');
  });

  test('releasing what nobody holds, or an address from elsewhere, is refused', () => {
    const pool = poolOf('10.0.1.0/24');
    expect(() => pool.release(parseIp('10.0.1.9'))).toThrow(failing('NOT_LEASED'));
    expect(() => pool.release(parseIp('10.9.9.9'))).toThrow(failing('NOT_LEASED'));
    const ip = pool.lease('once');
    pool.release(ip);
    expect(() => pool.release(ip)).toThrow('10.0.1.2 cannot be released to 10.0.1.0/24: nobody holds it');
    expect(() => pool.leaseExact(parseIp('10.0.2.1'), 'x')).toThrow(failing('OUT_OF_POOL'));
    expect(() => pool.leaseExact(parseIp('fd00::1'), 'x')).toThrow(failing('OUT_OF_POOL'));
    expect(pool.owner(parseIp('10.0.2.1'))).toBeUndefined();
  });

  test('reservations are left out of capacity and listed', () => {
    const pool = poolOf('10.0.1.0/29');
    expect(pool.capacity).toBe(5);
    pool.reserve(parseIp('10.0.1.3'), 'router');
    expect([pool.capacity, pool.free]).toEqual([4, 4]);
    expect(drain(pool)).toEqual(['10.0.1.2', '10.0.1.4', '10.0.1.5', '10.0.1.6']);
    expect(pool.reservations().map((kept) => `${formatIp(kept.ip)} ${kept.owner}`)).toEqual([
      '10.0.1.0 network address',
      '10.0.1.1 gateway',
      '10.0.1.3 router',
      '10.0.1.7 broadcast address',
    ]);
  });

  test('small subnets: /30, /31 (RFC 3021), /32, and IPv6 /127 (RFC 6164) and /128', () => {
    expect(drain(poolOf('10.0.1.0/30'))).toEqual(['10.0.1.2']);
    expect(drain(poolOf('10.0.1.0/31'))).toEqual(['10.0.1.1']);
    expect(drain(poolOf('10.0.1.0/31', undefined, null))).toEqual(['10.0.1.0', '10.0.1.1']);
    expect(drain(poolOf('10.0.1.7/32'))).toEqual(['10.0.1.7']);
    expect(drain(poolOf('fd00::/127', undefined, null))).toEqual(['fd00::', 'fd00::1']);
    expect(drain(poolOf('fd00::7/128'))).toEqual(['fd00::7']);
    const only = poolOf('10.0.1.7/32');
    only.lease('one');
    expect(() => only.lease('two')).toThrow('its only one is leased');
    expect(() => poolOf('10.0.1.7/32', undefined, '10.0.1.7').lease('none')).toThrow('0 in all');
  });

  test('host bits of the subnet are cleared, range and gateway must lie inside', () => {
    expect(formatIp(poolOf('10.0.1.77/24').lease('x'))).toBe('10.0.1.2');
    expect(() => poolOf('10.0.1.0/24', '10.0.0.0/16')).toThrow(failing('OUT_OF_POOL'));
    expect(() => poolOf('10.0.1.0/24', undefined, '10.0.2.1')).toThrow(failing('OUT_OF_POOL'));
    expect(() => poolOf('10.0.1.0/24', undefined, '10.0.1.255')).toThrow(failing('ADDRESS_TAKEN'));
  });

  test('an IPv6 /64: anycast and gateway stay out, far addresses can be leased by name', () => {
    const pool = poolOf('fd00:0:0:1::/64');
    expect(formatIp(pool.gateway as Ip)).toBe('fd00:0:0:1::1');
    expect(pool.owner(parseIp('fd00:0:0:1::'))).toBe('subnet-router anycast');
    expect([pool.lease('a'), pool.lease('b')].map(formatIp)).toEqual(['fd00:0:0:1::2', 'fd00:0:0:1::3']);
    const far = parseIp('fd00:0:0:1:42:aff:fe00:102');
    const farther = parseIp('fd00:0:0:1:8000::1');
    pool.leaseExact(farther, 'farther');
    pool.leaseExact(far, 'far');
    expect(() => pool.leaseExact(parseIp('fd00:0:0:1:8000::1'), 'again')).toThrow(failing('ADDRESS_TAKEN'));
    expect(pool.leases().map((lease) => lease.owner)).toEqual(['a', 'b', 'far', 'farther']);
    expect(pool.release(farther)).toBe('farther');
    expect(() => pool.release(farther)).toThrow(failing('NOT_LEASED'));
    expect(drain(poolOf('fd00::/124'))).toHaveLength(14);
  });

  test('a range far into a wide IPv6 subnet is leased from', () => {
    const pool = poolOf('fd00::/48', 'fd00:0:0:5::/64');
    expect(formatIp(pool.lease('a'))).toBe('fd00:0:0:5::');
    expect(formatIp(pool.gateway as Ip)).toBe('fd00::1');
  });

  test('a /12 can be leased to its last address', () => {
    const pool = poolOf('172.16.0.0/12');
    const count = pool.capacity;
    expect(count).toBe(2 ** 20 - 3);
    let last: Ip = 0;
    for (let i = 0; i < count; i++) last = pool.lease('x');
    expect(formatIp(last)).toBe('172.31.255.254');
    expect(() => pool.lease('late')).toThrow(failing('POOL_EXHAUSTED'));
    pool.release(parseIp('172.20.0.9'));
    expect(formatIp(pool.lease('x'))).toBe('172.20.0.9');
  });

  test.each(['10.0.1.0/26', '10.0.1.0/28', 'fd00::/122'])(
    '%s against a set: never two owners, exhaustion at exactly capacity, what was released comes back',
    (text) => {
      const subnet = parseCidr(text);
      const step = fc.oneof(
        fc.record({ do: fc.constant('lease' as const), at: fc.constant(0) }),
        fc.record({
          do: fc.constantFrom('exact' as const, 'release' as const),
          at: fc.nat(size(subnet) - 1),
        }),
      );
      fc.assert(
        fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
          const pool = new AddressPool({ subnet });
          const kept = new Set(pool.reservations().map((lease) => formatIp(lease.ip)));
          const model = new Map<string, string>();
          const capacity = pool.capacity;
          let cursor = 0;
          for (const [n, { do: what, at }] of steps.entries()) {
            const owner = `owner${n}`;
            const asked = addressAt(subnet, at);
            const name = formatIp(asked);
            if (what === 'lease') {
              if (model.size === capacity) {
                expect(() => pool.lease(owner)).toThrow(failing('POOL_EXHAUSTED'));
                continue;
              }
              for (; ; cursor++) {
                const next = formatIp(addressAt(subnet, cursor % size(subnet)));
                if (!kept.has(next) && !model.has(next)) break;
              }
              const ip = pool.lease(owner);
              expect(formatIp(ip)).toBe(formatIp(addressAt(subnet, cursor % size(subnet))));
              cursor++;
              model.set(formatIp(ip), owner);
            } else if (what === 'exact') {
              if (model.has(name) || kept.has(name)) {
                expect(() => pool.leaseExact(asked, owner)).toThrow(failing('ADDRESS_TAKEN'));
              } else {
                pool.leaseExact(asked, owner);
                model.set(name, owner);
              }
            } else if (model.has(name)) {
              expect(pool.release(asked)).toBe(model.get(name));
              model.delete(name);
            } else {
              expect(() => pool.release(asked)).toThrow(failing('NOT_LEASED'));
            }
          }
          expect(pool.free).toBe(capacity - model.size);
          const leases = pool.leases();
          expect(leases.map((lease) => [formatIp(lease.ip), lease.owner])).toEqual(
            leases.map((lease) => [formatIp(lease.ip), model.get(formatIp(lease.ip))]),
          );
          expect(leases).toHaveLength(model.size);
          expect(leases).toEqual(leases.toSorted((x, y) => compareIp(x.ip, y.ip)));
          for (const lease of leases) pool.release(lease.ip);
          expect(pool.free).toBe(capacity);
          expect(new Set(drain(pool)).size).toBe(capacity);
        }),
        { numRuns: 40 },
      );
    },
  );
});
