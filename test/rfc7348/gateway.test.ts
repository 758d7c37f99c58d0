// RFC 7348's sentences on gateways (s.6) and on tags inside (s.6.1), with hosts: two VLANs behind a switch, a gateway, an
// underlay, and a node on which the two VNIs end. Both VLANs use the same addresses.
//
//   v10, v20 ─ switch ═ trunk ═ gateway ─ underlay ─ node ─ h10, h20
//       VLAN 10, 20                 VNI 1010, 1020

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../src/core/frame/frame.ts';
import { formatIp } from '../../src/core/wire/address.ts';
import * as arp from '../../src/core/wire/arp.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import * as vlan from '../../src/core/wire/vlan.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import type { Bridge } from '../../src/engine/fabric/bridge.ts';
import { Peers } from '../../src/engine/fabric/peers.ts';
import type { Port, Sink } from '../../src/engine/fabric/port.ts';
import { VethEnd, veth } from '../../src/engine/fabric/veth.ts';
import type { MappingOptions, Segment } from '../../src/engine/fabric/vlan-gateway.ts';
import { VlanGateway } from '../../src/engine/fabric/vlan-gateway.ts';
import { VlanPort } from '../../src/engine/fabric/vlan-port.ts';
import { VlanTrunk } from '../../src/engine/fabric/vlan-trunk.ts';
import { VniDemux } from '../../src/engine/fabric/vni-demux.ts';
import { Vtep } from '../../src/engine/fabric/vtep.ts';
import type { Host } from '../../src/engine/host/host.ts';
import type { Interface } from '../../src/engine/host/interface.ts';
import { Ping } from '../../src/engine/host/ping.ts';
import { Tunnel } from '../../src/engine/host/tunnel.ts';
import type { Profile } from '../../src/engine/orchestrate/profile.ts';
import { profileOf, vtepOptions } from '../../src/engine/orchestrate/profile.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { ALL, ether, tag } from '../engine/fabric/ground.ts';
import { viewOf } from '../support/bytes.ts';
import { address, Lab } from '../support/lab.ts';

const RFC = profileOf('flood-and-learn');
/** A VTEP that is configured to let inner tags through. */
const TRUNKING: Profile = { ...RFC, innerVlan: 'pass' };

/** Writes frames down on their way, and has receivers check the sums in them. */
class Wire implements Port, Sink {
  readonly name = 'wire';
  readonly mtu = 1500;
  readonly seen: Uint8Array[] = [];
  readonly #on: (frame: Frame) => void;
  constructor(on: (frame: Frame) => void) {
    this.#on = on;
  }
  send(frame: Frame): void {
    this.seen.push(frame.toBytes());
    frame.summed = false;
    this.#on(frame);
  }
  receive(frame: Frame): void {
    this.send(frame);
  }
}

let lab: Lab;
let ids: number;
let inward: Wire;
let outward: Wire;
let gateway: VlanGateway;
let near: Map<number, Segment>;
let far: Map<number, Segment>;
let hosts: Record<'v10' | 'v20' | 'h10' | 'h20', Host>;

function pair(): [VethEnd, VethEnd] {
  const [a, b] = ['a', 'b'].map((end) => new VethEnd(++ids, end, 1500, lab.backlog, lab.trace)) as [
    VethEnd,
    VethEnd,
  ];
  veth(a, b);
  return [a, b];
}

/** A node with VTEPs for both VNIs; BUM frames go to a group for each VNI (s.4.2). */
function node(host: Host, peers: Peers, own: string, profile: Profile): Map<number, Segment> {
  const demux = new VniDemux(++ids, lab.trace);
  const { port, sourcePorts, udpChecksum: checksum, ttl } = RFC;
  const tunnel = new Tunnel(host, peers, demux, { port, sourcePorts, checksum, ttl });
  const segments = [1010, 1020].map((vni): [number, Segment] => {
    const bridge = lab.bridge();
    const options = vtepOptions(profile, vni, 1450, peers.idOf(parseIp(own)), 0x02000000f000 + ids);
    const vtep = new Vtep(++ids, `vxlan${vni}`, options, lab, tunnel);
    vtep.plug(bridge, bridge.attach(vtep));
    vtep.floodToGroup(peers.idOf(parseIp(`239.0.0.${vni - 1000}`)));
    demux.add(vni, vtep);
    return [vni, { bridge, vtep }];
  });
  return new Map(segments);
}

