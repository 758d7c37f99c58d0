// Ours against a real Docker Swarm's: the form of every VXLAN packet on the underlay, of the same stack. What differs, and
// why, is listed in docs/fidelity.md.

import { describe, expect, test } from 'vitest';
import type { Frame } from '../../src/core/frame/frame.ts';
import { readAll } from '../../src/core/pcap/index.ts';
import { formatMac } from '../../src/core/wire/address.ts';
import { arp, ethernet, ipv4, udp, vxlan } from '../../src/core/wire/index.ts';
import { ETHERTYPE, PROTO, VXLAN_PORT } from '../../src/core/wire/numbers.ts';
import { dockerMac } from '../../src/engine/ipam/mac-scheme.ts';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { viewOf } from '../support/bytes.ts';
import { captureBytes } from '../support/captures.ts';
import { manifest } from '../support/manifests.ts';

/** What all VXLAN packets of a capture have in common: each set of values that was seen. */
interface Form {
  readonly vnis: number[];
  readonly subnets: string[];
  readonly dstPorts: number[];
  readonly sourcePortsLinux: boolean;
  readonly samePortBothWays: boolean;
  readonly outerTtls: number[];
  readonly outerTos: number[];
  readonly outerDontFragment: boolean[];
  readonly outerFragments: boolean[];
  readonly outerChecksums: string[];
  readonly firstWords: number[];
  readonly lastBytes: number[];
  readonly innerEtherTypes: number[];
  readonly innerMacScheme: boolean[];
  readonly echoRequestDontFragment: boolean[];
  readonly echoReplyDontFragment: boolean[];
  readonly longestOuter: number;
  readonly innerFragmentLengths: number[];
}

function formOf(packets: Iterable<Uint8Array>): Form {
  const seen = new Map<string, Set<unknown>>();
  const note = (key: string, value: unknown): void => {
    seen.set(key, (seen.get(key) ?? new Set()).add(value));
  };
  const ports = new Map<string, Set<number>>();
  let longest = 0;
  let inRange = true;
  for (const bytes of packets) {
    const view = viewOf(bytes);
    if (ethernet.etherType(view, 0) !== ETHERTYPE.ipv4 || ipv4.protocol(view, 14) !== PROTO.udp) continue;
    if (udp.dstPort(view, 34) !== VXLAN_PORT) continue;
    const inner = 50;
    note('vni', vxlan.vni(view, 42));
    note('dstPort', udp.dstPort(view, 34));
    note('ttl', ipv4.ttl(view, 14));
    note('tos', ipv4.tos(view, 14));
    note('df', ipv4.dontFragment(view, 14));
    note('fragment', ipv4.isFragment(view, 14));
    note('checksum', udp.checksum(view, 34) === 0 ? 'none' : 'present');
    note('word', vxlan.firstWord(view, 42));
    note('last', vxlan.reserved2(view, 42));
    note('type', ethernet.etherType(view, inner));
    longest = Math.max(longest, ipv4.totalLength(view, 14));
    const port = udp.srcPort(view, 34);
    inRange &&= port >= 32768 && port <= 60999;
    const ip = inner + 14;
    const [src, dst] = [ipv4.src(view, ip), ipv4.dst(view, ip)];
    note('subnet', `${src >>> 24}.${(src >>> 16) & 255}.${(src >>> 8) & 255}`);
    note('mac', ethernet.src(view, inner) === dockerMac(src) && ethernet.dst(view, inner) === dockerMac(dst));
    const payload = ip + ipv4.headerLength(view, ip);
    if (ipv4.isFragment(view, ip) && ipv4.moreFragments(view, ip)) note('piece', ipv4.totalLength(view, ip));
    if (ipv4.protocol(view, ip) === PROTO.icmp && !ipv4.isFragment(view, ip)) {
      const type = view.getUint8(payload);
      if (type === 8) note('request', ipv4.dontFragment(view, ip));
      if (type === 0) note('reply', ipv4.dontFragment(view, ip));
      const key = `${Math.min(src, dst)} ${Math.max(src, dst)}`;
      ports.set(key, (ports.get(key) ?? new Set()).add(port));
    }
  }
  const list = <T>(key: string): T[] => ([...(seen.get(key) ?? [])] as T[]).sort();
  return {
    vnis: list('vni'),
    subnets: list('subnet'),
    dstPorts: list('dstPort'),
    sourcePortsLinux: inRange,
    samePortBothWays: [...ports.values()].every((set) => set.size === 1),
    outerTtls: list('ttl'),
    outerTos: list('tos'),
    outerDontFragment: list('df'),
    outerFragments: list('fragment'),
    outerChecksums: list('checksum'),
    firstWords: list('word'),
    lastBytes: list('last'),
    innerEtherTypes: list('type'),
    innerMacScheme: list('mac'),
    echoRequestDontFragment: list('request'),
    echoReplyDontFragment: list('reply'),
    longestOuter: longest,
    innerFragmentLengths: list('piece'),
  };
}

