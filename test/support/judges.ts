// Whole runs of the emulated cluster as capture files for other people's programs to judge, and what those said of them:
// tshark's fields beside ours, tshark's complaints, tcpdump's words.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../src/core/frame/frame.ts';
import { PcapngWriter } from '../../src/core/pcap/index.ts';
import { LINKTYPE } from '../../src/core/pcap/linktype.ts';
import type { Ip } from '../../src/core/wire/address.ts';
import type { PingOptions } from '../../src/engine/host/ping.ts';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import type { ClusterOptions } from '../../src/engine/orchestrate/cluster.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { viewOf } from './bytes.ts';
import { packetsOf, readPacket, stackOf, values } from './columns.ts';
import { Inbox, pattern } from './lab.ts';
import { runTool } from './peers.ts';

/** 2026-01-01: when the files begin. */
const EPOCH = 1_767_225_600;

/** A folder for one test file's captures, taken away by `done`. */
export function scratch(name: string): { path(file: string): string; done(): void } {
  const folder = mkdtempSync(join(tmpdir(), `vxlab-${name}-`));
  return {
    path: (file) => join(folder, file),
    done: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A cluster with a stack on it, whose underlay frames go to a pcapng file: one interface a node, `<node>/eth0`. */
export class Recorded {
  readonly simulation: Simulation;
  readonly interfaces: readonly string[];
  readonly #writer: PcapngWriter;
  readonly #chunks: Uint8Array[] = [];
  #spoil: ((bytes: Uint8Array) => void) | null = null;

  constructor(manifest: string, profile: string, options: ClusterOptions = {}) {
    const { spec, diagnostics } = loadCompose(manifest, { stack: 'lecture' });
    if (spec === null) throw new Error(diagnostics.map((one) => one.message).join('\n'));
    const nodes = cluster(options);
    this.#writer = new PcapngWriter((bytes) => this.#chunks.push(bytes.slice()));
    this.interfaces = nodes.nodes.map((node) => `${node.name}/eth0`);
    for (const name of this.interfaces) this.#writer.addInterface({ linkType: LINKTYPE.ethernet, name });
    let now = (): number => 0;
    this.simulation = new Simulation(spec, {
      cluster: nodes,
      profile: profileOf(profile),
      seed: 7,
      capture: {
        frame: (tap: number, _inbound: boolean, frame: Frame) => {
          const seconds = Math.floor(now() / SECOND);
          const nanos = now() - seconds * SECOND;
          const bytes = frame.toBytes();
          this.#spoil?.(bytes);
          this.#writer.writePacket(tap, EPOCH + seconds, nanos, viewOf(bytes), 0, bytes.length, bytes.length);
        },
      },
    });
    const { clock } = this.simulation;
    now = () => clock.now;
  }

  /** Pings; answers how many requests were answered and the ICMP errors that came instead, as `type.code`. */
  ping(from: string, to: string, options: Partial<PingOptions> = {}): { replies: number; errors: string[] } {
    const all = { count: 2, interval: SECOND / 10, deadline: SECOND / 2, ...options };
    const { replies, errors } = this.simulation.pingNow(from, to, all);
    return { replies: replies.length, errors: errors.map((one) => `${one.type}.${one.code}`) };
  }

  /** A datagram of so many bytes to a socket there and the same back; answers with the lengths that arrived at each. */
  datagram(from: string, to: string, size: number): { there: number[]; back: number[] } {
    const { world } = this.simulation;
    const [a, b] = [world.party(from), world.party(to)];
    const [there, back] = [new Inbox(), new Inbox()];
    const client = a.host.udp.bind(0, back);
    const server = b.host.udp.bind(34999, there);
    client.send(world.addressFor(a, to), 34999, pattern(size));
    this.pass(0.2);
    server.send(this.#sourceOf(a.host, b.host), client.port, pattern(size));
    this.pass(0.2);
    a.host.udp.unbind(client);
    b.host.udp.unbind(server);
    const lengths = (inbox: Inbox): number[] => inbox.datagrams.map(({ bytes }) => bytes.length);
    return { there: lengths(there), back: lengths(back) };
  }

  /** A datagram to a port that nobody has; answers with the ICMP errors that came back, as `type.code`. */
  toClosedPort(from: string, to: string): string[] {
    const { world } = this.simulation;
    const party = world.party(from);
    const inbox = new Inbox();
    const socket = party.host.udp.bind(0, inbox);
    socket.send(world.addressFor(party, to), 34998, pattern(32));
    this.pass(0.5);
    party.host.udp.unbind(socket);
    return inbox.errors.map((one) => `${one.type}.${one.code}`);
  }

  /** Changes what is written from now on, to see whether a judge finds it. */
  spoil(change: (bytes: Uint8Array) => void): void {
    this.#spoil = change;
  }

  /** Virtual seconds since the start. */
  get seconds(): number {
    return this.simulation.clock.now / SECOND;
  }

  pass(seconds: number): void {
    const { clock } = this.simulation;
    clock.runUntil(clock.now + Math.round(seconds * SECOND));
  }

  /** Writes the file so far. */
  save(path: string): void {
    this.#writer.flush();
    writeFileSync(path, Buffer.concat(this.#chunks));
  }

  /** The address of `to` that `from` shares a subnet with, or its first. */
  #sourceOf(a: { interfaces: readonly Addressed[] }, b: { interfaces: readonly Addressed[] }): Ip {
    const nets = new Set(b.interfaces.flatMap((dev) => dev.addresses.map(({ ip }) => subnet(ip))));
    const mine = a.interfaces.flatMap((dev) => dev.addresses.map(({ ip }) => ip));
    return mine.find((ip) => nets.has(subnet(ip))) ?? (mine[0] as Ip);
  }
}

interface Addressed {
  readonly addresses: readonly { readonly ip: Ip }[];
}

function subnet(ip: Ip): string {
  return typeof ip === 'number' ? String(ip >>> 8) : `${ip.a}:${ip.b}`;
}

/** What both sides must read alike, in every layer from the outside in. */
const FIELDS = (
  'frame.len frame.cap_len eth.dst eth.src eth.type vlan.id vlan.priority arp.opcode arp.src.hw_mac arp.src.proto_ipv4 ' +
  'arp.dst.hw_mac arp.dst.proto_ipv4 ip.hdr_len ip.dsfield ip.dsfield.dscp ip.dsfield.ecn ip.len ip.id ' +
  'ip.flags.rb ip.flags.df ip.flags.mf ip.frag_offset ip.ttl ip.proto ip.checksum ip.checksum.status ip.src ip.dst ' +
  'ipv6.version ipv6.tclass ipv6.flow ipv6.plen ipv6.nxt ipv6.hlim ipv6.src ipv6.dst ipv6.hopopts.nxt ' +
  'ipv6.fraghdr.nxt ipv6.fraghdr.offset ipv6.fraghdr.more ipv6.fraghdr.ident udp.srcport udp.dstport udp.length ' +
  'udp.checksum udp.checksum.status vxlan.flags vxlan.gbp vxlan.next_proto vxlan.vni ' +
  'vxlan.reserved8 icmp.type icmp.code icmp.checksum icmp.checksum.status icmp.ident icmp.seq icmp.mtu icmpv6.type ' +
  'icmpv6.code icmpv6.checksum icmpv6.checksum.status icmpv6.echo.identifier icmpv6.echo.sequence_number icmpv6.mtu ' +
  'icmpv6.nd.ns.target_address icmpv6.nd.na.target_address icmpv6.nd.na.flag.s icmpv6.nd.na.flag.o icmpv6.opt.type ' +
  'icmpv6.opt.linkaddr igmp.type igmp.version igmp.checksum igmp.checksum.status igmp.maddr igmp.num_grp_recs ' +
  'igmp.record_type'
).split(' ');

const VERDICTS = ['_ws.malformed', '_ws.expert.severity', '_ws.expert.message', 'frame.interface_name'];
/** Wireshark's PI_WARN; PI_ERROR is above it. */
const WARNING = 0x600000;
const OF_FRAME = new Set(['frame.len', 'frame.cap_len']);

const SWITCHES = [
  ...['-n', '-d', 'udp.port==8472,vxlan', '-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'],
  ...['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
  ...['-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=;'],
];

export interface Verdict {
  readonly packets: number;
  /** Every field that we and tshark do not read alike. */
  readonly differences: string[];
  /** Malformed packets, and expert infos that are warnings or errors. */
  readonly complaints: string[];
  /** The interface name of each packet, each once. */
  readonly interfaces: string[];
  /** How often tshark saw a protocol stack. */
  readonly stacks: Map<string, number>;
  /** How often tshark printed a value of a field, all layers together. */
  count(field: string, value: string): number;
}

/** Has tshark read a file, with more switches if need be, and compares with our own reading of it. */
export function judge(path: string, switches: readonly string[] = []): Verdict {
  const columns = ['frame.protocols', ...VERDICTS, ...FIELDS];
  const wanted = columns.flatMap((name) => ['-e', name]);
  const rows = runTool('tshark', ['-r', path, ...switches, ...SWITCHES, ...wanted])
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  const packets = packetsOf(readFileSync(path));
  const differences: string[] = [];
  const complaints: string[] = [];
  const interfaces = new Set<string>();
  const stacks = new Map<string, number>();
  const counts = new Map<string, number>();
  if (rows.length !== packets.length)
    differences.push(`${packets.length} packets, tshark reads ${rows.length}`);
  for (const [i, packet] of packets.entries()) {
    const [stack = '', malformed = '', severities = '', messages = '', name = '', ...fields] = rows[i] ?? [];
    const about = `#${i + 1} ${stack}`;
    interfaces.add(name);
    stacks.set(stack, (stacks.get(stack) ?? 0) + 1);
    if (malformed !== '') complaints.push(`${about}: malformed`);
    if (severities.split(';').some((severity) => Number(severity) >= WARNING))
      complaints.push(`${about}: ${messages}`);
    const reading = readPacket(packet);
    const ours = stackOf(reading.protocols);
    const theirs = stackOf(stack.split(':'));
    if (ours !== theirs) differences.push(`${about} frame.protocols: ours ${ours}, tshark ${theirs}`);
    for (const [column, field] of FIELDS.entries()) {
      const value = fields[column] ?? '';
      if (value !== '') {
        for (const one of value.split(';'))
          counts.set(`${field} ${one}`, (counts.get(`${field} ${one}`) ?? 0) + 1);
      }
      const mine = OF_FRAME.has(field)
        ? String(field === 'frame.len' ? packet.originalLength : packet.bytes.length)
        : values(reading, field).join(';');
      if (mine !== value) differences.push(`${about} ${field}: ours ${mine || '-'}, tshark ${value || '-'}`);
    }
  }
  const count = (field: string, value: string): number => counts.get(`${field} ${value}`) ?? 0;
  return { packets: packets.length, differences, complaints, interfaces: [...interfaces], stacks, count };
}

/** tcpdump's lines about a file that speak of something wrong, and how often it called a checksum correct. */
export function tcpdumpSays(path: string): { bad: string[]; correct: number; lines: number } {
  const lines = runTool('tcpdump', ['-nn', '-vvv', '-r', path]).split('\n');
  const bad = lines.filter((line) => /\bbad\b|invalid|truncated|incorrect|wrong|\[\|/i.test(line));
  const correct = lines.filter((line) => /cksum \S+ \(correct\)|udp sum ok/.test(line)).length;
  return { bad, correct, lines: lines.length };
}
