// Damaged and hostile traffic: nothing throws, nothing is held beyond its bound, every reading points into its packet.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Eavesdropper } from '../../../src/core/eavesdrop/eavesdropper.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import { NODE_INFLATE } from '../../../src/live/node-inflate.ts';
import { captureBytes } from '../../support/captures.ts';
import { tries } from '../../support/properties.ts';
import type { Parcel } from '../streams/wire.ts';
import { Tap } from '../streams/wire.ts';
import { overhear, played } from './overhear.ts';

const LIMIT = 1 << 20;

function check(feed: (tap: Tap) => void): void {
  const ear = new Eavesdropper({ inflate: NODE_INFLATE, limits: { bytes: LIMIT, streams: 64 } });
  const tap = new Tap((sight, meta) => {
    ear.observe(sight, meta);
    if (ear.held > LIMIT) throw new Error(`${ear.held} bytes held`);
  });
  feed(tap);
  ear.end();
  expect(ear.held).toBe(0);
  for (const { readings, bytes, missing } of ear.report().conversations) {
    expect(bytes).toBeGreaterThanOrEqual(0);
    expect(missing).toBeGreaterThanOrEqual(0);
    for (const { place, length } of readings) {
      expect(length).toBeGreaterThan(0);
      if (place.within !== 'packet') continue;
      expect(place.offset).toBeGreaterThanOrEqual(0);
      expect(place.offset).toBeLessThan(tap.packets[place.packet - 1]?.length ?? 0);
    }
  }
}

const CAPTURES = [
  'docker-swarm/traffic-worker1-eth0.pcap',
  'docker-swarm/traffic-appserver1-any.pcap',
  'kernel/http-noffload.pcap',
  'public/zeek/tunnels/geneve-47101.pcap',
  'public/arkime/mysql-tls.pcap',
  'public/arkime/http-post-upload.pcap',
].map((name) => readAll(captureBytes(name)).packets.filter(({ bytes }) => bytes.length < 3000));

describe('real captures', () => {
  test('with bits turned, packets lost, doubled and out of order', () => {
    const damage = fc.record({
      capture: fc.nat(CAPTURES.length - 1),
      flips: fc.array(fc.tuple(fc.nat(200), fc.nat(2000), fc.nat(255)), { maxLength: 40 }),
      moves: fc.array(fc.tuple(fc.nat(200), fc.nat(200)), { maxLength: 20 }),
      cuts: fc.array(fc.tuple(fc.nat(200), fc.nat(1500)), { maxLength: 10 }),
    });
    fc.assert(
      fc.property(damage, ({ capture, flips, moves, cuts }) => {
        const packets = (CAPTURES[capture] ?? []).slice(0, 200).map(({ bytes }) => bytes.slice());
        for (const [n, at, value] of flips) {
          const packet = packets[n % packets.length] as Uint8Array;
          packet[at % packet.length] = (packet[at % packet.length] as number) ^ value;
        }
        for (const [from, to] of moves)
          packets.splice(to, 0, (packets[from % packets.length] as Uint8Array).slice());
        const snaps = new Map(cuts);
        check((tap) => {
          for (const [i, packet] of packets.entries()) tap.see(packet, snaps.get(i) ?? packet.length);
        });
      }),
      tries(150),
    );
  });
});

const WORDS = [
  'GET / HTTP/1.1\r\n',
  'HTTP/1.1 200 OK\r\n',
  'Content-Length: 10\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Content-Type: multipart/form-data; boundary=b\r\n',
  'Content-Type: application/json\r\n',
  'Content-Encoding: gzip\r\n',
  'Upgrade: h2c\r\n',
  'CONNECT a:1 HTTP/1.1\r\n\r\n',
  'HTTP/1.1 101 x\r\n\r\n',
  '\r\n',
  'ffffffff\r\n',
  '0\r\n\r\n',
  '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n',
  '{"password":"',
  'user=a&password=%zz&',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  '\x16\x03\x03\x00\x10\x0b\x00\x00\x0c\x00\x00\x09\x00\x00\x06\x30\x82\xff\xff\x30',
  '\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\xc0\x0c\x00\x01\x00\x01',
  'USER a\r\nPASS b\r\n',
  'EHLO x\r\nAUTH PLAIN AGEAYg==\r\n',
  '+OK\r\n',
  '220 x\r\n',
  '*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n',
  '\n',
];

const piece = fc.oneof(
  fc.constantFrom(...WORDS).map((text) => new Uint8Array(Buffer.from(text, 'latin1'))),
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 1, max: 40_000 }).map((n) => new Uint8Array(n).fill(0x61)),
);
const turn = fc.tuple(fc.constantFrom('>' as const, '<' as const), piece);

describe('made up', () => {
  test('pieces of protocols in any order on any port', () => {
    fc.assert(
      fc.property(
        fc.array(turn, { maxLength: 25 }),
        fc.constantFrom(21, 23, 25, 53, 80, 110, 143, 389, 443, 3306, 5432, 6379, 8080, 7777),
        fc.integer({ min: 1, max: 1500 }),
        fc.array(fc.nat(60), { maxLength: 5 }),
        (turns, port, size, lost) => {
          const parcels = played(port, turns, Math.max(size, 20)).filter((_, i) => !lost.includes(i));
          check((tap) => tap.send(...parcels));
        },
      ),
      tries(300),
    );
  });

  test('datagrams of anything', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(piece, fc.constantFrom(53, 5353, 123, 4789)), { maxLength: 12 }),
        (list) => {
          const parcels = list.map(
            ([payload, dstPort], id): Parcel => ({
              srcPort: 5000,
              dstPort,
              payload: payload.slice(0, 60_000),
              id,
              vni: 3,
            }),
          );
          check((tap) => tap.send(...parcels));
        },
      ),
      tries(200),
    );
  });

  test('the same bytes in other segments read the same', () => {
    fc.assert(
      fc.property(
        fc.array(turn, { maxLength: 12 }),
        fc.constantFrom(80, 8080, 443, 53),
        fc.integer({ min: 20, max: 1400 }),
        (turns, port, size) => {
          const told = (n: number): string[] =>
            overhear(played(port, turns, n)).report.conversations.flatMap(({ readings }) =>
              readings.filter(({ kind }) => kind === 'secret').map(({ what, secret }) => `${what} ${secret}`),
            );
          expect(told(size)).toEqual(told(60_000));
        },
      ),
      tries(150),
    );
  });
});
