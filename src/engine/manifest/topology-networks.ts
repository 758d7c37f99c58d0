// The nodes and networks of a topology file.

import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6, isMulticastIp4, isMulticastIp6 } from '../../core/wire/address.ts';
import { OVERHEAD_IPV4, OVERHEAD_IPV6, VNI_MAX } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import { addressBits, broadcastOf, contains, formatCidr, parseCidr, subnetOf } from '../ipam/cidr.ts';
import type { Diagnostics, RuleId, Where } from '../model/diagnostic.ts';
import type { Cidr, FloodMode, NetworkSpec } from '../model/spec.ts';
import { joinPath } from './path.ts';
import type { Entry, TreeNode } from './tree.ts';
import { childOf, entriesOf, numberOf, textOf, whereOf } from './tree.ts';

export interface NodeDraft {
  readonly name: string;
  /** Null where the file says nothing that can be read: the node is defined all the same. */
  readonly ip: Ip | null;
}

export interface NetworkDraft {
  readonly spec: NetworkSpec;
  readonly where: Where;
  readonly subnet: Cidr | null;
  /** The given one at first; where none is, readContainers picks one that nobody has. */
  gateway: Ip | null;
  readonly port: number | null;
  readonly portWhere: Where;
}

const FLOOD: Readonly<Record<string, FloodMode>> = {
  none: 'none',
  'head-end': 'replicate',
  multicast: 'multicast',
};

export function readNodes(section: TreeNode | undefined, found: Diagnostics): NodeDraft[] {
  const nodes: NodeDraft[] = [];
  for (const { key, value, where } of entriesOf(section)) {
    const path = joinPath('nodes', key);
    // Placement compares names without case (docker service create --constraint).
    const twin = nodes.find(({ name }) => name.toLowerCase() === key.toLowerCase());
    if (twin !== undefined) {
      found.report(
        'OV1110',
        whereOf(where, path),
        `"${key}" differs from "${twin.name}" by case only`,
        'nodes are told apart without case',
      );
    }
    const given = childOf(value, 'address');
    const ip = readIp(given, `${path}.address`, found);
    if (given !== undefined && ip !== null) checkNode(ip, nodes, whereOf(given, `${path}.address`), found);
    nodes.push({ name: key, ip });
  }
  return nodes;
}

function checkNode(ip: Ip, before: readonly NodeDraft[], where: Where, found: Diagnostics): void {
  const same = before.find((node) => node.ip !== null && formatIp(node.ip) === formatIp(ip));
  if (same !== undefined) {
    found.report('OV1707', where, `${formatIp(ip)} is the address of node "${same.name}" already`);
  }
  const family = familyOf(before);
  if (family === null || family === (isIp6(ip) ? 6 : 4)) return;
  const message = `${formatIp(ip)} is an IPv${family === 4 ? 6 : 4} address, and the first node's an IPv${family} one`;
  found.report('OV1710', where, message, 'VTEPs of one lab have IPv4 addresses, or IPv6 ones');
}

/** The underlay's family: the first node's. */
export function familyOf(nodes: readonly NodeDraft[]): 4 | 6 | null {
  const first = nodes.find(({ ip }) => ip !== null)?.ip ?? null;
  return first === null ? null : isIp6(first) ? 6 : 4;
}

export function readNetworks(
  section: TreeNode | undefined,
  nodes: readonly NodeDraft[],
  found: Diagnostics,
): NetworkDraft[] {
  const family = familyOf(nodes);
  const drafts = entriesOf(section).map((entry) => readNetwork(entry, family, found));
  checkVnis(drafts, found);
  return drafts;
}

function readNetwork({ key, value, where }: Entry, family: 4 | 6 | null, found: Diagnostics): NetworkDraft {
  const overhead = family === 6 ? OVERHEAD_IPV6 : OVERHEAD_IPV4;
  const path = joinPath('networks', key);
  const subnet = readSubnet(childOf(value, 'subnet'), `${path}.subnet`, found);
  const vni = checkNumber(value, 'vni', `${path}.vni`, [0, VNI_MAX], 'OV1309', found);
  const mtu = checkNumber(value, 'mtu', `${path}.mtu`, [68, 9216 - overhead], 'OV1209', found);
  const port = checkNumber(value, 'port', `${path}.port`, [1, 65535], 'OV1601', found);
  const gateway = readGateway(childOf(value, 'gateway'), `${path}.gateway`, subnet, found);
  const flood = FLOOD[textOf(childOf(value, 'flood')) ?? ''];
  const group = readGroup(childOf(value, 'group'), `${path}.group`, flood, family, found);
  return {
    spec: {
      key,
      name: key,
      driver: 'overlay',
      subnets: subnet === null ? [] : [subnet],
      // Nothing that the file does not name: no leg on docker_gwbridge.
      internal: true,
      attachable: true,
      external: false,
      encrypted: false,
      // The planner takes the tunnel's overhead off again.
      mtu: mtu === null ? null : mtu + overhead,
      vnis: vni === null ? [] : [vni],
      driverOpts: {},
      labels: {},
      ...(flood === undefined ? {} : { flood }),
      ...(group === null ? {} : { group }),
      at: where.at,
      implicit: false,
    },
    where: whereOf(where, path),
    subnet,
    gateway,
    port,
    portWhere: whereOf(childOf(value, 'port') ?? where, `${path}.port`),
  };
}

