// Machines inside the tunnels: address, MAC, the VTEP they are behind, and the names that were heard of them. Names come from
// DNS answers, from Host headers and from TLS; see `Talk.named`.

import type { Ip, Mac } from '../wire/address.ts';
import { compareIp, formatIp } from '../wire/address.ts';
import type { Hits } from './limits.ts';
import type { Host } from './report.ts';
import { shown } from './text.ts';

interface Row {
  readonly vni: number | null;
  readonly ip: Ip;
  mac: Mac | null;
  vtep: Ip | null;
  /** How much of the capture knows it by this VNI; 0 when all of that was found to be of another one. */
  seen: number;
}

interface Named {
  readonly vni: number | null;
  readonly ip: Ip;
  readonly names: string[];
}

export class Hosts {
  readonly #rows: Map<string, Row> = new Map();
  readonly #named: Map<string, Named> = new Map();
  readonly #hits: Hits;
  readonly #most: number;
  readonly #mostNames: number;

  constructor(hits: Hits, most: number, mostNames: number) {
    this.#hits = hits;
    this.#most = most;
    this.#mostNames = mostNames;
  }

  note(vni: number | null, ip: Ip, mac: Mac | null, vtep: Ip | null): void {
    const key = keyOf(vni, ip);
    const row = this.#rows.get(key);
    if (row !== undefined) {
      row.mac ??= mac;
      row.vtep ??= vtep;
      row.seen++;
      return;
    }
    if (this.#rows.size >= this.#most) {
      this.#hits.note('hosts');
      return;
    }
    this.#rows.set(key, { vni, ip, mac, vtep, seen: 1 });
  }

  /** What a host itself sent says so: surer than what was sent to it. */
  learn(vni: number | null, ip: Ip, mac: Mac | null, vtep: Ip | null): void {
    const row = this.#rows.get(keyOf(vni, ip));
    if (row === undefined) return;
    row.mac = mac ?? row.mac;
    row.vtep = vtep ?? row.vtep;
  }

  /** What was noted once of a host was of a host in a tunnel. */
  takeBack(vni: number | null, ip: Ip): void {
    const row = this.#rows.get(keyOf(vni, ip));
    if (row !== undefined) row.seen--;
  }

  named(vni: number | null, ip: Ip, text: string): void {
    const name = shown(text.replace(/\.$/, '')).toLowerCase();
    // An address in place of a name says nothing.
    if (name === '' || name.length > 255 || /^[\d.]+$/.test(name) || name.includes(':')) return;
    const key = keyOf(vni, ip);
    const row = this.#named.get(key);
    if (row === undefined) {
      if (this.#named.size >= this.#most) this.#hits.note('named hosts');
      else this.#named.set(key, { vni, ip, names: [name] });
      return;
    }
    if (row.names.includes(name)) return;
    if (row.names.length >= this.#mostNames) this.#hits.note('names of a host');
    else row.names.push(name);
  }

  /** By VNI, then address. A name that was heard outside of tunnels is that of the one host with the address. */
  list(): Host[] {
    const rows = [...this.#rows.values()].filter((row) => row.seen > 0);
    const holders = new Map<string, number>();
    for (const { ip } of rows) holders.set(formatIp(ip), (holders.get(formatIp(ip)) ?? 0) + 1);
    const namesOf = ({ vni, ip }: Row): readonly string[] => {
      const found = this.#named.get(keyOf(vni, ip));
      if (found !== undefined) return found.names;
      return holders.get(formatIp(ip)) === 1 ? (this.#named.get(keyOf(null, ip))?.names ?? []) : [];
    };
    return rows
      .map((row) => ({
        vni: row.vni,
        ip: row.ip,
        mac: row.mac,
        vtep: row.vtep,
        names: [...namesOf(row)],
      }))
      .toSorted((x, y) => (x.vni ?? -1) - (y.vni ?? -1) || compareIp(x.ip, y.ip));
  }
}

function keyOf(vni: number | null, ip: Ip): string {
  return `${vni ?? ''} ${formatIp(ip)}`;
}
