import { describe, expect, test } from 'vitest';
import { LAYER_PROTOCOLS } from '../../../src/core/dissect/layer.ts';
import { valueText } from '../../../src/core/inspect/field.ts';
import { layerSpec } from '../../../src/core/inspect/registry.ts';
import { eachField, placeOf } from '../../../src/core/inspect/tree.ts';
import { AnyReader } from '../../../src/core/pcap/index.ts';
import type { Part } from '../../../src/core/reassembly/sight.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import type { TruthRow } from '../../support/captures.ts';
import { captureBytes, captureNames, capturePath, truth, truthNames } from '../../support/captures.ts';
import { stackOf } from '../../support/columns.ts';
import { hasTool, runTool } from '../../support/peers.ts';

/** What one packet is, told as tshark tells it: its rows up to a fragment, and behind them what it completed. */
interface Told {
  readonly number: number;
  readonly fragment: boolean;
  readonly protocols: readonly string[];
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Of each datagram that it completed: bytes of payload, and the packets that brought it. */
  readonly completed: readonly { length: number; packets: readonly number[] }[];
}

function tell(number: number, parts: readonly Part[]): Told {
  const protocols: string[] = [];
  const fields = new Map<string, string[]>();
  for (const { view, d, from } of parts) {
    // What a first fragment holds behind its IP header is told where the datagram is whole.
    const to = d.fragment < 0 ? d.count : d.fragment + 1;
    for (let row = from; row < to; row++) {
      protocols.push(LAYER_PROTOCOLS[d.kind(row)] as string);
      eachField(placeOf(view, d, row), layerSpec(d.kind(row)), (spec, value) => {
        fields.set(spec.name, [...(fields.get(spec.name) ?? []), valueText(spec, value)]);
      });
    }
  }
  const completed = parts.slice(1).map(({ d, from, packets }) => ({
    length: d.packetEnd - d.head(from - 1),
    packets,
  }));
  return { number, fragment: parts[0]?.d.fragment !== -1, protocols, fields, completed };
}

function read(name: string, sight = new Sight()): Told[] {
  const told: Told[] = [];
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    told.push(tell(meta.number, sight.parts));
  });
  reader.push(captureBytes(name));
  reader.end();
  return told;
}

/** Columns that are no field of one packet, or that the other tests of the truth judge. */
const OTHER = /^(frame|_ws|http|urlencoded-form)[.-]/;

function differences(told: Told, row: TruthRow): string[] {
  const found: string[] = [];
  const stack = stackOf(told.protocols);
  const theirs = stackOf((row['frame.protocols'] ?? '').split(':'));
  if (stack !== theirs) found.push(`#${told.number} protocols: ours ${stack}, tshark ${theirs}`);
  for (const [column, text] of Object.entries(row)) {
    const ours = (told.fields.get(column) ?? []).join(';');
    if (!OTHER.test(column) && ours !== text) {
      found.push(`#${told.number} ${column}: ours ${ours}, tshark ${text}`);
    }
  }
  return found;
}

describe('every field of every fragment and of every datagram is what tshark 4.0.17 reads', () => {
  const completed = new Map<string, number>();
  const names = truthNames().filter((name) => !/\.(zst|snoop)$/.test(name));

  test.each(names)('%s', (name) => {
    const told = read(name);
    const rows = truth(name);
    expect(told.length).toBe(rows.length);
    const fragments = told.filter((packet) => packet.fragment);
    completed.set(name, fragments.filter((packet) => packet.completed.length > 0).length);
    expect(fragments.flatMap((packet) => differences(packet, rows[packet.number - 1] as TruthRow))).toEqual(
      [],
    );
  });

  test('outer and inner fragments of kernel and Docker are among them', () => {
    const some = [...completed].filter(([, count]) => count > 0);
    expect(Object.fromEntries(some)).toEqual({
      'docker-swarm/traffic-appserver1-any.pcap': 2,
      'docker-swarm/traffic-inner-vxlan0-mywebnw.pcap': 4,
      'docker-swarm/traffic-underlay.pcap': 4,
      'docker-swarm/traffic-worker1-eth0.pcap': 4,
      'kernel/outer-frag.pcap': 6,
    });
  });
});

