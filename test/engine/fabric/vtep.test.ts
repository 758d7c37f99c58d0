import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { macHi, macLo } from '../../../src/core/wire/address.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import * as icmp from '../../../src/core/wire/icmp.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { Bridge } from '../../../src/engine/fabric/bridge.ts';
import { PeerDb } from '../../../src/engine/fabric/peer-db.ts';
import type { Port } from '../../../src/engine/fabric/port.ts';
import { VniDemux } from '../../../src/engine/fabric/vni-demux.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE, VIA } from '../../../src/engine/trace/event.ts';
import { viewOf } from '../../support/bytes.ts';
import { arpFrame, packet4 } from '../host/packets.ts';
import type { VTEP } from './ground.ts';
import { A, ALL, B, C, ether, Ground, Inbox, Out, VtepBench, wrap } from './ground.ts';

const HEAD = { to: B, from: A };
const ip = (tos = 0, length = 8, dontFragment = false): Uint8Array =>
  packet4(HEAD, { src: '10.0.0.1', dst: '10.0.0.2', proto: 17, tos, dontFragment }, new Uint8Array(length));
const drops = (bench: VtepBench): Record<string, number> => bench.vtep.counters.snapshot().drops;

describe('VTEP, receiving', () => {
  test('the header comes off and the inner frame goes in under the number of the port', () => {
    const bench = new VtepBench();
    bench.input(wrap(100, ether(B, A)));
    expect([bench.inside.got, bench.inside.ports]).toEqual([[ether(B, A)], [7]]);
    expect(bench.vtep.counters.snapshot()).toMatchObject({ rxPackets: 1, rxBytes: 60 });
    expect(bench.ground.told(TRACE.decapsulate)).toEqual([[1, 100]]);
    bench.ground.end();
  });

  test.each<[string, Partial<typeof VTEP>, Uint8Array, string]>([
    ['its own MAC as inner source', {}, ether(B, 0x0200000000aa), 'local MAC'],
    ['a zero inner source', {}, ether(B, 0), 'invalid source MAC'],
    ['a group as inner source', {}, ether(B, 0x01005e000001), 'invalid source MAC'],
    ['less than an Ethernet header', {}, new Uint8Array(13), 'invalid header'],
    ['an inner tag where tags are discarded', {}, ether(B, A, 46, 0x8100), 'inner VLAN'],
    ['an inner service tag', {}, ether(B, A, 46, 0x88a8), 'inner VLAN'],
  ])('%s is dropped', (_, options, inner, reason) => {
    const bench = new VtepBench(options);
    bench.input(wrap(100, inner));
    expect(drops(bench)).toEqual({ [reason]: 1 });
    expect(bench.inside.got).toEqual([]);
    bench.ground.end();
  });

  test('inner tags pass where they are let pass', () => {
    const bench = new VtepBench({ innerVlan: 'pass' });
    bench.input(wrap(100, ether(B, A, 46, 0x8100)));
    expect(bench.inside.got.length).toBe(1);
  });

  test('each of the 39 reserved bits alone is dropped by the strict receiver and passes the tolerant one', () => {
    const strict = new VtepBench({ reservedBits: 'drop' });
    const tolerant = new VtepBench();
    for (let bit = 0; bit < 64; bit++) {
      if (bit === 4 || (bit >= 32 && bit < 56)) continue;
      const bytes = wrap(100, ether(B, A));
      bytes[bit >> 3] = (bytes[bit >> 3] as number) | (0x80 >> (bit & 7));
      strict.input(bytes);
      tolerant.input(bytes);
    }
    expect([strict.inside.got.length, drops(strict)]).toEqual([0, { 'reserved bits': 39 }]);
    expect([tolerant.inside.got.length, drops(tolerant)]).toEqual([39, {}]);
    strict.input(wrap(100, ether(B, A)));
    expect(strict.inside.got.length).toBe(1);
  });

  test('down, it takes nothing and sends nothing', () => {
    const bench = new VtepBench();
    bench.vtep.up = false;
    bench.input(wrap(100, ether(B, A)));
    bench.send(ether(B, A));
    expect(drops(bench)).toEqual({ 'link down': 2 });
    bench.ground.end();
  });

  test('a frame that others hold is not written to', () => {
    const bench = new VtepBench();
    const bytes = wrap(100, ip(0));
    const held = bench.ground.pool.from(bytes).retain();
    bench.inside.touch = (frame) => {
      frame.bytes.fill(0xee, frame.start, frame.end);
      return frame;
    };
    bench.vtep.input(held, 1, 3);
    bench.vtep.input(held.retain(), 1, 0);
    expect(held.toBytes()).toEqual(bytes);
    held.release();
    bench.ground.end();
  });

  test('ECN: marks are combined as RFC 6040 says, and the inner checksum stays right', () => {
    for (const inner of [0, 1, 2, 3]) {
      for (const outer of [0, 1, 2, 3]) {
        const bench = new VtepBench();
        bench.input(wrap(100, ip(0xb8 | inner)), 1, outer);
        const want =
          inner === 0 ? (outer === 3 ? -1 : 0) : inner === 2 && outer === 1 ? 1 : outer === 3 ? 3 : inner;
        expect(drops(bench)).toEqual(want < 0 ? { [DROP_ECN]: 1 } : {});
        const got = bench.inside.got[0];
        if (got === undefined) continue;
        expect(ipv4.tos(viewOf(got), 14)).toBe(0xb8 | want);
        expect(ipv4.checksumOk(viewOf(got), 14)).toBe(true);
      }
    }
    const bench = new VtepBench();
    bench.input(wrap(100, ether(B, A)), 1, 3);
    expect(bench.inside.got).toEqual([ether(B, A)]);
  });
});