/** A host with an interface in a VLAN, by a cable to the switch. */
function vlanHost(vid: number, to: Bridge): Host {
  const host = lab.host(`v${vid}`);
  const [inner, outer] = pair();
  outer.plug(to, to.attach(outer));
  const trunk = new VlanTrunk(++ids, 'eth0', inner, lab.trace);
  inner.plug(trunk, 0);
  const port = new VlanPort(++ids, `eth0.${vid}`, trunk, { vid, priority: 6 });
  const mac = 0x020000001000 + vid;
  const addresses = [address('10.0.0.1/24')];
  const dev = host.addInterface(port, { name: port.name, mac, mtu: 1450, addresses });
  port.plug(host, dev.index);
  return host;
}

function setUp(options: MappingOptions = {}, profile: Profile = RFC): void {
  lab = new Lab(true);
  ids = 1000;
  const peers = new Peers();
  const [g, n] = [lab.host('g'), lab.host('n')];
  lab.wire(g, { ips: ['192.0.2.1/24'] }, n, { ips: ['192.0.2.2/24'] });
  near = node(g, peers, '192.0.2.1', profile);
  far = node(n, peers, '192.0.2.2', TRUNKING);
  const [up, down] = pair();
  const between = lab.bridge();
  up.plug(between, between.attach(up));
  outward = new Wire((frame) => down.send(frame));
  const trunk = new VlanTrunk(++ids, 'eth1', outward, lab.trace);
  inward = new Wire((frame) => trunk.receive(frame));
  down.plug(inward, 0);
  gateway = new VlanGateway(++ids, 'gateway', trunk);
  for (const vid of [10, 20]) gateway.map(vid, near.get(1000 + vid) as Segment, options);
  const behind = (vid: number): Host => {
    const host = lab.host(`h${vid}`);
    lab.attach(host, (far.get(1000 + vid) as Segment).bridge, { ips: ['10.0.0.2/24'], mtu: 1450 });
    return host;
  };
  hosts = {
    v10: vlanHost(10, between),
    v20: vlanHost(20, between),
    h10: behind(10),
    h20: behind(20),
  };
  lab.run(15);
  lab.sent.length = 0;
  inward.seen.length = 0;
  outward.seen.length = 0;
}

beforeEach(() => setUp());
afterEach(() => lab.end());

/** How many of three pings are answered; `size` is of their payload. */
function ping(from: Host, to: string, size = 56): number {
  const run = new Ping(from, parseIp(to), { count: 3, size, dontFragment: true }, null);
  run.start();
  lab.run(5);
  return run.result.replies.length;
}

/** What a node put into the tunnel: VNI, outer destination and inner frame of each. */
function tunnelled(by: 'g' | 'n'): { vni: number; to: string; inner: Uint8Array }[] {
  return lab.frames(0x0800, by).flatMap(({ bytes }) => {
    const view = viewOf(bytes);
    if (bytes[23] !== 17) return [];
    return [{ vni: vxlan.vni(view, 42), to: formatIp(view.getUint32(30)), inner: bytes.slice(50) }];
  });
}

const typeOf = (bytes: Uint8Array): number => ethernet.etherType(viewOf(bytes), 0);
const vidsOf = (frames: readonly Uint8Array[]): Set<number> =>
  new Set(frames.map((bytes) => (typeOf(bytes) === 0x8100 ? vlan.vid(viewOf(bytes), 14) : -1)));
const macOf = (host: Host): number => host.interfaces[0]?.mac as number;
/** Hands the far VTEP a frame as if a station behind it had sent it. */
function fromFar(vni: number, bytes: Uint8Array): void {
  far.get(vni)?.vtep.send(lab.pool.from(bytes));
}

