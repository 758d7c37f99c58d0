// The options of `vxlab vtep` as values, and what they ask for together. What belongs to one VNI of several is written VALUE@VNI.

import { InvalidArgumentError } from 'commander';
import type { Ip } from '../../core/wire/address.ts';
import { VXLAN_PORT, VxlabError } from '../../core/wire/numbers.ts';
import type { Cidr } from '../../engine/ipam/cidr.ts';
import { parseCidr } from '../../engine/ipam/cidr.ts';
import { dockerMac } from '../../engine/ipam/mac-scheme.ts';
import type { Backend } from '../../live/underlay/underlay-config.ts';
import type {
  EmulatedHost,
  LiveVtepConfig,
  PinnedMac,
  PinnedNeighbour,
} from '../../live/vtep/vtep-config.ts';
import { DEFAULT_LIMITS } from '../../live/vtep/vtep-config.ts';
import { ipAddress, macAddress, vnis } from '../edit/options.ts';
import { usage } from '../failure.ts';

/** A value and the VNI that it is for; null where none was said. */
export interface Placed<T> {
  readonly value: T;
  readonly vni: number | null;
}

export interface VtepArguments {
  readonly vni: readonly number[];
  readonly local: Ip;
  readonly remote?: readonly Placed<Ip>[];
  readonly group?: readonly Placed<Ip>[];
  readonly dev?: string;
  readonly port?: number;
  readonly backend: Backend;
  readonly host?: readonly Placed<EmulatedHost>[];
  readonly attach?: readonly Placed<string>[];
  readonly learning: boolean;
  readonly ageing?: number;
  readonly fdb?: readonly Placed<PinnedMac>[];
  readonly neigh?: readonly Placed<PinnedNeighbour>[];
  readonly sourcePort?: { readonly min: number; readonly max: number };
  readonly ttl?: number;
  readonly tos?: number | 'inherit';
  readonly df: boolean;
  readonly offload?: boolean;
  readonly mtu?: number;
  readonly rate?: number;
  readonly accept?: readonly Cidr[];
  readonly acceptAny?: true;
  readonly maxMacs?: number;
  readonly maxMacsPerPeer?: number;
  readonly floodRate?: number;
}

/** What Linux draws source ports from (net.ipv4.ip_local_port_range). */
const LINUX_PORTS = { min: 32_768, max: 60_999 };
const TTL = 64;
/** Linux's default, of bridges and VXLAN devices alike. */
const AGEING = 300e9;

/** A parser of `VALUE` or `VALUE@VNI` for an option that may be given again. */
export function placed<T>(
  one: (text: string) => T,
): (text: string, before?: readonly Placed<T>[]) => Placed<T>[] {
  return (text, before = []) => {
    const at = text.lastIndexOf('@');
    const value = one(at < 0 ? text : text.slice(0, at));
    if (at < 0) return [...before, { value, vni: null }];
    const [vni = 0, ...more] = vnis(text.slice(at + 1));
    if (more.length > 0) throw new InvalidArgumentError('One VNI stands behind @.');
    return [...before, { value, vni }];
  };
}

/** A parser of lists of one kind. */
export function listed<T>(one: (text: string) => T): (text: string, before?: readonly T[]) => T[] {
  return (text, before = []) => [...before, one(text)];
}

/** VNIs joined by commas, or given again. */
export function vniList(text: string, before: readonly number[] = []): number[] {
  return [...before, ...vnis(text)];
}

/** `10.1.0.2/24` or `10.1.0.2/24,02:42:0a:01:00:02`. */
export function emulatedHost(text: string): EmulatedHost {
  const [address = '', mac, ...more] = text.split(',');
  if (more.length > 0)
    throw new InvalidArgumentError('A host is an address and maybe a MAC: 10.1.0.2/24,02:42:0a:01:00:02.');
  const { ip, prefix } = subnet(address);
  return { ip, prefix, mac: mac === undefined ? dockerMac(ip) : macAddress(mac) };
}

