// From a capture to a topology file, from that to a running lab, and from the lab's own capture back to the same overlay.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Overlay } from '../../../src/core/topology/overlay.ts';
import { topologyFile } from '../../../src/core/topology/topology-file.ts';
import { loadManifest } from '../../../src/engine/manifest/load.ts';
import { cli } from '../../cli/harness.ts';
import { captureNames } from '../../support/captures.ts';
import { charted, chartOf, networkOf, seatOf } from './charted.ts';
import { arpFrame, ether, fileOf, packet, tunnel } from './frames.ts';

const folder = mkdtempSync(join(tmpdir(), 'vxlab-topology-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The overlay of a lab that runs the file. */
async function lived(name: string, file: string): Promise<Overlay> {
  const path = join(folder, `${name.replace(/\W/g, '-')}.yml`);
  const capture = `${path}.pcapng`;
  writeFileSync(path, file);
  const ran = await cli(['up', path, '--for', '3s', '--capture', capture]);
  expect(ran.err).not.toMatch(/error|warning/);
  expect(ran.code).toBe(0);
  return chartOf([new Uint8Array(readFileSync(capture))]);
}

/** `vtep mac address` of every endpoint, with the address that the file gives it. */
function placed(overlay: Overlay): string[] {
  return overlay.networks
    .flatMap(({ vni, seats }) =>
      seats.flatMap(({ vtep, endpoints }) =>
        endpoints.map(({ mac, addresses }) => `${vni} ${vtep} ${mac} ${addresses[0]}`),
      ),
    )
    .sort();
}

/** What the capture alone knows of; a lab's containers have no link-local addresses, and bare IP gets MACs. */
function planned(file: string): string[] {
  const { nodes, networks, containers } = parse(file);
  const rows: string[] = [];
  for (const { node, networks: legs } of Object.values<Record<string, never>>(containers)) {
    for (const [network, { ip, mac }] of Object.entries<Record<string, string>>(legs as never)) {
      rows.push(`${networks[network].vni} ${nodes[node as unknown as string].address} ${mac} ${ip}`);
    }
  }
  return rows.sort();
}

describe('round trip: capture, file, lab, capture', () => {
  test.each([
    'docker-swarm/traffic-underlay.pcap',
    'docker-swarm/failure-underlay.pcap',
    'docker-swarm/attach-underlay.pcap',
    'kernel/headend3-underlay.pcap',
    'kernel/overlap-two-vnis.pcap',
    'kernel/ipv6-underlay.pcap',
    'kernel/ipv6-underlay-multicast.pcap',
    'kernel/perf-snap110.pcap',
    'kernel/mcast3-underlay.pcap',
    'kernel/flannel.pcap',
    'ovs/kernel.pcap',
    'ovs/vlan-trunk-noisy.pcap',
  ])('%s', async (name) => {
    const before = charted(name);
    const file = topologyFile(before);
    const after = await lived(name, file);
    expect(after.networks.map(({ vni }) => vni)).toEqual(before.networks.map(({ vni }) => vni));
    expect(placed(after)).toEqual(planned(file));
    const macs = (overlay: Overlay): string[] =>
      placed(overlay).map((row) => row.split(' ').slice(0, 3).join(' '));
    expect(macs(after)).toEqual(macs(before));
    expect(after.networks.map(({ ports }) => ports)).toEqual(before.networks.map(({ ports }) => ports));
    expect(after.networks.map(({ groups }) => groups)).toEqual(before.networks.map(({ groups }) => groups));
  });

  test('for Docker all of it is the same: networks, subnets, VTEPs, MACs and addresses', async () => {
    const before = charted('docker-swarm/traffic-underlay.pcap');
    const after = await lived('same', topologyFile(before));
    expect(placed(after)).toEqual(placed(before));
    expect(after.vteps.map(({ ip }) => ip)).toEqual(before.vteps.map(({ ip }) => ip));
    const subnets = (overlay: Overlay): string[][] =>
      overlay.networks.map((one) => one.subnets.map(({ cidr }) => cidr));
    expect(subnets(after)).toEqual(subnets(before));
    expect(after.networks.flatMap(({ seats }) => seats.flatMap(({ flood }) => flood))).toEqual([]);
  });

  test('the manner of flooding comes back', async () => {
    const head = await lived('head', topologyFile(charted('kernel/headend3-underlay.pcap')));
    expect(seatOf(networkOf(head, 8), '198.51.100.1')).toMatchObject({
      flood: ['198.51.100.2', '198.51.100.3'],
      replicates: true,
    });
    const group = await lived('group', topologyFile(charted('kernel/mcast3-underlay.pcap')));
    expect(group.groups).toMatchObject([{ ip: '239.1.1.1', networks: ['7'] }]);
    expect(group.groups[0]?.members).toEqual(['198.51.100.1', '198.51.100.3']);
  });
});

describe('the file', () => {
  test('is lint-free for every capture', () => {
    const names = [
      'kernel',
      'ovs',
      'docker-swarm',
      'public/zeek',
      'public/arkime',
      'public/suricata-verify',
      'public/tcpdump',
    ]
      .flatMap(captureNames)
      .filter((name) => /\.p?cap(ng)?$/.test(name));
    for (const name of names) {
      const overlay = charted(name);
      const { diagnostics } = loadManifest(topologyFile(overlay), { stack: 'x' });
      // Without a VTEP there is nothing to run.
      const expected = overlay.vteps.some(({ within }) => within === null) ? [] : ['OV1702'];
      expect([name, ...diagnostics.map(({ rule }) => rule)]).toEqual([name, ...expected]);
    }
  });

  test('names containers after DNS where a name is one address alone, else after the address', () => {
    const both = charted('docker-swarm/traffic-underlay.pcap', 'docker-swarm/dns-in-container-lo.pcap');
    // "webserver" is 10.0.1.2 and 10.0.1.3.
    expect(Object.keys(parse(topologyFile(both)).containers)).toEqual([
      'host-10-0-3-4',
      'host-10-0-3-3',
      'host-10-0-3-2',
      'webserver-2',
      'appserver-2',
      'lecture_webserver',
      'appserver',
      'host-10-0-2-3',
      'host-10-0-2-2',
    ]);
    const { containers } = parse(topologyFile(charted('kernel/unicast4.pcap')));
    expect(Object.keys(containers)).toEqual(['host-10-1-1-1', 'web.example']);
  });

  test('is the same every time', () => {
    const overlay = charted('docker-swarm/traffic-underlay.pcap');
    expect(topologyFile(overlay)).toBe(topologyFile(charted('docker-swarm/traffic-underlay.pcap')));
  });

  test('makes addresses up where none was seen, and says so', () => {
    const bpdu = ether('02:00:00:00:00:0a', '01:80:c2:00:00:00', 38, new Uint8Array(46));
    const text = topologyFile(
      chartOf([fileOf([tunnel(bpdu, { src: '192.0.2.1', dst: '192.0.2.2', vni: 5 })])]),
    );
    expect(text).toContain('# no address was seen: this one is made up\n');
    const { networks, containers } = parse(text);
    expect(networks['net-5'].subnet).toBe('198.18.0.0/24');
    expect(containers['host-198-18-0-2'].networks['net-5'].mac).toBe('02:00:00:00:00:0a');
  });

  test('says what a lab cannot do: inner tunnels, VLANs, a second port', () => {
    const [a, b] = [
      { mac: '02:00:00:00:00:0a', ip: '10.9.1.10' },
      { mac: '02:00:00:00:00:0b', ip: '10.9.1.11' },
    ];
    const inner = tunnel(packet(a, b), { src: a.ip, dst: b.ip, vni: 7 });
    const outer = { src: '192.0.2.1', dst: '192.0.2.2', vni: 5 };
    const nested = topologyFile(chartOf([fileOf([tunnel(inner, outer)])]));
    expect(nested).toContain('# left out: 1 network inside other tunnels\n');
    expect(Object.keys(parse(nested).networks)).toEqual(['net-5']);
    expect(topologyFile(charted('ovs/vlan-trunk-noisy.pcap'))).toContain(
      '# net-5000: inner VLANs 10, 20 are left out\n',
    );
    const ports = [4789, 8472, 8472].map((port, i) =>
      tunnel(arpFrame(1, a, b), { ...outer, vni: i + 1, port }),
    );
    const two = topologyFile(chartOf([fileOf(ports)]));
    expect(two).toContain('# left out: UDP ports 4789; a lab has one\n');
    expect(Object.values<{ port: number }>(parse(two).networks).map(({ port }) => port)).toEqual([
      8472, 8472, 8472,
    ]);
  });

  test('raises the underlay MTU for overlays that need more', () => {
    expect(parse(topologyFile(charted('kernel/outer-frag.pcap'))).underlay).toEqual({
      mtu: 1550,
      prefix: 24,
    });
    expect(parse(topologyFile(charted('kernel/ipv6-underlay.pcap'))).underlay).toEqual({
      mtu: 1500,
      prefix: 64,
    });
  });
});
