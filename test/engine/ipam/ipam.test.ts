import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareIp } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Cidr } from '../../../src/engine/ipam/cidr.ts';
import { broadcastOf, formatCidr, parseCidr, subnetOf } from '../../../src/engine/ipam/cidr.ts';
import { AddressSpace, capacity, LOCAL_POOLS, SubnetLeases } from '../../../src/engine/ipam/ipam.ts';
import { AddressPool } from '../../../src/engine/ipam/pool.ts';

const failing = (code: string): unknown => expect.objectContaining({ name: 'VxlabError', code });

function spaceOf(...pools: [base: string, prefix: number][]): AddressSpace {
  return new AddressSpace(pools.map(([base, prefix]) => ({ base: parseCidr(base), prefix })));
}

function take(space: AddressSpace, count: number, family: 4 | 6 = 4): string[] {
  return Array.from({ length: count }, (_, i) => formatCidr(space.allocate(`net${i}`, family)));
}

describe('address space', () => {
  test('overlay networks have /24s of 10.0.0.0/8 in order, the ingress network first', () => {
    expect(take(new AddressSpace(), 3)).toEqual(['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24']);
  });

  test('subnets taken by hand are stepped over: after 10.0.1 to 10.0.3 comes 10.0.4.0/24', () => {
    const space = new AddressSpace();
    take(space, 1);
    for (const text of ['10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24']) space.claim(parseCidr(text), 'lecture');
    expect(take(space, 1)).toEqual(['10.0.4.0/24']);
  });

  test('larger and smaller subnets in the way are stepped over as a whole', () => {
    const space = new AddressSpace();
    space.claim(parseCidr('10.0.0.0/14'), 'large');
    space.claim(parseCidr('10.4.0.128/25'), 'small');
    expect(take(space, 2)).toEqual(['10.4.1.0/24', '10.4.2.0/24']);
    const full = spaceOf(['10.1.0.0/16', 24]);
    full.claim(parseCidr('10.0.0.0/8'), 'all');
    expect(() => full.allocate('x')).toThrow(failing('POOL_EXHAUSTED'));
  });

  test('a freed subnet is not given again before the pool has wrapped', () => {
    const space = spaceOf(['10.20.0.0/16', 18]);
    expect(take(space, 2)).toEqual(['10.20.0.0/18', '10.20.64.0/18']);
    expect(space.release(parseCidr('10.20.0.0/18'))).toBe('net0');
    expect(take(space, 3)).toEqual(['10.20.128.0/18', '10.20.192.0/18', '10.20.0.0/18']);
    expect(() => space.allocate('late')).toThrow(failing('POOL_EXHAUSTED'));
    expect(() => space.allocate('late')).toThrow(
      'no free subnet is left for late in 10.20.0.0/16 (4 of /18)',
    );
  });

  test('--default-addr-pool 10.20.0.0/16 with mask length 26', () => {
    expect(take(spaceOf(['10.20.0.0/16', 26]), 2)).toEqual(['10.20.0.0/26', '10.20.0.64/26']);
  });

  test('networks of one node: 172.17 to 172.31 in /16, then 192.168 in /20', () => {
    const space = new AddressSpace(LOCAL_POOLS);
    const given = take(space, 31);
    expect(given.slice(0, 2)).toEqual(['172.17.0.0/16', '172.18.0.0/16']);
    expect(given.slice(14, 17)).toEqual(['172.31.0.0/16', '192.168.0.0/20', '192.168.16.0/20']);
    expect(given[30]).toBe('192.168.240.0/20');
    expect(() => space.allocate('late')).toThrow(failing('POOL_EXHAUSTED'));
    space.release(parseCidr('172.20.0.0/16'));
    expect(take(space, 1)).toEqual(['172.20.0.0/16']);
  });

  test('IPv6: fd00::/48 in /64, beside IPv4', () => {
    const space = spaceOf(['fd00::/48', 64], ['10.0.0.0/8', 24]);
    expect(take(space, 2, 6)).toEqual(['fd00::/64', 'fd00:0:0:1::/64']);
    expect(take(space, 1)).toEqual(['10.0.0.0/24']);
    space.claim(parseCidr('fd00:0:0:2::/63'), 'by hand');
    expect(take(space, 1, 6)).toEqual(['fd00:0:0:4::/64']);
    expect(() => new AddressSpace().allocate('x', 6)).toThrow('there is no IPv6 address pool');
  });

  test.each([
    ['10.0.1.0/24', '10.0.1.0/24'],
    ['10.0.1.0/24', '10.0.0.0/16'],
    ['10.0.0.0/16', '10.0.77.0/24'],
    ['fd00::/64', 'fd00::/48'],
  ])('%s in use refuses %s and names both', (used, wanted) => {
    const space = new AddressSpace();
    space.claim(parseCidr(used), 'mywebnw');
    expect(() => space.claim(parseCidr(wanted), 'x')).toThrow(failing('POOL_OVERLAP'));
    expect(() => space.claim(parseCidr(wanted), 'x')).toThrow(`${wanted} overlaps ${used} of mywebnw`);
  });

  test('only a subnet that is in use can be released, under its own length', () => {
    const space = new AddressSpace();
    space.claim(parseCidr('10.0.1.5/24'), 'web');
    expect(space.subnets()).toEqual([{ cidr: parseCidr('10.0.1.0/24'), owner: 'web' }]);
    for (const other of ['10.0.1.0/25', '10.0.0.0/23', '10.0.2.0/24', 'fd00::/64']) {
      expect(() => space.release(parseCidr(other))).toThrow(failing('NOT_LEASED'));
    }
    expect(space.subnetAt(parseIp('10.0.1.255'))?.owner).toBe('web');
    expect(space.subnetAt(parseIp('10.0.2.0'))).toBeUndefined();
    expect(space.release(parseCidr('10.0.1.0/24'))).toBe('web');
    expect(space.subnets()).toEqual([]);
  });

  test('pools that cannot be cut so, or overlap each other, are refused', () => {
    for (const prefix of [7, 33, 24.5]) {
      expect(() => spaceOf(['10.0.0.0/8', prefix])).toThrow(failing('BAD_POOL'));
    }
    expect(() => spaceOf(['10.0.0.0/8', 24], ['10.20.0.0/16', 26])).toThrow(failing('POOL_OVERLAP'));
    expect(() => spaceOf(['10.0.0.0/8', 24], ['10.20.0.0/16', 26])).toThrow('the address pool 10.0.0.0/8');
  });

  test('against a list of intervals: every verdict agrees and nothing in use ever overlaps', () => {
    const first = (cidr: Cidr): number => subnetOf(cidr).ip as number;
    const last = (cidr: Cidr): number => broadcastOf(cidr.ip, cidr.prefix) as number;
    const block = fc.record({
      ip: fc.nat(0xffff).map((low) => 0x0a000000 + low),
      prefix: fc.integer({ min: 18, max: 30 }),
    });
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('claim' as const, 'release' as const), cidr: block }),
      fc.record({ do: fc.constantFrom('allocate' as const, 'free' as const), cidr: block }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const space = spaceOf(['10.0.0.0/18', 22], ['10.0.128.0/18', 22]);
        const model: Cidr[] = [];
        const clashes = (cidr: Cidr): boolean =>
          model.some((used) => first(used) <= last(cidr) && first(cidr) <= last(used));
        const candidates = [0, 0x8000].flatMap((low) =>
          Array.from({ length: 16 }, (_, i) => ({ ip: 0x0a000000 + low + i * 1024, prefix: 22 })),
        );
        let cursor = 0;
        for (const { do: what, cidr } of steps) {
          if (what === 'claim') {
            if (clashes(cidr)) {
              expect(() => space.claim(cidr, 'x')).toThrow(failing('POOL_OVERLAP'));
            } else {
              model.push(space.claim(cidr, 'x'));
            }
          } else if (what === 'allocate') {
            const order = candidates.map((_, i) => (cursor + i) % candidates.length);
            const next = order.find((i) => !clashes(candidates[i] as Cidr));
            if (next === undefined) {
              expect(() => space.allocate('x')).toThrow(failing('POOL_EXHAUSTED'));
            } else {
              expect(space.allocate('x')).toEqual(candidates[next]);
              model.push(candidates[next] as Cidr);
              cursor = next + 1;
            }
          } else {
            const wanted = what === 'free' ? (model[cidr.ip % Math.max(1, model.length)] ?? cidr) : cidr;
            const at = model.findIndex((used) => used.ip === first(wanted) && used.prefix === wanted.prefix);
            if (at < 0) {
              expect(() => space.release(wanted)).toThrow(failing('NOT_LEASED'));
            } else {
              space.release(wanted);
              model.splice(at, 1);
            }
          }
        }
        const sorted = model.toSorted((x, y) => compareIp(x.ip, y.ip));
        expect(space.subnets().map((subnet) => subnet.cidr)).toEqual(sorted);
      }),
      { numRuns: 200 },
    );
  });
});

