// What of an overlay goes into a topology file, and what is made up: names of nodes and containers, one subnet a network that
// holds all its addresses, one address a container.

import type { Ip } from '../wire/address.ts';
import { formatIp, isIp6 } from '../wire/address.ts';
import { OVERHEAD_IPV4, OVERHEAD_IPV6 } from '../wire/numbers.ts';
import { parseIp } from '../wire/parse-ip.ts';
import type { Block } from './chart/subnets.ts';
import { blockAround, blockText, coverOf, holds, ipOf, isApart, numberOf } from './chart/subnets.ts';
import type { Overlay, OverlayEndpoint, OverlayNetwork, OverlayVtep } from './overlay.ts';

export interface TopologyPlan {
  /** What the file cannot say. */
  readonly remarks: readonly string[];
  readonly underlay: { readonly mtu: number; readonly prefix: number };
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  readonly networks: readonly PlannedNetwork[];
  readonly containers: readonly Container[];
}

export interface PlannedNetwork {
  readonly name: string;
  readonly vni: number;
  readonly subnet: string;
  readonly gateway: string | null;
  readonly mtu: number | null;
  readonly port: number;
  readonly flood: 'none' | 'head-end' | 'multicast';
  readonly group: string | null;
}

export interface Container {
  readonly name: string;
  readonly node: string;
  readonly attachments: readonly Attachment[];
}

export interface Attachment {
  readonly network: string;
  readonly ip: string;
  readonly mac: string | null;
  readonly remark: string | null;
}

const MTU_USUAL = 1500;
const MTU_MOST = 9216;
/** IPv4's least (RFC 791 s.3.1). */
const MTU_LEAST = 68;
/** Where a network without any address gets one: benchmarking addresses (RFC 2544), a /24 each. */
const MADE_UP = 0xc612_0000;
/** Bits of a subnet's addresses that are free beside those of its containers, at least. */
const ROOM = { 32: 28, 128: 112 } as const;

export function planOf(overlay: Overlay): TopologyPlan {
  const remarks: string[] = [];
  const vteps = sameFamily(
    overlay.vteps.filter(({ within }) => within === null),
    remarks,
  );
  const nodes = vteps.map(({ ip }) => ({ name: `node-${dashed(ip)}`, address: ip }));
  const ips = new Set(vteps.map(({ ip }) => ip));
  const outer = overlay.networks.filter(
    ({ level, seats }) => level === 0 && seats.some(({ vtep }) => ips.has(vtep)),
  );
  if (outer.length < overlay.networks.length) {
    remarks.push(
      `left out: ${overlay.networks.length - outer.length} ${outer.length + 1 === overlay.networks.length ? 'network' : 'networks'} inside other tunnels`,
    );
  }
  const port = portOf(outer, remarks);
  const namer = new ContainerNames();
  const networks: PlannedNetwork[] = [];
  for (const [index, network] of outer.entries()) {
    const name = `net-${network.vni}`;
    if (network.vlans.length > 0)
      remarks.push(`${name}: inner VLANs ${network.vlans.join(', ')} are left out`);
    if (network.gpe || network.policies.length > 0) remarks.push(`${name}: GPE and GBP headers are left out`);
    const members = network.seats
      .filter(({ vtep }) => ips.has(vtep))
      .flatMap(({ vtep, endpoints }) => endpoints.map((endpoint) => ({ vtep, endpoint })));
    const chosen = addressesOf(
      members.map(({ endpoint }) => endpoint),
      network,
      index,
    );
    for (const [i, { vtep, endpoint }] of members.entries()) {
      const { ip, remark } = chosen.of[i] as { ip: Ip; remark: string | null };
      namer.add(`node-${dashed(vtep)}`, endpoint, {
        network: name,
        ip: formatIp(ip),
        mac: endpoint.mac,
        remark,
      });
    }
    networks.push({
      name,
      vni: network.vni,
      subnet: blockText(chosen.subnet),
      gateway: gatewayOf(network, chosen.subnet),
      mtu: mtuOf(network, vteps),
      port,
      ...floodOf(network, isSix(vteps)),
    });
  }
  return {
    remarks,
    underlay: { mtu: underlayMtu(outer, vteps), prefix: underlayPrefix(vteps) },
    nodes,
    networks,
    containers: namer.containers(),
  };
}

