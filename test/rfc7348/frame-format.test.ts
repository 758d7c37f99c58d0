// RFC 7348's sentences on the frame format and on what a VTEP does with frames, by section. What has no test here:
// s.4.2's requirements on multicast routers and s.7's advice to operators, which are no behaviour of a VTEP.

import { describe, expect, test } from 'vitest';
import { readAll } from '../../src/core/pcap/index.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import { portFor } from '../../src/engine/fabric/entropy.ts';
import { VniDemux } from '../../src/engine/fabric/vni-demux.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { A, ALL, B, C, ether, Ground, Inbox, VtepBench, wrap } from '../engine/fabric/ground.ts';
import { packet4, udpBytes } from '../engine/host/packets.ts';
import { hex, viewOf } from '../support/bytes.ts';
import { captureBytes } from '../support/captures.ts';

const RFC = profileOf('flood-and-learn');

/** A VTEP as the profile sets it, behind a demultiplexer. */
function vtep(vni = 100): {
  bench: VtepBench;
  demux: VniDemux;
  arrive(bytes: Uint8Array, peer?: number): void;
} {
  const { learning, neighbours, reservedBits, innerVlan, pmtuReplies, ageing } = RFC;
  const bench = new VtepBench({ vni, learning, neighbours, reservedBits, innerVlan, pmtuReplies, ageing });
  const demux = new VniDemux(9, bench.ground.trace);
  demux.add(vni, bench.vtep);
  bench.vtep.floodToGroup(50);
  return { bench, demux, arrive: (bytes, peer = 1) => demux.input(bench.ground.pool.from(bytes), peer, 0) };
}

const headerOf = (inner: Uint8Array, vni = 100): Uint8Array => {
  const { bench } = vtep(vni);
  bench.send(inner);
  return bench.underlay.sent[0]?.bytes.slice(0, 8) as Uint8Array;
};

describe('RFC 7348 s.5, VXLAN header', () => {
  test('s.5: the I flag MUST be 1 for a valid VNI: set when sent, and without it nothing is delivered', () => {
    expect((headerOf(ether(B, A))[0] as number) & 0x08).toBe(0x08);
    const { bench, demux, arrive } = vtep();
    for (let flags = 0; flags < 256; flags++) arrive(wrap(100, ether(B, A), flags * 2 ** 24));
    expect(bench.inside.got.length).toBe(128);
    expect(demux.counters.dropped(DROP.invalidHeader)).toBe(128);
  });

  test('s.5: the other 7 flag bits MUST be 0 when sent', () => {
    expect(headerOf(ether(B, A))[0]).toBe(0x08);
  });

  test('s.5: the other 7 flag bits MUST be ignored on receipt', () => {
    const { bench, arrive } = vtep();
    for (const bit of [0x80, 0x40, 0x20, 0x10, 0x04, 0x02, 0x01])
      arrive(wrap(100, ether(B, A), (8 | bit) * 2 ** 24));
    expect(bench.inside.got).toEqual(new Array(7).fill(ether(B, A)));
  });

  test('s.5: both reserved fields MUST be 0 when sent', () => {
    const header = headerOf(ether(B, A), 0xffffff);
    expect([...header]).toEqual([8, 0, 0, 0, 0xff, 0xff, 0xff, 0]);
  });

  test('s.5: both reserved fields MUST be ignored on receipt, and do not touch the VNI', () => {
    const { bench, arrive } = vtep();
    for (let bit = 0; bit < 24; bit++) arrive(wrap(100, ether(B, A), 0x08000000 + 2 ** bit));
    for (let bit = 0; bit < 8; bit++) arrive(wrap(100, ether(B, A), 0x08000000, 2 ** bit));
    expect(bench.inside.got.length).toBe(32);
  });

  test('s.5: so with packets of others that have reserved fields set', () => {
    const { packets } = readAll(captureBytes('public/suricata-verify/vxlan-non-zero-reserved-fields.pcap'));
    const payloads = packets.map((one) => one.bytes.slice(42));
    for (const payload of payloads) {
      const { bench, arrive } = vtep(vxlan.vni(viewOf(payload), 0));
      arrive(payload);
      expect(bench.inside.got).toEqual([payload.slice(8)]);
    }
    expect(payloads.length).toBe(10);
  });

  test.each([0, 1, 255, 256, 65535, 65536, 16777215])(
    's.5: the VNI has 24 bits in network order: %i',
    (vni) => {
      expect([...headerOf(ether(B, A), vni)].slice(4, 7)).toEqual([vni >> 16, (vni >> 8) & 255, vni & 255]);
      const { bench, arrive } = vtep(vni);
      arrive(wrap(vni, ether(B, A)));
      expect(bench.inside.got.length).toBe(1);
    },
  );

  test('s.5: there is no VNI 2^24', () => {
    expect(() => new VniDemux(1, new Ground().trace).add(2 ** 24, new Inbox())).toThrow('16777215');
  });

  test('s.5: the inner frame is carried from its destination MAC on, without FCS or padding of its own', () => {
    const { bench } = vtep();
    for (const length of [0, 1, 46, 1436]) bench.send(ether(B, A, length));
    expect(bench.underlay.sent.map(({ bytes }) => bytes.length)).toEqual([22, 23, 68, 1458]);
    expect(bench.underlay.sent[2]?.bytes.slice(8)).toEqual(ether(B, A));
  });

  test('s.5: a packet of Open vSwitch (vector A, VNI 123): its 42 inner bytes are delivered', () => {
    const inner =
      'fe71d883724f beb6f4e1494a 0800 4500001c0001000040013ede 1e000001 1e000002 0000ffff00000000';
    const { bench, arrive } = vtep(123);
    arrive(hex(`0800000000007b00 ${inner}`));
    expect(bench.inside.got).toEqual([hex(inner)]);
  });
});

