// Whole networks under each profile, judged by the bytes on the nodes' underlay interfaces.

import { afterEach, describe, expect, test } from 'vitest';
import { formatIp, formatMac } from '../../src/core/wire/address.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import { PROFILES, profileOf } from '../../src/engine/orchestrate/profile.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { viewOf } from '../support/bytes.ts';
import { Network } from './network.ts';

const ARP = 0x0806;
const open: Network[] = [];
function network(...given: ConstructorParameters<typeof Network>): Network {
  const made = new Network(...given);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const one of open.splice(0)) one.end();
});

/** What a party answers to by address on the first network it shares with another. */
const nodeOf = (net: Network, name: string): string => net.sim.world.party(name).node;

describe('docker', () => {
  test('the plan is that of a real swarm: VNIs from 4096, subnets, MAC from address, MTU 1450', () => {
    const net = network('docker');
    const rows = net.sim.world.plan.networks.map((one) => [one.vni, one.mtu, formatIp(one.gateway)]);
    expect(rows[0]).toEqual([4096, 1450, '10.0.0.1']);
    expect(rows.map(([vni]) => vni)).toEqual([4096, 4097, 4098, 4099]);
    expect(rows.every(([, mtu]) => mtu === 1450)).toBe(true);
    for (const { task } of net.sim.world.containers.values()) {
      for (const { ip, mac } of task?.endpoints ?? []) {
        const hex = (ip as number).toString(16).padStart(8, '0').replace(/../g, ':$&');
        expect(formatMac(mac)).toBe(`02:42${hex}`);
      }
    }
  });

  test('neither ARP nor any group address ever inside the tunnel', () => {
    const net = network('docker');
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    expect(net.ping('appserver.1', 'mysql.1')).toBe(1);
    for (const to of ['10.0.1.99', '10.0.1.255', '224.0.0.5']) net.ping('webserver.1', to);
    const all = net.tunnelled();
    expect(all.length).toBe(4);
    for (const { inner, type } of all) expect([type, (inner[0] as number) & 1]).toEqual([0x0800, 0]);
  });

  test('an unused address: nothing on the wire', () => {
    const net = network('docker').quiet();
    expect(net.ping('webserver.1', '10.0.1.99')).toBe(0);
    expect(net.seen).toEqual([]);
  });

  test('ping -s 1422 makes an outer packet of exactly 1500', () => {
    const net = network('docker');
    expect(net.ping('webserver.1', 'webserver.2', 1422, true)).toBe(1);
    expect(net.tunnelled().map(({ ipLength }) => ipLength)).toEqual([1500, 1500]);
  });

  test('1423 with DF does not leave; without DF the inner packet is in pieces and the outer never is', () => {
    const net = network('docker').quiet();
    expect(net.ping('webserver.1', 'webserver.2', 1423, true)).toBe(0);
    expect(net.tunnelled()).toEqual([]);
    expect(net.ping('webserver.1', 'webserver.2', 1423, false)).toBe(1);
    const pieces = net.tunnelled();
    expect(pieces.length).toBe(4);
    for (const { inner } of pieces) expect(viewOf(inner).getUint16(20) & 0x3fff).not.toBe(0);
    for (const { bytes } of net.seen) {
      if (viewOf(bytes).getUint16(12) === 0x0800) expect(viewOf(bytes).getUint16(20) & 0x3fff).toBe(0);
    }
  });

  test('the gateway answers on every node and is not on the wire', () => {
    const net = network('docker').quiet();
    for (const from of ['webserver.1', 'webserver.2']) expect(net.ping(from, '10.0.1.1')).toBe(1);
    expect(net.seen).toEqual([]);
    expect(nodeOf(net, 'webserver.1')).not.toBe(nodeOf(net, 'webserver.2'));
  });

  test('tasks of one node talk without the wire', () => {
    const net = network('docker', { nodes: 1 }).quiet();
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    expect(net.seen).toEqual([]);
  });

  test('a container that stops is gone from the tables of all nodes; the next has another address', () => {
    const net = network('docker');
    const { world } = net.sim;
    const stopped = world.containers.get('lecture_webserver.2');
    const endpoint = stopped?.task?.endpoints[0];
    const table = world.networks.get(endpoint?.network.name ?? '')?.db;
    const rows = table?.size ?? 0;
    world.stop(stopped as NonNullable<typeof stopped>);
    expect(table?.row(endpoint?.mac ?? 0)).toBeUndefined();
    expect(table?.size).toBeLessThan(rows);
    net.quiet();
    expect(net.ping('webserver.1', formatIp(endpoint?.ip ?? 0))).toBe(0);
    expect(net.tunnelled()).toEqual([]);
    expect(endpoint?.network.pool.lease('next')).not.toEqual(endpoint?.ip);
  });
});