describe('RFC 7348 s.6, VXLAN gateways', () => {
  test('s.6: hosts of a VLAN and of its VNI reach one another, full packets too, from either side', () => {
    expect([ping(hosts.v10, '10.0.0.2'), ping(hosts.h20, '10.0.0.1')]).toEqual([3, 3]);
    expect([ping(hosts.v10, '10.0.0.2', 1422), ping(hosts.h20, '10.0.0.1', 1422)]).toEqual([3, 3]);
    for (const host of Object.values(hosts)) expect(host.counters.dropped(DROP.checksum)).toBe(0);
  });

  test('s.6: frames from the VLAN side are mapped to a VNI by their VLAN id', () => {
    ping(hosts.v10, '10.0.0.2');
    expect(new Set(tunnelled('g').map(({ vni }) => vni))).toEqual(new Set([1010]));
    lab.sent.length = 0;
    ping(hosts.v20, '10.0.0.2');
    expect(new Set(tunnelled('g').map(({ vni }) => vni))).toEqual(new Set([1020]));
    const heard = hosts.h10.neighbours.find(parseIp('10.0.0.1'), hosts.h10.interfaces[0] as Interface);
    expect(heard?.mac).toBe(macOf(hosts.v10));
  });

  test('s.6: a question for a MAC crosses as broadcast in the group of the VNI, the answer as unicast', () => {
    ping(hosts.v10, '10.0.0.2');
    const arps = (by: 'g' | 'n'): ReturnType<typeof tunnelled> =>
      tunnelled(by).filter(({ inner }) => typeOf(inner) === 0x0806);
    const [question, answer] = [arps('g')[0], arps('n')[0]];
    expect([question?.vni, question?.to, answer?.vni, answer?.to]).toEqual([
      1010,
      '239.0.0.10',
      1010,
      '192.0.2.1',
    ]);
    const [asked, told] = [question, answer].map((one) => viewOf(one?.inner as Uint8Array)) as [
      DataView,
      DataView,
    ];
    expect([ethernet.dst(asked, 0), arp.op(asked, 14)]).toEqual([ALL, arp.OP.request]);
    expect([ethernet.dst(told, 0), arp.op(told, 14)]).toEqual([macOf(hosts.v10), arp.OP.reply]);
    expect(hosts.v20.counters.dropped(DROP.notForUs) + hosts.h20.counters.dropped(DROP.notForUs)).toBe(0);
  });

  test('s.6: the VLAN id is removed before the frame is encapsulated', () => {
    ping(hosts.v10, '10.0.0.2');
    expect(vidsOf(inward.seen)).toEqual(new Set([10]));
    expect(vidsOf(tunnelled('g').map(({ inner }) => inner))).toEqual(new Set([-1]));
    const sent = inward.seen.map((bytes) => bytes.length - 4);
    expect(tunnelled('g').map(({ inner }) => inner.length)).toEqual(sent);
  });

  test('s.6: unless configured explicitly to be carried: then with its priority', () => {
    lab.end();
    setUp({ tag: 'carry', innerTag: 'pass' }, TRUNKING);
    ping(hosts.v10, '10.0.0.2');
    const [question] = tunnelled('g').map(({ inner }) => inner);
    expect(question).toEqual(inward.seen[0]);
    expect(vlan.read(viewOf(question as Uint8Array), 14)).toMatchObject({ vid: 10, pcp: 6 });
  });

  test('s.6: broadcast of a VNI reaches its VLAN with the tag mapped, and no other', () => {
    const frame = ether(ALL, macOf(hosts.h20), 46);
    fromFar(1020, frame);
    expect(outward.seen).toEqual([tag(frame, 20)]);
    expect([hosts.v20, hosts.v10].map((host) => host.counters.dropped(DROP.unknownProtocol))).toEqual([1, 0]);
  });

  test('s.6: a VLAN id without a VNI goes nowhere and is counted', () => {
    const strange = tag(ether(ALL, macOf(hosts.v10)), 30);
    inward.receive(lab.pool.from(strange));
    inward.receive(lab.pool.from(ether(ALL, macOf(hosts.v10))));
    expect(tunnelled('g')).toEqual([]);
    expect(gateway.trunk.counters.snapshot().drops).toEqual({ 'VLAN not found': 1, untagged: 1 });
  });
});

describe('RFC 7348 s.6 and s.6.1, decapsulated frames with a tag', () => {
  const inner = (vid: number): Uint8Array => tag(ether(macOf(hosts.v10), macOf(hosts.h10)), vid);

  test('s.6.1: SHOULD be discarded: by the VTEP, unless configured otherwise', () => {
    fromFar(1010, inner(10));
    expect(tunnelled('n').map((one) => one.inner)).toEqual([inner(10)]);
    expect([outward.seen, near.get(1010)?.vtep.counters.dropped(DROP.innerVlan)]).toEqual([[], 1]);
  });

  test('s.6: SHOULD be discarded by the gateway, also where its VTEP lets tags through', () => {
    lab.end();
    setUp({}, TRUNKING);
    fromFar(1010, inner(10));
    expect(near.get(1010)?.vtep.counters.dropped()).toBe(0);
    expect([outward.seen, gateway.mappings()[0]?.counters.dropped(DROP.innerVlan)]).toEqual([[], 1]);
    expect(ping(hosts.v10, '10.0.0.2')).toBe(3);
  });

  test('s.6: unless configured explicitly to be passed on: then in the VLAN of the VNI, whatever the tag said', () => {
    lab.end();
    setUp({ innerTag: 'pass' }, TRUNKING);
    fromFar(1010, inner(20));
    expect(outward.seen).toEqual([tag(inner(20), 10)]);
    lab.end();
    setUp({ innerTag: 'pass', tag: 'carry' }, TRUNKING);
    fromFar(1010, inner(20));
    expect(outward.seen).toEqual([inner(10)]);
  });
});
