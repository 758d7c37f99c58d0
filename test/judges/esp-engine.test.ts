// The emulated cluster's own ESP before tshark and Scapy: what its nodes send opens, with the keys that it exports and nothing else,
// to exactly what its VTEPs handed to the tunnel; and its nodes take what Scapy seals, and refuse it with a bit turned.

import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { L } from '../../src/core/dissect/layer.ts';
import { keyOf } from '../../src/core/esp/key.ts';
import { writeKeysFile } from '../../src/core/esp/keys-file.ts';
import { Opener } from '../../src/core/esp/opener.ts';
import type { Frame } from '../../src/core/frame/frame.ts';
import { PcapWriter } from '../../src/core/pcap/index.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import { sameIp } from '../../src/core/wire/address.ts';
import { PROTO } from '../../src/core/wire/numbers.ts';
import { Tunnel } from '../../src/engine/host/tunnel.ts';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../src/engine/model/spec.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { NODE_CIPHER } from '../../src/live/node-cipher.ts';
import { meta } from '../core/reassembly/cut.ts';
import { hex, toHex, viewOf } from '../support/bytes.ts';
import { PYTHON, scapy, tsharkWithKeys, withWrongKeys } from '../support/esp-judges.ts';
import { scratch } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';
import { hasTool } from '../support/peers.ts';

const files = scratch('esp-engine');
afterAll(() => files.done());
afterEach(() => vi.restoreAllMocks());

const HOUR = 3600 * SECOND;

/** A cluster whose networks are all encrypted, with a tap on every node's wire and one where VTEPs hand frames to the tunnel. */
class Encrypted {
  readonly sim: Simulation;
  /** Underlay frames as nodes sent them. */
  readonly sent: Uint8Array[] = [];
  /** Inner frames, in hex. */
  readonly inner: string[] = [];

  constructor(family: 4 | 6) {
    const { spec } = loadCompose(manifest('lecture-dnsrr.yml'), { stack: 'lecture' });
    const stack = spec as StackSpec;
    this.#tapTunnels();
    this.sim = new Simulation(
      { ...stack, networks: stack.networks.map((one) => ({ ...one, encrypted: true })) },
      {
        cluster: cluster({ family }),
        profile: profileOf('docker'),
        seed: 11,
        encryption: { cipher: NODE_CIPHER },
        capture: {
          frame: (_node: number, inbound: boolean, frame: Frame) => {
            if (!inbound) this.sent.push(frame.toBytes());
          },
        },
      },
    );
  }

  #tapTunnels(): void {
    const { inner } = this;
    const send = Tunnel.prototype.sendTo;
    vi.spyOn(Tunnel.prototype, 'sendTo').mockImplementation(function (this: Tunnel, ...args) {
      // The VXLAN header is in front already.
      inner.push(toHex(args[3].toBytes().subarray(8)));
      return send.apply(this, args);
    });
  }

  /** Pings of many sizes, before and after the keys have turned. */
  talk(): void {
    const { sim } = this;
    for (let turn = 0; turn < 2; turn++) {
      for (const size of [0, 1, 2, 3, 56, 1000, 1376]) {
        for (const [a, b] of [
          ['webserver.1', 'appserver.1'],
          ['appserver.2', 'mysql.1'],
        ] as const) {
          expect(sim.pingNow(a, b, { count: 1, size, interval: SECOND }).replies.length).toBe(1);
        }
      }
      // In fragments inside.
      sim.pingNow('webserver.1', 'appserver.1', {
        count: 1,
        size: 3000,
        dontFragment: false,
        interval: SECOND,
      });
      sim.clock.runUntil(sim.clock.now + 13 * HOUR);
    }
  }

  /** Writes what was sent, and the keys: right ones and wrong ones. */
  save(name: string): { path: string; keys: string; wrong: string } {
    const chunks: Uint8Array[] = [];
    const writer = new PcapWriter((bytes) => chunks.push(bytes.slice()), { linkType: 1 });
    for (const bytes of this.sent) writer.writePacket(0, 1, 0, viewOf(bytes), 0, bytes.length, bytes.length);
    writer.flush();
    const paths = {
      path: files.path(`${name}.pcap`),
      keys: files.path(`${name}.keys`),
      wrong: files.path(`${name}.wrong`),
    };
    writeFileSync(paths.path, Buffer.concat(chunks));
    const associations = this.sim.world.encryption?.associations ?? [];
    writeFileSync(paths.keys, writeKeysFile(associations));
    writeFileSync(paths.wrong, writeKeysFile(withWrongKeys(associations)));
    return paths;
  }
}

const HEADERS = 2 * 16;

