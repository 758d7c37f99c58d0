// The sums over lanes by tunnel, by endpoint and by flow, made once when a capture has been read: one pass over the lanes, which
// is over before the compiler has looked at it, so it calls little and makes no objects.

import { HEAP, KeyTable, ROW_WORDS } from './key-table.ts';
import type { Lanes } from './lanes.ts';
import { INNER_WORD, LANE, PACKETS_WORD, WHOLE_WORD } from './lanes.ts';

const TWO_32 = 0x1_0000_0000;
/** Rows of tables that are seldom large. */
const FEW = 512;

/** Packets and bytes by the rows of a table. */
export interface Column {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

function columnOf(rows: number): Column {
  return { packets: new Float64Array(rows), bytes: new Float64Array(rows) };
}

export class Sums {
  /** Keys: VNI, sending VTEP, receiving VTEP, LANE.outer6 or 0. Bytes are the whole packets'. */
  readonly tunnels: KeyTable;
  readonly tunnelSums: Column;
  /** Keys: VNI, VTEP, lower and upper part of the MAC, LANE.outer6 or 0. */
  readonly endpoints: KeyTable;
  readonly endpointPackets: Float64Array;
  /** Keys: the lower and the upper address, their ports, VNI << 8 | protocol, LANE.inner6 and LANE.arp. Bytes are the inner frames'. */
  readonly flows: KeyTable;
  /** By flow: 1 when the upper address was seen to send first. */
  readonly turned: Uint8Array;
  /** From the lower address to the upper one, and back. */
  readonly forth: Column;
  readonly back: Column;
  readonly #lanes: Lanes;
  /** The endpoint that sent, by lane; -1 for none. */
  readonly #senders: Int32Array;

  /** @param spare lanes without flows */
  constructor(lanes: Lanes, spare: Lanes) {
    const most = Math.max(1, lanes.count + spare.count);
    this.tunnels = new KeyTable(most, 0, HEAP, FEW);
    this.endpoints = KeyTable.sized(most);
    this.flows = KeyTable.sized(most);
    this.tunnelSums = columnOf(most);
    this.endpointPackets = new Float64Array(most);
    this.turned = new Uint8Array(most);
    this.forth = columnOf(most);
    this.back = columnOf(most);
    this.#lanes = lanes;
    this.#senders = new Int32Array(most);
    this.#add(lanes);
    this.#add(spare);
  }

  /** The source addresses of the endpoints that `wanted` is 1 for: keys are endpoint, address, LANE.inner6 or 0. */
  sources(wanted: Uint8Array): KeyTable {
    const found = new KeyTable(Number.MAX_SAFE_INTEGER, 0, HEAP, FEW);
    const { rows } = this.#lanes.keys;
    for (let lane = 0; lane < this.#lanes.count; lane++) {
      const endpoint = this.#senders[lane] as number;
      const o = lane * ROW_WORDS;
      const flags = rows[o + 7] as number;
      if (endpoint < 0 || wanted[endpoint] === 0 || (flags & LANE.bare) !== 0) continue;
      const source = rows[o] as number;
      const inner6 = flags & LANE.inner6;
      if (source !== 0 || inner6 !== 0) found.row(endpoint, source, inner6, 0, 0, 0, 0, 0);
    }
    return found;
  }

  #add(lanes: Lanes): void {
    const { tunnels, endpoints, flows, tunnelSums, endpointPackets, turned, forth, back } = this;
    const senders = lanes === this.#lanes ? this.#senders : null;
    const { rows } = lanes.keys;
    const end = lanes.count * ROW_WORDS;
    for (let o = 0; o < end; o += ROW_WORDS) {
      const network = rows[o + 3] as number;
      const vtep = rows[o + 4] as number;
      const flags = rows[o + 7] as number;
      const packets = (rows[o + PACKETS_WORD] as number) >>> 0;
      const vni = network >>> 8;

      const tunnel = tunnels.row(vni, vtep, rows[o + 5] as number, flags & LANE.outer6, 0, 0, 0, 0);
      tunnelSums.packets[tunnel] = (tunnelSums.packets[tunnel] as number) + packets;
      const whole =
        ((rows[o + WHOLE_WORD + 1] as number) >>> 0) * TWO_32 + ((rows[o + WHOLE_WORD] as number) >>> 0);
      tunnelSums.bytes[tunnel] = (tunnelSums.bytes[tunnel] as number) + whole;

      let sender = -1;
      if ((flags & LANE.noMac) === 0) {
        const mac = rows[o + 6] as number;
        sender = endpoints.row(vni, vtep, mac, flags & 0xffff, flags & LANE.outer6, 0, 0, 0);
        endpointPackets[sender] = (endpointPackets[sender] as number) + packets;
      }
      if (senders !== null) senders[o / ROW_WORDS] = sender;

      if ((flags & LANE.bare) !== 0) continue;
      const a = rows[o] as number;
      const b = rows[o + 1] as number;
      const ports = rows[o + 2] as number;
      const kind = flags & (LANE.inner6 | LANE.arp);
      const isTurned = a >>> 0 > b >>> 0 || (a === b && ports >>> 16 > (ports & 0xffff));
      const before = flows.count;
      const flow = isTurned
        ? flows.row(b, a, (ports << 16) | (ports >>> 16), network, kind, 0, 0, 0)
        : flows.row(a, b, ports, network, kind, 0, 0, 0);
      if (flow === before && isTurned) turned[flow] = 1;
      const way = isTurned ? back : forth;
      way.packets[flow] = (way.packets[flow] as number) + packets;
      const inner =
        ((rows[o + INNER_WORD + 1] as number) >>> 0) * TWO_32 + ((rows[o + INNER_WORD] as number) >>> 0);
      way.bytes[flow] = (way.bytes[flow] as number) + inner;
    }
  }
}
