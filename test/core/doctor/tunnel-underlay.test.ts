import { describe, expect, test } from 'vitest';
import type { Piece } from './traffic-run.ts';
import {
  A,
  B,
  datagram,
  diagnosedCapture,
  diagnosedPieces,
  echo,
  esp,
  fragments,
  node,
  only,
  talk,
  told,
  tunnelled,
  unreachable,
  VTEP_A,
  VTEP_B,
  VTEP_C,
} from './tunnel-scene.ts';

const SIX_A = node('2001:db8::a', '52:54:00:00:00:0a');
const SIX_B = node('2001:db8::b', '52:54:00:00:00:0b');

describe('VTEP-PORT-UNREACHABLE and VTEP-UNREACHABLE', () => {
  const pings = [0, 1].map((at) => tunnelled(at, VTEP_A, VTEP_B, echo(A, B, at)));
  const errors = (code: number): Piece[] => pings.map((piece) => unreachable(piece, VTEP_B, VTEP_A, code));

  test('a kernel without a VTEP answers with port unreachable', () => {
    const found = only(diagnosedCapture('kernel/misc-no-vtep.pcap'), 'VTEP-PORT-UNREACHABLE');
    expect(found).toMatchObject({ severity: 'error', count: 2, packets: [7, 10] });
    expect(found.title).toContain('no VTEP listens at 198.51.100.2');
    expect(told(diagnosedPieces(...pings, ...errors(3)), 'VTEP')).toEqual(['error VTEP-PORT-UNREACHABLE']);
  });

  test('a warning only where frames come back: a VTEP of user space', () => {
    const found = diagnosedCapture('ovs/vlan-trunk-noisy.pcap');
    expect(told(found, 'VTEP')).toEqual(['warning VTEP-PORT-UNREACHABLE', 'warning VTEP-PORT-UNREACHABLE']);
  });

  test.each([0, 1, 9, 10, 13])('code %i says that there is no way', (code) => {
    const from = node('192.0.2.254', '52:54:00:00:00:fe');
    const router = pings.map((piece) => unreachable(piece, from, VTEP_A, code));
    expect(told(diagnosedPieces(...pings, ...router), 'VTEP')).toEqual(['error VTEP-UNREACHABLE']);
  });

  test('not for errors inside the tunnel, nor about other packets, nor for expired TTLs', () => {
    expect(told(diagnosedCapture('kernel/flannel.pcap'), 'VTEP')).toEqual([]);
    expect(told(diagnosedCapture('docker-swarm/traffic-underlay.pcap'), 'VTEP')).toEqual([]);
    const expired = pings.map((piece) => unreachable(piece, VTEP_B, VTEP_A, 0, 11));
    expect(told(diagnosedPieces(...pings, ...expired), 'VTEP')).toEqual([]);
  });
});

describe('VTEP-MAC-SHARED and VTEP-MAC-FLAP', () => {
  const twin = node('192.0.2.3', '52:54:00:00:00:01');

  test('two VTEPs of a subnet with one MAC', () => {
    const found = only(
      diagnosedPieces(
        tunnelled(0, VTEP_A, VTEP_B, echo(A, B, 1)),
        tunnelled(1, twin, VTEP_B, echo({ ...A, mac: A.mac + 9 }, B, 2)),
      ),
      'VTEP-MAC-SHARED',
    );
    expect(found.severity).toBe('warning');
    expect(found.title).toBe('VTEPs 192.0.2.1, 192.0.2.3 have one MAC, 52:54:00:00:00:01');
  });

  test('not behind a router, nor in other subnets or families', () => {
    const behind = [VTEP_A, twin].map((from, i) => tunnelled(i, from, VTEP_B, echo(A, B, i), { ttl: 63 }));
    expect(told(diagnosedPieces(...behind), 'VTEP')).toEqual([]);
    const far = node('198.51.100.3', '52:54:00:00:00:01');
    const apart = [VTEP_A, far].map((from, i) => tunnelled(i, from, VTEP_B, echo(A, B, i)));
    expect(told(diagnosedPieces(...apart), 'VTEP')).toEqual([]);
    const six = { ...SIX_A, mac: VTEP_A.mac };
    const families = [tunnelled(0, VTEP_A, VTEP_B, echo(A, B, 1)), tunnelled(1, six, SIX_B, echo(A, B, 2))];
    expect(told(diagnosedPieces(...families), 'VTEP')).toEqual([]);
  });

  test('one VTEP with two MACs in turn; changed once, behind routers, or at two taps it is none', () => {
    const clone = { ...VTEP_A, mac: VTEP_C.mac };
    const turns = [VTEP_A, clone, VTEP_A, clone, VTEP_A];
    const sent = (ttl: number, taps = 1): Piece[] =>
      turns.map((from, i) => tunnelled(i, from, VTEP_B, echo(A, B, i), { ttl, tap: taps > 1 ? i % 2 : 0 }));
    const found = only(diagnosedPieces(...sent(64)), 'VTEP-MAC-FLAP');
    expect(found.title).toBe(
      'VTEP 192.0.2.1 comes from 52:54:00:00:00:01 and 52:54:00:00:00:03 in turn, back and forth 3 times',
    );
    expect(told(diagnosedPieces(...sent(62)), 'VTEP')).toEqual([]);
    expect(told(diagnosedPieces(...sent(64, 2)), 'VTEP')).toEqual([]);
    expect(told(diagnosedPieces(...sent(64).slice(0, 2)), 'VTEP')).toEqual([]);
  });

  test('not in captures of three VTEPs, routed and not', () => {
    for (const name of ['kernel/mcast3-underlay', 'docker-swarm/traffic-underlay', 'public/tcpdump/vxlan']) {
      expect(told(diagnosedCapture(`${name}.pcap`), 'VTEP')).toEqual([]);
    }
  });
});

