// tshark as a judge of single packets: its fields, of which this is the one list, and how it is asked.

import { execFile } from 'node:child_process';

/** Who speaks to whom, and how long packets are. */
export const WHO: readonly string[] = (
  'frame.number frame.time_epoch frame.len frame.cap_len eth.src eth.dst eth.type vlan.id ieee8021ad.id arp.opcode ' +
  'arp.src.hw_mac arp.src.proto_ipv4 arp.dst.hw_mac arp.dst.proto_ipv4 ip.proto ip.src ip.dst ipv6.src ipv6.dst ' +
  'udp.srcport udp.dstport tcp.srcport tcp.dstport vxlan.flags vxlan.vni'
).split(' ');

/** What else headers say. */
const WHAT: readonly string[] = (
  'eth.len sll.etype ip.hdr_len ip.dsfield ip.len ip.id ip.flags.df ip.flags.mf ip.frag_offset ip.ttl ' +
  'ip.checksum ip.checksum.status ipv6.version ipv6.tclass ipv6.flow ipv6.plen ipv6.nxt ipv6.hlim ' +
  'ipv6.hopopts.nxt ipv6.fraghdr.offset ipv6.fraghdr.more ipv6.fraghdr.ident ipv6.routing.type ' +
  'udp.length udp.checksum udp.checksum.status tcp.seq_raw tcp.ack_raw tcp.hdr_len ' +
  'tcp.flags tcp.window_size_value tcp.checksum tcp.checksum.status tcp.len tcp.options.mss_val tcp.options.timestamp.tsval ' +
  'vxlan.gbp vxlan.next_proto geneve.vni geneve.proto_type gre.proto mpls.label nsh.spi icmp.type ' +
  'icmp.code icmp.checksum.status icmp.ident icmp.seq icmpv6.type icmpv6.code icmpv6.checksum.status ' +
  'icmpv6.echo.sequence_number icmpv6.nd.ns.target_address icmpv6.nd.na.target_address igmp.type igmp.version igmp.maddr ' +
  'igmp.checksum.status dns.id dns.flags dns.qry.name dns.qry.type dns.resp.name dns.a dns.aaaa dns.cname'
).split(' ');

/** All fields that tests and scripts/tshark-compare.ts compare. */
export const FIELDS: readonly string[] = [...WHO, ...WHAT];

/** 8472 and 7789, Docker's choice of another port, are VXLAN; numbers are raw; checksums are verified. */
const SWITCHES: readonly string[] = [
  ...['-n', '-d', 'udp.port==8472,vxlan', '-d', 'udp.port==7789,vxlan'],
  ...['-o', 'tcp.relative_sequence_numbers:FALSE', '-o', 'tcp.desegment_tcp_streams:FALSE'],
  ...['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
  ...['-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=;'],
];

export interface TsharkReading {
  /** A row a packet, a cell a column; several values in one cell are joined with `;` from the outside in. */
  readonly rows: readonly (readonly string[])[];
  /** What it complained of at the end; '' when the file is whole. */
  readonly complaint: string;
}

/**
 * Reads a capture with tshark. A damaged one gives the packets before the damage.
 * @param defragment false shows every fragment by itself
 * @throws Error when tshark cannot be started
 */
export function tshark(
  path: string,
  columns: readonly string[],
  defragment: boolean,
): Promise<TsharkReading> {
  const together = defragment ? 'TRUE' : 'FALSE';
  const fragments = ['-o', `ip.defragment:${together}`, '-o', `ipv6.defragment:${together}`];
  const wanted = columns.flatMap((column) => ['-e', column]);
  const args = ['-r', path, ...SWITCHES, ...fragments, ...wanted];
  const settings = {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  } as const;
  return new Promise((resolve, reject) => {
    execFile('tshark', args, settings, (error, out, words) => {
      if (error !== null && typeof error.code === 'string') {
        reject(error);
        return;
      }
      const lines = out.split('\n').filter((line) => line !== '');
      const complaint = words
        .split('\n')
        .filter((line) => line.startsWith('tshark: '))
        .join(' ');
      resolve({ rows: lines.map((line) => line.split('\t')), complaint });
    });
  });
}