const DROP_ECN = 'ECN error';

describe('VTEP, learning', () => {
  test('a received source leads back to its sender; heard from another it moves', () => {
    const bench = new VtepBench();
    bench.input(wrap(100, ether(B, A)), 3);
    bench.send(ether(A, B));
    bench.input(wrap(100, ether(B, A)), 4);
    bench.send(ether(A, B));
    expect(bench.underlay.sent.map(({ peer }) => peer)).toEqual([3, 4]);
    expect(bench.ground.told(TRACE.encapsulate)).toEqual([
      [3, VIA.learned],
      [4, VIA.learned],
    ]);
  });

  test('without learning nothing is learned', () => {
    const bench = new VtepBench({ learning: false });
    bench.input(wrap(100, ether(B, A)), 3);
    bench.send(ether(A, B));
    expect(drops(bench)).toEqual({ 'no remote': 1 });
    expect(bench.vtep.fdb.size).toBe(0);
  });

  test('a pinned entry does not move: the frame from elsewhere is dropped, from there it passes', () => {
    const bench = new VtepBench();
    bench.vtep.fdb.pin(macHi(A), macLo(A), 3);
    bench.input(wrap(100, ether(B, A)), 4);
    bench.input(wrap(100, ether(B, A)), 3);
    expect(drops(bench)).toEqual({ 'entry exists': 1 });
    expect(bench.inside.got.length).toBe(1);
    bench.send(ether(A, B));
    expect(bench.ground.told(TRACE.encapsulate)).toEqual([[3, VIA.pinned]]);
    bench.ground.end();
  });

  test("so does a row of the control plane's table", () => {
    const bench = new VtepBench();
    const db = new PeerDb();
    db.set(A, [parseIp('10.0.0.1')], 3);
    bench.vtep.db = db;
    bench.input(wrap(100, ether(B, A)), 4);
    bench.input(wrap(100, ether(B, A)), 3);
    expect(drops(bench)).toEqual({ 'entry exists': 1 });
    bench.input(wrap(100, ether(B, C)), 5);
    bench.send(ether(A, B));
    bench.send(ether(C, B));
    expect(bench.underlay.sent.map(({ peer }) => peer)).toEqual([3, 5]);
  });

  test('the bound on entries holds', () => {
    const bench = new VtepBench({ maxEntries: 1 });
    bench.input(wrap(100, ether(B, A)), 3);
    bench.input(wrap(100, ether(B, C)), 3);
    expect(bench.vtep.fdb.size).toBe(1);
    expect(bench.inside.got.length).toBe(2);
  });
});