/** The same pings as the real run made, over the same stack. */
function ours(): { packets: Uint8Array[]; simulation: Simulation } {
  const { spec } = loadCompose(manifest('lecture-dnsrr.yml'), { stack: 'lecture' });
  const packets: Uint8Array[] = [];
  const simulation = new Simulation(spec as NonNullable<typeof spec>, {
    cluster: cluster(),
    profile: profileOf('docker'),
    seed: 1,
    capture: {
      frame: (_tap: number, inbound: boolean, frame: Frame) => {
        if (!inbound) packets.push(frame.toBytes());
      },
    },
  });
  const pings: [string, string, number, boolean][] = [
    ['webserver.1', 'webserver.2', 56, true],
    ['webserver.1', 'appserver.1', 56, true],
    ['webserver.1', 'appserver.1', 1422, true],
    ['webserver.1', 'appserver.1', 4000, false],
    ['appserver.1', 'appserver.2', 56, true],
    ['appserver.1', 'mysql.1', 56, true],
    ['appserver.2', 'mysql.1', 56, true],
  ];
  for (const [from, to, size, dontFragment] of pings) {
    const result = simulation.pingNow(from, to, { count: 2, interval: SECOND, size, dontFragment });
    expect(result.replies).toHaveLength(2);
  }
  return { packets, simulation };
}

describe('the docker profile against a real swarm of the same stack (captures/docker-swarm)', () => {
  const real = formOf(
    readAll(captureBytes('docker-swarm/traffic-underlay.pcap')).packets.map((one) => one.bytes),
  );
  const { packets, simulation } = ours();
  const emulated = formOf(packets);

  test('the same VNIs, subnets, MAC scheme, ports, TTL, flags, checksum use and MTU on the wire', () => {
    // The real capture has two of appserver's networks in use, since nobody talked on myappnw but the two appservers.
    const { innerFragmentLengths, subnets, ...form } = emulated;
    const { innerFragmentLengths: realPieces, subnets: realSubnets, ...realForm } = real;
    expect(form).toEqual(realForm);
    expect(new Set(subnets)).toEqual(new Set([...realSubnets, ...subnets]));
    expect(
      realPieces.every((piece) => piece <= 1450) && innerFragmentLengths.every((piece) => piece <= 1450),
    ).toBe(true);
  });

  test('no ARP inside the tunnel, in either', () => {
    expect(real.innerEtherTypes).toEqual([ETHERTYPE.ipv4]);
    expect(emulated.innerEtherTypes).toEqual([ETHERTYPE.ipv4]);
  });

  test('ARP between the nodes is the only other thing on our underlay', () => {
    const others = packets.filter((bytes) => ethernet.etherType(viewOf(bytes), 0) !== ETHERTYPE.ipv4);
    expect(others.length).toBeGreaterThan(0);
    for (const bytes of others) expect(arp.check(viewOf(bytes), 14, bytes.length)).toBe(0);
  });

  test('containers have the names, addresses, MACs and MTUs that facts.md tells of', () => {
    const web = simulation.world.containers.get('lecture_webserver.1');
    const interfaces = web?.host.interfaces.map((dev) => [dev.name, dev.mtu, formatMac(dev.mac)]);
    expect(interfaces).toEqual([
      ['eth0', 1450, '02:42:0a:00:01:02'],
      ['eth1', 1500, '02:42:ac:12:00:03'],
    ]);
    const app = simulation.world.containers.get('lecture_appserver.1');
    const names = app?.task?.endpoints.map((endpoint) => endpoint.network.name);
    expect(names).toEqual(['myappnw', 'mydbnw', 'mywebnw']);
    expect(app?.host.interfaces.map((dev) => dev.name)).toEqual(['eth0', 'eth1', 'eth2', 'eth3']);
  });
});