describe.each([4, 6] as const)('over IPv%i', (family) => {
  const made = new Encrypted(family);
  made.talk();
  made.sim.close();
  vi.restoreAllMocks();
  const { path, keys, wrong } = made.save(`over-${family}`);
  const inner = made.inner.toSorted();
  const nothing = inner.map(() => '');

  test('there is something to open, under several keys', () => {
    expect(inner.length).toBeGreaterThan(60);
    const associations = made.sim.world.encryption?.associations ?? [];
    expect(new Set(associations.map((one) => toHex(one.key))).size).toBeGreaterThan(2);
  });

  test('with the keys we find the frames of the inner tap, every one and no other', () => {
    const opener = new Opener((made.sim.world.encryption?.associations ?? []).map(keyOf), NODE_CIPHER);
    const sight = new Sight(undefined, {}, opener);
    const found: string[] = [];
    for (const [i, bytes] of made.sent.entries()) {
      sight.read(viewOf(bytes), 0, bytes.length, meta(i + 1, 0, bytes.length));
      const { view, d } = sight.parts[1] ?? sight.own;
      if (d.vxlan < 0) continue;
      found.push(
        toHex(
          new Uint8Array(view.buffer, view.byteOffset + d.head(d.vxlan), d.end(d.vxlan) - d.head(d.vxlan)),
        ),
      );
    }
    expect(found.toSorted()).toEqual(inner);
    expect(opener.counts).toMatchObject({ packets: inner.length, opened: inner.length });
  });

  test.skipIf(!hasTool('tshark'))(
    'with the keys tshark finds them, and calls each as it was sent; with wrong ones none',
    () => {
      const read = (which: string): string[][] =>
        tsharkWithKeys(path, which, ['esp.spi', 'esp.contained_data', 'esp.icv_good', 'vxlan.vni']).filter(
          ([spi]) => spi !== '' && spi !== undefined,
        );
      const opened = read(keys);
      expect(opened.map(([, data = '']) => data.slice(HEADERS)).toSorted()).toEqual(inner);
      expect(new Set(opened.map(([, , good]) => good))).toEqual(new Set(['1']));
      const closed = read(wrong);
      expect(closed).toHaveLength(inner.length);
      const known = new Set(inner);
      expect(
        closed.filter(([, data = '', good, vni]) => good === '1' || vni || known.has(data.slice(HEADERS))),
      ).toEqual([]);
    },
  );

  test.skipIf(PYTHON === undefined)('with the keys Scapy finds them; with wrong ones none', () => {
    const read = (which: string): string[] =>
      (scapy(['open', path, which]) as { frames: (string | null)[] }).frames.map((one) => one ?? '');
    expect(read(keys).toSorted()).toEqual(inner);
    expect(read(wrong)).toEqual(nothing);
  });
});

describe.skipIf(PYTHON === undefined)('a node that gets what Scapy sealed', () => {
  test.each([4, 6] as const)(
    'over IPv%i takes it and answers; with a bit turned it drops it and counts',
    (family) => {
      const { sim, sent } = new Encrypted(family);
      sim.pingNow('webserver.1', 'appserver.1', { count: 1, size: 32, interval: SECOND });
      const associations = sim.world.encryption?.associations ?? [];
      const sight = new Sight(undefined, {}, new Opener(associations.map(keyOf), NODE_CIPHER));
      const requests = sent.filter((bytes) => {
        sight.read(viewOf(bytes), 0, bytes.length, meta(1, 0, bytes.length));
        return isEcho(sight, 8);
      });
      const bytes = requests[0] as Uint8Array;
      sight.read(viewOf(bytes), 0, bytes.length, meta(1, 0, bytes.length));
      const spi = viewOf(bytes).getUint32(sight.own.d.start(sight.own.d.count - 1));
      const keys = files.path(`node-${family}.keys`);
      writeFileSync(keys, writeKeysFile(associations));
      // The same datagram as it was before it was sealed, as Scapy gets it.
      const plain = toHex(plainPacket(sight));
      const [first, second] = scapy(
        ['seal', keys],
        [
          { spi, sequence: 500, packet: plain },
          { spi, sequence: 501, packet: plain },
        ],
      ) as [string, string];
      const to = associations.find((one) => one.spi === spi)?.dst;
      const node = [...sim.world.nodes.values()].find(({ ip }) => to !== undefined && sameIp(ip, to));
      if (node === undefined) throw new Error('nobody has the address that the packet is to');
      const receive = (packet: string, flip = false): { replies: number; forged: number } => {
        const frame = Uint8Array.from([...bytes.subarray(0, 14), ...hex(packet)]);
        if (flip) frame[frame.length - 20] = (frame.at(-20) as number) ^ 4;
        const [before, forged] = [sent.length, node.host.counters.dropped(DROP.forged)];
        node.host.receive(sim.world.ground.pool.from(frame), 0);
        sim.clock.runUntil(sim.clock.now + SECOND);
        const replies = sent.slice(before).filter((answer) => {
          sight.read(viewOf(answer), 0, answer.length, meta(1, 0, answer.length));
          return isEcho(sight, 0);
        });
        return { replies: replies.length, forged: node.host.counters.dropped(DROP.forged) - forged };
      };
      expect(receive(first, true)).toEqual({ replies: 0, forged: 1 });
      expect(receive(second)).toEqual({ replies: 1, forged: 0 });
      sim.close();
      expect(sim.world.ground.pool.out).toBe(0);
    },
  );
});

/** True when an echo message of this type was opened. */
function isEcho(sight: Sight, type: number): boolean {
  const { view, d } = sight.last;
  if (!sight.isOpened || d.transport < 0 || d.kind(d.transport) !== L.icmp) return false;
  return view.getUint8(d.start(d.transport)) === type;
}

/** The IP packet that was sealed into the one that the sight has opened: its header, and what ESP carries. */
function plainPacket(sight: Sight): Uint8Array {
  const { view, d, from } = sight.parts[1] as Sight['last'];
  const bytes = (a: number, b: number): Uint8Array => new Uint8Array(view.buffer, view.byteOffset + a, b - a);
  const ip = from - 1;
  const packet = Uint8Array.from([...bytes(d.start(ip), d.head(ip)), ...bytes(d.head(from), d.end(from))]);
  const out = viewOf(packet);
  if (d.kind(ip) === L.ipv6) {
    out.setUint8(6, PROTO.udp);
    out.setUint16(4, packet.length - 40);
  } else {
    out.setUint8(9, PROTO.udp);
    out.setUint16(2, packet.length);
  }
  return packet;
}