describe('VTEP, sending', () => {
  test('nowhere to send: dropped with that reason', () => {
    const bench = new VtepBench();
    bench.send(ether(B, A));
    bench.send(ether(ALL, A));
    expect(drops(bench)).toEqual({ 'no remote': 2 });
    bench.ground.end();
  });

  test('less than an Ethernet header: dropped, whatever the slot held before', () => {
    for (const before of [0xff, 0x02]) {
      const bench = new VtepBench();
      bench.vtep.floodTo([1]);
      for (let n = 0; n < 14; n++) {
        const used = bench.ground.pool.take(60);
        used.bytes.fill(before, used.start, used.end);
        used.release();
        bench.send(new Uint8Array(n));
      }
      expect([drops(bench), bench.underlay.sent]).toEqual([{ 'invalid header': 14 }, []]);
      bench.ground.end();
    }
  });

  test('head-end replication: one whole copy a remote, none to itself', () => {
    const bench = new VtepBench();
    bench.vtep.floodTo([0, 1, 2, 3]);
    expect(bench.vtep.floodList).toEqual([1, 2, 3]);
    bench.send(ether(ALL, A));
    expect(bench.underlay.sent.map(({ peer }) => peer).sort()).toEqual([1, 2, 3]);
    for (const { bytes } of bench.underlay.sent) expect(bytes).toEqual(wrap(100, ether(ALL, A)));
    expect(bench.ground.told(TRACE.flood)).toEqual([[3, 1]]);
    expect(bench.vtep.counters.txPackets).toBe(3);
    bench.ground.end();
  });

  test("a row of the control plane's table behind this very VTEP is passed over: the frame is flooded", () => {
    const bench = new VtepBench();
    bench.vtep.db = new PeerDb();
    bench.vtep.db.set(B, [parseIp('10.0.0.2')], 0);
    bench.vtep.floodTo([1, 2]);
    bench.send(ether(B, A));
    expect(bench.underlay.sent.map(({ peer }) => peer).sort()).toEqual([1, 2]);
    bench.ground.end();
  });

  test('a bridge floods one frame to two VTEPs and two ports, in any order: each gets the same bytes', () => {
    for (let turn = 0; turn < 4; turn++) {
      const one = new VtepBench({ vni: 5 });
      const two = new VtepBench({ vni: 6 });
      one.vtep.floodTo([1, 2]);
      two.vtep.floodTo([3]);
      const outs = [new Out(), new Out()] as const;
      const ports = [one.vtep, outs[0], two.vtep, outs[1]] as const;
      const { clock, pool, trace } = one.ground;
      const bridge = new Bridge(9, 'br0', clock, trace);
      for (let i = 0; i < 4; i++) bridge.attach(ports[(i + turn) & 3] as Port);
      const from = bridge.attach(new Out());
      const bytes = ether(ALL, C);
      bridge.receive(pool.from(bytes), from);
      expect(outs.map(({ got }) => got)).toEqual([[bytes], [bytes]]);
      expect(one.underlay.sent.map((sent) => sent.bytes)).toEqual([wrap(5, bytes), wrap(5, bytes)]);
      expect(two.underlay.sent.map((sent) => sent.bytes)).toEqual([wrap(6, bytes)]);
      one.ground.end();
    }
  });

  test('a group: one datagram, and membership is asked for', () => {
    const bench = new VtepBench();
    bench.vtep.floodToGroup(9);
    bench.send(ether(B, A));
    bench.send(ether(0x01005e000001, A));
    expect(bench.underlay.sent.map(({ peer }) => peer)).toEqual([9, 9]);
    expect(bench.underlay.groups).toEqual([9]);
    expect(bench.ground.told(TRACE.flood).map(([, why]) => why)).toEqual([3, 2]);
  });

  test('a group is left for a list, for another group, and kept when it is given again', () => {
    const bench = new VtepBench();
    bench.vtep.floodToGroup(9);
    bench.vtep.floodToGroup(9);
    expect(bench.underlay.groups).toEqual([9]);
    bench.vtep.floodToGroup(8);
    expect(bench.underlay.groups).toEqual([8]);
    bench.vtep.floodTo([1, 2]);
    expect([bench.underlay.groups, bench.vtep.floodList]).toEqual([[], [1, 2]]);
    bench.vtep.floodTo([]);
    bench.vtep.floodToGroup(9);
    expect([bench.underlay.groups, bench.vtep.floodList]).toEqual([[9], [9]]);
  });

  test("a bridge's flood: the shared frame is not written to, with one remote or several", () => {
    for (const remotes of [[1], [1, 2, 3]]) {
      const bench = new VtepBench();
      bench.vtep.floodTo(remotes);
      const held = bench.ground.pool.from(ether(ALL, A)).retain();
      bench.vtep.send(held);
      expect([held.toBytes(), held.holders]).toEqual([ether(ALL, A), 1]);
      expect(bench.underlay.sent.length).toBe(remotes.length);
      held.release();
      bench.ground.end();
    }
  });

  test('TOS: the inner ECN mark goes out, the DSCP does not', () => {
    const bench = new VtepBench();
    bench.vtep.floodTo([1]);
    for (const tos of [0xb8, 0xb9, 0xba, 0xbb]) bench.send(ip(tos));
    bench.send(ether(B, A));
    expect(bench.underlay.sent.map(({ tos }) => tos)).toEqual([0, 1, 2, 2, 0]);
  });

  test('tags are stripped where they are not carried, also from a frame that others hold, and kept where they are', () => {
    const inner = ether(ALL, A);
    const tagged = new Uint8Array([
      ...inner.subarray(0, 12),
      0x88,
      0xa8,
      0,
      9,
      0x81,
      0,
      0,
      5,
      ...inner.subarray(12),
    ]);
    const bench = new VtepBench();
    bench.vtep.floodTo([1]);
    const held = bench.ground.pool.from(tagged).retain();
    bench.vtep.send(held);
    expect(bench.underlay.sent[0]?.bytes).toEqual(wrap(100, inner));
    expect(held.toBytes()).toEqual(tagged);
    held.release();
    bench.ground.end();
    const trunk = new VtepBench({ innerVlan: 'pass' });
    trunk.vtep.floodTo([1]);
    trunk.send(tagged);
    expect(trunk.underlay.sent[0]?.bytes).toEqual(wrap(100, tagged));
  });

  test('what does not fit is dropped; with replies on, the inner sender is told the largest that would', () => {
    const silent = new VtepBench();
    silent.vtep.floodTo([1]);
    silent.send(ip(0, 1431, true));
    expect(drops(silent)).toEqual({ 'MTU exceeded': 1 });
    silent.send(ip(0, 1430, true));
    expect(silent.underlay.sent.map(({ bytes }) => bytes.length)).toEqual([1472]);
    const telling = new VtepBench({ pmtuReplies: true });
    telling.vtep.floodTo([1]);
    telling.send(ip(0, 1431, true));
    telling.send(ip(0, 1431, false));
    expect(drops(telling)).toEqual({ 'MTU exceeded': 2 });
    expect(telling.inside.got.length).toBe(1);
    const view = viewOf(telling.inside.got[0] as Uint8Array);
    expect([ethernet.dst(view, 0), ethernet.src(view, 0)]).toEqual([A, B]);
    expect([icmp.type(view, 34), icmp.code(view, 34), icmp.nextHopMtu(view, 34)]).toEqual([3, 4, 1450]);
    expect(icmp.checksumOk(view, 34, view.byteLength) && ipv4.checksumOk(view, 14)).toBe(true);
    telling.ground.end();
  });
});

