// Compares our reading of captures with tshark's, field by field, and prints every difference.
//
//   npx tsx scripts/tshark-compare.ts [--limit N] FILE...
//
// Reassembly is off on both sides, checksums are verified, TCP numbers are raw. Ends with 1 when something differs, 4 when
// tshark is missing.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Reading } from '../test/support/columns.ts';
import { packetsOf, readPacket, stackOf, values } from '../test/support/columns.ts';

const FIELDS = (
  'eth.src eth.dst eth.type eth.len vlan.id ieee8021ad.id sll.etype arp.opcode arp.src.hw_mac arp.src.proto_ipv4 arp.dst.hw_mac ' +
  'arp.dst.proto_ipv4 ip.hdr_len ip.dsfield ip.len ip.id ip.flags.df ip.flags.mf ip.frag_offset ip.ttl ip.proto ' +
  'ip.checksum ip.checksum.status ip.src ip.dst ipv6.version ipv6.tclass ipv6.flow ipv6.plen ipv6.nxt ipv6.hlim ipv6.src ' +
  'ipv6.dst ipv6.hopopts.nxt ipv6.fraghdr.offset ipv6.fraghdr.more ipv6.fraghdr.ident ipv6.routing.type udp.srcport ' +
  'udp.dstport udp.length udp.checksum udp.checksum.status tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.hdr_len ' +
  'tcp.flags tcp.window_size_value tcp.checksum tcp.checksum.status tcp.len tcp.options.mss_val tcp.options.timestamp.tsval ' +
  'vxlan.flags vxlan.gbp vxlan.vni vxlan.next_proto geneve.vni geneve.proto_type gre.proto mpls.label nsh.spi icmp.type ' +
  'icmp.code icmp.checksum.status icmp.ident icmp.seq icmpv6.type icmpv6.code icmpv6.checksum.status ' +
  'icmpv6.echo.sequence_number icmpv6.nd.ns.target_address icmpv6.nd.na.target_address igmp.type igmp.version igmp.maddr ' +
  'igmp.checksum.status dns.id dns.flags dns.qry.name dns.qry.type dns.resp.name dns.a dns.aaaa dns.cname'
).split(' ');

const SWITCHES = [
  ...['-n', '-d', 'udp.port==8472,vxlan', '-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'],
  ...['-o', 'tcp.relative_sequence_numbers:FALSE', '-o', 'tcp.desegment_tcp_streams:FALSE'],
  ...['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
  ...['-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=;'],
];

const INFO_PROTOCOLS = new Set([
  'ARP',
  'ICMP',
  'ICMPv6',
  'UDP',
  'DNS',
  'IGMPv1',
  'IGMPv2',
  'IGMPv3',
  'MDNS',
  'LLMNR',
  'STP',
]);

/** What only the packets around this one can tell. */
const STATEFUL =
  / \((?:request|reply) in \d+\)| \(no response found!\)| \(duplicate use of \S+ detected!\)|\[Malformed Packet\]/g;

function tshark(file: string): string[][] {
  const columns = ['frame.protocols', '_ws.col.Protocol', '_ws.col.Info', ...FIELDS];
  const run = spawnSync('tshark', ['-r', file, ...SWITCHES, ...columns.flatMap((c) => ['-e', c])], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  // A damaged file makes it end with an error after the packets before the damage: those count.
  if (run.error !== undefined) throw run.error;
  return run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

function differences(reading: Reading, row: readonly string[]): string[] {
  const found: string[] = [];
  const compare = (name: string, ours: string, theirs: string): void => {
    if (ours !== theirs) found.push(`${name}: ours ${ours || '-'}, tshark ${theirs || '-'}`);
  };
  const gpe = values(reading, 'vxlan.next_proto').length > 0;
  compare('protocols', stackOf(reading.protocols, gpe), stackOf((row[0] ?? '').split(':'), gpe));
  const protocol = row[1] ?? '';
  if (INFO_PROTOCOLS.has(protocol) && !/[Ff]ragment/.test(reading.summary.info)) {
    compare('Protocol', reading.summary.protocol, protocol);
    const theirs = (row[2] ?? '').replace(STATEFUL, '').trimEnd();
    compare('Info', reading.summary.info.replace(STATEFUL, '').trimEnd(), theirs);
  }
  FIELDS.forEach((name, i) => {
    compare(name, values(reading, name).join(';'), row[i + 3] ?? '');
  });
  return found;
}

function compareFile(file: string, limit: number): number {
  const rows = tshark(file);
  const packets = packetsOf(readFileSync(file));
  let total = 0;
  if (rows.length !== packets.length) {
    console.log(`${file}: ours has ${packets.length} packets, tshark ${rows.length}`);
    total++;
  }
  packets.forEach((packet, i) => {
    const row = rows[i];
    if (row === undefined) return;
    for (const line of differences(readPacket(packet), row)) {
      if (total++ < limit) console.log(`${file}#${packet.number} ${line}`);
    }
  });
  return total;
}

function main(args: string[]): number {
  const at = args.indexOf('--limit');
  const limit = at < 0 ? 20 : Number(args.splice(at, 2)[1]);
  let total = 0;
  for (const file of args) {
    try {
      const count = compareFile(file, limit);
      if (count > 0) console.log(`${file}: ${count} differences`);
      total += count;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && String(error).includes('tshark')) {
        console.error('tshark is missing; install it with: apt-get install tshark');
        return 4;
      }
      throw error;
    }
  }
  console.log(`${args.length} files, ${total} differences`);
  return total === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
