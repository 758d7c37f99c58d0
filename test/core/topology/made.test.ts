// Overlays that no capture in fixtures has, made frame by frame; hostile packets; limits.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { Atlas } from '../../../src/core/topology/atlas.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import * as nd from '../../../src/core/wire/nd.ts';
import { ETHERTYPE, PROTO } from '../../../src/core/wire/numbers.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import '../../support/properties.ts';
import { chartOf, networkOf, seatOf } from './charted.ts';
import { arpFrame, ether, fileOf, ip, packet, tunnel } from './frames.ts';

const A = { mac: '02:00:00:00:00:0a', ip: '10.9.1.10' };
const B = { mac: '02:00:00:00:00:0b', ip: '10.9.1.11' };
const ROUTER = { mac: '02:00:00:00:00:01', ip: '10.9.1.1' };
const NOBODY = '00:00:00:00:00:00';
const ONE = { src: '192.0.2.1', dst: '192.0.2.2', vni: 5 };
const BACK = { src: '192.0.2.2', dst: '192.0.2.1', vni: 5 };

describe('tunnels in tunnels', () => {
  const inner = tunnel(packet(A, B), { src: '10.9.1.10', dst: '10.9.1.11', vni: 7 });
  const overlay = chartOf([fileOf([tunnel(inner, ONE), tunnel(inner, ONE)])]);

  test('each level is a network of its own, and the inner VTEPs are in the outer network', () => {
    expect(overlay.networks.map(({ key, level, within, vni }) => [key, level, within, vni])).toEqual([
      ['5', 0, null, 5],
      ['5/7', 1, '5', 7],
    ]);
    expect(overlay.vteps.map((vtep) => [vtep.ip, vtep.within])).toEqual([
      ['192.0.2.1', null],
      ['192.0.2.2', null],
      ['10.9.1.10', '5'],
      ['10.9.1.11', '5'],
    ]);
    expect(overlay.crossings).toBe(4);
  });

  test('endpoints are told apart by level', () => {
    expect(seatOf(networkOf(overlay, '5/7'), '10.9.1.10').endpoints.map(({ mac }) => mac)).toEqual([A.mac]);
    expect(seatOf(networkOf(overlay, '5'), '192.0.2.1').endpoints).toHaveLength(1);
  });
});

describe('gateways', () => {
  test('who sends packets of addresses elsewhere, and has one here, is the gateway for sure', () => {
    const frames = [
      tunnel(arpFrame(1, ROUTER, { ...A, mac: NOBODY }), ONE),
      tunnel(arpFrame(2, A, ROUTER), BACK),
      tunnel(packet({ mac: ROUTER.mac, ip: '198.51.100.77' }, A, { ttl: 57 }), ONE),
    ];
    const [subnet] = networkOf(chartOf([fileOf(frames)]), 5).subnets;
    expect(subnet?.gateway).toEqual({ ip: '10.9.1.1', mac: ROUTER.mac, sure: true });
  });

  test('so is who is given packets for addresses elsewhere', () => {
    const frames = [
      tunnel(arpFrame(1, A, { ...ROUTER, mac: NOBODY }), ONE),
      tunnel(arpFrame(2, ROUTER, A), BACK),
      tunnel(packet(A, { mac: ROUTER.mac, ip: '203.0.113.80' }), ONE),
    ];
    const [subnet] = networkOf(chartOf([fileOf(frames)]), 5).subnets;
    expect(subnet?.gateway).toEqual({ ip: '10.9.1.1', mac: ROUTER.mac, sure: true });
  });

  test('a first address that is an ordinary host is no gateway', () => {
    const frames = [
      tunnel(arpFrame(1, ROUTER, { ...A, mac: NOBODY }), ONE),
      tunnel(arpFrame(2, A, ROUTER), BACK),
    ];
    expect(networkOf(chartOf([fileOf(frames)]), 5).subnets[0]?.gateway).toBeNull();
  });

  test('a router advertisement makes its prefix sure', () => {
    const body = new Uint8Array(16 + 32);
    const view = viewOf(body);
    view.setUint8(0, nd.TYPE.routerAdvertisement);
    view.setUint8(16, nd.OPTION.prefix);
    view.setUint8(17, 4);
    view.setUint8(18, 56);
    view.setUint8(19, nd.PREFIX_FLAG.onLink);
    view.setUint32(32, 0xfd000009);
    const frame = ether(
      ROUTER.mac,
      '33:33:00:00:00:01',
      ETHERTYPE.ipv6,
      ip('fe80::1', 'ff02::1', PROTO.icmpv6, body, 255),
    );
    const network = networkOf(chartOf([fileOf([tunnel(frame, ONE)])]), 5);
    expect(network.subnets.map(({ cidr, sure }) => [cidr, sure])).toEqual([['fd00:9::/56', true]]);
  });
});