describe('VTEP, questions for neighbours', () => {
  const ask = (target: string): Uint8Array => arpFrame({ to: ALL, from: A }, 1, A, '10.0.0.1', 0, target);
  function bench(neighbours: 'forward' | 'proxy' | 'suppress'): VtepBench {
    const made = new VtepBench({ neighbours });
    made.vtep.db = new PeerDb();
    made.vtep.db.set(B, [parseIp('10.0.0.2')], 3);
    made.vtep.db.set(C, [parseIp('10.0.0.3')], 0);
    made.vtep.floodTo([3]);
    return made;
  }

  test('proxy: the known one is answered here, the unknown and the own one are swallowed', () => {
    const made = bench('proxy');
    made.send(ask('10.0.0.2'));
    const view = viewOf(made.inside.got[0] as Uint8Array);
    expect([arp.op(view, 14), arp.senderMac(view, 14), arp.targetMac(view, 14)]).toEqual([2, B, A]);
    expect([ethernet.dst(view, 0), ethernet.src(view, 0)]).toEqual([A, B]);
    made.send(ask('10.0.0.9'));
    made.send(ask('10.0.0.3'));
    expect(drops(made)).toEqual({ 'neighbour miss': 2 });
    expect(made.underlay.sent).toEqual([]);
    expect(made.ground.told(TRACE.answer).length).toBe(1);
    made.ground.end();
  });

  test('suppress: the known one is answered here, the others are flooded', () => {
    const made = bench('suppress');
    for (const target of ['10.0.0.2', '10.0.0.9', '10.0.0.3']) made.send(ask(target));
    expect([made.inside.got.length, made.underlay.sent.length]).toEqual([1, 2]);
  });

  test('forward: all are flooded', () => {
    const made = bench('forward');
    for (const target of ['10.0.0.2', '10.0.0.9']) made.send(ask(target));
    expect([made.inside.got.length, made.underlay.sent.length]).toEqual([0, 2]);
  });

  test('a flooded question that others hold is answered without writing into their bytes', () => {
    const made = bench('proxy');
    const held = made.ground.pool.from(ask('10.0.0.2')).retain();
    made.vtep.send(held);
    expect([held.toBytes(), made.inside.got.length]).toEqual([ask('10.0.0.2'), 1]);
    held.release();
    made.ground.end();
  });
});

