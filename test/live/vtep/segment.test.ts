// What a VNI of a live VTEP takes from its tunnels and what it refuses, on virtual time with a stub underlay.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMac } from '../../../src/core/wire/address.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { VniDemux } from '../../../src/engine/fabric/vni-demux.ts';
import { Ground } from '../../../src/engine/orchestrate/ground.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { VirtualClock } from '../../../src/engine/time/virtual-clock.ts';
import { Segment } from '../../../src/live/vtep/segment.ts';
import type { LiveVtepConfig, SegmentConfig, VtepLimits } from '../../../src/live/vtep/vtep-config.ts';
import { dropsOf } from '../../../src/live/vtep/vtep-report.ts';
import { StubUnderlay, wrap } from '../../engine/fabric/ground.ts';
import { arpFrame, frame, packet4, packet6 } from '../../engine/host/packets.ts';
import { hex } from '../../support/bytes.ts';

const ALL = 0xffffffffffff;
const HOST = '10.42.0.2';
const HOST6 = 'fd00:42::2';
const HOST_MAC = parseMac('02:42:0a:2a:00:02');
const OTHERS = 0x020000000011;
const FIRST = '192.0.2.1';
const SECOND_ONE = '192.0.2.3';
const STRANGER = '192.0.2.9';

class Bench {
  readonly clock: VirtualClock = new VirtualClock();
  readonly ground: Ground = new Ground(this.clock, 1);
  readonly underlay: StubUnderlay = new StubUnderlay();
  readonly demux: VniDemux = new VniDemux(99, this.ground.trace);
  readonly segment: Segment;

  constructor(given: Partial<SegmentConfig> = {}, limits: Partial<VtepLimits> = {}, learning = true) {
    const segment: SegmentConfig = {
      vni: 42,
      remotes: [parseIp(FIRST), parseIp(SECOND_ONE)],
      group: null,
      hosts: [{ ip: parseIp(HOST), prefix: 24, mac: HOST_MAC }],
      attach: [],
      fdb: [],
      neighbours: [],
      ...given,
    };
    const config: LiveVtepConfig = {
      local: parseIp('192.0.2.2'),
      port: 4789,
      backend: 'udp',
      dev: null,
      sourcePorts: [32768, 60999],
      mtu: null,
      ttl: 64,
      tos: 0,
      dontFragment: true,
      offload: true,
      learning,
      ageing: 300 * SECOND,
      accept: [],
      acceptAny: false,
      limits: { learnPerPeer: 8, learnPerVni: 12, flood: 0, ...limits },
      rate: 0,
      segments: [segment],
    };
    const { ground, demux, underlay } = this;
    const clock = { tick: () => this.clock.now };
    this.segment = new Segment(config, segment, {
      ground,
      clock,
      demux,
      underlay,
      mtu: 1450,
      offload: true,
      whole: true,
    });
  }

  /** A datagram comes in. */
  from(address: string, inner: Uint8Array, vni = 42): void {
    const peer = this.ground.peers.idOf(parseIp(address));
    this.demux.input(this.ground.pool.from(wrap(vni, inner)), peer, 0);
  }

  get drops(): Readonly<Record<string, number>> {
    const { guard, vtep, bridge, hosts } = this.segment;
    return dropsOf([
      this.demux.counters,
      guard.counters,
      vtep.counters,
      bridge.counters,
      ...hosts.map((host) => host.counters),
    ]);
  }

  /** Takes it down: every frame is home and no timer is left. */
  async end(): Promise<void> {
    await this.segment.close();
    expect(this.ground.pool.out).toBe(0);
    expect(this.clock.pending).toBe(0);
  }
}

/** A question of somebody else for the host's address. */
const asks = (mac = OTHERS, ip = '10.42.0.11', to = ALL): Uint8Array =>
  arpFrame({ to, from: mac }, arp.OP.request, mac, ip, 0, HOST);
