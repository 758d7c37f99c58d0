// The sums over lanes that a person asks for: VNIs, tunnels, endpoints and flows, sorted so that the same capture always gives
// the same lists.

import { IP_PROTOCOL_NAMES } from '../inspect/names.ts';
import type { Ip, Mac } from '../wire/address.ts';
import { compareIp, mac } from '../wire/address.ts';
import type { Addresses } from './addresses.ts';
import type { KeyTable } from './key-table.ts';
import { LANE } from './lanes.ts';
import { Sums } from './sums.ts';
import type { Survey } from './survey.ts';

export interface Endpoint {
  readonly mac: Mac;
  /** Inner source addresses that came from this MAC, ascending. */
  readonly ips: readonly Ip[];
  /** The VTEP behind which it was. A MAC that was behind two is two endpoints. */
  readonly vtep: Ip;
  /** Frames that it sent. */
  readonly packets: number;
}

/** A list that may have been cut to its first entries, and how long it was. */
export interface Listed<T> {
  readonly total: number;
  readonly first: readonly T[];
}

export interface VniCount {
  readonly vni: number;
  readonly packets: number;
  /** Of whole packets on the wire. */
  readonly bytes: number;
  /** Addresses that sent or were sent to, groups among them, ascending. */
  readonly vteps: readonly Ip[];
  readonly endpoints: Listed<Endpoint>;
}

export interface TunnelCount {
  readonly vni: number;
  readonly src: Ip;
  readonly dst: Ip;
  readonly packets: number;
  /** Of whole packets on the wire. */
  readonly bytes: number;
}

/** One inner conversation; `a` is who was seen to send first. Bytes are the inner frames'. */
export interface FlowCount {
  readonly vni: number;
  readonly protocol: string;
  readonly a: FlowEnd;
  readonly b: FlowEnd;
  readonly packetsAB: number;
  readonly bytesAB: number;
  readonly packetsBA: number;
  readonly bytesBA: number;
}

export interface FlowEnd {
  readonly ip: Ip;
  /** Null where the protocol has none. */
  readonly port: number | null;
}

export interface Overview {
  readonly vnis: readonly VniCount[];
  readonly tunnels: readonly TunnelCount[];
  readonly flows: Listed<FlowCount>;
}

/**
 * Sums a survey up.
 * @param most flows, and endpoints of a VNI, that are listed
 */
export function overviewOf(survey: Survey, most: number = Number.MAX_SAFE_INTEGER): Overview {
  const sums = new Sums(survey.lanes, survey.spare);
  const { addresses } = survey;
  const tunnels = tunnelsOf(sums, addresses);
  return { vnis: vnisOf(sums, addresses, tunnels, most), tunnels, flows: flowsOf(sums, addresses, most) };
}

function tunnelsOf({ tunnels: table, tunnelSums }: Sums, addresses: Addresses): TunnelCount[] {
  const list: TunnelCount[] = [];
  for (let row = 0; row < table.count; row++) {
    const is6 = table.word(row, 3) !== 0;
    list.push({
      vni: table.word(row, 0),
      src: addresses.address(table.word(row, 1), is6),
      dst: addresses.address(table.word(row, 2), is6),
      packets: tunnelSums.packets[row] as number,
      bytes: tunnelSums.bytes[row] as number,
    });
  }
  return list.sort(
    (x, y) => x.vni - y.vni || y.packets - x.packets || compareIp(x.src, y.src) || compareIp(x.dst, y.dst),
  );
}

function vnisOf(sums: Sums, addresses: Addresses, tunnels: readonly TunnelCount[], most: number): VniCount[] {
  const endpoints = endpointsOf(sums, addresses, most);
  const byVni = new Map<number, TunnelCount[]>();
  for (const tunnel of tunnels) {
    const list = byVni.get(tunnel.vni);
    if (list === undefined) byVni.set(tunnel.vni, [tunnel]);
    else list.push(tunnel);
  }
  return [...byVni].map(([vni, list]) => ({
    vni,
    packets: list.reduce((sum, one) => sum + one.packets, 0),
    bytes: list.reduce((sum, one) => sum + one.bytes, 0),
    vteps: distinct(list.flatMap(({ src, dst }) => [src, dst])),
    endpoints: endpoints.get(vni) ?? { total: 0, first: [] },
  }));
}

/** Rows of a table by the VNI that a word of their keys has above `shift`. */
function rowsByVni(table: KeyTable, word: number, shift: number): Map<number, number[]> {
  const lists = new Map<number, number[]>();
  for (let row = 0; row < table.count; row++) {
    const vni = table.word(row, word) >>> shift;
    const list = lists.get(vni);
    if (list === undefined) lists.set(vni, [row]);
    else list.push(row);
  }
  return lists;
}

