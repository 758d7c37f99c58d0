// The top-level `networks` of a Compose v3 file, as docker/cli turns them into networks of the swarm
// (cli/compose/loader, LoadNetworks; cli/compose/convert, Networks).

import { VNI_MAX } from '../../core/wire/numbers.ts';
import { formatCidr, parseCidr, subnetOf } from '../ipam/cidr.ts';
import type { Diagnostics } from '../model/diagnostic.ts';
import type { Cidr, NetworkSpec } from '../model/spec.ts';
import type { PlannedSubnet, PlannedVni } from '../model/validate.ts';
import { pairsOf } from './pairs.ts';
import { joinPath } from './path.ts';
import { didYouMean, suggest } from './suggest.ts';
import type { Entry, TreeNode } from './tree.ts';
import { booleanOf, childOf, entriesOf, entryOf, itemsOf, numberOf, textOf, whereOf } from './tree.ts';

const ENCRYPTED = 'encrypted';
const MTU = 'com.docker.network.driver.mtu';
const VNI_LIST = 'com.docker.network.driver.overlay.vxlanid_list';
/** What the overlay driver looks at (moby, drivers/overlay and ovmanager). */
const KNOWN_OPTIONS: readonly string[] = [ENCRYPTED, MTU, VNI_LIST];
/** Drivers that Docker brings and whose networks live on one node only. */
const LOCAL_DRIVERS: ReadonlySet<string> = new Set(['bridge', 'host', 'none', 'null', 'macvlan', 'ipvlan']);

/** A network as asked for, with the places that later checks point at. */
export interface NetworkDraft {
  readonly spec: NetworkSpec;
  readonly entry: Entry;
  readonly subnets: readonly PlannedSubnet[];
  readonly vnis: readonly PlannedVni[];
}

/** @param section the top-level mapping `networks`, already held against its shape */
export function readNetworks(
  section: TreeNode | undefined,
  stack: string,
  found: Diagnostics,
): readonly NetworkDraft[] {
  return entriesOf(section).map((entry) => readNetwork(entry, stack, found));
}

function readNetwork(entry: Entry, stack: string, found: Diagnostics): NetworkDraft {
  const { key, value } = entry;
  const path = joinPath('networks', key);
  const external = readExternal(entry, path, found);
  const subnets = external.external ? [] : readSubnets(value, path, found);
  const driver = readDriver(value, path, found);
  const options = external.external ? [] : entriesOf(childOf(value, 'driver_opts'));
  const driverOpts: Record<string, string> = {};
  for (const option of options) driverOpts[option.key] = textOf(option.value) ?? '';
  const vnis: PlannedVni[] = [];
  let mtu: number | null = null;
  for (const option of options) {
    const below = joinPath(path, 'driver_opts', option.key);
    if (option.key === ENCRYPTED) checkEncrypted(option, below, found);
    else if (option.key === MTU) mtu = readMtu(option, below, found);
    else if (option.key === VNI_LIST) vnis.push(...readVnis(option, below, found));
    else if (driver === 'overlay') reportUnknownOption(option, below, found);
  }
  const spec: NetworkSpec = {
    key,
    name: external.name ?? `${stack}_${key}`,
    driver,
    subnets: subnets.map((subnet) => subnetOf(subnet.cidr)),
    internal: booleanOf(childOf(value, 'internal')) ?? false,
    attachable: booleanOf(childOf(value, 'attachable')) ?? false,
    external: external.external,
    encrypted: Object.hasOwn(driverOpts, ENCRYPTED),
    mtu,
    vnis: vnis.map((one) => one.vni),
    driverOpts,
    labels: Object.fromEntries(
      pairsOf(childOf(value, 'labels')).map((pair) => [pair.name, pair.value ?? '']),
    ),
    at: entry.where.at,
    implicit: false,
  };
  return { spec, entry, subnets, vnis };
}

/** `external` may be true or hold a name; the network's name is then taken as it stands, without the stack's. */
function readExternal(
  entry: Entry,
  path: string,
  found: Diagnostics,
): { readonly external: boolean; readonly name: string | null } {
  const name = textOf(childOf(entry.value, 'name')) ?? null;
  const given = entryOf(entry.value, 'external');
  if (given === undefined || booleanOf(given.value) === false) return { external: false, name };
  const inner = entryOf(given.value, 'name');
  const innerName = textOf(inner?.value) ?? null;
  if (inner !== undefined) {
    const where = whereOf(inner.where, `${path}.external.name`);
    if (name === null)
      found.report('OV1109', where, '"external.name" is deprecated', 'write "name" beside "external: true"');
    else found.report('OV1119', where, '"name" and "external.name" are both given', 'keep "name" only');
  }
  for (const other of entriesOf(entry.value)) {
    if (other.key === 'external' || other.key === 'name' || other.key.startsWith('x-')) continue;
    const message = `"${other.key}" has no effect on an external network`;
    const hint = 'the network must be there already, as it was created; remove the key';
    found.report('OV1208', whereOf(other.where, joinPath(path, other.key)), message, hint);
  }
  return { external: true, name: innerName ?? name ?? entry.key };
}