describe('capacity', () => {
  test('a /24: 254 less the gateway, a VIP a service, a load balancer a node', () => {
    expect(capacity(parseCidr('10.0.1.0/24'), { nodes: 3, services: 2, tasks: 40 })).toEqual({
      usable: 254,
      gateway: 1,
      virtualIps: 2,
      loadBalancers: 3,
      tasks: 40,
      left: 208,
      maxTasks: 248,
    });
  });

  test('a /30 has one address besides the gateway: too small by what is missing', () => {
    const spent = capacity(parseCidr('10.0.1.0/30'), { nodes: 1, services: 1, tasks: 2 });
    expect([spent.usable, spent.left, spent.maxTasks]).toEqual([2, -3, 0]);
  });

  test.each([
    '10.0.1.0/24',
    '10.0.1.0/29',
    '10.0.1.0/31',
    '10.0.1.0/32',
    'fd00::/120',
    'fd00::/127',
    'fd00::1/128',
  ])('of %s is what the pool itself gives out', (text) => {
    const subnet = parseCidr(text);
    const spent = capacity(subnet, { nodes: 0, services: 0, tasks: 0 });
    expect(spent.left).toBe(new AddressPool({ subnet }).capacity);
    expect(spent.usable).toBe(spent.left + spent.gateway);
  });
});