/** A lab's underlay has one family: the one with more packets. */
function sameFamily(vteps: readonly OverlayVtep[], remarks: string[]): readonly OverlayVtep[] {
  const six = vteps.filter(({ ip }) => ip.includes(':'));
  const four = vteps.filter(({ ip }) => !ip.includes(':'));
  const sum = (list: readonly OverlayVtep[]): number => list.reduce((all, { sent }) => all + sent, 0);
  const [kept, dropped] = sum(six) > sum(four) ? [six, four] : [four, six];
  if (dropped.length > 0)
    remarks.push(`left out: VTEPs of the other family, ${dropped.map(({ ip }) => ip).join(', ')}`);
  return kept;
}

function portOf(networks: readonly OverlayNetwork[], remarks: string[]): number {
  const weights = new Map<number, number>();
  for (const { ports, packets } of networks) {
    for (const port of ports) weights.set(port, (weights.get(port) ?? 0) + packets / ports.length);
  }
  const [first, ...others] = [...weights].sort((x, y) => y[1] - x[1] || x[0] - y[0]).map(([port]) => port);
  if (others.length > 0) remarks.push(`left out: UDP ports ${others.join(', ')}; a lab has one`);
  return first ?? 4789;
}

/** One address for each endpoint, no two alike, and a subnet around them. */
function addressesOf(
  endpoints: readonly OverlayEndpoint[],
  network: OverlayNetwork,
  index: number,
): { readonly subnet: Block; readonly of: readonly { readonly ip: Ip; readonly remark: string | null }[] } {
  const usable = (list: readonly string[]): Ip[] => list.map(parseIp).filter((ip) => !isApart(ip));
  const all = endpoints.map(({ addresses, routed }) => ({ own: usable(addresses), routed: usable(routed) }));
  const sixes = all.filter(({ own }) => own.length > 0 && own.every(isIp6)).length;
  const six = sixes > 0 && all.every(({ own }) => own.every(isIp6));
  const fits = (ip: Ip): boolean => isIp6(ip) === six;
  const taken = new Set<string>();
  const take = (ip: Ip | undefined): Ip | null => {
    if (ip === undefined || taken.has(formatIp(ip))) return null;
    taken.add(formatIp(ip));
    return ip;
  };
  const first = all.map(({ own }) => take(own.find((ip) => fits(ip) && !taken.has(formatIp(ip)))));
  const second = first.map(
    (ip, i) => ip ?? take(all[i]?.routed.find((one) => fits(one) && !taken.has(formatIp(one)))),
  );
  const known = second.filter((ip) => ip !== null);
  const base = subnetFor(network, known, six, index, endpoints.length);
  let next = base.base + 2n;
  const of = second.map((ip, i) => {
    if (ip !== null) {
      const own = first[i] !== null;
      const others = (all[i]?.own ?? []).filter((other) => formatIp(other) !== formatIp(ip)).map(formatIp);
      const words = own ? [] : ['an address that it routes for; its own was not seen'];
      if (others.length > 0) words.push(`also has ${others.join(', ')}`);
      return { ip, remark: words.length === 0 ? null : words.join('; ') };
    }
    while (taken.has(formatIp(ipOf(next, base.bits)))) next++;
    const made = take(ipOf(next, base.bits)) as Ip;
    return { ip: made, remark: 'no address was seen: this one is made up' };
  });
  return { subnet: base, of };
}

/** The subnet that was guessed if it holds all addresses, else one that does and has room for the gateway. */
function subnetFor(
  network: OverlayNetwork,
  ips: readonly Ip[],
  six: boolean,
  index: number,
  count: number,
): Block {
  for (const { cidr } of network.subnets) {
    const [ip, prefix] = cidr.split('/') as [string, string];
    const block = blockAround(parseIp(ip), Number(prefix));
    if ((block.bits === 128) === six && ips.length > 0 && ips.every((one) => isHost(block, one)))
      return block;
  }
  if (ips.length === 0) return blockAround((MADE_UP + index * 256) >>> 0, count > 200 ? 16 : 24);
  const cover = coverOf(ips);
  let prefix = Math.min(cover.prefix, cover.bits === 32 ? 24 : 64, ROOM[cover.bits as 32 | 128]);
  let block = blockAround(ips[0] as Ip, prefix);
  // Neither end of an IPv4 subnet is anybody's address.
  while (prefix > 1 && !ips.every((one) => isHost(block, one))) block = blockAround(ips[0] as Ip, --prefix);
  return block;
}