describe('VNI demultiplexer', () => {
  test('each VNI to its own receiver; a VNI twice, out of range, unknown', () => {
    const ground = new Ground();
    const demux = new VniDemux(1, ground.trace);
    const inboxes = new Map([0, 1, 0x100, 0x10000, 0xffffff].map((vni) => [vni, new Inbox()]));
    for (const [vni, inbox] of inboxes) demux.add(vni, inbox);
    expect(demux.vnis).toEqual([0, 1, 256, 65536, 16777215]);
    for (const vni of [0, 1, 8, 0xff, 0x100, 0x1000, 0x1001, 0x10000, 0xfffffe, 0xffffff]) {
      demux.input(ground.pool.from(wrap(vni, ether(B, A), 0x08000000, 1)), vni & 7, 2);
    }
    for (const [vni, inbox] of inboxes) {
      expect(inbox.got).toEqual([{ peer: vni & 7, tos: 2, bytes: wrap(vni, ether(B, A), 0x08000000, 1) }]);
    }
    expect(demux.counters.dropped(DROP.vniNotFound)).toBe(5);
    expect(demux.counters.rxPackets).toBe(5);
    expect(() => demux.add(1, new Inbox())).toThrow(expect.objectContaining({ code: 'VNI_IN_USE' }));
    for (const vni of [-1, 2 ** 24, 1.5]) {
      expect(() => demux.add(vni, new Inbox())).toThrow(expect.objectContaining({ code: 'BAD_VNI' }));
    }
    expect([demux.remove(1), demux.remove(1)]).toEqual([true, false]);
    ground.end();
  });

  test('less than eight bytes, or the I flag clear: invalid header', () => {
    const ground = new Ground();
    const demux = new VniDemux(1, ground.trace);
    demux.add(100, new Inbox());
    for (let n = 0; n < 8; n++) demux.input(ground.pool.from(wrap(100, new Uint8Array(0)).slice(0, n)), 1, 0);
    demux.input(ground.pool.from(wrap(100, ether(B, A), 0xf7000000)), 1, 0);
    expect(demux.counters.snapshot()).toMatchObject({ rxPackets: 0, drops: { 'invalid header': 9 } });
    ground.end();
  });
});

test('property: any bytes in either direction, any settings: no exception, every frame comes home', () => {
  const options = fc.record({
    learning: fc.boolean(),
    neighbours: fc.constantFrom('forward', 'proxy', 'suppress'),
    reservedBits: fc.constantFrom('ignore', 'drop'),
    innerVlan: fc.constantFrom('pass', 'discard'),
    pmtuReplies: fc.boolean(),
  } as const);
  const type = fc.constantFrom([8, 0, 0x45], [8, 6, 0], [0x86, 0xdd, 0x60], [0x81, 0, 0], [0, 0, 0]);
  const frame = fc
    .tuple(fc.uint8Array({ minLength: 15, maxLength: 120 }), type, fc.boolean())
    .map(([bytes, t, group]) => {
      bytes.set(t, 12);
      bytes[0] = group ? 0xff : 2;
      return bytes;
    });
  const steps = fc.array(fc.tuple(frame, fc.boolean(), fc.nat(255), fc.nat(60)), { maxLength: 12 });
  fc.assert(
    fc.property(options, steps, (given, all) => {
      const bench = new VtepBench(given);
      bench.vtep.db = new PeerDb();
      bench.vtep.db.set(B, [0], 2);
      bench.vtep.floodTo([1, 2]);
      bench.underlay.payload = 80;
      const demux = new VniDemux(2, bench.ground.trace);
      demux.add(100, bench.vtep);
      for (const [bytes, out, tos, cut] of all) {
        if (out) bench.send(bytes);
        else
          demux.input(
            bench.ground.pool.from(wrap(100, bytes).slice(0, 8 + Math.max(0, bytes.length - cut))),
            1,
            tos,
          );
        demux.input(bench.ground.pool.from(bytes), 1, tos);
      }
      bench.ground.end();
    }),
    { numRuns: 300 },
  );
});