describe('flood-and-learn', () => {
  test('ARP floods to the group once, the answer is unicast, and then nothing floods', () => {
    const net = network('flood-and-learn');
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    const group = 0xef000000 + (net.tunnelled()[0]?.vni ?? 0);
    const form = net.tunnelled().map(({ type, outerDst }) => [type, outerDst === group]);
    expect(form).toEqual([
      [ARP, true],
      [ARP, false],
      [0x0800, false],
      [0x0800, false],
    ]);
    net.quiet();
    expect(net.ping('webserver.1', 'webserver.2', 56, false, 5)).toBe(5);
    expect(net.tunnelled().filter(({ outerDst }) => outerDst === group)).toEqual([]);
  });

  test('every node with the network receives the flood, and others do not', () => {
    const net = network('flood-and-learn', { nodes: 4 });
    net.quiet();
    net.ping('webserver.1', '10.0.1.99');
    const flooded = net.tunnelled(true);
    const { world } = net.sim;
    const vni = net.tunnelled()[0]?.vni;
    const members = [...world.nodes.values()].filter((node) => node.demux.vnis.includes(vni ?? -1)).length;
    const asked = net.tunnelled().length;
    expect(asked).toBeGreaterThan(0);
    const takers = new Set(flooded.map(({ node }) => node));
    expect(takers.size).toBeGreaterThanOrEqual(members - 1);
    expect(takers.has(0) && nodeOf(net, 'webserver.1') === 'manager1').toBe(false);
  });

  test('each VTEP joins its group with IGMP', () => {
    const net = network('flood-and-learn');
    net.sim.clock.runUntil(SECOND);
    const joins = net.seen.filter(({ inbound, bytes }) => !inbound && bytes[12] === 8 && bytes[23] === 2);
    expect(new Set(joins.map(({ node }) => node)).size).toBe(3);
  });

  test('after 300 s of silence the destination is unknown again', () => {
    const net = network('flood-and-learn');
    net.ping('webserver.1', 'webserver.2');
    const { world } = net.sim;
    const from = world.nodes.get(nodeOf(net, 'webserver.1'));
    const endpoint = world.containers.get('lecture_webserver.1')?.task?.endpoints[0];
    const vtep = from?.sandboxes.get(endpoint?.network.id ?? '')?.vtep;
    expect(vtep?.fdb.entries(net.sim.clock.now).length).toBe(1);
    net.sim.clock.runUntil(net.sim.clock.now + 310 * SECOND);
    expect(vtep?.fdb.entries(net.sim.clock.now)).toEqual([]);
    net.quiet();
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    expect(net.tunnelled()[0]?.outerDst ?? 0).toBeGreaterThanOrEqual(0xef000000);
  });

  test('source ports in 49152 to 65535 and no UDP checksum', () => {
    const net = network('flood-and-learn');
    net.ping('webserver.1', 'webserver.2');
    for (const { srcPort } of net.tunnelled()) expect(srcPort).toBeGreaterThanOrEqual(49152);
    const sums = net.seen
      .filter(({ bytes }) => bytes[23] === 17 && bytes[12] === 8)
      .map(({ bytes }) => viewOf(bytes).getUint16(40));
    expect(new Set(sums)).toEqual(new Set([0]));
  });
});

describe('head-end', () => {
  test('a flood is one copy for each other node of the network, none to a group', () => {
    const net = network('head-end');
    net.quiet();
    net.sim.ping('appserver.1', '10.0.1.99', { count: 1 });
    net.sim.clock.runUntil(net.sim.clock.now + SECOND / 2);
    const copies = net.tunnelled();
    const vni = copies[0]?.vni ?? -1;
    const others =
      [...net.sim.world.nodes.values()].filter((node) => node.demux.vnis.includes(vni)).length - 1;
    expect(others).toBeGreaterThan(0);
    expect(copies.length).toBe(others);
    expect(new Set(copies.map(({ outerDst }) => outerDst)).size).toBe(others);
    expect(copies.every(({ outerDst, type }) => outerDst < 0xe0000000 && type === ARP)).toBe(true);
  });
});

describe('flannel', () => {
  test('VNI 1 on port 8472, no ARP inside, and the TTL is two less at the other pod', () => {
    const net = network('flannel');
    const result = net.sim.pingNow('webserver.1', 'webserver.2', { count: 1 });
    expect(result.replies.map(({ ttl }) => ttl)).toEqual([62]);
    const all = net.tunnelled();
    expect(all.length).toBe(2);
    for (const { vni, dstPort, type, inner } of all)
      expect([vni, dstPort, type, inner[22]]).toEqual([1, 8472, 0x0800, 63]);
  });

  test('with direct routing nothing is encapsulated in one subnet, and between racks it is', () => {
    const flat = network('flannel-direct');
    expect(flat.ping('webserver.1', 'webserver.2')).toBe(1);
    expect(flat.tunnelled()).toEqual([]);
    const racks = network('flannel-direct', { nodes: 2, racks: 2 });
    expect(racks.ping('webserver.1', 'webserver.2')).toBe(1);
    expect(racks.tunnelled().length).toBe(2);
  });
});

