import { afterEach, describe, expect, test } from 'vitest';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import type { LabOptions } from '../../src/lab/lab.ts';
import { Lab } from '../../src/lab/lab.ts';
import { compose, lecture } from './stack.ts';

const labs: Lab[] = [];

function lab(options: LabOptions = {}, spec = lecture()): Lab {
  const made = new Lab(spec, options);
  labs.push(made);
  return made;
}

/** After two seconds of the default traffic. */
function warm(options: LabOptions = {}): Lab {
  const made = lab(options);
  made.startTraffic({ until: 2 * SECOND });
  made.run(2 * SECOND);
  return made;
}

afterEach(() => {
  for (const one of labs.splice(0)) expect(one.close()).toBe(0);
});

describe('fdb, Docker profile', () => {
  test('every VTEP has the others’ endpoints pinned, its own not, and no default entry', () => {
    const it = warm();
    for (const peer of it.peers()) {
      const rows = it.fdb().filter(({ node, network, dst }) => {
        return node === peer.node && network === peer.network && dst !== null;
      });
      const others = it
        .peers()
        .filter(({ network, node }) => network === peer.network && node !== peer.node)
        .flatMap(({ vtep, endpoints }) => endpoints.map(({ mac }) => `${mac} dst ${vtep}`));
      expect(rows.map(({ mac, dst }) => `${mac} dst ${dst}`).sort()).toEqual(others.sort());
      expect(rows.every(({ permanent, master }) => permanent && master === null)).toBe(true);
    }
  });

  test('the bridges have learned who spoke, behind veth or vxlan0', () => {
    const rows = warm()
      .fdb()
      .filter(({ node, network, master }) => {
        return node === 'worker2' && network === 'lecture_mydbnw' && master === 'br0';
      });
    expect(rows).toMatchObject([
      { mac: '02:42:0a:00:03:03', dev: 'veth1', permanent: false },
      { mac: '02:42:0a:00:03:06', dev: 'vxlan0', permanent: false },
    ]);
  });

  test('a quiet stack has learned nothing', () => {
    const it = lab();
    it.run(SECOND);
    expect(it.fdb().filter(({ permanent }) => !permanent)).toEqual([]);
  });
});

describe('fdb, other profiles', () => {
  test('head-end: default entries to every other VTEP, remote MACs learned', () => {
    const rows = warm({ profile: 'head-end' })
      .fdb()
      .filter(({ node, network, dst }) => node === 'worker2' && network === 'lecture_mydbnw' && dst !== null);
    expect(rows.filter(({ permanent }) => permanent).map(({ mac, dst }) => [mac, dst])).toEqual([
      ['00:00:00:00:00:00', '192.0.2.11'],
      ['00:00:00:00:00:00', '192.0.2.12'],
    ]);
    expect(rows.filter(({ permanent }) => !permanent).map(({ dst }) => dst)).toContain('192.0.2.12');
  });

  test('flood-and-learn: one default entry, to the group of the VNI', () => {
    const it = lab({ profile: 'flood-and-learn' });
    for (const { network, flood, vni } of it.peers()) {
      expect(flood).toEqual([`239.0.${vni >> 8}.${vni & 255}`]);
      const defaults = it.fdb().filter((row) => row.network === network && row.mac === '00:00:00:00:00:00');
      expect(new Set(defaults.map(({ dst }) => dst))).toEqual(new Set(flood));
    }
    expect(it.links().find(({ kind }) => kind === 'vxlan')?.vxlan?.group).toMatch(/^239\.0\.16\./);
  });

  test('flannel: one entry for each other node on flannel.1', () => {
    const rows = lab({ profile: 'flannel' })
      .fdb()
      .filter(({ node, dev }) => node === 'worker1' && dev === 'flannel.1');
    expect(rows.map(({ dst }) => dst).sort()).toEqual(['192.0.2.11', '192.0.2.13']);
  });
});

