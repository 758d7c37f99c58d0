// Our reading of a packet in the columns that `tshark -T fields -E aggregator=';'` prints, so that the two can be compared.

import { gunzipSync } from 'node:zlib';
import { Dissection, LAYER_PROTOCOLS } from '../../src/core/dissect/layer.ts';
import type { WalkOptions } from '../../src/core/dissect/ports.ts';
import { DEFAULT_WALK } from '../../src/core/dissect/ports.ts';
import { dissect } from '../../src/core/dissect/walk.ts';
import type { Summary } from '../../src/core/inspect/summary.ts';
import { summarize } from '../../src/core/inspect/summary.ts';
import type { PacketTree } from '../../src/core/inspect/tree.ts';
import { protocols, tree } from '../../src/core/inspect/tree.ts';
import type { Packet } from '../../src/core/pcap/index.ts';
import { readAll } from '../../src/core/pcap/index.ts';
import { viewOf } from './bytes.ts';

/** The packets of a capture file, gzip'd or not. */
export function packetsOf(file: Uint8Array): readonly Packet[] {
  return readAll(file[0] === 0x1f && file[1] === 0x8b ? new Uint8Array(gunzipSync(file)) : file).packets;
}

export interface Reading {
  readonly view: DataView;
  readonly d: Dissection;
  readonly tree: PacketTree;
  readonly protocols: readonly string[];
  readonly summary: Summary;
}

/** Everything we say about one packet. */
export function readPacket(packet: Packet, options: WalkOptions = DEFAULT_WALK): Reading {
  const view = viewOf(packet.bytes);
  const d = new Dissection();
  dissect(view, 0, packet.bytes.length, packet.linkType, d, options, packet.originalLength);
  return { view, d, tree: tree(view, d), protocols: protocols(view, d), summary: summarize(view, d) };
}

/** The values of a field in all layers, from the outside in. */
export function values(reading: Reading, name: string): string[] {
  return reading.tree.layers.flatMap((layer) =>
    layer.fields.filter((f) => f.name === name).map((f) => f.text),
  );
}

/**
 * A protocol stack with what is a matter of taste taken out: tshark names `ethertype` between layers, repeats `igmp` for a
 * version, tells multicast DNS from DNS, leaves VXLAN-GPE out, and names what TCP carries, which we leave as data.
 */
export function stackOf(names: readonly string[], gpe = false): string {
  const kept: string[] = [];
  for (const raw of names) {
    const name = raw === 'mdns' || raw === 'llmnr' ? 'dns' : raw;
    if (!LAYER_PROTOCOLS.includes(name) || UNTOLD.has(name)) continue;
    if (gpe && name === 'vxlan') continue;
    if (kept.at(-1) === name && ONCE.has(name)) continue;
    kept.push(name);
  }
  return kept.join(':');
}

const ONCE = new Set(['igmp', 'mpls']);
/** What a payload carries is told by ports, streams and guesses that differ. */
const UNTOLD = new Set(['data', 'http', 'none']);