function isHost(block: Block, ip: Ip): boolean {
  if (!holds(block, ip)) return false;
  const value = numberOf(ip);
  if (value === block.base) return false;
  return block.bits === 128 || value !== block.base + (1n << BigInt(32 - block.prefix)) - 1n;
}

function gatewayOf({ subnets }: OverlayNetwork, subnet: Block): string | null {
  for (const { gateway } of subnets) {
    if (gateway !== null && gateway.sure === false && isHost(subnet, parseIp(gateway.ip))) return gateway.ip;
  }
  return null;
}

/** @param six the underlay's family; groups of the other one do not reach its VTEPs */
function floodOf(network: OverlayNetwork, six: boolean): Pick<PlannedNetwork, 'flood' | 'group'> {
  const group = network.groups.find((one) => one.includes(':') === six);
  if (group !== undefined) return { flood: 'multicast', group };
  const floods = network.seats.some(({ flood }) => flood.length > 0);
  return { flood: floods ? 'head-end' : 'none', group: null };
}

/** What the longest packets need, or the usual MTU. */
/** What TCP's MSS tells, if a network can have it; offloads tell of more than any underlay carries. */
function mtuOf({ mtu }: OverlayNetwork, vteps: readonly OverlayVtep[]): number | null {
  return mtu !== null && mtu >= MTU_LEAST && mtu <= MTU_MOST - overheadOf(vteps) ? mtu : null;
}

function overheadOf(vteps: readonly OverlayVtep[]): number {
  return isSix(vteps) ? OVERHEAD_IPV6 : OVERHEAD_IPV4;
}

function underlayMtu(networks: readonly OverlayNetwork[], vteps: readonly OverlayVtep[]): number {
  const overhead = overheadOf(vteps);
  const longest = Math.max(0, ...networks.map(({ longest: bytes, mtu }) => Math.max(bytes ?? 0, mtu ?? 0)));
  return Math.min(MTU_MOST, Math.max(MTU_USUAL, longest + overhead));
}

function isSix([vtep]: readonly OverlayVtep[]): boolean {
  return vtep?.ip.includes(':') === true;
}

function underlayPrefix(vteps: readonly OverlayVtep[]): number {
  const six = isSix(vteps);
  const usual = six ? 64 : 24;
  const prefixes = vteps.map(({ subnet }) => Number(subnet?.cidr.split('/')[1] ?? usual));
  return Math.min(usual, ...prefixes);
}

function dashed(address: string): string {
  return address.replace(/[.:]/g, '-');
}

/** Docker's rule for names (moby, daemon/names): letters, digits, and behind the first `_`, `.` and `-`. */
function asName(text: string): string {
  return text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63);
}

/** Names for containers: of DNS if a name means one address only, else of the address. Legs of one name are one container. */
class ContainerNames {
  readonly #all: { readonly node: string; readonly endpoint: OverlayEndpoint; readonly leg: Attachment }[] =
    [];

  add(node: string, endpoint: OverlayEndpoint, leg: Attachment): void {
    this.#all.push({ node, endpoint, leg });
  }

  containers(): Container[] {
    const owners = new Map<string, Set<string>>();
    for (const { endpoint, leg, node } of this.#all) {
      for (const { name } of endpoint.names) {
        const known = owners.get(`${leg.network} ${name}`) ?? new Set<string>();
        owners.set(`${leg.network} ${name}`, known.add(`${node} ${endpoint.mac} ${leg.ip}`));
      }
    }
    const made = new Map<string, { name: string; node: string; attachments: Attachment[] }>();
    for (const { node, endpoint, leg } of this.#all) {
      const own = endpoint.names.find(({ name }) => owners.get(`${leg.network} ${name}`)?.size === 1);
      let name = asName(own?.name ?? '') || `host-${dashed(leg.ip)}`;
      const same = made.get(name);
      // The same name on the same node in another network is another leg of the same container.
      if (
        own !== undefined &&
        same?.node === node &&
        same.attachments.every(({ network }) => network !== leg.network)
      ) {
        same.attachments.push(leg);
        continue;
      }
      if (same !== undefined) name = this.#free(made, `host-${dashed(leg.ip)}`);
      made.set(name, { name, node, attachments: [leg] });
    }
    return [...made.values()];
  }

  #free(made: ReadonlyMap<string, unknown>, name: string): string {
    let free = name;
    for (let i = 2; made.has(free); i++) free = `${name}-${i}`;
    return free;
  }
}
