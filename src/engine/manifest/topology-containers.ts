// The containers of a topology file: each a service of one task, pinned to its node, with the addresses that it is given.

import type { Ip, Mac } from '../../core/wire/address.ts';
import { formatIp, formatMac, isGroupMac, isIp6, macHi, parseMac } from '../../core/wire/address.ts';
import { addressAt, formatCidr, overlaps, size } from '../ipam/cidr.ts';
import type { Diagnostics, Where } from '../model/diagnostic.ts';
import type { AttachmentSpec, ServiceSpec } from '../model/spec.ts';
import type { Variables } from './interpolate.ts';
import { joinPath } from './path.ts';
import { didYouMean } from './suggest.ts';
import type { NetworkDraft, NodeDraft } from './topology-networks.ts';
import { isHost, readIp, reportOutside } from './topology-networks.ts';
import type { Entry, TreeNode } from './tree.ts';
import { childOf, entriesOf, textOf, whereOf } from './tree.ts';
import { settleWorkloads } from './workload-tiers.ts';
import type { WorkloadDraft } from './workloads.ts';
import { EXTENSION, readWorkloads, remarkExtensions } from './workloads.ts';

export interface ContainerContext {
  readonly nodes: readonly NodeDraft[];
  readonly networks: readonly NetworkDraft[];
  readonly variables: Variables;
  readonly found: Diagnostics;
}

/** Who has what on one network. */
class Lot {
  readonly ips: Map<string, string> = new Map();
  readonly macs: Map<Mac, string> = new Map();
}

/** Also gives each network that names no gateway an address for it that no container has. */
export function readContainers(
  section: TreeNode | undefined,
  context: ContainerContext,
): readonly ServiceSpec[] {
  const lots = new Map(context.networks.map((draft) => [draft.spec.key, new Lot()]));
  for (const draft of context.networks) {
    if (draft.gateway !== null) lots.get(draft.spec.key)?.ips.set(formatIp(draft.gateway), 'the gateway');
  }
  const parties = entriesOf(section).map(({ key, where, value }) => ({
    spec: readContainer({ key, where, value }, lots, context),
    declared: readExtension(value, joinPath('containers', key), context),
  }));
  for (const draft of context.networks) pickGateway(draft, lots.get(draft.spec.key) as Lot, context.found);
  return settleWorkloads(parties, context.found);
}

function readExtension(
  container: TreeNode,
  path: string,
  context: ContainerContext,
): readonly WorkloadDraft[] | null {
  remarkExtensions(container, path, true, context);
  const node = childOf(container, EXTENSION);
  return readWorkloads(node, joinPath(path, EXTENSION), { ...context, minor: 0 });
}

function readContainer(
  { key, value, where }: Entry,
  lots: ReadonlyMap<string, Lot>,
  context: ContainerContext,
): ServiceSpec {
  const path = joinPath('containers', key);
  const node = textOf(childOf(value, 'node')) ?? '';
  checkNode(childOf(value, 'node'), `${path}.node`, context);
  const networks: AttachmentSpec[] = [];
  for (const entry of entriesOf(childOf(value, 'networks'))) {
    const below = joinPath(`${path}.networks`, entry.key);
    const attachment = readAttachment(key, entry, below, lots, context);
    if (attachment !== null) networks.push(attachment);
  }
  checkOverlaps(networks, whereOf(where, path), context);
  return {
    key,
    name: key,
    image: '',
    hostname: key,
    command: [],
    environment: {},
    labels: {},
    networks: networks.sort((x, y) => (x.network < y.network ? -1 : 1)),
    mode: 'replicated',
    replicas: 1,
    endpointMode: 'dnsrr',
    constraints: [{ field: 'node.hostname', op: '==', value: node, at: where.at }],
    preferences: [],
    maxReplicasPerNode: 0,
    ports: [],
    restart: { condition: 'none', delay: 0, maxAttempts: null, window: 0 },
    single: true,
    workloads: [],
    workloadOrigin: null,
    at: where.at,
  };
}

function checkNode(given: TreeNode | undefined, path: string, { nodes, found }: ContainerContext): void {
  const node = textOf(given);
  if (given === undefined || node === undefined || nodes.some(({ name }) => name === node)) return;
  const names = nodes.map(({ name }) => name);
  const hint = didYouMean(node, names) ?? 'define it under the top-level "nodes"';
  found.report('OV1703', whereOf(given, path), `node "${node}" is not defined`, hint);
}

