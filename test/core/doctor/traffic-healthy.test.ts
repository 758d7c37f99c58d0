// All traffic rules over everything: no error on healthy captures, and nothing breaks on damaged ones.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Crossing } from '../../../src/core/dissect/crossing.ts';
import { EVIDENCE_MAX, SEVERITIES } from '../../../src/core/doctor/rule.ts';
import { TRAFFIC_RULES } from '../../../src/core/doctor/traffic/rules.ts';
import type { PacketMeta } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { Recorded, scratch } from '../../support/judges.ts';
import { manifest } from '../../support/manifests.ts';
import { findIn, findInCapture, lines } from './traffic-run.ts';

const HEALTHY = [
  'kernel',
  'docker-swarm',
  'ovs',
  'formats',
  'public/ndpi',
  'public/tcpdump',
  'public/zeek/tunnels',
]
  .flatMap(captureNames)
  .filter((name) => /\.pcap(ng)?$/.test(name))
  .filter((name) => !name.startsWith('public/') || /vxlan/.test(name));

test.each(HEALTHY)('%s raises no error, and findings are well formed', (name) => {
  const found = findInCapture(name);
  expect(lines(found.filter((one) => one.severity === 'error'))).toEqual([]);
  for (const one of found) {
    expect(one.code).toMatch(/^[A-Z]+(-[A-Z0-9]+)+$/);
    expect(SEVERITIES).toContain(one.severity);
    for (const text of [one.title, one.explain, one.cure]) expect(text).toMatch(/^[\x20-\x7e]{8,}$/);
    expect(one.packets.length).toBeGreaterThan(0);
    expect(one.packets.length).toBeLessThanOrEqual(EVIDENCE_MAX);
    expect(one.packets.length).toBeLessThanOrEqual(one.count);
    expect(one.packets).toEqual(one.packets.toSorted((x, y) => x - y));
  }
});

test('the warnings on healthy captures are these', () => {
  const warned = HEALTHY.flatMap((name) =>
    findInCapture(name)
      .filter((one) => one.severity === 'warning' && !one.code.startsWith('CLEARTEXT'))
      .map((one) => `${name} ${one.code}`),
  );
  expect(warned).toEqual(['public/zeek/tunnels/vxlan-inner-tcp-bad-checksum.pcap CHECKSUM-UNCLEAR']);
});

test('a run of the emulated cluster, tapped at every node, raises nothing', () => {
  const files = scratch('traffic-healthy');
  const run = new Recorded(manifest('lecture-dnsrr.yml'), 'docker', {});
  for (const size of [56, 1422]) run.ping('webserver.1', 'appserver.1', { size });
  run.ping('webserver.1', 'appserver.1', { size: 4000, dontFragment: false });
  run.datagram('webserver.1', 'appserver.1', 3000);
  run.simulation.close();
  run.save(files.path('run.pcapng'));
  expect(lines(findIn(new Uint8Array(readFileSync(files.path('run.pcapng')))))).toEqual([]);
  files.done();
});

const META: PacketMeta = {
  number: 1,
  offset: 0,
  seconds: 1,
  nanos: 0,
  timed: true,
  originalLength: 0,
  linkType: 1,
  interfaceId: 0,
  direction: 0,
  fcsLength: 0,
  optionsStart: 0,
  optionsEnd: 0,
  littleEndian: true,
};

/** Runs all rules over packets given one after the other; each stands alone in its buffer, so that no read can stray. */
function survive(packets: readonly Uint8Array[], linkType = 1): void {
  const rules = TRAFFIC_RULES.map((make) => make());
  const sight = new Sight();
  const crossing = new Crossing();
  packets.forEach((bytes, i) => {
    const meta = { ...META, number: i + 1, nanos: i * 1000, originalLength: bytes.length, linkType };
    sight.read(viewOf(bytes), 0, bytes.length, meta);
    for (const rule of rules) rule.observe(sight, meta);
    for (let row = 0; crossing.find(sight.last.view, sight.last.d, row); row = crossing.vxlan + 1) {
      for (const rule of rules) rule.cross?.(crossing, sight, meta);
    }
  });
  for (const rule of rules) rule.findings();
}

const SOURCES = [
  'docker-swarm/traffic-worker1-eth0.pcap',
  'kernel/ipv6-underlay.pcap',
  'kernel/flannel.pcap',
  'kernel/misc-no-vtep.pcap',
  'kernel/gpe.pcap',
  'kernel/outer-frag.pcap',
  'kernel/unicast4.pcap',
];
const PACKETS = SOURCES.flatMap((name) => packetsOf(captureBytes(name)).map((packet) => packet.bytes));

test('packets cut at every byte are looked at without reading past them', () => {
  for (const bytes of PACKETS.filter((_, i) => i % 9 === 0)) {
    const cuts = Array.from({ length: Math.min(bytes.length, 160) }, (_, n) => bytes.slice(0, n));
    survive(cuts);
  }
  const cooked = packetsOf(captureBytes('formats/any-sll2.pcap')).slice(0, 8);
  for (const { bytes, linkType } of cooked) {
    survive(
      Array.from({ length: 120 }, (_, n) => bytes.slice(0, n)),
      linkType,
    );
  }
});

test('packets with bytes changed at random never throw', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          packet: fc.nat(PACKETS.length - 1),
          changes: fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
        }),
        { minLength: 1, maxLength: 40 },
      ),
      (cases) => {
        survive(
          cases.map(({ packet, changes }) => {
            const bytes = (PACKETS[packet] as Uint8Array).slice();
            for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
            return bytes;
          }),
        );
      },
    ),
    { numRuns: 300 },
  );
});
