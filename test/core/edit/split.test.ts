import { describe, expect, test } from 'vitest';
import type { SplitBy } from '../../../src/core/edit/split.ts';
import { NO_TUNNEL, SplitGroups } from '../../../src/core/edit/split.ts';
import { AnyReader } from '../../../src/core/pcap/reader.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { captureBytes, truth } from '../../support/captures.ts';

/** Packet numbers by the name of their group. */
function split(name: string, by: SplitBy, most = 1000): Record<string, number[]> {
  const groups = new SplitGroups(by, most, 7);
  const sight = new Sight();
  const found: Record<string, number[]> = {};
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    const group = groups.name(groups.of(sight));
    found[group] ??= [];
    found[group].push(meta.number);
  });
  reader.push(captureBytes(name));
  reader.end();
  return found;
}

function sizes(groups: Record<string, number[]>): Record<string, number> {
  return Object.fromEntries(Object.entries(groups).map(([name, numbers]) => [name, numbers.length]));
}

describe('which capture a packet belongs to', () => {
  test('by VNI it is what tshark says', () => {
    const name = 'docker-swarm/traffic-underlay.pcap';
    const expected: Record<string, number[]> = {};
    truth(name).forEach((row, i) => {
      const vni = (row['vxlan.vni'] ?? '').split(';')[0];
      const group = vni === '' ? 'no-tunnel' : `vni-${vni}`;
      expected[group] ??= [];
      expected[group].push(i + 1);
    });
    expect(Object.keys(expected)).toHaveLength(4);
    expect(split(name, 'vni')).toEqual(expected);
  });

  test('by tunnel both directions are one, named for the lower VTEP first', () => {
    expect(sizes(split('docker-swarm/traffic-underlay.pcap', 'tunnel'))).toEqual({
      'no-tunnel': 467,
      'vni-4097-192.0.2.11-192.0.2.13': 20,
      'vni-4097-192.0.2.12-192.0.2.13': 20,
      'vni-4098-192.0.2.11-192.0.2.12': 110,
      'vni-4099-192.0.2.11-192.0.2.12': 4,
    });
  });

  test('by VTEP it is the one that sent', () => {
    const rows = truth('kernel/mcast3-underlay.pcap');
    const groups = split('kernel/mcast3-underlay.pcap', 'vtep');
    for (const [name, numbers] of Object.entries(groups)) {
      if (name === 'no-tunnel') continue;
      const sources = new Set(numbers.map((n) => (rows[n - 1]?.['ip.src'] ?? '').split(';')[0]));
      expect([...sources]).toEqual([name.slice('vtep-'.length)]);
    }
    expect(Object.keys(groups)).toHaveLength(4);
  });

  test('IPv6 VTEPs have names that a file can have', () => {
    const names = Object.keys(split('kernel/ipv6-underlay.pcap', 'tunnel'));
    expect(names).toContain('vni-6-2001-db8-64--1-2001-db8-64--2');
    expect(names.every((name) => /^[\w.-]+$/.test(name))).toBe(true);
  });

  test('later fragments of a tunnelled datagram go where the first went', () => {
    const rows = truth('kernel/outer-frag.pcap');
    const fragments = rows.flatMap((row, i) =>
      Number(row['ip.frag_offset']?.split(';')[0] ?? 0) > 0 ? [i + 1] : [],
    );
    const groups = split('kernel/outer-frag.pcap', 'vni');
    expect(fragments.length).toBeGreaterThan(0);
    expect(fragments.every((n) => groups['vni-13']?.includes(n))).toBe(true);
  });

  test('beyond the most there is room for, the rest is together', () => {
    const found = sizes(split('docker-swarm/traffic-underlay.pcap', 'vni', 1));
    expect(Object.keys(found).sort()).toEqual(['no-tunnel', 'others', expect.stringMatching(/^vni-/)]);
    expect(Object.values(found).reduce((sum, n) => sum + n, 0)).toBe(621);
  });

  test('a packet without a tunnel has the first number', () => {
    const groups = new SplitGroups('vni', 10, 1);
    const sight = new Sight();
    const reader = new AnyReader((view, start, end, meta) => {
      sight.read(view, start, end, meta);
      expect(groups.of(sight)).toBe(NO_TUNNEL);
    });
    reader.push(captureBytes('kernel/unicast4-inner.pcap'));
    reader.end();
    expect(reader.packets).toBe(33);
  });
});