/** An IP address, or null with a report. */
export function readIp(node: TreeNode | undefined, path: string, found: Diagnostics): Ip | null {
  const text = textOf(node);
  if (node === undefined || text === undefined) return null;
  try {
    return parseIp(text);
  } catch {
    const hint = 'write it as 10.0.1.2 or 2001:db8::2, without a prefix length';
    found.report('OV1704', whereOf(node, path), `"${text}" is not an IP address`, hint);
    return null;
  }
}

function readSubnet(node: TreeNode | undefined, path: string, found: Diagnostics): Cidr | null {
  const text = textOf(node);
  if (node === undefined || text === undefined) return null;
  const where = whereOf(node, path);
  const cidr = cidrOf(text);
  if (cidr === null) {
    const bare = cidrOf(`${text}/24`) !== null;
    const hint = bare
      ? `write ${text}/24 for 256 addresses`
      : 'write an address and a prefix length, as in 10.0.1.0/24';
    const message = bare ? `"${text}" has no prefix length` : `"${text}" is not an address block`;
    found.report(bare ? 'OV1301' : 'OV1303', where, message, hint);
    return null;
  }
  const network = subnetOf(cidr);
  if (formatCidr(network) !== formatCidr(cidr)) {
    const message = `${text} is an address inside the block ${formatCidr(network)}`;
    found.report('OV1302', where, message, `write ${formatCidr(network)}`);
  }
  return network;
}

function cidrOf(text: string): Cidr | null {
  try {
    return parseCidr(text);
  } catch {
    return null;
  }
}

function readGateway(
  node: TreeNode | undefined,
  path: string,
  subnet: Cidr | null,
  found: Diagnostics,
): Ip | null {
  const ip = readIp(node, path, found);
  if (node === undefined || ip === null || subnet === null) return ip;
  if (isHost(subnet, ip)) return ip;
  reportOutside(ip, subnet, whereOf(node, path), found);
  return null;
}

function readGroup(
  node: TreeNode | undefined,
  path: string,
  flood: FloodMode | undefined,
  family: 4 | 6 | null,
  found: Diagnostics,
): Ip | null {
  const ip = readIp(node, path, found);
  if (node === undefined || ip === null) return null;
  const where = whereOf(node, path);
  if (!(isIp6(ip) ? isMulticastIp6(ip) : isMulticastIp4(ip))) {
    const hint = 'groups are 224.0.0.0/4, such as 239.1.1.1, and ff00::/8';
    found.report('OV1712', where, `${formatIp(ip)} is not a multicast group`, hint);
    return null;
  }
  if (family !== null && isIp6(ip) !== (family === 6)) {
    const message = `the group ${formatIp(ip)} is not of the underlay's family, which is IPv${family}`;
    found.report('OV1710', where, message, family === 4 ? 'such as 239.1.1.1' : 'such as ff05::100');
    return null;
  }
  if (flood !== 'multicast') {
    const hint = 'write flood: multicast beside it, or remove the group';
    found.report(
      'OV1713',
      where,
      `the group ${formatIp(ip)} has no effect unless the network floods to it`,
      hint,
    );
  }
  return ip;
}

/** True for an address that a host of the subnet can have. */
export function isHost(subnet: Cidr, ip: Ip): boolean {
  if (isIp6(subnet.ip) !== isIp6(ip) || !contains(subnet, ip)) return false;
  if (addressBits(ip) - subnet.prefix < 2) return true;
  const isFirst = formatIp(ip) === formatIp(subnet.ip);
  const isLast = !isIp6(ip) && ip === broadcastOf(subnet.ip, subnet.prefix);
  return !isFirst && !isLast;
}

export function reportOutside(ip: Ip, subnet: Cidr, where: Where, found: Diagnostics): void {
  const inside = isIp6(subnet.ip) === isIp6(ip) && contains(subnet, ip);
  const message = inside
    ? `${formatIp(ip)} is an end of ${formatCidr(subnet)}, which no host can have`
    : `${formatIp(ip)} does not lie in ${formatCidr(subnet)}`;
  found.report('OV1706', where, message);
}

/** A whole number under a key, or null: with a report when it is out of range. */
export function checkNumber(
  node: TreeNode | undefined,
  key: string,
  path: string,
  [least, most]: readonly [number, number],
  rule: RuleId,
  found: Diagnostics,
): number | null {
  const given = childOf(node, key);
  const value = numberOf(given);
  if (given === undefined || value === undefined) return null;
  if (value >= least && value <= most) return value;
  found.report(
    rule,
    whereOf(given, path),
    `${key} is ${value}; it must be a whole number from ${least} to ${most}`,
  );
  return null;
}

function checkVnis(drafts: readonly NetworkDraft[], found: Diagnostics): void {
  const owners = new Map<number, NetworkDraft>();
  for (const draft of drafts) {
    const [vni] = draft.spec.vnis;
    if (vni === undefined) continue;
    const owner = owners.get(vni);
    if (owner === undefined) owners.set(vni, draft);
    else {
      const { line, column } = owner.where.at;
      const message = `VNI ${vni} is that of network "${owner.spec.key}" (${line}:${column}) already`;
      found.report('OV1310', draft.where, message, 'each network needs a VNI of its own');
    }
  }
}