describe.each(['docker', 'flood-and-learn', 'head-end'])('%s over an IPv6 underlay', (profile) => {
  test('70 bytes of overhead, MTU 1430', () => {
    const net = network(profile, { family: 6 });
    expect(net.ping('webserver.1', 'webserver.2', 1402, true)).toBe(1);
    expect(net.ping('webserver.1', 'webserver.2', 1403, true)).toBe(0);
    expect(Math.max(...net.tunnelled().map(({ ipLength }) => ipLength))).toBe(1500);
  });
});

describe('racks with two spines', () => {
  test('one hop between racks: TTL 63 at the receiving VTEP, 64 when sent', () => {
    const net = network('docker', { nodes: 2, racks: 2, spines: 2 });
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    expect(new Set(net.tunnelled().map(({ ttl }) => ttl))).toEqual(new Set([64]));
    expect(new Set(net.tunnelled(true).map(({ ttl }) => ttl))).toEqual(new Set([63]));
  });

  test('one flow sticks to one spine', () => {
    const net = network('docker', { nodes: 2, racks: 2, spines: 2 });
    expect(net.ping('webserver.1', 'webserver.2', 56, false, 20)).toBe(20);
    const macs = net.seen
      .filter(({ node, inbound, bytes }) => node === 0 && !inbound && bytes[23] === 17)
      .map(({ bytes }) => bytes.slice(0, 6).join());
    expect([macs.length, new Set(macs).size]).toEqual([20, 1]);
  });

  test('many flows use both', () => {
    const net = network('docker', { nodes: 4, racks: 2, spines: 2 });
    for (const from of ['webserver.1', 'webserver.2', 'appserver.1', 'appserver.2']) {
      for (const to of ['webserver.1', 'webserver.2', 'appserver.1', 'appserver.2']) {
        const theirs = net.sim.world.containers.get(`lecture_${to}`)?.task?.endpoints ?? [];
        for (const { ip } of theirs) net.ping(from, formatIp(ip));
      }
    }
    expect(net.sim.underlay.spines.length).toBe(2);
    const carried = new Set(
      net.seen
        .filter(({ inbound, bytes }) => inbound && bytes[22] === 63 && bytes[23] === 17)
        .map(({ bytes }) => bytes.slice(6, 12).join()),
    );
    // A spine has an interface, and so a MAC, in each rack.
    expect(carried.size).toBeGreaterThan(2);
  });
});

describe('a world', () => {
  test.each(PROFILES.map(({ name }) => name))(
    '%s: the same seed gives the same bytes, another seed others',
    (profile) => {
      const run = (seed: number): string => {
        const net = network(profile, { cable: { loss: 0.1 } }, seed);
        net.ping('webserver.1', 'webserver.2', 3000, false, 10);
        return net.seen.map(({ node, bytes }) => `${node} ${bytes.join()}`).join('\n');
      };
      const first = run(1);
      expect(run(1) === first).toBe(true);
      expect(run(2) === first).toBe(false);
    },
  );

  test.each(PROFILES.map(({ name }) => name))(
    '%s: taken down in the middle of traffic, nothing stays',
    (profile) => {
      const net = network(profile, { cable: { delay: SECOND / 4 } }, 1, 'lecture.yml');
      net.sim.ping('appserver.1', 'appserver.2', { count: 100, interval: SECOND / 50, size: 4000 });
      net.sim.ping('webserver.1', '10.0.1.99', { count: 100 });
      net.sim.clock.runUntil(SECOND);
      expect(net.sim.world.ground.pool.out).toBeGreaterThan(0);
    },
  );

  test('an unknown profile is refused with the names there are', () => {
    expect(() => profileOf('calico')).toThrow(
      expect.objectContaining({
        code: 'NO_SUCH_PROFILE',
        message: expect.stringContaining('flannel-direct'),
      }),
    );
  });

  test('unknown parties and parties without a common network are refused with names', () => {
    const { world } = network('docker').sim;
    const web = world.party('webserver.1');
    expect(() => world.party('nginx')).toThrow(expect.objectContaining({ code: 'NO_SUCH_PARTY' }));
    expect(() => world.addressFor(web, 'mysql.1')).toThrow(
      expect.objectContaining({ code: 'NOT_REACHABLE' }),
    );
    expect(world.addressFor(web, '10.0.3.2')).toBe(parseIp('10.0.3.2'));
    expect(world.addressFor(web, 'worker1')).toBe(parseIp('192.0.2.12'));
  });

  test('a datagram lost on the cable is counted on the cable', () => {
    const net = network('docker', { cable: { loss: 1 } });
    expect(net.ping('webserver.1', 'webserver.2')).toBe(0);
    const lost = [...net.sim.underlay.cables.values()].map(({ near }) =>
      near.counters.dropped(DROP.impairment),
    );
    expect(lost.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0);
  });
});
