// The sums over lanes that a person asks for: VNIs, tunnels, endpoints and flows, sorted so that the same capture always gives
// the same lists.

import { IP_PROTOCOL_NAMES } from '../inspect/names.ts';
import type { Ip, Mac } from '../wire/address.ts';
import { compareIp, mac } from '../wire/address.ts';
import type { Addresses } from './addresses.ts';
import { KeyTable } from './key-table.ts';
import type { Lanes } from './lanes.ts';
import { LANE } from './lanes.ts';
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
  const sums = new Sums(survey.addresses);
  sums.add(survey.lanes);
  sums.add(survey.spare);
  const tunnels = sums.tunnels();
  return { vnis: sums.vnis(tunnels, most), tunnels, flows: sums.flows(most) };
}

/** Packets and bytes by the rows of a table. */
class Column {
  readonly packets: number[] = [];
  readonly bytes: number[] = [];

  add(row: number, packets: number, bytes: number): void {
    this.packets[row] = (this.packets[row] ?? 0) + packets;
    this.bytes[row] = (this.bytes[row] ?? 0) + bytes;
  }
}

class Sums {
  readonly #addresses: Addresses;
  readonly #tunnels = new KeyTable(Number.MAX_SAFE_INTEGER);
  readonly #tunnelSums = new Column();
  readonly #endpoints = new KeyTable(Number.MAX_SAFE_INTEGER);
  readonly #endpointSums = new Column();
  /** Which inner addresses came from which endpoint. */
  readonly #ips = new KeyTable(Number.MAX_SAFE_INTEGER);
  readonly #flows = new KeyTable(Number.MAX_SAFE_INTEGER);
  /** By flow: whether its key is the other way round than its first packet, and the sums of the key's two directions. */
  readonly #turned: boolean[] = [];
  readonly #forth = new Column();
  readonly #back = new Column();

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
  }

  add(lanes: Lanes): void {
    for (let lane = 0; lane < lanes.count; lane++) {
      this.#tunnel(lanes, lane);
      const flags = lanes.keys.word(lane, 7);
      if ((flags & LANE.noMac) === 0) this.#endpoint(lanes, lane, flags);
      if ((flags & LANE.bare) === 0) this.#flow(lanes, lane, flags);
    }
  }

  #tunnel(lanes: Lanes, lane: number): void {
    const { keys } = lanes;
    const vni = keys.word(lane, 3) >>> 8;
    const family = keys.word(lane, 7) & LANE.outer6;
    const row = this.#tunnels.row(vni, keys.word(lane, 4), keys.word(lane, 5), family, 0, 0, 0, 0);
    this.#tunnelSums.add(row, lanes.packets(lane), lanes.bytes(lane));
  }

  #endpoint(lanes: Lanes, lane: number, flags: number): void {
    const { keys } = lanes;
    const vni = keys.word(lane, 3) >>> 8;
    const vtep = keys.word(lane, 4);
    const row = this.#endpoints.row(
      vni,
      vtep,
      keys.word(lane, 6),
      flags & 0xffff,
      flags & LANE.outer6,
      0,
      0,
      0,
    );
    this.#endpointSums.add(row, lanes.packets(lane), lanes.bytes(lane));
    if ((flags & LANE.bare) !== 0) return;
    const source = keys.word(lane, 0);
    const inner6 = flags & LANE.inner6;
    if (source !== 0 || inner6 !== 0) this.#ips.row(row, source, inner6, 0, 0, 0, 0, 0);
  }

  #flow(lanes: Lanes, lane: number, flags: number): void {
    const { keys } = lanes;
    const a = keys.word(lane, 0);
    const b = keys.word(lane, 1);
    const ports = keys.word(lane, 2);
    const swapped = (ports << 16) | (ports >>> 16);
    const turned = a >>> 0 > b >>> 0 || (a === b && ports >>> 16 > (ports & 0xffff));
    const word = keys.word(lane, 3);
    const kind = flags & (LANE.inner6 | LANE.arp);
    const row = turned
      ? this.#flows.row(b, a, swapped, word, kind, 0, 0, 0)
      : this.#flows.row(a, b, ports, word, kind, 0, 0, 0);
    this.#turned[row] ??= turned;
    const way = turned ? this.#back : this.#forth;
    way.add(row, lanes.packets(lane), lanes.innerBytes(lane));
  }

  tunnels(): TunnelCount[] {
    const list: TunnelCount[] = [];
    const table = this.#tunnels;
    for (let row = 0; row < table.count; row++) {
      const is6 = table.word(row, 3) !== 0;
      list.push({
        vni: table.word(row, 0),
        src: this.#addresses.address(table.word(row, 1), is6),
        dst: this.#addresses.address(table.word(row, 2), is6),
        packets: this.#tunnelSums.packets[row] as number,
        bytes: this.#tunnelSums.bytes[row] as number,
      });
    }
    return list.sort(
      (x, y) => x.vni - y.vni || y.packets - x.packets || compareIp(x.src, y.src) || compareIp(x.dst, y.dst),
    );
  }

  vnis(tunnels: readonly TunnelCount[], most: number): VniCount[] {
    const endpoints = this.#endpointsByVni(most);
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

  #endpointsByVni(most: number): Map<number, Listed<Endpoint>> {
    const table = this.#endpoints;
    const { packets } = this.#endpointSums;
    const rows = new Map<number, number[]>();
    for (let row = 0; row < table.count; row++) {
      const vni = table.word(row, 0);
      const list = rows.get(vni);
      if (list === undefined) rows.set(vni, [row]);
      else list.push(row);
    }
    const ips = this.#ipsByEndpoint();
    const listed = new Map<number, Listed<Endpoint>>();
    for (const [vni, list] of rows) {
      const first = mostOf(list, packets, most).map((row) => this.#endpointAt(row, ips));
      first.sort((x, y) => y.packets - x.packets || x.mac - y.mac || compareIp(x.vtep, y.vtep));
      listed.set(vni, { total: list.length, first: first.slice(0, most) });
    }
    return listed;
  }

  #endpointAt(row: number, ips: readonly (readonly number[])[]): Endpoint {
    const table = this.#endpoints;
    const known = (ips[row] ?? []).map((at) =>
      this.#addresses.address(this.#ips.word(at, 1), this.#ips.word(at, 2) !== 0),
    );
    return {
      mac: mac(table.word(row, 3), table.word(row, 2)),
      ips: known.sort(compareIp),
      vtep: this.#addresses.address(table.word(row, 1), table.word(row, 4) !== 0),
      packets: this.#endpointSums.packets[row] as number,
    };
  }

  /** Rows of `#ips` by endpoint. */
  #ipsByEndpoint(): number[][] {
    const lists: number[][] = [];
    for (let row = 0; row < this.#ips.count; row++) {
      const endpoint = this.#ips.word(row, 0);
      const list = lists[endpoint];
      if (list === undefined) lists[endpoint] = [row];
      else list.push(row);
    }
    return lists;
  }

  flows(most: number): Listed<FlowCount> {
    const table = this.#flows;
    const total = table.count;
    const rows = Array.from({ length: total }, (_, row) => row);
    if (total > most) {
      // Only the first are wanted: by VNI, then most packets. The rest of the order is settled among what is left.
      const packets = rows.map((row) => (this.#forth.packets[row] ?? 0) + (this.#back.packets[row] ?? 0));
      const vnis = new Set<number>();
      for (const row of rows) vnis.add(table.word(row, 3) >>> 8);
      const kept: number[] = [];
      for (const vni of [...vnis].sort((x, y) => x - y)) {
        if (kept.length >= most) break;
        kept.push(
          ...mostOf(
            rows.filter((row) => table.word(row, 3) >>> 8 === vni),
            packets,
            most,
          ),
        );
      }
      return {
        total,
        first: kept
          .map((row) => this.#flowAt(row))
          .sort(compareFlows)
          .slice(0, most),
      };
    }
    return { total, first: rows.map((row) => this.#flowAt(row)).sort(compareFlows) };
  }

  #flowAt(row: number): FlowCount {
    const table = this.#flows;
    const turned = this.#turned[row] as boolean;
    const kind = table.word(row, 4);
    const inner6 = (kind & LANE.inner6) !== 0;
    const ports = table.word(row, 2);
    const number = table.word(row, 3) & 0xff;
    const arp = (kind & LANE.arp) !== 0;
    const hasPorts = !arp && ports !== 0;
    const low = {
      ip: this.#addresses.address(table.word(row, 0), inner6),
      port: hasPorts ? ports >>> 16 : null,
    };
    const high = {
      ip: this.#addresses.address(table.word(row, 1), inner6),
      port: hasPorts ? ports & 0xffff : null,
    };
    const [ab, ba] = turned ? [this.#back, this.#forth] : [this.#forth, this.#back];
    return {
      vni: table.word(row, 3) >>> 8,
      protocol: arp ? 'ARP' : protocolName(number),
      a: turned ? high : low,
      b: turned ? low : high,
      packetsAB: ab.packets[row] ?? 0,
      bytesAB: ab.bytes[row] ?? 0,
      packetsBA: ba.packets[row] ?? 0,
      bytesBA: ba.bytes[row] ?? 0,
    };
  }
}

/** The rows with the most packets: `most` of them, and all that have as many as the last. */
function mostOf(rows: readonly number[], packets: readonly number[], most: number): number[] {
  if (rows.length <= most) return [...rows];
  const counts = Float64Array.from(rows, (row) => packets[row] ?? 0).sort();
  const least = counts[counts.length - most] as number;
  return rows.filter((row) => (packets[row] ?? 0) >= least);
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
