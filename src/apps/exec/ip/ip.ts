// `ip addr`, `ip link`, `ip route` and `ip neigh` of a container: its tables as iproute2 prints them. Nothing is changed by it.

import type { Ip } from '../../../core/wire/address.ts';
import { compareIp, formatIp, formatMac, isIp6 } from '../../../core/wire/address.ts';
import type { Host } from '../../../engine/host/host.ts';
import type { Interface, InterfaceAddress } from '../../../engine/host/interface.ts';
import { isLinkLocal } from '../../../engine/host/interface.ts';
import { STATE, STATE_NAMES } from '../../../engine/host/neighbour.ts';
import type { Route } from '../../../engine/host/routes.ts';
import type { Stop, ToolContext } from '../tool.ts';
import { stopWith } from '../tool.ts';

const USAGE = `Usage: ip [ -4 | -6 ] [ -br ] OBJECT [ show ] [ dev NAME ]
where  OBJECT := { address | link | route | neigh }
`;
const OBJECTS = ['address', 'link', 'route', 'neighbour', 'neighbor'] as const;

interface Asked {
  readonly host: Host;
  readonly family: 0 | 4 | 6;
  readonly brief: boolean;
  /** One interface, or null for all. */
  readonly dev: string | null;
}

export function ip(context: ToolContext): Promise<number> {
  return Promise.resolve(stopWith(context, show(context)));
}

function show(context: ToolContext): Stop {
  const flags = context.argv.filter((word) => word.startsWith('-'));
  const words = context.argv.filter((word) => !word.startsWith('-'));
  const unknown = flags.find((flag) => !['-4', '-6', '-br', '-brief', '-c', '-color'].includes(flag));
  if (unknown !== undefined) return fault(`Option "${unknown}" is unknown, try "ip -help".\n`);
  const [given = '', ...rest] = words;
  if (given === '' || given === 'help') return fault(USAGE);
  const object = OBJECTS.find((name) => name.startsWith(given));
  if (object === undefined) return fault(`Object "${given}" is unknown, try "ip help".\n`, 1);
  const verb = rest[0] ?? 'show';
  if (/^(add|del|change|replace|set|flush)/.test(verb)) {
    return fault(`ip: ${verb}: what a container has follows from its stack here; only show is there\n`);
  }
  const dev = rest.filter((word) => !/^(show|list|ls|lst|dev|up)$/.test(word))[0] ?? null;
  const { host } = context.container;
  const named = [host.lo, ...host.interfaces].some(({ name }) => name === dev);
  if (dev !== null && !named) return fault(`Device "${dev}" does not exist.\n`, 1);
  const asked: Asked = {
    host,
    family: flags.includes('-6') ? 6 : flags.includes('-4') ? 4 : 0,
    brief: flags.includes('-br') || flags.includes('-brief'),
    dev,
  };
  if (object === 'address') return said(links(asked, true));
  if (object === 'link') return said(links(asked, false));
  return said(object === 'route' ? routes(asked) : neighbours(asked));
}

function fault(err: string, exit = 255): Stop {
  return { out: '', err, exit };
}

function said(lines: readonly string[]): Stop {
  return { out: lines.map((line) => `${line}\n`).join(''), err: '', exit: 0 };
}

function links({ host, family, brief, dev }: Asked, withAddresses: boolean): string[] {
  return [host.lo, ...host.interfaces].flatMap((one, i) => {
    if (dev !== null && one.name !== dev) return [];
    const addresses = one.addresses.filter((address) => family === 0 || isIp6(address.ip) === (family === 6));
    if (family !== 0 && addresses.length === 0) return [];
    if (brief) return [briefLine(one, withAddresses ? addresses : null)];
    return [
      ...linkLines(one, i + 1),
      ...(withAddresses ? addresses.flatMap((address) => addressLines(one, address)) : []),
    ];
  });
}

