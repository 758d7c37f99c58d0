// The overlay of real captures against what is known of the machines that made them (fixtures/captures/*/facts).

import { describe, expect, test } from 'vitest';
import { charted, networkOf, placement, seatOf } from './charted.ts';

const M = '192.0.2.11';
const W1 = '192.0.2.12';
const W2 = '192.0.2.13';

describe('Docker Swarm: docker-swarm/traffic-underlay.pcap', () => {
  const overlay = charted('docker-swarm/traffic-underlay.pcap');

  test('three VTEPs on one link, with the MACs of their nodes', () => {
    expect(overlay.vteps.map(({ ip, mac, hops, ports }) => [ip, mac, hops, ports])).toEqual([
      [M, '52:54:00:00:00:11', 0, [4789]],
      [W1, '52:54:00:00:00:12', 0, [4789]],
      [W2, '52:54:00:00:00:13', 0, [4789]],
    ]);
    for (const { subnet } of overlay.vteps) expect(subnet).toEqual({ cidr: '192.0.2.0/24', sure: false });
  });

  test('three networks with the packets that tshark counts, and the subnets of the stack', () => {
    expect(overlay.networks.map(({ vni, packets, subnets }) => [vni, packets, subnets[0]?.cidr])).toEqual([
      [4097, 40, '10.0.3.0/24'],
      [4098, 110, '10.0.1.0/24'],
      [4099, 4, '10.0.2.0/24'],
    ]);
    expect(overlay.crossings).toBe(154);
    expect(overlay.packets).toBe(621);
  });

  test('each container is behind its node, with its MAC and address', () => {
    expect(placement(networkOf(overlay, 4098))).toEqual({
      [M]: ['02:42:0a:00:01:03 10.0.1.3', '02:42:0a:00:01:05 10.0.1.5'],
      [W1]: ['02:42:0a:00:01:02 10.0.1.2', '02:42:0a:00:01:04 10.0.1.4'],
    });
    expect(placement(networkOf(overlay, 4097))).toEqual({
      [M]: ['02:42:0a:00:03:04 10.0.3.4'],
      [W1]: ['02:42:0a:00:03:03 10.0.3.3'],
      [W2]: ['02:42:0a:00:03:02 10.0.3.2'],
    });
    expect(placement(networkOf(overlay, 4099))).toEqual({
      [M]: ['02:42:0a:00:02:03 10.0.2.3'],
      [W1]: ['02:42:0a:00:02:02 10.0.2.2'],
    });
  });

  test("the MTU is Docker's 1450, by the longest packet and by TCP's MSS", () => {
    expect(networkOf(overlay, 4098)).toMatchObject({ longest: 1450, mtu: 1450 });
  });

  test('the gateway is the first address, as Docker gives it, and no more than a guess', () => {
    const [subnet] = networkOf(overlay, 4098).subnets;
    expect(subnet?.gateway).toEqual({ ip: '10.0.1.1', mac: null, sure: false });
  });

  test('nothing is flooded and there are no groups: the control plane knows all', () => {
    expect(overlay.networks.flatMap(({ seats }) => seats.flatMap(({ flood }) => flood))).toEqual([]);
    expect(overlay.groups).toEqual([]);
    expect(overlay.tunnels.every(({ flooded }) => flooded === 0)).toBe(true);
  });

  test('the Host of HTTP requests names who was asked', () => {
    const names = seatOf(networkOf(overlay, 4098), M).endpoints.map(({ names: [name] }) => name);
    expect(names).toEqual([
      { name: 'webserver-2', address: '10.0.1.3', source: 'host' },
      { name: 'appserver-2', address: '10.0.1.5', source: 'host' },
    ]);
  });

  test('answers of the embedded DNS, seen in a container, name addresses that one network alone has', () => {
    const both = charted('docker-swarm/traffic-underlay.pcap', 'docker-swarm/dns-in-container-lo.pcap');
    const web = seatOf(networkOf(both, 4098), W1).endpoints[0];
    expect(web?.names).toContainEqual({ name: 'webserver', address: '10.0.1.2', source: 'dns' });
    expect(web?.names.find(({ source }) => source === 'ptr')?.name).toMatch(
      /^lecture_webserver\.1\..*\.mywebnw$/,
    );
  });

  test('the tunnels are those that tshark counts', () => {
    const of = (network: string): [string, string, number][] =>
      overlay.tunnels
        .filter((one) => one.network === network)
        .map(({ src, dst, packets }) => [src, dst, packets]);
    expect(of('4099')).toEqual([
      [M, W1, 2],
      [W1, M, 2],
    ]);
    expect(of('4098').reduce((sum, [, , packets]) => sum + packets, 0)).toBe(110);
  });
});

describe('kernel/mcast3-underlay.pcap: a group, learning, and a MAC that moves', () => {
  const overlay = charted('kernel/mcast3-underlay.pcap');
  const network = networkOf(overlay, 7);

  test('BUM frames go to 239.1.1.1, which two VTEPs were seen to join and one to leave', () => {
    expect(network.groups).toEqual(['239.1.1.1']);
    expect(overlay.groups).toEqual([
      {
        ip: '239.1.1.1',
        networks: ['7'],
        packets: 8,
        members: ['198.51.100.2', '198.51.100.3'],
        left: ['198.51.100.2'],
      },
    ]);
    expect(network.seats.flatMap(({ flood }) => flood)).toEqual([]);
  });

  test('the MAC that sent a gratuitous ARP from VTEP 3 is behind VTEP 3', () => {
    expect(seatOf(network, '198.51.100.2').endpoints).toEqual([]);
    const moved = seatOf(network, '198.51.100.3').endpoints.find(({ mac }) => mac === '0a:00:00:00:00:02');
    expect(moved).toMatchObject({ moved: ['198.51.100.2'], addresses: ['10.7.0.2', '10.7.0.3'] });
  });

  test('a ping to 10.7.0.255 leaves no other length than /24', () => {
    expect(network.subnets).toMatchObject([{ cidr: '10.7.0.0/24', sure: true, gateway: null }]);
  });

  test('`ttl 5` says nothing of hops; ARP on the underlay says that all are on one link', () => {
    expect(overlay.vteps.map(({ hops, mac }) => [hops, mac])).toEqual([
      [0, '52:54:00:aa:00:01'],
      [0, '52:54:00:aa:00:02'],
      [0, '52:54:00:aa:00:03'],
    ]);
  });
});