describe('subnets for nodes', () => {
  test('node N has 10.244.N.0/24, and keeps it when it asks again', () => {
    const leases = new SubnetLeases();
    expect(['n0', 'n1', 'n2', 'n1'].map((node) => formatCidr(leases.lease(node)))).toEqual([
      '10.244.0.0/24',
      '10.244.1.0/24',
      '10.244.2.0/24',
      '10.244.1.0/24',
    ]);
    expect(leases.nodeAt(parseIp('10.244.2.77'))).toBe('n2');
    expect(leases.nodeAt(parseIp('10.244.3.1'))).toBeUndefined();
    expect(leases.nodeAt(parseIp('10.0.0.1'))).toBeUndefined();
    expect(leases.subnet('n9')).toBeUndefined();
  });

  test('flannel with etcd leaves the first subnet out', () => {
    const leases = new SubnetLeases({ network: parseCidr('10.5.0.0/16'), skipFirst: true });
    expect(formatCidr(leases.lease('n0'))).toBe('10.5.1.0/24');
    expect(leases.nodeAt(parseIp('10.5.0.1'))).toBeUndefined();
  });

  test.each([
    ['10.5.0.0/16', '10.5.1.0/24'],
    ['10.5.0.0/22', '10.5.1.0/24'],
    ['10.5.0.0/23', '10.5.0.128/25'],
    ['10.5.0.0/28', '10.5.0.4/30'],
    ['fd00::/48', 'fd00:0:0:1::/64'],
  ])('the second subnet of %s is %s by default', (network, second) => {
    const leases = new SubnetLeases({ network: parseCidr(network) });
    leases.lease('n0');
    expect(formatCidr(leases.lease('n1'))).toBe(second);
  });

  test('as many nodes as subnets; one that leaves makes room', () => {
    const leases = new SubnetLeases({ network: parseCidr('10.5.0.0/24'), prefix: 26 });
    for (let i = 0; i < 4; i++) leases.lease(`n${i}`);
    expect(() => leases.lease('n4')).toThrow(failing('POOL_EXHAUSTED'));
    leases.release('n2');
    expect(leases.nodeAt(parseIp('10.5.0.129'))).toBeUndefined();
    expect(formatCidr(leases.lease('n4'))).toBe('10.5.0.128/26');
    expect(() => leases.release('n2')).toThrow(failing('NOT_LEASED'));
    expect(() => new SubnetLeases({ network: parseCidr('10.5.0.0/24'), prefix: 20 })).toThrow(
      failing('BAD_POOL'),
    );
  });
});
