import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { CATALOGUE, TRAFFIC_CODES, TUNNEL_CODES } from '../../../src/core/doctor/catalogue.ts';
import { Doctor } from '../../../src/core/doctor/doctor.ts';
import type { Finding } from '../../../src/core/doctor/rule.ts';
import { EVIDENCE_MAX, SEVERITIES } from '../../../src/core/doctor/rule.ts';
import type { PacketMeta } from '../../../src/core/pcap/record.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureNames } from '../../support/captures.ts';
import { Recorded, scratch } from '../../support/judges.ts';
import { manifest } from '../../support/manifests.ts';
import '../../support/properties.ts';
import type { Piece } from './traffic-run.ts';
import { piecesOf } from './traffic-run.ts';
import {
  A,
  arpRequest,
  B,
  datagram,
  diagnosed,
  diagnosedCapture,
  diagnosedPieces,
  node,
  talk,
  told,
  tunnelled,
  VTEP_A,
  VTEP_B,
  VTEP_C,
} from './tunnel-scene.ts';

const ROOT = new URL('../../../', import.meta.url);
const folder = scratch('doctor');
afterAll(() => folder.done());

/** Captures of healthy overlays that others made, and errors that are true all the same. */
const HEALTHY = [
  ...captureNames('kernel'),
  ...captureNames('docker-swarm'),
  ...captureNames('ovs'),
  ...captureNames('formats').filter((name) => /\.(pcap|pcapng)(\.gz)?$/.test(name)),
  'public/ndpi/vxlan.pcap',
  'public/tcpdump/vxlan.pcap',
  'public/tcpdump/vxlan_port_8472.pcap',
  ...captureNames('public/zeek/tunnels').filter((name) => /\/vxlan[^/]*\.pcap$/.test(name)),
].filter((name) => !/\/facts\/|\.(txt|md|xz|zst|snoop)$/.test(name));

const TRUE_ERRORS: Readonly<Record<string, readonly string[]>> = {
  // The other node has no VXLAN device; its kernel says so twice.
  'kernel/misc-no-vtep.pcap': ['error VTEP-PORT-UNREACHABLE'],
};

describe('captures of healthy overlays', () => {
  test('are there', () => {
    expect(HEALTHY.length).toBeGreaterThan(60);
    for (const name of Object.keys(TRUE_ERRORS)) expect(HEALTHY).toContain(name);
  });

  test.each(HEALTHY)('%s has no error but true ones', (name) => {
    const errors = diagnosedCapture(name).filter(({ severity }) => severity === 'error');
    expect(told(errors)).toEqual(TRUE_ERRORS[name] ?? []);
  });
});

describe('an emulated cluster', () => {
  test.each(['docker', 'flood-and-learn', 'head-end', 'flannel'])(
    'under %s has nothing worse than a note',
    (profile) => {
      const run = new Recorded(manifest('lecture-dnsrr.yml'), profile);
      expect(run.ping('webserver.1', 'appserver.2', { count: 5 }).replies).toBe(5);
      expect(run.ping('appserver.1', 'mysql.1', { count: 5 }).replies).toBe(5);
      run.datagram('webserver.1', 'appserver.1', 3000);
      const at = folder.path(`${profile}.pcapng`);
      run.save(at);
      run.simulation.close();
      const found = diagnosed(new Uint8Array(readFileSync(at)));
      expect(found.filter(({ severity }) => severity !== 'note')).toEqual([]);
    },
  );
});

describe('findings', () => {
  const faulty = (): Finding[] =>
    diagnosedPieces(
      ...[0, 1, 2].map((at) => tunnelled(at, VTEP_A, VTEP_B, arpRequest(A, B.ip), { srcPort: 40000 })),
      ...[0, 1, 2, 3].map((i) => tunnelled(i / 10, i % 2 === 0 ? VTEP_B : VTEP_C, VTEP_A, datagram(B, A, i))),
    );

  test('stand in order: the worst first, then by code and first packet', () => {
    const found = faulty();
    expect(told(found)).toEqual(['error MAC-DUPLICATE', 'warning ARP-NO-ANSWER', 'note SOURCE-PORT-RANGE']);
    const real = diagnosedCapture('kernel/outer-frag.pcap');
    const order = real.map(
      ({ severity, code, packets }) =>
        `${SEVERITIES.indexOf(severity)} ${code} ${String(packets[0]).padStart(6, '0')}`,
    );
    expect(order.length).toBeGreaterThan(3);
    expect(order).toEqual(order.toSorted());
  });

  test('name ascending packets, twenty at most, and say what, why and what to do', () => {
    for (const one of [
      ...faulty(),
      ...captureNames('kernel')
        .filter((name) => name.endsWith('.pcap'))
        .flatMap(diagnosedCapture),
    ]) {
      expect(one.packets.length).toBeGreaterThan(0);
      expect(one.packets.length).toBeLessThanOrEqual(EVIDENCE_MAX);
      expect(one.count).toBeGreaterThanOrEqual(one.packets.length);
      expect([...one.packets]).toEqual([...one.packets].toSorted((x, y) => x - y));
      for (const text of [one.title, one.explain, one.cure]) expect(text.length).toBeGreaterThan(5);
      expect(one.explain).toMatch(/[.)]$/);
    }
  });

  test('come from the catalogue, with a severity that it knows', () => {
    const known = new Map(CATALOGUE.map((entry) => [entry.code, entry.severities]));
    const names = [
      'kernel',
      'docker-swarm',
      'ovs',
      'public/suricata-verify',
      'public/tcpdump',
      'public/zeek',
      'public/arkime',
    ];
    const captures = names.flatMap(captureNames).filter((name) => /\.pcap(ng)?$/.test(name));
    const seen = new Set<string>();
    for (const { code, severity } of [...faulty(), ...captures.flatMap(diagnosedCapture)]) {
      expect(known.get(code) ?? []).toContain(severity);
      seen.add(code);
    }
    expect(seen.size).toBeGreaterThan(12);
  });

  test('are asked for twice and stay the same', () => {
    const doctor = new Doctor();
    const sight = new Sight();
    for (const [i, piece] of piecesOf('kernel/misc-no-vtep.pcap').entries())
      feed(doctor, sight, piece, i + 1);
    const first = doctor.findings();
    expect(first.length).toBeGreaterThan(1);
    expect(doctor.findings()).toEqual(first);
  });
});