/** Captures that hold fragments; the one of tcpdump has none that is whole. */
const FRAGMENTED = [
  'docker-swarm/traffic-appserver1-any.pcap',
  'docker-swarm/traffic-inner-vxlan0-mywebnw.pcap',
  'docker-swarm/traffic-underlay.pcap',
  'docker-swarm/traffic-worker1-eth0.pcap',
  'kernel/outer-frag.pcap',
  'public/arkime/socks5-http-302-frag.pcap',
  'public/libpcap/ipv6_ext_headers.pcap',
  'public/ndpi/fuzz-2006-09-29-28586.pcap',
  'public/pcapplusplus/frag_with_padding.pcap',
  'public/pcapplusplus/ip4_bad_fragment.pcap',
  'public/pcapplusplus/ip4_fragments.pcap',
  'public/pcapplusplus/ip6_fragments.pcap',
  'public/pcapplusplus/ipv6_opt_fragments.pcap',
  'public/suricata-verify/frag-eth-vlan-ip-tcp-syn.pcap',
  'public/suricata-verify/frag-eth-vlan-ipv6-tcp.pcap',
  'public/tcpdump/ipv6_frag6_negative_len.pcap',
  'public/zeek/l3/ipv6-fragmented-dns.pcap',
];

const COLUMNS = [
  'frame.number',
  'ip.reassembled.length',
  'ipv6.reassembled.length',
  'ip.fragment',
  'ipv6.fragment',
  'frame.protocols',
];

function reassembledBy(name: string): Map<number, string[]> {
  const out = runTool('tshark', [
    ...['-n', '-r', capturePath(name), '-o', 'ip.defragment:TRUE', '-o', 'ipv6.defragment:TRUE'],
    ...['-o', 'tcp.desegment_tcp_streams:FALSE', '-Y', 'ip.reassembled.length || ipv6.reassembled.length'],
    ...['-T', 'fields', '-E', 'aggregator=;', ...COLUMNS.flatMap((column) => ['-e', column])],
  ]);
  const rows = out.split('\n').filter((line) => line !== '');
  return new Map(rows.map((line) => line.split('\t')).map((row) => [Number(row[0]), row.slice(1)]));
}

describe('the same packets as in tshark complete the same datagrams', () => {
  test.skipIf(!hasTool('tshark')).each(FRAGMENTED)('%s', (name) => {
    const theirs = reassembledBy(name);
    const ours = read(name).filter((packet) => packet.completed.length > 0);
    expect(ours.map((packet) => packet.number)).toEqual([...theirs.keys()]);
    for (const packet of ours) {
      const [four = '', six = '', from4 = '', from6 = '', protocols = ''] = theirs.get(
        packet.number,
      ) as string[];
      expect(packet.completed.map((one) => `${one.length}`).join(';')).toBe(four + six);
      // tshark also lists fragments that came again.
      const brought = `${from4}${from6}`.split(';').map(Number);
      const used = packet.completed.flatMap((one) => one.packets);
      expect(brought.filter((number) => used.includes(number))).toEqual(used);
      // tshark names what is in a datagram that we leave as data.
      const stack = stackOf(packet.protocols);
      expect(stackOf(protocols.split(':')).slice(0, stack.length)).toBe(stack);
    }
  });

  test('no other capture holds a fragment', () => {
    const known = new Set(FRAGMENTED);
    const found = ['docker-swarm', 'kernel', 'ovs', 'public']
      .flatMap((folder) => captureNames(folder))
      .filter((name) => /\.(pcap|pcapng|cap|trace)(\.gz)?$/.test(name) && !known.has(name))
      .filter((name) => read(name).some((packet) => packet.fragment));
    expect(found).toEqual([]);
  });
});
