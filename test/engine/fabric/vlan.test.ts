import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { readAll } from '../../../src/core/pcap/index.ts';
import { LinkEnd, link } from '../../../src/engine/fabric/link.ts';
import { VlanPort } from '../../../src/engine/fabric/vlan-port.ts';
import { stripTags, tciOf } from '../../../src/engine/fabric/vlan-tag.ts';
import { VlanTrunk } from '../../../src/engine/fabric/vlan-trunk.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import { captureBytes } from '../../support/captures.ts';
import { A, B, ether, Ground, Out, tag } from './ground.ts';

let ground: Ground;
let cable: Out;
let inside: Out;
let trunk: VlanTrunk;
let port: VlanPort;

beforeEach(() => {
  ground = new Ground();
  cable = new Out('eth0');
  inside = new Out('host');
  trunk = new VlanTrunk(1, 'eth0', cable, ground.trace);
  port = new VlanPort(2, 'eth0.5', trunk, { vid: 5, priority: 3 });
  port.plug(inside, 7);
});

const arrive = (bytes: Uint8Array): void => trunk.receive(ground.pool.from(bytes));
const leave = (bytes: Uint8Array): void => port.send(ground.pool.from(bytes));

describe('VLAN interface', () => {
  test('what is sent leaves with TPID, priority and VID behind the addresses', () => {
    leave(ether(B, A));
    expect(cable.got).toEqual([tag(ether(B, A), 0x6005)]);
    expect(port.counters.snapshot()).toMatchObject({ txPackets: 1, txBytes: 60 });
    expect(trunk.counters.snapshot()).toMatchObject({ txPackets: 1, txBytes: 64 });
    expect(ground.told(TRACE.tag)).toEqual([[1, 5]]);
    ground.end();
  });

  test('what comes in with its VID comes out without the tag, whatever priority and drop eligibility say', () => {
    for (const tci of [5, 0x6005, 0xf005]) arrive(tag(ether(A, B), tci));
    expect([inside.got, inside.ports]).toEqual([new Array(3).fill(ether(A, B)), [7, 7, 7]]);
    expect(port.counters.snapshot()).toMatchObject({ rxPackets: 3, rxBytes: 180 });
    expect(ground.told(TRACE.tag)).toEqual(new Array(3).fill([0, 5]));
    ground.end();
  });

  test('a second tag is payload in both directions', () => {
    const inner = tag(ether(A, B), 9, 0x88a8);
    arrive(tag(inner, 5));
    leave(inner);
    expect([inside.got, cable.got]).toEqual([[inner], [tag(inner, 0x6005)]]);
  });

  test('frames of another program in VLAN 5: taken in and sent again they are the same bytes', () => {
    const { packets } = readAll(captureBytes('public/ndpi/vxlan.pcap'));
    const plain = new VlanTrunk(1, 'eth1', cable, ground.trace);
    const five = new VlanPort(2, 'eth1.5', plain, { vid: 5 });
    five.plug({ receive: (frame) => five.send(frame) }, 0);
    for (const { bytes } of packets) plain.receive(ground.pool.from(bytes));
    expect(packets.length).toBeGreaterThan(70);
    expect(cable.got).toEqual(packets.map(({ bytes }) => bytes));
    ground.end();
  });

  test('a frame that others hold is not written to', () => {
    const out = ground.pool.from(ether(B, A)).retain();
    port.send(out);
    expect(out.toBytes()).toEqual(ether(B, A));
    out.release();
    const came = ground.pool.from(tag(ether(A, B), 5)).retain();
    trunk.receive(came);
    expect([came.toBytes(), inside.got]).toEqual([tag(ether(A, B), 5), [ether(A, B)]]);
    came.release();
    ground.end();
  });

  test('down, it takes nothing and sends nothing', () => {
    port.up = false;
    leave(ether(B, A));
    arrive(tag(ether(A, B), 5));
    expect([port.counters.snapshot().drops, cable.got, inside.got]).toEqual([{ 'link down': 2 }, [], []]);
    ground.end();
  });

  test('a stump without an Ethernet header is dropped', () => {
    for (let n = 0; n < 14; n++) leave(new Uint8Array(n));
    expect(port.counters.snapshot().drops).toEqual({ 'invalid header': 14 });
    ground.end();
  });

  test('MTU: that of the interface below, or less; the tag comes on top; more is refused', () => {
    expect(port.mtu).toBe(1500);
    const small = new VlanPort(3, 'eth0.6', trunk, { vid: 6, mtu: 1000 });
    for (const length of [1018, 1019]) small.send(ground.pool.take(length));
    expect([cable.got.map((bytes) => bytes.length), small.counters.dropped(DROP.mtuExceeded)]).toEqual([
      [1022],
      1,
    ]);
    expect(() => new VlanPort(3, 'eth0.7', trunk, { vid: 7, mtu: 1501 })).toThrow(
      expect.objectContaining({
        code: 'BAD_MTU',
        message: 'eth0.7 cannot have an MTU of 1501; eth0 has 1500',
      }),
    );
    expect(trunk.vids).toEqual([5, 6]);
    ground.end();
  });

  test('a full packet and its tag pass a cable of the same MTU; with a second tag they do not', () => {
    const random = new RandomSource(1);
    const near = new LinkEnd(4, 'eth0', 1500, ground, random.stream('near'));
    const far = new LinkEnd(5, 'eth0', 1500, ground, random.stream('far'));
    link(near, far);
    trunk.out = near;
    far.plug(inside, 1);
    leave(ether(B, A, 1500));
    leave(tag(ether(B, A, 1500), 9));
    ground.clock.runUntilIdle();
    expect(inside.got).toEqual([tag(ether(B, A, 1500), 0x6005)]);
    expect(near.counters.dropped(DROP.mtuExceeded)).toBe(1);
    ground.end();
  });

  test('an interface that nobody owns swallows what comes', () => {
    new VlanPort(3, 'eth0.6', trunk, { vid: 6 });
    arrive(tag(ether(A, B), 6));
    ground.end();
  });
});

