// How long a network's packets are: what its MTU must at least be. Segments that a network card is to cut are no packets yet:
// TCP longer than the least MSS of the network allows, and TCP with its checksum left to the card.

import { isOffloaded } from '../dissect/checksums.ts';
import type { Crossing } from '../dissect/crossing.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import type { Sight } from '../reassembly/sight.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as tcp from '../wire/tcp.ts';
import * as options from '../wire/tcp-options.ts';
import type { Net } from './parties.ts';
import { has, isIp } from './rows.ts';

/** The longest that is taken for one packet: the largest Ethernet MTU in use. */
const JUMBO = 9216;
/** The usual one: nothing to be cut is shorter. */
const ETHERNET = 1500;
/** IP and TCP headers without options. */
const HEADERS4 = 40;
const HEADERS6 = 60;

/** Takes the packet of a crossing into the measure of its network. */
export function measure(net: Net, crossing: Crossing, sight: Sight): void {
  const { network, transport } = crossing;
  const { d, view } = sight.last;
  if (!isIp(d, network)) return;
  const six = d.kind(network) === L.ipv6;
  const length = lengthOf(sight, network);
  if (length > JUMBO) return;
  if (transport < 0 || d.kind(transport) !== L.tcp) {
    if (length > net.longest) net.longest = length;
    return;
  }
  const at = d.start(transport);
  const isWhole =
    d.fault(transport) === NO_FAULT && has(d, transport, 20) && has(d, transport, tcp.dataOffset(view, at));
  if (isWhole && (tcp.flags(view, at) & tcp.FLAG.SYN) !== 0) noteMss(net, view, at, six);
  if (length <= net.longestTcp || length > (net.mtu || (isWhole ? JUMBO : ETHERNET))) return;
  if (net.mtu === 0 && isWhole && isOffloaded(view, d, transport)) return;
  net.longestTcp = length;
}

function noteMss(net: Net, view: DataView, at: number, six: boolean): void {
  if (options.check(view, at) !== NO_FAULT) return;
  const mss = options.mss(view, at);
  const mtu = mss + (six ? HEADERS6 : HEADERS4);
  if (mss > 0 && (net.mtu === 0 || mtu < net.mtu)) net.mtu = mtu;
}

/** Bytes of the IP packet as it was on the wire, where `last` may show the datagram that it is a fragment of. */
function lengthOf({ parts }: Sight, row: number): number {
  for (let i = parts.length - 1; i > 0; i--) {
    const part = parts[i];
    if (part !== undefined && row >= part.from) return spanOf(part.d, row);
  }
  return spanOf((parts[0] as Sight['own']).d, row);
}

function spanOf(d: Dissection, row: number): number {
  return d.limit(row) - d.start(row);
}
