import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Bridge } from '../../../src/engine/fabric/bridge.ts';
import type { MappingOptions, Segment } from '../../../src/engine/fabric/vlan-gateway.ts';
import { VlanGateway } from '../../../src/engine/fabric/vlan-gateway.ts';
import { VlanPort } from '../../../src/engine/fabric/vlan-port.ts';
import { VlanTrunk } from '../../../src/engine/fabric/vlan-trunk.ts';
import type { VtepOptions } from '../../../src/engine/fabric/vtep.ts';
import { Vtep } from '../../../src/engine/fabric/vtep.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import { A, ALL, B, C, ether, Ground, Out, StubUnderlay, tag, VTEP, wrap } from './ground.ts';

let ground: Ground;
let cable: Out;
let underlay: StubUnderlay;
let trunk: VlanTrunk;
let gateway: VlanGateway;

beforeEach(() => {
  ground = new Ground();
  cable = new Out('eth1');
  underlay = new StubUnderlay();
  trunk = new VlanTrunk(1, 'eth1', cable, ground.trace);
  gateway = new VlanGateway(2, 'gateway', trunk);
});

/** A bridge with the VTEP of a VNI on it, which floods to peer 1. */
function segment(vni: number, innerVlan: VtepOptions['innerVlan'] = 'pass'): Segment {
  const bridge = new Bridge(3, `br${vni}`, ground.clock, ground.trace);
  const vtep = new Vtep(4, `vxlan${vni}`, { ...VTEP, vni, innerVlan }, ground, underlay);
  vtep.plug(bridge, bridge.attach(vtep));
  vtep.floodTo([1]);
  return { bridge, vtep };
}

const fromVlan = (bytes: Uint8Array): void => trunk.receive(ground.pool.from(bytes));
const fromTunnel = (to: Segment, inner: Uint8Array): void =>
  to.vtep.input(ground.pool.from(wrap(to.vtep.options.vni, inner)), 1, 0);
const tunnelled = (): Uint8Array[] => underlay.sent.map(({ bytes }) => bytes);
const code = (word: string): unknown => expect.objectContaining({ code: word });

describe('gateway, from VLAN to VNI', () => {
  test('each VID to its VNI, the tag taken off', () => {
    gateway.map(10, segment(1010));
    gateway.map(20, segment(1020));
    fromVlan(tag(ether(B, A), 10));
    fromVlan(tag(ether(C, A), 0xe014));
    expect(tunnelled()).toEqual([wrap(1010, ether(B, A)), wrap(1020, ether(C, A))]);
    expect(gateway.mappings().map(({ name, counters }) => [name, counters.rxPackets])).toEqual([
      ['eth1.10', 1],
      ['eth1.20', 1],
    ]);
    expect(ground.told(TRACE.tag)).toEqual([
      [0, 10],
      [0, 20],
    ]);
    ground.end();
  });

  test('a VID that is not mapped and an untagged frame end at the trunk, counted and told', () => {
    gateway.map(10, segment(1010));
    fromVlan(tag(ether(B, A), 11));
    fromVlan(ether(B, A));
    expect(trunk.counters.snapshot().drops).toEqual({ 'VLAN not found': 1, untagged: 1 });
    expect(ground.told(TRACE.drop)[0]).toEqual([DROP.vlanNotFound, 11]);
    expect(tunnelled()).toEqual([]);
    ground.end();
  });

  test('carried, the tag stays on with priority and VID', () => {
    gateway.map(10, segment(1010), { tag: 'carry' });
    fromVlan(tag(ether(B, A), 0xa00a));
    expect(tunnelled()).toEqual([wrap(1010, tag(ether(B, A), 0xa00a))]);
    expect(ground.told(TRACE.tag)).toEqual([]);
    ground.end();
  });

  test('stations of one VLAN that the bridge has heard stay among themselves', () => {
    const to = segment(1010);
    gateway.map(10, to);
    fromVlan(tag(ether(ALL, A), 10));
    fromVlan(tag(ether(A, B), 10));
    expect([tunnelled().length, to.bridge.counters.dropped(DROP.sameport)]).toEqual([1, 1]);
    ground.end();
  });

  test('a frame that others hold is not written to', () => {
    gateway.map(10, segment(1010));
    const held = ground.pool.from(tag(ether(B, A), 10)).retain();
    trunk.receive(held);
    expect([held.toBytes(), tunnelled()]).toEqual([tag(ether(B, A), 10), [wrap(1010, ether(B, A))]]);
    held.release();
    ground.end();
  });
});