describe('links', () => {
  test('a sandbox has br0 with the gateway address, vxlan0 as Docker makes it, and a veth for each endpoint', () => {
    const rows = lab()
      .links()
      .filter(({ node, network }) => node === 'worker2' && network === 'lecture_mydbnw');
    expect(rows.map(({ name, kind, mtu, master }) => [name, kind, mtu, master])).toEqual([
      ['br0', 'bridge', 1450, null],
      ['vxlan0', 'vxlan', 1450, 'br0'],
      ['veth0', 'veth', 1450, 'br0'],
      ['veth1', 'veth', 1450, 'br0'],
    ]);
    expect(rows[0]?.addresses).toEqual(['10.0.3.1/24']);
    expect(rows[1]?.vxlan).toEqual({
      id: 4099,
      group: null,
      sourcePorts: [0, 0],
      dstPort: 4789,
      learning: true,
      proxy: true,
      ageing: 300,
      udpChecksum: true,
    });
    expect(rows[3]?.peer).toBe('eth1 of lecture_appserver.1');
  });

  test('a container has its addresses and MACs made from them', () => {
    const rows = lab()
      .links()
      .filter(({ namespace }) => namespace === 'lecture_mysql.1');
    expect(rows[0]).toMatchObject({
      name: 'eth0',
      addresses: ['10.0.3.6/24'],
      mac: '02:42:0a:00:03:06',
      mtu: 1450,
    });
  });

  test('counters of both ends of a tunnel agree', () => {
    const it = warm();
    const vxlan = it.links().filter(({ kind }) => kind === 'vxlan');
    const sum = (key: 'txPackets' | 'rxPackets' | 'txBytes' | 'rxBytes'): number =>
      vxlan.reduce((total, row) => total + row[key], 0);
    expect(sum('txPackets')).toBeGreaterThan(0);
    expect(sum('rxPackets')).toBe(sum('txPackets'));
    expect(sum('rxBytes')).toBe(sum('txBytes'));
    expect(it.totals().vxlan).toEqual({ packets: sum('txPackets'), bytes: sum('txBytes') });
  });
});

describe('neigh', () => {
  test('the proxy has a permanent row for every remote address and none for local ones', () => {
    const it = lab();
    const here = it
      .neigh()
      .filter(({ node, dev }) => node === 'worker2' && dev === 'vxlan0')
      .map(({ address, mac, state }) => `${address} ${mac} ${state}`);
    const remote = it
      .peers()
      .filter(({ network, node }) => {
        return (
          node !== 'worker2' && it.peers().some((row) => row.node === 'worker2' && row.network === network)
        );
      })
      .flatMap(({ endpoints }) => endpoints.map(({ address, mac }) => `${address} ${mac} PERMANENT`));
    expect(here.sort()).toEqual(remote.sort());
  });

  test('an address that nobody has fails, without a MAC', () => {
    const it = lab();
    expect(it.ping('webserver.1', '10.0.1.99', { count: 4 }).replies).toEqual([]);
    it.run(3 * SECOND);
    expect(it.neigh().find(({ address }) => address === '10.0.1.99')).toMatchObject({
      namespace: 'lecture_webserver.1',
      mac: null,
      state: 'FAILED',
    });
  });
});

describe('ipam', () => {
  test('leases and free addresses make the capacity', () => {
    for (const row of lab().ipam()) {
      const leased = row.leases.filter(({ kind }) => kind !== 'reserved' && kind !== 'gateway');
      expect(row.capacity).toBe(253);
      expect(row.free + leased.length).toBe(row.capacity);
    }
  });

  test('names the holder of each address by kind', () => {
    const row = lab()
      .ipam()
      .find(({ network }) => network === 'lecture_mydbnw');
    expect(row?.leases.map(({ address, kind, owner }) => `${address} ${kind} ${owner}`)).toEqual([
      '10.0.3.0 reserved network address',
      '10.0.3.1 gateway br0',
      '10.0.3.2 vip lecture_appserver',
      '10.0.3.3 task lecture_appserver.1',
      '10.0.3.4 task lecture_appserver.2',
      '10.0.3.5 vip lecture_mysql',
      '10.0.3.6 task lecture_mysql.1',
      '10.0.3.7 lb worker2',
      '10.0.3.8 lb manager1',
      '10.0.3.9 lb worker1',
      '10.0.3.255 reserved broadcast address',
    ]);
  });
});