describe('other fabrics', () => {
  test('head-end replication: the flood list is the two all-zero FDB entries', () => {
    for (const name of ['kernel/headend3-underlay.pcap', 'kernel/headend3-vtep1.pcap']) {
      const seat = seatOf(networkOf(charted(name), 8), '198.51.100.1');
      expect(seat.flood).toEqual(['198.51.100.2', '198.51.100.3']);
      expect(seat.replicates).toBe(true);
    }
  });

  test('flannel: each VTEP has a subnet of its own, its MAC routes for pods', () => {
    const overlay = charted('kernel/flannel.pcap');
    const network = networkOf(overlay, 1);
    expect(network.ports).toEqual([8472]);
    expect(network.subnets.map(({ cidr, vtep }) => [cidr, vtep])).toEqual([
      ['10.244.1.0/24', '198.51.100.1'],
      ['10.244.2.0/24', '198.51.100.2'],
      ['10.244.3.0/24', '198.51.100.3'],
    ]);
    const [second] = seatOf(network, '198.51.100.2').endpoints;
    expect(second).toMatchObject({ addresses: ['10.244.2.0'], routed: ['10.244.2.2'] });
  });

  test('an IPv6 underlay, and both families inside', () => {
    const overlay = charted('kernel/ipv6-underlay.pcap');
    expect(overlay.vteps.map(({ ip, subnet }) => [ip, subnet?.cidr])).toEqual([
      ['2001:db8:64::1', '2001:db8:64::/64'],
      ['2001:db8:64::2', '2001:db8:64::/64'],
    ]);
    const network = networkOf(overlay, 6);
    expect(network.subnets.map(({ cidr }) => cidr)).toEqual(['10.6.0.0/24', 'fd00:6::/64']);
    expect(network.mtu).toBe(1430);
    expect(placement(network)['2001:db8:64::1']).toEqual([
      '0a:00:00:00:00:01 10.6.0.1 fd00:6::1 fe80::800:ff:fe00:1',
    ]);
  });

  test('MLD on the underlay tells who joined ff05::100', () => {
    expect(charted('kernel/ipv6-underlay-multicast.pcap').groups).toEqual([
      {
        ip: 'ff05::100',
        networks: ['6'],
        packets: 5,
        members: ['fe80::5054:ff:feaa:1', 'fe80::5054:ff:feaa:2'],
        left: [],
      },
    ]);
  });

  test('two VNIs with the same MACs and addresses are two networks', () => {
    const overlay = charted('kernel/overlap-two-vnis.pcap');
    const same = {
      '198.51.100.1': ['0a:00:00:00:00:01 10.0.0.1'],
      '198.51.100.2': ['0a:00:00:00:00:02 10.0.0.2'],
    };
    expect(placement(networkOf(overlay, 100))).toEqual(same);
    expect(placement(networkOf(overlay, 200))).toEqual(same);
  });

  test('OVS: inner VLANs, and a subnet in each', () => {
    const network = networkOf(charted('ovs/vlan-trunk-noisy.pcap'), 5000);
    expect(network.vlans).toEqual([10, 20]);
    expect(network.subnets.map(({ cidr }) => cidr)).toEqual(['10.10.0.0/24', '10.20.0.0/24']);
    expect(seatOf(network, '203.0.113.1').endpoints.map(({ mac, vlans }) => [mac, vlans])).toEqual([
      ['0a:00:00:00:10:01', [10]],
      ['0a:00:00:00:20:01', [20]],
    ]);
  });

  test('GPE around IP: endpoints without a MAC', () => {
    const network = networkOf(charted('kernel/gpe.pcap'), 77);
    expect(network.gpe).toBe(true);
    expect(placement(network)).toEqual({ '198.51.100.1': ['- 10.4.0.1'], '198.51.100.2': ['- 10.4.0.2'] });
  });

  test('segments that a network card is to cut are no MTU; whole packets of a reassembled tunnel are', () => {
    expect(networkOf(charted('kernel/http-offload.pcap'), 80)).toMatchObject({ longest: 1450, mtu: 1450 });
    expect(networkOf(charted('docker-swarm/traffic-offload-worker1-eth0.pcap'), 4098).longest).toBe(1450);
    expect(networkOf(charted('kernel/outer-frag.pcap'), 13).longest).toBe(1500);
  });

  test('somebody who leads to the Internet is no subnet of the network, and its MAC may be the gateway', () => {
    const network = networkOf(charted('public/ndpi/vxlan.pcap'), 1111);
    expect(network.subnets).toEqual([
      {
        cidr: '10.10.20.0/24',
        sure: false,
        vtep: null,
        gateway: { ip: '10.10.20.1', mac: '66:7a:50:aa:ff:9a', sure: false },
      },
    ]);
  });

  test('no VXLAN, no overlay', () => {
    const overlay = charted('docker-swarm/init-underlay.pcap');
    expect(overlay).toMatchObject({ crossings: 0, vteps: [], networks: [], tunnels: [], limits: [] });
    expect(overlay.packets).toBe(340);
  });
});