describe('gateway, from VNI to VLAN', () => {
  test('frames of a VNI leave with the VID mapped to it and the priority configured', () => {
    const [ten, twenty] = [segment(1010), segment(1020)];
    gateway.map(10, ten);
    gateway.map(20, twenty, { priority: 5 });
    fromTunnel(ten, ether(A, B));
    fromTunnel(twenty, ether(ALL, B));
    expect(cable.got).toEqual([tag(ether(A, B), 10), tag(ether(ALL, B), 0xa014)]);
    expect(gateway.mappings()[0]?.counters.snapshot()).toMatchObject({ txPackets: 1, txBytes: 60 });
    expect(ground.told(TRACE.tag)).toEqual([
      [1, 10],
      [1, 20],
    ]);
    ground.end();
  });

  test('a flood that others hold is tagged in a copy', () => {
    const to = segment(1010);
    const other = new Out();
    gateway.map(10, to);
    to.bridge.attach(other);
    fromTunnel(to, ether(ALL, B));
    expect([cable.got, other.got]).toEqual([[tag(ether(ALL, B), 10)], [ether(ALL, B)]]);
    ground.end();
  });

  test.each([0x8100, 0x88a8, 0x9100])('a tag inside (%i) is discarded, counted and told', (type) => {
    const to = segment(1010);
    const port = gateway.map(10, to);
    fromTunnel(to, tag(ether(A, B), 10, type));
    expect([cable.got, port.counters.dropped(DROP.innerVlan)]).toEqual([[], 1]);
    expect(ground.told(TRACE.drop)).toEqual([[DROP.innerVlan, type]]);
    ground.end();
  });

  test("passed where tags are stripped, it is the payload's: the VLAN's goes in front", () => {
    const to = segment(1010);
    gateway.map(10, to, { innerTag: 'pass' });
    fromTunnel(to, tag(ether(A, B), 0x6063));
    expect(cable.got).toEqual([tag(tag(ether(A, B), 0x6063), 10)]);
    fromVlan(tag(tag(ether(B, A), 0x6063), 10));
    expect(tunnelled()).toEqual([wrap(1010, tag(ether(B, A), 0x6063))]);
    ground.end();
  });

  test("passed where tags are carried, it is the VLAN's: the VID becomes the one mapped here, the priority stays", () => {
    const to = segment(1010);
    gateway.map(10, to, { tag: 'carry', innerTag: 'pass', priority: 1 });
    for (const inner of [tag(ether(A, B), 0xb014), tag(ether(A, B), 0xe000), ether(A, B)])
      fromTunnel(to, inner);
    const service = tag(ether(A, B), 7, 0x88a8);
    const stump = ether(A, B, 2, 0x8100);
    for (const inner of [service, stump]) fromTunnel(to, inner);
    expect(cable.got).toEqual([
      tag(ether(A, B), 0xb00a),
      tag(ether(A, B), 0xe00a),
      tag(ether(A, B), 0x200a),
      tag(service, 0x200a),
      tag(stump, 0x200a),
    ]);
    ground.end();
  });

  test('a stump without an Ethernet header is dropped', () => {
    const port = gateway.map(10, segment(1010));
    for (let n = 0; n < 14; n++) port.send(ground.pool.from(new Uint8Array(n)));
    expect(port.counters.snapshot().drops).toEqual({ 'invalid header': 14 });
    expect(port.mtu).toBe(1500);
    ground.end();
  });
});

describe('gateway, mappings', () => {
  test('one for one: a VLAN or a VNI twice is refused, also a VLAN that the trunk has otherwise', () => {
    const to = segment(1010);
    gateway.map(10, to);
    expect(() => gateway.map(10, segment(1011))).toThrow(code('VID_IN_USE'));
    expect(() => gateway.map(11, to)).toThrow(code('VNI_IN_USE'));
    new VlanPort(9, 'eth1.12', trunk, { vid: 12 });
    const other = segment(1012);
    expect(() => gateway.map(12, other)).toThrow(code('VID_IN_USE'));
    expect(() => gateway.map(0, other)).toThrow(code('BAD_VID'));
    expect(() => gateway.map(13, other, { priority: 9 })).toThrow(code('BAD_PRIORITY'));
    expect(other.bridge.ports().length).toBe(1);
    expect(gateway.mappings().map(({ vid, vni }) => [vid, vni])).toEqual([[10, 1010]]);
  });

  test.each<MappingOptions>([{ tag: 'carry' }, { innerTag: 'pass' }])(
    '%o is refused where the VTEP discards tags',
    (options) => {
      expect(() => gateway.map(10, segment(1010, 'discard'), options)).toThrow(code('TAGS_DISCARDED'));
      expect(gateway.map(10, segment(1010, 'discard'), { tag: 'strip', innerTag: 'discard' }).vni).toBe(1010);
    },
  );

  test('taken away, neither side leads anywhere, and both may be mapped again', () => {
    const to = segment(1010);
    gateway.map(10, to);
    fromVlan(tag(ether(ALL, A), 10));
    expect([gateway.unmap(10), gateway.unmap(10)]).toEqual([true, false]);
    fromVlan(tag(ether(B, A), 10));
    fromTunnel(to, ether(A, B));
    expect([tunnelled().length, cable.got.length, trunk.counters.dropped(DROP.vlanNotFound)]).toEqual([
      1, 0, 1,
    ]);
    gateway.map(11, to);
    fromTunnel(to, ether(A, B));
    expect(cable.got).toEqual([tag(ether(A, B), 11)]);
    ground.end();
  });

  test('property: any bytes from either side, any settings: no exception, every frame comes home', () => {
    const options = fc.record({
      tag: fc.constantFrom('strip', 'carry'),
      innerTag: fc.constantFrom('discard', 'pass'),
      priority: fc.nat(7),
    } as const);
    const type = fc.constantFrom([0x81, 0, 0, 10], [0x88, 0xa8, 0, 10], [8, 0, 0x45, 0], [0x81, 0, 0x20, 0]);
    const bytes = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), type).map(([any, head]) => {
      if (any.length >= 16) any.set(head, 12);
      any[0] = (any[0] as number) & 0xfe;
      return any;
    });
    fc.assert(
      fc.property(options, fc.array(fc.tuple(bytes, fc.boolean())), (given, frames) => {
        trunk.remove(10);
        gateway = new VlanGateway(2, 'gateway', trunk);
        const to = segment(1010);
        gateway.map(10, to, given);
        for (const [one, outward] of frames) {
          if (outward) fromTunnel(to, one);
          else fromVlan(one);
          expect(ground.pool.out).toBe(0);
        }
      }),
    );
  });
});