function linkLines(one: Interface, number: number): string[] {
  const flags = one.loopback ? 'LOOPBACK' : 'BROADCAST,MULTICAST';
  const up = one.up ? ',UP,LOWER_UP' : '';
  const state = one.loopback ? 'UNKNOWN' : one.up ? 'UP' : 'DOWN';
  const kind = one.loopback ? 'loopback' : 'ether';
  const broadcast = one.loopback ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff';
  return [
    `${number}: ${one.name}: <${flags}${up}> mtu ${one.mtu} qdisc noqueue state ${state} group default qlen 1000`,
    `    link/${kind} ${formatMac(one.mac)} brd ${broadcast}`,
  ];
}

function addressLines(one: Interface, { ip: address, prefix }: InterfaceAddress): string[] {
  const scope = one.loopback ? 'host' : isIp6(address) && isLinkLocal(address) ? 'link' : 'global';
  const lasting = '       valid_lft forever preferred_lft forever';
  if (isIp6(address)) return [`    inet6 ${formatIp(address)}/${prefix} scope ${scope} `, lasting];
  const all = (address | (prefix === 0 ? -1 : 0xffffffff >>> prefix)) >>> 0;
  const broadcast = one.loopback || prefix > 30 ? '' : ` brd ${formatIp(all)}`;
  return [`    inet ${formatIp(address)}/${prefix}${broadcast} scope ${scope} ${one.name}`, lasting];
}

function briefLine(one: Interface, addresses: readonly InterfaceAddress[] | null): string {
  const start = `${one.name.padEnd(16)} ${(one.loopback ? 'UNKNOWN' : one.up ? 'UP' : 'DOWN').padEnd(14)} `;
  if (addresses === null) return `${start}${formatMac(one.mac)}`;
  return start + addresses.map(({ ip: address, prefix }) => `${formatIp(address)}/${prefix} `).join('');
}

function routes({ host, family, dev }: Asked): string[] {
  const six = family === 6;
  return [...host.routes.all()]
    .filter((route) => isIp6(route.ip) === six)
    .filter(({ hops }) => dev === null || hops.some((hop) => hop.dev.name === dev))
    .sort(
      (x, y) =>
        Number(x.prefix !== 0) - Number(y.prefix !== 0) || compareIp(x.ip, y.ip) || x.prefix - y.prefix,
    )
    .flatMap(routeLines);
}

function routeLines({ ip: to, prefix, hops, src, metric }: Route): string[] {
  const name = prefix === 0 ? 'default' : `${formatIp(networkOf(to, prefix))}/${prefix}`;
  const behind = metric === 0 ? '' : ` metric ${metric}`;
  const way = (via: Ip | null, dev: Interface): string =>
    `${via === null ? '' : `via ${formatIp(via)} `}dev ${dev.name}`;
  const [first, ...more] = hops;
  if (first === undefined) return [];
  if (more.length > 0) {
    return [`${name}${behind}`, ...hops.map(({ via, dev }) => `\tnexthop ${way(via, dev)} weight 1`)];
  }
  if (first.via !== null) return [`${name} ${way(first.via, first.dev)}${behind}`];
  const from = src ?? first.dev.first(!isIp6(to));
  const source = from === null ? '' : ` src ${formatIp(from)}`;
  return [`${name} dev ${first.dev.name} proto kernel scope link${source}${behind}`];
}

/** The first `prefix` bits. */
function networkOf(ip: Ip, prefix: number): Ip {
  const word = (bits: number, at: number): number => {
    const kept = Math.min(32, Math.max(0, prefix - at));
    return (kept === 0 ? 0 : bits & (-1 << (32 - kept))) >>> 0;
  };
  if (!isIp6(ip)) return word(ip, 0);
  return { a: word(ip.a, 0), b: word(ip.b, 32), c: word(ip.c, 64), d: word(ip.d, 96) };
}

function neighbours({ host, family, dev }: Asked): string[] {
  return host.neighbours
    .entries()
    .filter((entry) => family === 0 || isIp6(entry.ip) === (family === 6))
    .filter((entry) => dev === null || entry.dev.name === dev)
    .map((entry) => {
      const known = entry.state !== STATE.incomplete && entry.state !== STATE.failed;
      const mac = known ? ` lladdr ${formatMac(entry.mac)}` : '';
      return `${formatIp(entry.ip)} dev ${entry.dev.name}${mac} ${STATE_NAMES[entry.state]} `;
    });
}