/** A packet of somebody to somebody. */
const says = (from: number, to: number, src = '10.42.0.11'): Uint8Array =>
  packet4({ to, from }, { src, dst: '10.42.0.99', proto: 253 }, new Uint8Array(8));

describe('a segment', () => {
  test('answers for its host, to the peer that asked', async () => {
    const bench = new Bench();
    bench.from(FIRST, asks());
    expect(bench.underlay.sent).toHaveLength(1);
    expect(bench.underlay.sent[0]?.peer).toBe(bench.ground.peers.idOf(parseIp(FIRST)));
    expect(bench.drops).toEqual({});
    await bench.end();
  });

  test('takes nothing of who is no VTEP of the VNI, though another VNI may know it', async () => {
    const bench = new Bench();
    bench.from(STRANGER, asks());
    expect(bench.drops).toEqual({ 'unknown peer': 1 });
    expect(bench.underlay.sent).toEqual([]);
    await bench.end();
  });

  test.each<[string, Uint8Array]>([
    ["its host's MAC", asks(HOST_MAC)],
    ["its host's address in ARP", asks(OTHERS, HOST)],
    ["its host's address in IPv4", says(OTHERS, HOST_MAC, HOST)],
    [
      "its host's address in IPv6",
      packet6({ to: HOST_MAC, from: OTHERS }, { src: HOST6, dst: 'fd00:42::9', next: 59 }, new Uint8Array(8)),
    ],
    [
      "a neighbour advertisement of its host's address",
      packet6(
        { to: ALL, from: OTHERS },
        { src: 'fe80::11', dst: 'ff02::1', next: 58, hops: 255 },
        hex(`88000000 20000000 fd000042000000000000000000000002 0201 020000000011`),
      ),
    ],
  ])('refuses %s from a tunnel', async (_, inner) => {
    const hosts = [
      { ip: parseIp(HOST), prefix: 24, mac: HOST_MAC },
      { ip: parseIp(HOST6), prefix: 64, mac: HOST_MAC + 1 },
    ];
    const bench = new Bench({ hosts });
    bench.from(FIRST, inner);
    expect(bench.drops).toEqual({ 'own address': 1 });
    expect(bench.segment.vtep.counters.rxPackets).toBe(0);
    await bench.end();
  });

  test.each([true, false])('a pinned MAC comes from its VTEP alone (learning: %s)', async (learning) => {
    const fdb = [{ mac: OTHERS, vtep: parseIp(FIRST) }];
    const bench = new Bench({ fdb }, {}, learning);
    bench.from(SECOND_ONE, asks());
    expect(bench.drops).toEqual({ 'entry exists': 1 });
    bench.from(FIRST, asks());
    expect(bench.segment.vtep.counters.rxPackets).toBe(1);
    await bench.end();
  });

  test('a pinned neighbour has its MAC alone, and questions for it are answered here', async () => {
    const neighbours = [{ ip: parseIp('10.42.0.11'), mac: OTHERS }];
    const bench = new Bench({ neighbours });
    bench.from(FIRST, asks(OTHERS + 1));
    bench.from(FIRST, says(OTHERS + 1, HOST_MAC));
    expect(bench.drops).toEqual({ 'entry exists': 2 });
    bench.from(FIRST, asks(OTHERS));
    expect(bench.underlay.sent).toHaveLength(1);
    const question = arpFrame({ to: ALL, from: HOST_MAC }, arp.OP.request, HOST_MAC, HOST, 0, '10.42.0.11');
    const answered: Uint8Array[] = [];
    bench.segment.vtep.plug(
      {
        receive: (one) => {
          answered.push(one.toBytes());
          one.release();
        },
      },
      0,
    );
    bench.segment.vtep.send(bench.ground.pool.from(question));
    expect(answered).toHaveLength(1);
    expect(bench.underlay.sent).toHaveLength(1);
    await bench.end();
  });

  test('sends nothing from tunnel to tunnel: known, unknown, broadcast', async () => {
    const bench = new Bench({ hosts: [] });
    bench.from(FIRST, says(OTHERS, ALL));
    bench.from(SECOND_ONE, says(OTHERS + 1, OTHERS));
    bench.from(SECOND_ONE, says(OTHERS + 1, OTHERS + 5));
    expect(bench.underlay.sent).toEqual([]);
    expect(bench.drops).toEqual({ 'same port': 1 });
    expect(bench.segment.vtep.counters.rxPackets).toBe(3);
    await bench.end();
  });

  test('learns so many behind a peer, so many in all, and drops what is beyond', async () => {
    const bench = new Bench();
    for (let i = 0; i < 10; i++) bench.from(FIRST, asks(OTHERS + i, `10.42.0.${20 + i}`));
    expect(bench.segment.vtep.fdb.size).toBe(8);
    expect(bench.drops).toEqual({ 'learning limit': 2 });
    for (let i = 0; i < 10; i++) bench.from(SECOND_ONE, asks(OTHERS + 100 + i, `10.42.0.${40 + i}`));
    expect(bench.segment.vtep.fdb.size).toBe(12);
    expect(bench.drops).toEqual({ 'learning limit': 8 });
    // One that is known is not the worse for it.
    bench.from(FIRST, asks(OTHERS, '10.42.0.20'));
    expect(bench.drops).toEqual({ 'learning limit': 8 });
    await bench.end();
  });

  test('floods so many frames a second of each peer, and leaves those alone that have one way', async () => {
    const bench = new Bench({}, { flood: 5 });
    for (let i = 0; i < 8; i++) bench.from(FIRST, asks());
    expect(bench.drops).toEqual({ 'flood limit': 3 });
    for (let i = 0; i < 5; i++) bench.from(SECOND_ONE, asks(OTHERS + 1, '10.42.0.12'));
    expect(bench.drops).toEqual({ 'flood limit': 3 });
    for (let i = 0; i < 50; i++) bench.from(FIRST, asks(OTHERS, '10.42.0.11', HOST_MAC));
    expect(bench.drops).toEqual({ 'flood limit': 3 });
    bench.clock.runUntil(SECOND / 2);
    for (let i = 0; i < 8; i++) bench.from(FIRST, asks());
    expect(bench.drops).toEqual({ 'flood limit': 9 });
    await bench.end();
  });

  test('and so many into its tunnels, each to every remote', async () => {
    const bench = new Bench({ hosts: [] }, { flood: 4 });
    const { bridge } = bench.segment;
    const port = bridge.attach({ name: 'p', mtu: 1450, send: (one) => one.release() });
    for (let i = 0; i < 7; i++) bridge.receive(bench.ground.pool.from(says(7, ALL)), port);
    expect(bench.underlay.sent).toHaveLength(8);
    expect(bench.drops).toEqual({ 'flood limit': 3 });
    bench.from(FIRST, says(OTHERS, 7));
    for (let i = 0; i < 50; i++) bridge.receive(bench.ground.pool.from(says(7, OTHERS)), port);
    expect(bench.underlay.sent).toHaveLength(58);
    expect(bench.drops).toEqual({ 'flood limit': 3 });
    await bench.end();
  });

  test('any bytes from a peer are a frame or a counted drop, and every frame goes home', () => {
    const type = fc.constantFrom(0x0800, 0x0806, 0x86dd, 0x8100);
    fc.assert(
      fc.property(fc.array(fc.tuple(type, fc.uint8Array({ maxLength: 90 })), { maxLength: 20 }), (frames) => {
        const bench = new Bench({ neighbours: [{ ip: parseIp('10.42.0.11'), mac: OTHERS }] });
        for (const [ethertype, bytes] of frames)
          bench.from(FIRST, frame({ to: ALL, from: OTHERS }, ethertype, bytes));
        for (const [, bytes] of frames) bench.from(FIRST, bytes);
        void bench.segment.close();
        expect(bench.ground.pool.out).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