function readDriver(value: TreeNode, path: string, found: Diagnostics): string {
  const given = childOf(value, 'driver');
  const driver = textOf(given) ?? '';
  if (given === undefined || driver === '' || driver === 'overlay') return 'overlay';
  const where = whereOf(given, `${path}.driver`);
  if (LOCAL_DRIVERS.has(driver)) {
    const message = `a network of driver "${driver}" exists on one node only, and services cannot join it`;
    found.report('OV1203', where, message, 'write driver: overlay, or leave the driver out');
  } else {
    const hint =
      suggest(driver, ['overlay']) === null ? 'a plug-in of that name must be installed on every node' : null;
    const message = `"${driver}" is not a driver that Docker brings`;
    found.report('OV1203', where, message, hint ?? 'did you mean "overlay"?');
  }
  return driver;
}

function readSubnets(value: TreeNode, path: string, found: Diagnostics): readonly PlannedSubnet[] {
  const subnets: PlannedSubnet[] = [];
  for (const [index, item] of itemsOf(childOf(childOf(value, 'ipam'), 'config')).entries()) {
    const given = childOf(item, 'subnet');
    const text = textOf(given);
    if (given === undefined || text === undefined) continue;
    const where = whereOf(given, `${path}.ipam.config[${index}].subnet`);
    const cidr = readCidr(text);
    if (cidr === null) {
      if (readCidr(`${text}/24`) === null) {
        const message = `"${text}" is not an address block`;
        found.report('OV1303', where, message, 'write an address and a prefix length, as in 10.0.1.0/24');
      } else {
        found.report('OV1301', where, `"${text}" has no prefix length`, `write ${text}/24 for 256 addresses`);
      }
      continue;
    }
    const network = formatCidr(subnetOf(cidr));
    if (network !== formatCidr(cidr)) {
      found.report('OV1302', where, `${text} is an address inside the block ${network}`, `write ${network}`);
    }
    subnets.push({ cidr: subnetOf(cidr), where });
  }
  return subnets;
}

function readCidr(text: string): Cidr | null {
  try {
    return parseCidr(text);
  } catch {
    return null;
  }
}

function checkEncrypted(option: Entry, path: string, found: Diagnostics): void {
  const text = textOf(option.value) ?? '';
  if (!/^(false|no|off|n|0)$/i.test(text)) return;
  const message = `"encrypted" counts by its presence: "${text}" turns encryption on`;
  found.report(
    'OV1205',
    whereOf(option.value, path),
    message,
    'remove the key to leave the network unencrypted',
  );
}

function readMtu(option: Entry, path: string, found: Diagnostics): number | null {
  const text = textOf(option.value) ?? '';
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  // 1280 is IPv6's least (RFC 8200 s.5), 68 IPv4's (RFC 791); the tunnel takes 50 bytes off before containers see it.
  if (mtu >= 68 + 50 && mtu <= 65535) return mtu;
  const message = `"${text}" is not an MTU`;
  const hint = 'write the underlay\'s MTU in bytes, as in "1500"; the network then has 50 less';
  found.report('OV1209', whereOf(option.value, path), message, hint);
  return null;
}

function readVnis(option: Entry, path: string, found: Diagnostics): readonly PlannedVni[] {
  const where = whereOf(option.value, path);
  const text = textOf(option.value) ?? '';
  const vnis: PlannedVni[] = [];
  for (const part of numberOf(option.value) === undefined ? text.split(',') : [text]) {
    const vni = /^\s*\d{1,9}\s*$/.test(part) ? Number(part) : -1;
    if (vni >= 0 && vni <= VNI_MAX) {
      vnis.push({ vni, where });
      continue;
    }
    const hint = `VNIs are whole numbers from 0 to ${VNI_MAX}, with commas between them`;
    found.report('OV1309', where, `"${part.trim()}" is not a VNI`, hint);
  }
  return vnis;
}

function reportUnknownOption(option: Entry, path: string, found: Diagnostics): void {
  const where = whereOf(option.where, path);
  const meant = meantOption(option.key);
  if (meant === ENCRYPTED) {
    const message = `"${option.key}" is not an option of the overlay driver: the network stays unencrypted`;
    found.report('OV1211', where, message, 'did you mean "encrypted"?');
    return;
  }
  const message = `"${option.key}" is not an option of the overlay driver; Docker passes over it without a word`;
  const known = `the options are ${KNOWN_OPTIONS.join(', ')}`;
  found.report('OV1204', where, message, meant === null ? known : `did you mean "${meant}"?`);
}

function meantOption(key: string): string | null {
  if (/crypt|secur|ipsec/i.test(key)) return ENCRYPTED;
  if (/mtu/i.test(key)) return MTU;
  if (/vxlan|vni/i.test(key)) return VNI_LIST;
  return suggest(key, KNOWN_OPTIONS);
}

/** The sentence for a network that a service names and the file does not define. */
export function undefinedNetworkHint(key: string, drafts: readonly NetworkDraft[]): string {
  const keys = drafts.map((draft) => draft.spec.key);
  return didYouMean(key, keys) ?? `define it under the top-level "networks"`;
}