describe('VTEP-FRAGMENTS, UNDERLAY-FRAGMENTS and INNER-OVERSIZE', () => {
  test('a kernel that fragments before it knows the path', () => {
    const found = diagnosedCapture('kernel/outer-frag.pcap');
    expect(told(found, 'VTEP', 'INNER')).toEqual([
      'warning INNER-OVERSIZE',
      'warning INNER-OVERSIZE',
      'warning VTEP-FRAGMENTS',
      'warning VTEP-FRAGMENTS',
    ]);
    const [first] = found.filter(({ code }) => code === 'VTEP-FRAGMENTS');
    expect(first?.packets).toEqual([15, 16]);
    expect(found.find(({ code }) => code === 'INNER-OVERSIZE')?.title).toBe(
      '198.51.100.1 > 198.51.100.2: inner packets of 1500 bytes where 1450 fit (path 1500)',
    );
  });

  test('a router on the way may: a note', () => {
    const large = tunnelled(0, VTEP_A, VTEP_B, datagram(A, B, 1, 1400), { ttl: 63 });
    const found = diagnosedPieces(...fragments(large, 1376));
    expect(told(found, 'UNDERLAY', 'VTEP')).toEqual(['note UNDERLAY-FRAGMENTS']);
    expect(only(found, 'UNDERLAY-FRAGMENTS').count).toBe(2);
    expect(only(found, 'INNER-OVERSIZE').title).toContain(
      'inner packets of 1428 bytes where 1346 fit (path 1396)',
    );
  });

  test('not for fragments inside the tunnel, nor for fragments of anything else', () => {
    expect(
      told(diagnosedCapture('docker-swarm/traffic-worker1-eth0.pcap'), 'VTEP', 'UNDERLAY', 'INNER'),
    ).toEqual([]);
    expect(told(diagnosedCapture('public/pcapplusplus/ip4_fragments.pcap'))).toEqual([]);
    expect(told(diagnosedCapture('public/pcapplusplus/ip6_fragments.pcap'))).toEqual([]);
  });

  test('a note when some packets are jumbo and others end at 1500', () => {
    const full = [0, 1, 2].map((i) => tunnelled(i, VTEP_A, VTEP_B, datagram(A, B, i, 1422)));
    const jumbo = tunnelled(4, VTEP_B, VTEP_A, datagram(B, A, 9, 4000));
    const found = only(diagnosedPieces(...full, jumbo), 'INNER-OVERSIZE');
    expect(found.severity).toBe('note');
    expect(found.title).toBe(
      '192.0.2.2 > 192.0.2.1: outer packets of up to 4078 bytes, while 3 others end at 1500',
    );
    expect(told(diagnosedPieces(...full), 'INNER', 'OFFLOAD')).toEqual([]);
    expect(told(diagnosedPieces(jumbo), 'INNER', 'OFFLOAD')).toEqual([]);
  });
});

describe('OFFLOAD-SIZED', () => {
  test.each([
    'kernel/http-offload.pcap',
    'docker-swarm/traffic-offload-worker1-eth0.pcap',
    'public/tcpdump/bigtcp-ipv4-vxlan-ipv4.pcap',
    'public/tcpdump/bigtcp-ipv6-vxlan-ipv4.pcap',
    'public/tcpdump/gso-ipv4-vxlan-ipv4.pcap',
    'public/tcpdump/gso-ipv6-vxlan-ipv6.pcap',
  ])('%s is a note and nothing worse', (name) => {
    expect(told(diagnosedCapture(name), 'OFFLOAD', 'INNER', 'VTEP')).toEqual(['note OFFLOAD-SIZED']);
  });

  test('not with offloads off', () => {
    expect(told(diagnosedCapture('kernel/http-noffload.pcap'), 'OFFLOAD', 'INNER')).toEqual([]);
  });
});