describe('the catalogue', () => {
  const codesIn = (folder: string): string[] =>
    readdirSync(new URL(folder, ROOT))
      .flatMap((name) => [
        ...readFileSync(new URL(folder + name, ROOT), 'utf8').matchAll(/\bcode: '([A-Z0-9-]+)'/g),
      ])
      .map(([, code = '']) => code)
      .toSorted();

  test('has the codes of the rules, each once', () => {
    expect(TUNNEL_CODES.map(({ code }) => code).toSorted()).toEqual(codesIn('src/core/doctor/tunnel/'));
    expect(TRAFFIC_CODES.map(({ code }) => code).toSorted()).toEqual(codesIn('src/core/doctor/traffic/'));
  });

  test('is the tables of docs/doctor.md', () => {
    const text = readFileSync(new URL('docs/doctor.md', ROOT), 'utf8');
    const rows = [...text.matchAll(/^\| `([A-Z0-9-]+)` \| (.+) \| (.+) \| (.+) \|$/gm)].map((row) =>
      row.slice(1),
    );
    expect(rows).toEqual(
      CATALOGUE.map(({ code, severities, what, cares }) => [code, severities.join(', '), what, cares]),
    );
  });

  test('puts the worst severity first', () => {
    for (const { severities } of CATALOGUE) {
      const ranks = severities.map((one) => SEVERITIES.indexOf(one));
      expect(ranks).toEqual([...new Set(ranks)].toSorted((x, y) => x - y));
    }
  });
});

describe('hostile captures', () => {
  test('a thousand VTEPs, networks and hosts with the same fault make a few findings', () => {
    const pieces: Piece[] = [];
    for (let i = 0; i < 3000; i++) {
      const from = node(`10.${i >> 8}.${i & 255}.1`, '02:00:00:00:00:01');
      const who = { ...A, ip: 0x0b000000 + i, mac: A.mac + i };
      for (const at of [0, 1, 2]) {
        pieces.push(tunnelled(at + i / 1e4, from, VTEP_B, arpRequest(who, 0x0c000000 + i), { vni: i }));
      }
    }
    const found = diagnosedPieces(...pieces);
    const asked = found.filter(({ code }) => code === 'ARP-NO-ANSWER');
    expect(asked).toHaveLength(8);
    expect(asked.reduce((sum, { count }) => sum + count, 0)).toBe(9000);
    expect(found.length).toBeLessThan(40);
  });

  const real = [
    ...[
      'kernel/unicast4',
      'kernel/outer-frag',
      'kernel/misc-no-vtep',
      'kernel/ipv6-underlay',
      'kernel/inner-vlan',
    ],
    ...['kernel/gpe', 'public/tcpdump/vxlan', 'public/suricata-verify/vxlan-non-zero-reserved-fields'],
  ].flatMap((name) => piecesOf(`${name}.pcap`));

  test('bytes changed and cut at random never throw', () => {
    const spot = fc.record({ at: fc.nat({ max: 160 }), value: fc.nat({ max: 255 }) });
    const change = fc.record({
      packet: fc.nat({ max: real.length - 1 }),
      spots: fc.array(spot, { minLength: 1, maxLength: 4 }),
      length: fc.nat({ max: 200 }),
      cut: fc.nat({ max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const doctor = new Doctor();
        const sight = new Sight();
        for (const [i, { packet, spots, length, cut }] of changes.entries()) {
          const { bytes, at } = real[packet] as Piece;
          const spoiled = bytes.slice(0, Math.max(1, length));
          for (const { at: place, value } of spots) if (place < spoiled.length) spoiled[place] = value;
          feed(doctor, sight, { bytes: spoiled, at }, i + 1, { cut });
        }
        for (const { packets } of doctor.findings()) expect(packets.length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  test('times that jump and packets without one are taken as they are', () => {
    const pieces = talk(0, A, B, 10).map((piece, i) => ({ ...piece, at: (i * 7919) % 11 }));
    expect(told(diagnosedPieces(...pieces)).filter((one) => one.startsWith('error'))).toEqual([]);
    const doctor = new Doctor();
    const sight = new Sight();
    for (const [i, piece] of pieces.entries()) feed(doctor, sight, piece, i + 1, { timed: false });
    expect(doctor.findings()).toEqual([]);
  });
});

/** Gives one packet to a doctor. */
function feed(
  doctor: Doctor,
  sight: Sight,
  { bytes, at }: Piece,
  number: number,
  { timed = true, cut = 0 } = {},
): void {
  const meta: PacketMeta = {
    number,
    offset: 0,
    seconds: timed ? Math.floor(at / 1e6) : 0,
    nanos: timed ? (at % 1e6) * 1e3 : 0,
    timed,
    originalLength: bytes.length + cut,
    linkType: 1,
    interfaceId: 0,
    direction: 0,
    fcsLength: 0,
    optionsStart: 0,
    optionsEnd: 0,
    littleEndian: true,
  };
  sight.read(viewOf(bytes), 0, bytes.length, meta);
  doctor.observe(sight, meta);
}