describe('RFC 7348 s.5, outer headers', () => {
  test('s.5: destination port 4789 SHOULD be the default', () => {
    expect(RFC.port).toBe(4789);
  });

  test('s.5: the source port is RECOMMENDED to be a hash of inner fields: one flow one port, many flows many', () => {
    const { bench } = vtep();
    const flow = (port: number): Uint8Array =>
      packet4(
        { to: B, from: A },
        { src: '10.0.0.1', dst: '10.0.0.2', proto: 17 },
        udpBytes('10.0.0.1', '10.0.0.2', port, 53, new Uint8Array(4)),
      );
    const ports = (count: number, make: (n: number) => Uint8Array): Set<number> => {
      bench.underlay.sent.length = 0;
      for (let n = 0; n < count; n++) bench.send(make(n));
      return new Set(bench.underlay.sent.map(({ entropy }) => portFor(entropy, ...RFC.sourcePorts)));
    };
    expect(ports(50, () => flow(7)).size).toBe(1);
    expect(ports(50, (n) => flow(1000 + n)).size).toBeGreaterThan(40);
  });

  test('s.5: the source port is RECOMMENDED to be in 49152 to 65535', () => {
    expect(RFC.sourcePorts).toEqual([49152, 65535]);
  });

  test('s.5: the UDP checksum SHOULD be sent as zero', () => {
    expect(RFC.udpChecksum).toBe(false);
  });
});