describe('SOURCE-PORT-CONSTANT and SOURCE-PORT-RANGE', () => {
  const flows = (srcPort?: number): Piece[] =>
    Array.from({ length: 40 }, (_, i) =>
      tunnelled(i, VTEP_A, VTEP_B, datagram(A, B, 1000 + i), srcPort === undefined ? {} : { srcPort }),
    );

  test('one port for many flows; not for one flow, nor with entropy', () => {
    const found = only(diagnosedPieces(...flows(50000)), 'SOURCE-PORT-CONSTANT');
    expect(found).toMatchObject({ severity: 'warning', count: 40 });
    expect(found.title).toMatch(
      /^192\.0\.2\.1 > 192\.0\.2\.2: \d+ or more inner flows leave with source port 50000/,
    );
    expect(Number(/(\d+) or more/.exec(found.title)?.[1])).toBeGreaterThanOrEqual(20);
    expect(told(diagnosedPieces(...flows()), 'SOURCE')).toEqual([]);
    const one = Array.from({ length: 40 }, (_, i) =>
      tunnelled(i, VTEP_A, VTEP_B, datagram(A, B, 1000), { srcPort: 50000 }),
    );
    expect(told(diagnosedPieces(...one), 'SOURCE')).toEqual([]);
    expect(told(diagnosedCapture('kernel/perf-snap110.pcap'), 'SOURCE-PORT-C')).toEqual([]);
  });

  test('ports below 49152 are a note with their range', () => {
    const found = only(diagnosedCapture('public/tcpdump/vxlan.pcap'), 'SOURCE-PORT-RANGE');
    expect(found.severity).toBe('note');
    expect(found.title).toBe('source ports below 49152 (32894 to 45149) in 9 of 10 tunnel packets');
    expect(told(diagnosedCapture('kernel/misc-no-vtep.pcap'), 'SOURCE')).toEqual([]);
  });
});

describe('INNER-VLAN', () => {
  test('tags in a kernel capture, with their numbers and verdicts', () => {
    const found = only(diagnosedCapture('kernel/inner-vlan.pcap'), 'INNER-VLAN');
    expect(found).toMatchObject({ severity: 'warning', count: 6 });
    expect(found.title).toBe('6 frames inside VNI 9 have a VLAN tag (VLAN 0, 100, 200, 300)');
    expect(found.verdicts.map(({ accepts }) => accepts)).toEqual([false, true, true]);
  });

  test('not for tags around the tunnel', () => {
    expect(told(diagnosedCapture('public/ndpi/vxlan.pcap'), 'INNER-VLAN')).toEqual([]);
  });
});

describe('PORT-UNUSUAL', () => {
  test('VXLAN that only its looks give away', () => {
    const found = only(diagnosedPieces(...talk(0, A, B, 3, { port: 7789 })), 'PORT-UNUSUAL');
    expect(found.title).toBe('UDP port 7789: 8 VXLAN packets, by their looks');
  });

  test.each([4789, 8472])('not on %i', (port) => {
    expect(told(diagnosedPieces(...talk(0, A, B, 3, { port })), 'PORT')).toEqual([]);
  });
});

describe('UDP6-CHECKSUM-ZERO', () => {
  const ping = (zero: boolean): Piece =>
    tunnelled(0, SIX_A, SIX_B, echo(A, B, 1), zero ? { zero: true } : {});

  test('over IPv6, with who drops it', () => {
    const found = only(diagnosedPieces(ping(true)), 'UDP6-CHECKSUM-ZERO');
    expect(found.severity).toBe('note');
    expect(found.verdicts.filter(({ accepts }) => !accepts).map((one) => one.implementation)).toEqual([
      'Linux',
    ]);
  });

  test('not with a checksum, nor over IPv4', () => {
    expect(told(diagnosedPieces(ping(false)))).toEqual([]);
    expect(told(diagnosedCapture('kernel/csum-noudpcsum.pcap'), 'UDP6')).toEqual([]);
    expect(told(diagnosedCapture('kernel/ipv6-underlay.pcap'), 'UDP6')).toEqual([]);
  });
});

describe('ESP-BESIDE-PLAIN', () => {
  const hidden = [0, 1, 2].map((i) => esp(i + 0.5, VTEP_A, VTEP_B, i + 1));

  test('between the same two VTEPs, in either direction', () => {
    const found = only(diagnosedPieces(...talk(0, A, B), ...hidden), 'ESP-BESIDE-PLAIN');
    expect(found.severity).toBe('warning');
    expect(found.title).toBe('192.0.2.1 and 192.0.2.2: 8 plain VXLAN packets (VNI 100) beside 3 ESP packets');
    const back = [0, 1].map((i) => esp(i + 0.5, VTEP_B, VTEP_A, i + 1));
    const one = tunnelled(0, VTEP_A, VTEP_B, echo(A, B, 1));
    expect(told(diagnosedPieces(one, ...back), 'ESP')).toEqual(['warning ESP-BESIDE-PLAIN']);
  });

  test('not between other nodes, nor for IPsec of the hosts inside', () => {
    const others = [0, 1, 2].map((i) => esp(i, VTEP_A, VTEP_C, i + 1));
    expect(told(diagnosedPieces(...talk(0, A, B), ...others), 'ESP')).toEqual([]);
    const inner = esp(0, { ...A, mac: A.mac }, { ...B, mac: B.mac }, 1);
    const carried = tunnelled(9, VTEP_A, VTEP_B, inner.bytes);
    expect(told(diagnosedPieces(...talk(0, A, B), carried), 'ESP')).toEqual([]);
  });
});