describe('what else frames tell', () => {
  test('a VTEP two routers away is two hops away, and has no MAC here', () => {
    const overlay = chartOf([fileOf([tunnel(packet(A, B), { ...ONE, ttl: 62 })])]);
    expect(overlay.vteps.map(({ ip: address, hops, mac }) => [address, hops, mac])).toEqual([
      ['192.0.2.1', 2, null],
      ['192.0.2.2', null, null],
    ]);
  });

  test('group policy ids and unusual ports are kept', () => {
    const frames = [7, 300, 7].map((policy) => tunnel(packet(A, B), { ...ONE, policy, port: 8472 }));
    expect(networkOf(chartOf([fileOf(frames)]), 5)).toMatchObject({ policies: [7, 300], ports: [8472] });
  });

  test('a unicast frame that goes to several VTEPs is flooded', () => {
    const frame = packet(A, B);
    const frames = ['192.0.2.2', '192.0.2.3'].map((dst) => tunnel(frame, { ...ONE, dst }));
    const seat = seatOf(networkOf(chartOf([fileOf(frames)]), 5), '192.0.2.1');
    expect(seat).toMatchObject({ flood: ['192.0.2.2', '192.0.2.3'], replicates: true });
  });

  test('ARP across more than a /24 widens the subnet to what covers it', () => {
    const frame = arpFrame(1, A, { mac: NOBODY, ip: '10.9.6.1' });
    expect(networkOf(chartOf([fileOf([tunnel(frame, ONE)])]), 5).subnets).toMatchObject([
      { cidr: '10.9.0.0/21', sure: false },
    ]);
  });

  test('a DNS answer names the address where it was seen, and not the same address elsewhere', () => {
    const message = new Uint8Array(512);
    const record = {
      name: 'db',
      type: dns.RR.a,
      class: 1,
      ttl: 60,
      data: { kind: 'a', address: 0x0a09010b },
    } as const;
    const asked = { name: 'db', type: dns.RR.a, class: 1 };
    const answer = {
      id: 1,
      flags: 0x8180,
      questions: [asked],
      answers: [record],
      authorities: [],
      additionals: [],
    };
    const length = dns.write(viewOf(message), 0, answer);
    const said = ether(
      B.mac,
      A.mac,
      ETHERTYPE.ipv4,
      ip(B.ip, A.ip, PROTO.udp, dnsDatagram(message.slice(0, length)), 64),
    );
    const overlay = chartOf([
      fileOf([
        tunnel(said, BACK),
        tunnel(packet(A, B), { ...ONE, vni: 6 }),
        tunnel(packet(B, A), { ...BACK, vni: 6 }),
      ]),
    ]);
    const names = (vni: number): string[] =>
      networkOf(overlay, vni).seats.flatMap(({ endpoints }) =>
        endpoints.flatMap((endpoint) => endpoint.names.map(({ name, source }) => `${source} ${name}`)),
      );
    expect(names(5)).toEqual(['dns db']);
    expect(names(6)).toEqual([]);
  });
});

function dnsDatagram(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + message.length);
  const view = viewOf(bytes);
  view.setUint16(0, 53);
  view.setUint16(2, 40000);
  view.setUint16(4, bytes.length);
  bytes.set(message, 8);
  return bytes;
}

describe('limits', () => {
  const frames = Array.from({ length: 40 }, (_, i) => {
    const from = { mac: `02:00:00:00:01:${(i + 16).toString(16)}`, ip: `10.9.${i}.1` };
    return tunnel(packet(from, B), { src: `192.0.2.${i + 1}`, dst: '192.0.2.200', vni: i });
  });

  test('a full table keeps what came first, and is named', () => {
    const overlay = chartOf([fileOf(frames)], { networks: 3, endpoints: 2, vteps: 4 });
    expect(overlay.networks.map(({ vni }) => vni)).toEqual([0, 1, 2]);
    expect(overlay.limits).toEqual([
      { of: 'networks', most: 3 },
      { of: 'endpoints', most: 2 },
    ]);
  });

  test.each(['addresses', 'vteps', 'tunnels', 'places'] as const)('%s are bounded', (of) => {
    const overlay = chartOf([fileOf(frames)], { [of]: 5 });
    expect(overlay.limits).toContainEqual({ of, most: 5 });
    expect(overlay.packets).toBe(40);
  });

  test('without a limit hit none is named', () => {
    expect(chartOf([fileOf(frames)]).limits).toEqual([]);
  });

  test('nonsense as a limit is refused', () => {
    for (const most of [0, -1, 1.5, Number.NaN, 2 ** 25]) {
      expect(() => new Atlas({ names: most })).toThrow(expect.objectContaining({ code: 'BAD_LIMIT' }));
    }
  });
});

describe('hostile packets', () => {
  const samples = [
    'docker-swarm/traffic-worker1-eth0.pcap',
    'kernel/mcast3-vtep1.pcap',
    'kernel/ipv6-underlay-multicast.pcap',
    'kernel/inner-vlan.pcap',
    'kernel/gpe.pcap',
    'kernel/unicast4.pcap',
  ].flatMap((name) => packetsOf(captureBytes(name)));

  test('cut or mutated packets never throw, and the overlay can always be drawn up', () => {
    const edit = fc.record({
      sample: fc.nat(samples.length - 1),
      cut: fc.option(fc.nat(200)),
      bytes: fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
        const atlas = new Atlas({ places: 20, names: 5 });
        const sight = new Sight();
        for (const [number, { sample, cut, bytes }] of edits.entries()) {
          const from = samples[sample] as (typeof samples)[number];
          const copy = from.bytes.slice(0, cut ?? from.bytes.length);
          for (const [at, value] of bytes) if (at < copy.length) copy[at] = value;
          const meta = { ...from, number: number + 1, originalLength: from.originalLength };
          sight.read(viewOf(copy), 0, copy.length, meta as never);
          atlas.observe(sight, meta as never);
        }
        expect(atlas.overlay().packets).toBe(edits.length);
      }),
      { numRuns: 400 },
    );
  });

  test('every packet of real captures, cut at every length', () => {
    const atlas = new Atlas();
    const sight = new Sight();
    let number = 0;
    for (const from of samples.slice(0, 220)) {
      for (let length = 0; length <= Math.min(130, from.bytes.length); length++) {
        const meta = { ...from, number: ++number };
        // Nothing lies behind the cut that a reader could stray into.
        const copy = from.bytes.slice(0, length);
        sight.read(viewOf(copy), 0, length, meta as never);
        atlas.observe(sight, meta as never);
      }
    }
    expect(atlas.overlay().packets).toBe(number);
  });
});