describe('VLAN trunk', () => {
  test('every VLAN to its own member; another VID, and untagged frames, are dropped with their reasons', () => {
    const six = new Out();
    new VlanPort(3, 'eth0.6', trunk, { vid: 6 }).plug(six, 1);
    for (const vid of [5, 6, 6, 7, 4095]) arrive(tag(ether(A, B), vid));
    arrive(ether(A, B));
    expect([inside.got.length, six.got.length]).toEqual([1, 2]);
    expect(trunk.counters.snapshot()).toMatchObject({
      rxPackets: 3,
      rxBytes: 192,
      drops: { 'VLAN not found': 2, untagged: 1 },
    });
    expect(ground.told(TRACE.drop)).toEqual([
      [DROP.vlanNotFound, 7],
      [DROP.vlanNotFound, 4095],
      [DROP.untagged, 0x88b5],
    ]);
    ground.end();
  });

  test.each([0x88a8, 0x9100])('a service tag (%i) of the same number is of another space', (type) => {
    arrive(tag(ether(A, B), 5, type));
    arrive(tag(ether(A, B), 0, type));
    expect([inside.got, trunk.counters.dropped(DROP.vlanNotFound)]).toEqual([[], 2]);
    ground.end();
  });

  test('a priority tag names no VLAN: it counts as untagged, and is off for whoever takes those', () => {
    const native = new Out();
    arrive(tag(ether(A, B), 0xe000));
    expect(trunk.counters.dropped(DROP.untagged)).toBe(1);
    trunk.plug(native, 4);
    arrive(tag(ether(A, B), 0xe000));
    arrive(ether(B, A));
    expect([native.got, native.ports]).toEqual([
      [ether(A, B), ether(B, A)],
      [4, 4],
    ]);
    expect(inside.got).toEqual([]);
    ground.end();
  });

  test('less than an Ethernet header, or a tag cut short: invalid header', () => {
    const whole = tag(ether(A, B, 0), 5);
    for (let n = 0; n < 18; n++) arrive(whole.subarray(0, n));
    expect(trunk.counters.snapshot().drops).toEqual({ 'invalid header': 18 });
    arrive(whole);
    expect(inside.got).toEqual([ether(A, B, 0)]);
    ground.end();
  });

  test('a VLAN twice, out of range, and taken away', () => {
    expect(() => trunk.add(5, port)).toThrow(expect.objectContaining({ code: 'VID_IN_USE' }));
    for (const vid of [-1, 0, 4095, 4096, 1.5, Number.NaN])
      expect(() => trunk.add(vid, port)).toThrow(expect.objectContaining({ code: 'BAD_VID' }));
    expect(() => new VlanPort(3, 'x', trunk, { vid: 6, priority: 8 })).toThrow(
      expect.objectContaining({ code: 'BAD_PRIORITY' }),
    );
    expect([trunk.remove(5), trunk.remove(5), trunk.vids]).toEqual([true, false, []]);
    arrive(tag(ether(A, B), 5));
    expect(trunk.counters.dropped(DROP.vlanNotFound)).toBe(1);
    ground.end();
  });

  test('property: any bytes: no exception, and every frame comes home', () => {
    const bytes = fc
      .tuple(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom([0x81, 0, 0, 5], [0x81, 0, 0, 0], [0x88, 0xa8, 0, 5], [8, 0, 0x45, 0]),
      )
      .map(([any, type]) => {
        if (any.length >= 16) any.set(type, 12);
        return any;
      });
    fc.assert(
      fc.property(bytes, (one) => {
        arrive(one);
        leave(one);
        expect(ground.pool.out).toBe(0);
      }),
    );
  });
});

describe('tags', () => {
  test('TCI is priority, VID, and no drop eligibility', () => {
    expect([tciOf(1, 0), tciOf(4094, 7), tciOf(0x0abc, 5)]).toEqual([1, 0xeffe, 0xaabc]);
    for (const priority of [-1, 8, 0.5])
      expect(() => tciOf(5, priority)).toThrow(expect.objectContaining({ code: 'BAD_PRIORITY' }));
  });

  test('stripping takes whole tags only', () => {
    const stump = ether(B, A, 2, 0x8100);
    for (const [bytes, left] of [
      [tag(tag(ether(B, A), 5), 6, 0x9100), ether(B, A)],
      [tag(stump, 5), stump],
      [stump, stump],
    ] as const) {
      const frame = ground.pool.from(bytes);
      stripTags(frame);
      expect(frame.toBytes()).toEqual(left);
      frame.release();
    }
  });
});