function readAttachment(
  container: string,
  { key, value, where }: Entry,
  path: string,
  lots: ReadonlyMap<string, Lot>,
  { networks, found }: ContainerContext,
): AttachmentSpec | null {
  const draft = networks.find(({ spec }) => spec.key === key);
  const lot = lots.get(key);
  if (draft === undefined || lot === undefined) {
    const names = networks.map(({ spec }) => spec.key);
    const hint = didYouMean(key, names) ?? 'define it under the top-level "networks"';
    found.report('OV1201', whereOf(where, path), `network "${key}" is not defined`, hint);
    return null;
  }
  const ip = takeIp(container, childOf(value, 'ip'), `${path}.ip`, draft, lot, found);
  const mac = takeMac(container, childOf(value, 'mac'), `${path}.mac`, lot, found);
  return {
    network: key,
    aliases: [container],
    ...(ip === null ? {} : { ip }),
    ...(mac === null ? {} : { mac }),
  };
}

function takeIp(
  container: string,
  node: TreeNode | undefined,
  path: string,
  { subnet }: NetworkDraft,
  lot: Lot,
  found: Diagnostics,
): Ip | null {
  const ip = readIp(node, path, found);
  if (node === undefined || ip === null || subnet === null) return null;
  const where = whereOf(node, path);
  if (!isHost(subnet, ip)) {
    reportOutside(ip, subnet, where, found);
    return null;
  }
  const text = formatIp(ip);
  const owner = lot.ips.get(text);
  if (owner !== undefined) {
    const message = `${text} is the address of ${owner} already`;
    found.report('OV1707', where, message, 'each address belongs to one container of a network');
    return null;
  }
  lot.ips.set(text, `container "${container}"`);
  return ip;
}

function takeMac(
  container: string,
  node: TreeNode | undefined,
  path: string,
  lot: Lot,
  found: Diagnostics,
): Mac | null {
  const text = textOf(node);
  if (node === undefined || text === undefined) return null;
  const where = whereOf(node, path);
  const mac = macOf(text);
  if (mac === null || mac === 0 || isGroupMac(macHi(mac))) {
    const message =
      mac === null ? `"${text}" is not a MAC address` : `${formatMac(mac)} is no address of one station`;
    found.report('OV1705', where, message, 'write six bytes, the first one even, as in 02:42:0a:00:01:02');
    return null;
  }
  const owner = lot.macs.get(mac);
  if (owner !== undefined) {
    const message = `${formatMac(mac)} is the MAC of container "${owner}" already`;
    found.report('OV1708', where, message, 'bridges and VTEPs could not tell the two apart');
    return null;
  }
  lot.macs.set(mac, container);
  return mac;
}

function macOf(text: string): Mac | null {
  try {
    return parseMac(text);
  } catch {
    return null;
  }
}

/** Networks of their own may have the same addresses; a container on both could not tell them apart. */
function checkOverlaps(
  attachments: readonly AttachmentSpec[],
  where: Where,
  { networks, found }: ContainerContext,
): void {
  const drafts = attachments.map(({ network }) => networks.find(({ spec }) => spec.key === network));
  for (const [i, one] of drafts.entries()) {
    for (const other of drafts.slice(0, i)) {
      if (one?.subnet == null || other?.subnet == null || isIp6(one.subnet.ip) !== isIp6(other.subnet.ip))
        continue;
      if (!overlaps(one.subnet, other.subnet)) continue;
      const names = `"${other.spec.key}" (${formatCidr(other.subnet)}) and "${one.spec.key}" (${formatCidr(one.subnet)})`;
      found.report(
        'OV1714',
        where,
        `the subnets of its networks ${names} overlap`,
        'it can reach only one of them',
      );
    }
  }
}

/** The first address that nobody has: each node's bridge answers for it, as in Docker. */
function pickGateway(draft: NetworkDraft, lot: Lot, found: Diagnostics): void {
  const { subnet } = draft;
  if (draft.gateway !== null || subnet === null) return;
  const last = Math.min(size(subnet), lot.ips.size + 3);
  for (let offset = 0; offset < last; offset++) {
    const ip = addressAt(subnet, offset);
    if (!isHost(subnet, ip) || lot.ips.has(formatIp(ip))) continue;
    draft.gateway = ip;
    return;
  }
  const message = `containers have all addresses of ${formatCidr(subnet)}: none is left for the gateway`;
  found.report('OV1709', draft.where, message, 'give the network a larger subnet');
}