function endpointsOf(sums: Sums, addresses: Addresses, most: number): Map<number, Listed<Endpoint>> {
  const { endpoints: table, endpointPackets } = sums;
  const rows = rowsByVni(table, 0, 0);
  const kept = new Map<number, readonly number[]>();
  const wanted = new Uint8Array(table.count);
  for (const [vni, list] of rows) {
    const first = mostOf(list, endpointPackets, most);
    kept.set(vni, first);
    for (const row of first) wanted[row] = 1;
  }
  const ips = ipsByEndpoint(sums.sources(wanted), addresses);
  const endpointAt = (row: number): Endpoint => ({
    mac: mac(table.word(row, 3), table.word(row, 2)),
    ips: (ips.get(row) ?? []).sort(compareIp),
    vtep: addresses.address(table.word(row, 1), table.word(row, 4) !== 0),
    packets: endpointPackets[row] as number,
  });
  const listed = new Map<number, Listed<Endpoint>>();
  for (const [vni, list] of rows) {
    const first = (kept.get(vni) ?? []).map(endpointAt);
    first.sort((x, y) => y.packets - x.packets || x.mac - y.mac || compareIp(x.vtep, y.vtep));
    listed.set(vni, { total: list.length, first: first.slice(0, most) });
  }
  return listed;
}

/** @param sources what Sums.sources gave */
function ipsByEndpoint(sources: KeyTable, addresses: Addresses): Map<number, Ip[]> {
  const lists = new Map<number, Ip[]>();
  for (let row = 0; row < sources.count; row++) {
    const endpoint = sources.word(row, 0);
    const ip = addresses.address(sources.word(row, 1), sources.word(row, 2) !== 0);
    const list = lists.get(endpoint);
    if (list === undefined) lists.set(endpoint, [ip]);
    else list.push(ip);
  }
  return lists;
}

function flowsOf(sums: Sums, addresses: Addresses, most: number): Listed<FlowCount> {
  const { flows: table, forth, back } = sums;
  const packets = new Float64Array(table.count);
  for (let row = 0; row < packets.length; row++) {
    packets[row] = (forth.packets[row] as number) + (back.packets[row] as number);
  }
  // Only the first are wanted: by VNI, then most packets. The rest of the order is settled among what is left.
  const kept: number[] = [];
  for (const [, rows] of [...rowsByVni(table, 3, 8)].sort(([x], [y]) => x - y)) {
    if (kept.length >= most) break;
    for (const row of mostOf(rows, packets, most)) kept.push(row);
  }
  const first = kept.map((row) => flowAt(sums, addresses, row)).sort(compareFlows);
  return { total: table.count, first: first.slice(0, most) };
}

function flowAt({ flows: table, turned, forth, back }: Sums, addresses: Addresses, row: number): FlowCount {
  const kind = table.word(row, 4);
  const inner6 = (kind & LANE.inner6) !== 0;
  const ports = table.word(row, 2);
  const number = table.word(row, 3) & 0xff;
  const arp = (kind & LANE.arp) !== 0;
  const hasPorts = !arp && ports !== 0;
  const low = {
    ip: addresses.address(table.word(row, 0), inner6),
    port: hasPorts ? ports >>> 16 : null,
  };
  const high = {
    ip: addresses.address(table.word(row, 1), inner6),
    port: hasPorts ? ports & 0xffff : null,
  };
  const isTurned = turned[row] === 1;
  const [ab, ba] = isTurned ? [back, forth] : [forth, back];
  return {
    vni: table.word(row, 3) >>> 8,
    protocol: arp ? 'ARP' : protocolName(number),
    a: isTurned ? high : low,
    b: isTurned ? low : high,
    packetsAB: ab.packets[row] as number,
    bytesAB: ab.bytes[row] as number,
    packetsBA: ba.packets[row] as number,
    bytesBA: ba.bytes[row] as number,
  };
}

/** The rows with the most packets: `most` of them, and all that have as many as the last. */
function mostOf(rows: readonly number[], packets: Float64Array, most: number): readonly number[] {
  if (rows.length <= most) return rows;
  const counts = new Float64Array(rows.length);
  for (let i = 0; i < counts.length; i++) counts[i] = packets[rows[i] as number] as number;
  counts.sort();
  const least = counts[counts.length - most] as number;
  return rows.filter((row) => (packets[row] as number) >= least);
}

function protocolName(number: number): string {
  return IP_PROTOCOL_NAMES[number] ?? `IP protocol ${number}`;
}

function compareFlows(x: FlowCount, y: FlowCount): number {
  return (
    x.vni - y.vni ||
    y.packetsAB + y.packetsBA - x.packetsAB - x.packetsBA ||
    compareIp(x.a.ip, y.a.ip) ||
    compareIp(x.b.ip, y.b.ip) ||
    (x.a.port ?? 0) - (y.a.port ?? 0) ||
    (x.b.port ?? 0) - (y.b.port ?? 0) ||
    (x.protocol < y.protocol ? -1 : x.protocol > y.protocol ? 1 : 0)
  );
}

function distinct(ips: Ip[]): Ip[] {
  return ips.sort(compareIp).filter((ip, i) => i === 0 || compareIp(ips[i - 1] as Ip, ip) !== 0);
}