describe('RFC 7348 s.4', () => {
  test('s.4: the same MAC in two VNIs: no frame crosses, and each is learned apart', () => {
    const ground = new Ground();
    const demux = new VniDemux(1, ground.trace);
    const [ten, twenty] = [new VtepBench({ vni: 10 }), new VtepBench({ vni: 20 })];
    demux.add(10, ten.vtep);
    demux.add(20, twenty.vtep);
    demux.input(ground.pool.from(wrap(10, ether(B, A))), 1, 0);
    demux.input(ground.pool.from(wrap(20, ether(B, A))), 2, 0);
    expect([ten.inside.got.length, twenty.inside.got.length]).toEqual([1, 1]);
    ten.send(ether(A, B));
    twenty.send(ether(A, B));
    expect([ten.underlay.sent[0]?.peer, twenty.underlay.sent[0]?.peer]).toEqual([1, 2]);
    expect(vxlan.vni(viewOf(twenty.underlay.sent[0]?.bytes as Uint8Array), 0)).toBe(20);
  });

  test('s.4: endpoints know nothing of the VNI: the frame arrives byte for byte as it left', () => {
    const [left, right] = [vtep(), vtep()];
    for (const length of [0, 46, 1000, 1436]) {
      left.bench.send(ether(B, A, length));
      right.arrive(left.bench.underlay.sent.at(-1)?.bytes as Uint8Array);
      expect(right.bench.inside.got.at(-1)).toEqual(ether(B, A, length));
    }
  });

  test('s.4: tunnels are stateless: any datagram alone is taken, in any order and twice', () => {
    const { bench, arrive } = vtep();
    for (const n of [3, 1, 1, 2]) arrive(wrap(100, ether(B, A, n)), n);
    expect(bench.inside.got.map((bytes) => bytes.length - 14)).toEqual([3, 1, 1, 2]);
  });

  test('s.4.1: a VNI that is not known here is not delivered', () => {
    const { bench, demux, arrive } = vtep();
    for (const vni of [0, 99, 101, 25600]) arrive(wrap(vni, ether(B, A)));
    expect([bench.inside.got, demux.counters.dropped(DROP.vniNotFound)]).toEqual([[], 4]);
  });

  test('s.4.1: inner source MAC to outer source IP is learned, so that the answer needs no flood', () => {
    const { bench, arrive } = vtep();
    bench.send(ether(A, B));
    arrive(wrap(100, ether(B, A)), 5);
    bench.send(ether(A, B));
    expect(bench.underlay.sent.map(({ peer }) => peer)).toEqual([50, 5]);
  });

  test('s.4.2: broadcast goes to the group of the VNI, which the VTEP has joined', () => {
    const { bench } = vtep();
    bench.send(ether(ALL, A));
    expect([bench.underlay.sent.map(({ peer }) => peer), bench.underlay.groups]).toEqual([[50], [50]]);
  });

  test('s.4.2: multicast and unknown destinations take the same way', () => {
    const { bench } = vtep();
    bench.send(ether(0x01005e0000fb, A));
    bench.send(ether(C, A));
    expect(bench.underlay.sent.map(({ peer }) => peer)).toEqual([50, 50]);
  });

  test('s.4.3: VTEPs MUST NOT fragment: what does not fit is dropped whole, DF or not', () => {
    const { bench } = vtep();
    for (const dontFragment of [true, false]) {
      bench.send(
        packet4(
          { to: B, from: A },
          { src: '10.0.0.1', dst: '10.0.0.2', proto: 17, dontFragment },
          new Uint8Array(1431),
        ),
      );
    }
    expect([bench.underlay.sent, bench.vtep.counters.dropped(DROP.mtuExceeded)]).toEqual([[], 2]);
    bench.ground.end();
  });

  test('s.4.3: the destination VTEP MAY discard fragments: the profile has it so', () => {
    expect(RFC.discardFragments).toBe(true);
  });
});

describe('RFC 7348 s.6.1, inner VLAN tags', () => {
  const tagged = (type: number): Uint8Array => {
    const inner = ether(B, A);
    return new Uint8Array([...inner.subarray(0, 12), type >> 8, type & 255, 0, 99, ...inner.subarray(12)]);
  };

  test.each([0x8100, 0x88a8])(
    's.6.1: a decapsulated frame with an inner tag (%i) SHOULD be discarded',
    (type) => {
      const { bench, arrive } = vtep();
      arrive(wrap(100, tagged(type)));
      expect([bench.inside.got, bench.vtep.counters.dropped(DROP.innerVlan)]).toEqual([[], 1]);
    },
  );

  test.each([0x8100, 0x88a8])('s.6.1: a tag (%i) SHOULD be stripped before encapsulation', (type) => {
    const { bench } = vtep();
    bench.send(tagged(type));
    expect(bench.underlay.sent[0]?.bytes).toEqual(wrap(100, ether(B, A)));
  });

  test('s.6.1: unless configured otherwise', () => {
    const trunk = new VtepBench({ innerVlan: 'pass' });
    trunk.input(wrap(100, tagged(0x8100)));
    trunk.send(tagged(0x8100));
    expect([trunk.inside.got.length, trunk.underlay.sent.length]).toEqual([1, 0]);
    expect(trunk.vtep.counters.dropped(DROP.noRemote)).toBe(1);
  });
});

test('s.7: nothing is authenticated: a forged frame moves a station to the forger', () => {
  const { bench, arrive } = vtep();
  arrive(wrap(100, ether(B, A)), 5);
  arrive(wrap(100, ether(B, A)), 66);
  bench.send(ether(A, B));
  expect(bench.underlay.sent.map(({ peer }) => peer)).toEqual([66]);
});