/** An address with a prefix length. */
export function subnet(text: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    if (error instanceof VxlabError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}

/** `02:42:0a:01:00:02=192.0.2.1`. */
export function pinnedMac(text: string): PinnedMac {
  const [mac, vtep] = halves(text, 'A pinned MAC is written MAC=VTEP: 02:42:0a:01:00:02=192.0.2.1.');
  return { mac: macAddress(mac), vtep: ipAddress(vtep) };
}

/** `10.1.0.2=02:42:0a:01:00:02`. */
export function pinnedNeighbour(text: string): PinnedNeighbour {
  const [ip, mac] = halves(text, 'A neighbour is written IP=MAC: 10.1.0.2=02:42:0a:01:00:02.');
  return { ip: ipAddress(ip), mac: macAddress(mac) };
}

/** An interface's name as Linux takes it. */
export function interfaceName(text: string): string {
  if (!/^[^\s/:]{1,15}$/.test(text) || text === '.' || text === '..')
    throw new InvalidArgumentError('An interface has a name of 1 to 15 characters without / and :.');
  return text;
}

/** A number of 0 to 255, decimal or 0x.., or `inherit`. */
export function tosByte(text: string): number | 'inherit' {
  if (text === 'inherit') return text;
  const value = /^(\d{1,3}|0x[0-9a-f]{1,2})$/i.test(text) ? Number(text) : -1;
  if (value < 0 || value > 255)
    throw new InvalidArgumentError('It must be 0 to 255, 0x00 to 0xff or inherit.');
  return value;
}

function halves(text: string, words: string): [string, string] {
  const [first, second, ...more] = text.split('=');
  if (!first || !second || more.length > 0) throw new InvalidArgumentError(words);
  return [first, second];
}

/** What the options ask for. @throws VxlabError USAGE for what does not go together */
export function configOf(given: VtepArguments): LiveVtepConfig {
  const { min, max } = given.sourcePort ?? LINUX_PORTS;
  return {
    local: given.local,
    port: given.port ?? VXLAN_PORT,
    backend: given.backend,
    dev: given.dev ?? null,
    sourcePorts: [min, max],
    mtu: given.mtu ?? null,
    ttl: given.ttl ?? TTL,
    tos: given.tos ?? 0,
    dontFragment: given.df,
    offload: given.offload ?? true,
    learning: given.learning,
    ageing: given.ageing ?? AGEING,
    accept: given.accept ?? [],
    acceptAny: given.acceptAny ?? false,
    limits: {
      learnPerVni: given.maxMacs ?? DEFAULT_LIMITS.learnPerVni,
      learnPerPeer: given.maxMacsPerPeer ?? DEFAULT_LIMITS.learnPerPeer,
      flood: given.floodRate ?? DEFAULT_LIMITS.flood,
    },
    rate: given.rate ?? 0,
    segments: given.vni.map((vni) => {
      const groups = ofEach(given, vni, given.group);
      if (groups.length > 1) throw usage(`VNI ${vni} has one group at most`);
      return {
        vni,
        remotes: ofEach(given, vni, given.remote),
        group: groups[0] ?? null,
        hosts: ofOne(given, vni, given.host, '--host'),
        attach: ofOne(given, vni, given.attach, '--attach'),
        fdb: ofOne(given, vni, given.fdb, '--fdb'),
        neighbours: ofOne(given, vni, given.neigh, '--neigh'),
      };
    }),
  };
}

/** Without @VNI it is for every VNI. */
function ofEach<T>(given: VtepArguments, vni: number, values: readonly Placed<T>[] = []): T[] {
  known(given, values);
  return values.filter((one) => one.vni === null || one.vni === vni).map(({ value }) => value);
}

/** Without @VNI it is for the only one. */
function ofOne<T>(given: VtepArguments, vni: number, values: readonly Placed<T>[] = [], option: string): T[] {
  if (given.vni.length > 1 && values.some((one) => one.vni === null)) {
    throw usage(`with several VNIs ${option} says which one it is for: ${option} VALUE@${vni}`);
  }
  return ofEach(given, vni, values);
}

function known(given: VtepArguments, values: readonly Placed<unknown>[]): void {
  const other = values.find((one) => one.vni !== null && !given.vni.includes(one.vni));
  if (other !== undefined) throw usage(`@${other.vni} is none of --vni ${given.vni.join(',')}`);
}
