// Where `vxlab send` and `vxlab craft --send` put packets: the options as values, and the road that they ask for, open.

import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VXLAN_PORT } from '../../core/wire/numbers.ts';
import type { DatagramTarget } from '../../live/send/datagram-target.ts';
import { ownAddress, payloadRoom } from '../../live/send/datagram-target.ts';
import { sendInterface } from '../../live/send/interface.ts';
import type { Means, Road } from '../../live/send/road.ts';
import { openDatagramRoad, openFrameRoad } from '../../live/send/roads.ts';
import { isGroup } from '../../live/vtep/vtep-config.ts';
import { ipAddress, portRange, udpPort } from '../edit/options.ts';
import { usage } from '../failure.ts';
import { configOf } from '../vtep/options.ts';

export interface PlaceArguments {
  readonly dev?: string;
  readonly to?: Destination;
  readonly remote?: Destination;
  readonly vni?: number;
  readonly local?: Ip;
  readonly backend: Means | 'auto';
  readonly sourcePort?: { readonly min: number; readonly max: number } | 'recorded';
  readonly ttl?: number;
  readonly tos?: number | 'inherit';
  readonly df: boolean;
}

interface Destination {
  readonly ip: Ip;
  readonly port: number;
}

export const MEANS: readonly string[] = ['auto', 'batch', 'cap', 'raw', 'udp'];

/** `192.0.2.2`, `192.0.2.2:8472` or `[2001:db8::2]:8472`. */
export function destination(text: string): Destination {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const plain = /^([^:]*)(?::([^:]*))?$/.exec(text);
  const [, ip = text, port] = bracketed ?? plain ?? [];
  return { ip: ipAddress(ip), port: port === undefined ? VXLAN_PORT : udpPort(port) };
}

/** `recorded`, a port or `MIN-MAX`. */
export function sourcePorts(text: string): { readonly min: number; readonly max: number } | 'recorded' {
  return text === 'recorded' ? text : portRange(text);
}

/** Where packets go, open. */
export interface Place {
  readonly road: Road;
  readonly begins: 'ethernet' | 'ip';
  /** For people. */
  readonly words: string;
  /** For documents. */
  readonly report: Readonly<Record<string, string | number | null>>;
}

/** @throws VxlabError USAGE for what does not go together; as the roads' opening */
export async function openPlace(given: PlaceArguments): Promise<Place> {
  const { to, remote, vni, dev } = given;
  if (to !== undefined && remote !== undefined) throw usage('--to and --remote are two places: say one');
  if (remote !== undefined && vni === undefined) throw usage('a tunnel has a VNI: --remote needs --vni');
  if (vni !== undefined && remote === undefined) throw usage('--vni is of a tunnel: it needs --remote');
  const where = to ?? remote;
  if (where !== undefined) return openDatagrams(given, where);
  if (dev === undefined) throw usage('say where to: --dev IFACE, --to IP or --vni N --remote IP');
  onlyDatagrams(given);
  const iface = sendInterface(dev);
  const road = await openFrameRoad(iface, given.backend);
  return { road, begins: iface.begins, words: `onto ${dev}`, report: { interface: dev } };
}

/** What an interface has no use for. */
function onlyDatagrams({ local, sourcePort, ttl, tos, df }: PlaceArguments): void {
  const asked = Object.entries({
    local,
    'source-port': sourcePort,
    ttl,
    tos,
    'no-df': df ? undefined : true,
  });
  const found = asked.find(([, value]) => value !== undefined);
  if (found !== undefined) throw usage(`--${found[0]} is of datagrams: it needs --to or --remote`);
}

async function openDatagrams(given: PlaceArguments, { ip: to, port }: Destination): Promise<Place> {
  const { vni, dev, sourcePort, backend, remote } = given;
  const recorded = sourcePort === 'recorded';
  if (recorded && remote !== undefined) throw usage('--source-port recorded is of --to: a tunnel is new');
  if (isGroup(to) && isIp6(to) && dev === undefined) {
    throw usage('a group over IPv6 needs --dev: which interface it is on');
  }
  const local = given.local ?? (await ownAddress(to));
  if (isIp6(local) !== isIp6(to)) {
    throw usage(`${formatIp(local)} and ${formatIp(to)} are not of one family: both are IPv4 or IPv6`);
  }
  const { ttl, tos, df } = given;
  const target: DatagramTarget = {
    to,
    config: configOf({
      vni: [vni ?? 0],
      local,
      port,
      backend: 'auto',
      learning: false,
      df,
      ...(dev === undefined ? {} : { dev }),
      ...(sourcePort === undefined || recorded ? {} : { sourcePort }),
      ...(ttl === undefined ? {} : { ttl }),
      ...(tos === undefined ? {} : { tos }),
    }),
    sourcePorts: sourcePort === undefined || recorded ? null : [sourcePort.min, sourcePort.max],
    recordedPorts: recorded,
    room: payloadRoom(local, dev ?? null),
  };
  const road = await openDatagramRoad(target, backend);
  const address = formatIp(to);
  const socket = isIp6(to) ? `[${address}]:${port}` : `${address}:${port}`;
  const words = vni === undefined ? `to ${socket}` : `in VNI ${vni} to ${socket}`;
  return {
    road,
    begins: 'ethernet',
    words,
    report: { local: formatIp(local), address, port, vni: vni ?? null },
  };
}