describe('dns', () => {
  test('a service is its virtual address, tasks.<service> the tasks, per network', () => {
    const rows = lab().dns();
    const answer = (network: string, name: string): readonly string[] | undefined =>
      rows.find((row) => row.network === `lecture_${network}` && row.name === name)?.addresses;
    expect(answer('mywebnw', 'appserver')).toEqual(['10.0.1.5']);
    expect(answer('mydbnw', 'appserver')).toEqual(['10.0.3.2']);
    expect(answer('mywebnw', 'tasks.appserver')).toEqual(['10.0.1.6', '10.0.1.7']);
    expect(answer('mywebnw', 'mysql')).toBeUndefined();
    expect(answer('mydbnw', 'lecture_mysql.1')).toEqual(['10.0.3.6']);
    expect(new Set(rows.map(({ ttl }) => ttl))).toEqual(new Set([600]));
  });

  test('in dnsrr mode a service is its tasks, and aliases follow it', () => {
    const text = [
      "version: '3.3'",
      'services:',
      '  web:',
      '    image: x',
      '    deploy: {replicas: 2, endpoint_mode: dnsrr}',
      '    networks: {front: {aliases: [www]}}',
      'networks:',
      '  front: {ipam: {config: [{subnet: 10.9.0.0/24}]}}',
    ].join('\n');
    const rows = lab({}, compose(text)).dns();
    for (const name of ['web', 'lecture_web', 'www', 'tasks.web']) {
      expect(rows.find((row) => row.name === name)?.addresses).toEqual(['10.9.0.2', '10.9.0.3']);
    }
  });
});

describe('ipvs', () => {
  test('each balancer lists the services of its network, the newest task first, and counts connections', () => {
    const it = lab();
    const rows = (): string[] =>
      it
        .ipvs()
        .filter(({ node, network }) => node === 'worker1' && network === 'lecture_mywebnw')
        .map(
          ({ service, vip, mark, server, task, weight, active, inactive, connections }) =>
            `${mark} ${service} ${vip} ${server} ${task} ${weight} ${active} ${inactive} ${connections}`,
        );
    // 256 is the ingress service's.
    expect(rows()).toEqual([
      '257 lecture_webserver 10.0.1.2 10.0.1.4 lecture_webserver.2 1 0 0 0',
      '257 lecture_webserver 10.0.1.2 10.0.1.3 lecture_webserver.1 1 0 0 0',
      '258 lecture_appserver 10.0.1.5 10.0.1.7 lecture_appserver.2 1 0 0 0',
      '258 lecture_appserver 10.0.1.5 10.0.1.6 lecture_appserver.1 1 0 0 0',
    ]);
    const { world } = it.sim;
    const client = world.containers.get('lecture_webserver.2');
    expect(client?.node).toBe('worker1');
    const heard = { datagram: (frame: { release(): void }): void => frame.release(), error: (): void => {} };
    client?.host.udp.bind(0, heard).send(parseIp('10.0.1.5'), 9, Uint8Array.of(1));
    it.run(SECOND);
    expect(rows()[2]).toBe('258 lecture_appserver 10.0.1.5 10.0.1.7 lecture_appserver.2 1 0 1 1');
    for (const name of ['lecture_appserver.1', 'lecture_appserver.2'])
      world.stop(world.containers.get(name) as NonNullable<typeof client>);
    expect(rows()[2]).toBe('258 lecture_appserver 10.0.1.5 null null 0 0 0 0');
  });

  test('in dnsrr mode and with pods there is nothing to balance', () => {
    const text =
      "version: '3.3'\nservices: {web: {image: x, deploy: {endpoint_mode: dnsrr}, networks: [n]}}\nnetworks: {n: {}}\n";
    expect(lab({}, compose(text)).ipvs()).toEqual([]);
    expect(lab({ profile: 'flannel' }).ipvs()).toEqual([]);
  });
});

test('every VTEP speaks for the addresses of its own node on an IPv6 underlay', () => {
  const it = lab({ cluster: { family: 6 } });
  expect(it.peers().find(({ node }) => node === 'manager1')?.vtep).toBe('2001:db8:64::b');
  expect(it.links().find(({ kind }) => kind === 'vxlan')?.mtu).toBe(1430);
});
