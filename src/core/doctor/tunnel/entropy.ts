// The outer source port: RFC 7348 s.5 wants a hash of inner fields there, so that routers spread flows over equal-cost
// paths, and recommends 49152 to 65535. One port for many flows sends them all one way; another range is no fault.
//
// Flows are counted from below, by a bit for each of 64 hash values. State: two words for each path of the census.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import type { Census } from './census.ts';
import { addressedKind } from './manner.ts';
import type { Path } from './parties.ts';
import { idle } from './rule.ts';

/** The first port of the recommended range. */
const RANGE = 49152;
/** Inner flows that must share a port before it is no chance. */
const FLOWS_MIN = 8;

const CONSTANT: Advice = {
  code: 'SOURCE-PORT-CONSTANT',
  explain:
    'Many inner flows leave with one outer source port. RFC 7348 s.5 recommends a hash of inner fields there, so that equal-cost paths, link bundles and receive queues share the load; with one port all flows of the pair take one path.',
  cure: 'Linux: srcport 0 0 (the default), not one port. OVS, VPP and most switches hash by themselves; a program that sends through a socket of its own keeps the port of the socket.',
};
const OUTSIDE: Advice = {
  code: 'SOURCE-PORT-RANGE',
  explain:
    'RFC 7348 s.5 recommends source ports from 49152 to 65535. Linux takes them from its local port range (32768 to 60999), and receivers do not look at them.',
  cure: 'Nothing has to be done. Where a firewall wants the range: ip link ... srcport 49152 65535.',
};

export class EntropyRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;
  readonly #outside: Evidence = new Evidence();
  #lowest = RANGE;
  #highest = 0;
  #packets = 0;

  constructor(census: Census) {
    this.#census = census;
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    if (!this.#census.valid) return;
    const { d } = sight.last;
    const port = crossing.view.getUint16(d.start(crossing.udp));
    this.#packets++;
    if (port < RANGE) {
      this.#outside.add(meta.number);
      if (port < this.#lowest) this.#lowest = port;
      if (port > this.#highest) this.#highest = port;
    }
    const { path } = this.#census.tunnel;
    if (path.port < 0) return;
    if (path.port === 0) path.port = port;
    else if (path.port !== port) {
      path.port = -1;
      return;
    }
    const bit = flowHash(crossing, d) & 63;
    if (bit < 32) path.flowsLow |= 1 << bit;
    else path.flowsHigh |= 1 << (bit - 32);
  }

  findings(): Finding[] {
    const constant = this.#census
      .paths()
      .filter((path) => path.port > 0 && flowsOf(path) >= FLOWS_MIN)
      .map((path) => {
        const title = `${path.text}: ${flowsOf(path)} or more inner flows leave with source port ${path.port} (${many(path.plain.count, 'packet')})`;
        return finding(CONSTANT, 'warning', title, path.plain);
      });
    return [...few(constant), ...this.#range()];
  }

  #range(): Finding[] {
    const { count } = this.#outside;
    if (count === 0) return [];
    const ports = this.#lowest === this.#highest ? `${this.#lowest}` : `${this.#lowest} to ${this.#highest}`;
    const title = `source ports below ${RANGE} (${ports}) in ${count} of ${many(this.#packets, 'tunnel packet')}`;
    return [finding(OUTSIDE, 'note', title, this.#outside)];
  }
}

/** How many inner flows were told apart; there may be more. */
function flowsOf({ flowsLow, flowsHigh }: Path): number {
  let n = 0;
  for (let bits = flowsLow; bits !== 0; bits &= bits - 1) n++;
  for (let bits = flowsHigh; bits !== 0; bits &= bits - 1) n++;
  return n;
}

/** A hash of the inner addresses and ports; of the MACs where there is no IP. */
function flowHash(crossing: Crossing, d: Dissection): number {
  const { view, link, network, transport } = crossing;
  let h = crossing.vni;
  const kind = addressedKind(d, network);
  if (kind === L.ipv4 || kind === L.ipv6) {
    const from = d.start(network) + (kind === L.ipv4 ? 12 : 8);
    const to = from + (kind === L.ipv4 ? 8 : 32);
    for (let at = from; at < to; at += 4) h = mix(h, view.getInt32(at));
    const ports = transport >= 0 && (d.kind(transport) === L.tcp || d.kind(transport) === L.udp);
    if (ports && d.end(transport) - d.start(transport) >= 4) h = mix(h, view.getInt32(d.start(transport)));
  } else if (link >= 0 && d.end(link) - d.start(link) >= 12) {
    const at = d.start(link);
    h = mix(mix(mix(h, view.getInt32(at)), view.getInt32(at + 4)), view.getInt32(at + 8));
  }
  return h ^ (h >>> 17);
}

function mix(h: number, word: number): number {
  const k = Math.imul(h ^ word, 0x9e3779b1);
  return k ^ (k >>> 15);
}
