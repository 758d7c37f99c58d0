// A capture as we and tshark read it, side by side: every field of every packet, the command line's rows, and the sums of its
// overview. Answers with the differences; which of them are meant is for the caller to know.

import { gunzipSync } from 'node:zlib';
import type { PacketRow } from '../../src/cli/render/packet.ts';
import type { InspectDocument } from '../../src/core/survey/document.ts';
import { stackOf } from './columns.ts';
import type { TsharkReading } from './tshark.ts';
import type { End, Told } from './tshark-layers.ts';
import { layersOf } from './tshark-layers.ts';
import { ourReading } from './tshark-ours.ts';

export interface Difference {
  /** From 1; 0 for the file as a whole. */
  readonly packet: number;
  /** A field of tshark's, `protocols`, `row ...` for the command line's JSON, or `vni ...`, `tunnel ...` for its sums. */
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
}

type Differ = (packet: number, what: string, ours: unknown, theirs: unknown) => void;

function collector(): { found: Difference[]; differ: Differ } {
  const found: Difference[] = [];
  const shown = (value: unknown): string => (value === null || value === '' ? '-' : String(value));
  const differ: Differ = (packet, what, ours, theirs) => {
    if (shown(ours) !== shown(theirs)) found.push({ packet, what, ours: shown(ours), theirs: shown(theirs) });
  };
  return { found, differ };
}

/**
 * Every packet's cells. How many packets there are is told once, for the file; as many as both have are compared.
 * @param counted how many tshark counts, when that is more than there are rows of packets
 */
export function fieldDifferences(
  file: Uint8Array,
  columns: readonly string[],
  rows: TsharkReading['rows'],
  counted: number,
): Difference[] {
  const bytes = isGzip(file) ? new Uint8Array(gunzipSync(file)) : file;
  const { packets } = ourReading(bytes, columns);
  const { found, differ } = collector();
  differ(0, 'packets', packets.length, counted);
  packets.slice(0, rows.length).forEach((packet, i) => {
    const row = rows[i] as readonly string[];
    columns.forEach((column, at) => {
      const theirs = row[at] ?? '';
      if (column === 'frame.interface_id') return;
      if (column !== 'frame.protocols') differ(i + 1, column, packet.cell(column), theirs);
      else {
        const gpe =
          packet.cell('udp.dstport').includes('4790') || packet.cell('udp.srcport').includes('4790');
        differ(i + 1, 'protocols', stackOf(packet.protocols, gpe), stackOf(theirs.split(':'), gpe));
      }
    });
  });
  return found;
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The rows of packets: tshark 4.0 counts pcapng's custom blocks too, which are of no interface and name no protocol. */
export function packetRows(columns: readonly string[], { rows }: TsharkReading): TsharkReading['rows'] {
  const [stack, iface] = ['frame.protocols', 'frame.interface_id'].map((name) => columns.indexOf(name)) as [
    number,
    number,
  ];
  return rows.filter((row) => row[stack] !== 'data' || row[iface] !== '');
}

/** What tshark says of each packet, as tunnels. */
export function toldBy(columns: readonly string[], rows: TsharkReading['rows']): Told[] {
  return rows.map((row) => layersOf((column) => row[columns.indexOf(column)] ?? ''));
}

/** The lines of `inspect --packets --json`. */
export function rowDifferences(rows: readonly PacketRow[], told: readonly Told[]): Difference[] {
  const { found, differ } = collector();
  rows.slice(0, told.length).forEach((row, i) => {
    const { tunnels, plain } = told[i] as Told;
    const tunnel = tunnels.at(-1) ?? null;
    differ(row.number, 'row vni', row.vni, tunnel?.vni ?? null);
    ends(differ, row.number, 'row outer', row.outer, tunnel?.outer ?? plain);
    ends(differ, row.number, 'row inner', row.inner, tunnel?.inner ?? null);
    differ(row.number, 'row inner srcMac', row.inner?.srcMac ?? null, tunnel?.inner.srcMac ?? null);
    differ(row.number, 'row inner dstMac', row.inner?.dstMac ?? null, tunnel?.inner.dstMac ?? null);
  });
  return found;
}

function ends(differ: Differ, packet: number, what: string, ours: End | null, theirs: End | null): void {
  for (const key of ['src', 'dst', 'srcPort', 'dstPort'] as const) {
    differ(packet, `${what} ${key}`, ours?.[key] ?? null, theirs?.[key] ?? null);
  }
}

/** The sums of `inspect --json`: packets by VNI and by tunnel, a tunnel in a tunnel counted for both. */
export function sumDifferences(document: InspectDocument, told: readonly Told[]): Difference[] {
  const { found, differ } = collector();
  const vnis = new Map<number, number>();
  const tunnels = new Map<string, number>();
  let vxlan = 0;
  for (const { tunnels: crossed } of told) {
    const taken = crossed.filter(({ valid }) => valid);
    if (taken.length > 0) vxlan++;
    for (const { vni, outer } of taken) {
      vnis.set(vni, (vnis.get(vni) ?? 0) + 1);
      const key = `${vni} ${outer.src} ${outer.dst}`;
      tunnels.set(key, (tunnels.get(key) ?? 0) + 1);
    }
  }
  differ(0, 'vxlan packets', document.vxlan.packets, vxlan);
  const ours = new Map(document.vnis.map(({ vni, packets }) => [vni, packets]));
  for (const vni of new Set([...vnis.keys(), ...ours.keys()])) {
    differ(0, `vni ${vni}`, ours.get(vni) ?? 0, vnis.get(vni) ?? 0);
  }
  const paths = new Map(
    document.tunnels.map(({ vni, src, dst, packets }) => [`${vni} ${src} ${dst}`, packets]),
  );
  for (const key of new Set([...tunnels.keys(), ...paths.keys()])) {
    differ(0, `tunnel ${key}`, paths.get(key) ?? 0, tunnels.get(key) ?? 0);
  }
  return found;
}
