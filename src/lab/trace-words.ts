// Trace events in words: what an element did with a frame, the table and entry behind it, and the `ip` or `bridge`
// command that shows the same on a real host.

import type { Ip } from '../core/wire/address.ts';
import { formatIp, formatMac, readIp6, readMac } from '../core/wire/address.ts';
import { ETHERTYPE, PROTO } from '../core/wire/numbers.ts';
import { FLOOD } from '../engine/fabric/bridge.ts';
import { LEARN } from '../engine/fabric/fdb.ts';
import { IMPAIR } from '../engine/fabric/impair.ts';
import type { Host } from '../engine/host/host.ts';
import { STATE_NAMES } from '../engine/host/neighbour.ts';
import type { Simulation } from '../engine/orchestrate/simulation.ts';
import { DROP, DROP_NAMES, DROP_SENTENCES } from '../engine/trace/drop.ts';
import type { ElementId } from '../engine/trace/event.ts';
import { TRACE, VIA } from '../engine/trace/event.ts';
import type { TraceEvent } from '../engine/trace/recorder.ts';
import type { Located } from './elements.ts';
import { balanced, translated } from './translation-words.ts';

export interface JourneyStep {
  /** Nanoseconds since the frame set out. */
  readonly time: number;
  /** Where: a node and a namespace or container in it; empty on the underlay. */
  readonly place: string;
  readonly element: string;
  /** What happened, as one word. */
  readonly what: string;
  /** The same as a sentence with its reason. */
  readonly text: string;
  /** The table that was consulted, or null. */
  readonly table: string | null;
  /** The entry that was found in it, as the tool would print it, or null. */
  readonly entry: string | null;
  /** What shows the same on a real host, or null. */
  readonly command: string | null;
}

type Words = Pick<JourneyStep, 'what' | 'text'> & Partial<Pick<JourneyStep, 'table' | 'entry' | 'command'>>;

/** One step of a journey. `start` is when the frame set out. */
export function stepOf(
  event: TraceEvent,
  start: number,
  sim: Simulation,
  elements: ReadonlyMap<ElementId, Located>,
): JourneyStep {
  const { name, place } = sim.world.ground.registry.at(event.where);
  const words = wordsOf(event, sim, elements.get(event.where));
  return {
    time: event.time - start,
    place,
    element: name,
    table: null,
    entry: null,
    command: null,
    ...words,
  };
}

function wordsOf(event: TraceEvent, sim: Simulation, at: Located | undefined): Words {
  const { registry } = sim.world.ground;
  const nameOf = (id: ElementId): string => {
    const element = registry.at(id);
    return element.place === '' || element.place === element.name
      ? element.name
      : `${element.name} (${element.place})`;
  };
  const view = event.bytes;
  switch (event.what) {
    case TRACE.send:
      return sent(event, at);
    case TRACE.transmit:
      return { what: 'transmit', text: `${event.length} bytes go out towards ${nameOf(event.a)}` };
    case TRACE.receive: {
      const port =
        at?.kind === 'bridge' ? (at.bridge.port(event.a)?.name ?? `port ${event.a}`) : `port ${event.a}`;
      return { what: 'receive', text: `${event.length} bytes come in from ${port}` };
    }
    case TRACE.learn:
      return learned(event, sim, at);
    case TRACE.forward: {
      const mac = formatMac(readMac(view, 0));
      const port = at?.kind === 'bridge' ? (at.bridge.port(event.a)?.name ?? '') : '';
      return {
        what: 'forward',
        text: `${mac} is behind ${port}: sent there and nowhere else`,
        table: 'bridge FDB',
        entry: `${mac} dev ${port} master ${registry.at(event.where).name}`,
        command: `${at?.prefix ?? ''}bridge fdb get ${mac} br ${registry.at(event.where).name}`,
      };
    }
    case TRACE.flood:
      return flooded(event, at, registry.at(event.where).name);
    case TRACE.encapsulate:
      return encapsulated(event, sim, at);
    case TRACE.outer:
      return {
        what: 'outer',
        text: `the inner flow's hash makes the UDP source port ${event.a}; destination port ${event.b}`,
        command: `ss -lun sport = :${event.b}`,
      };
    case TRACE.decapsulate: {
      const peer = formatIp(sim.world.ground.peers.addressOf(event.a));
      return {
        what: 'decapsulate',
        text: `VNI ${event.b} from ${peer}: I flag set, VNI known here; the VXLAN header comes off`,
        table: 'VNI',
        entry: `id ${event.b} dev ${registry.at(event.where).name}`,
        command: `${at?.prefix ?? ''}ip -d link show ${registry.at(event.where).name}`,
      };
    }
    case TRACE.answer:
      return answered(event, at);
    case TRACE.deliver:
      return delivered(event);
    case TRACE.route:
      return {
        what: 'route',
        text: `sent on by interface ${event.a}, ${event.b} hops left`,
        table: 'routes',
        entry: at?.kind === 'host' ? routeEntry(at.host, destinationOf(view, 0)) : null,
        command: `${at?.prefix ?? ''}ip route get ${formatIp(destinationOf(view, 0))}`,
      };
    case TRACE.tag:
      return {
        what: 'tag',
        text: event.a === 1 ? `goes out tagged for VLAN ${event.b}` : `the tag of VLAN ${event.b} comes off`,
        command: `${at?.prefix ?? ''}ip -d link show type vlan`,
      };
    case TRACE.balance:
      return balanced(event, at?.prefix ?? '');
    case TRACE.translate:
      return translated(event, at?.prefix ?? '');
    case TRACE.seal:
      return {
        what: 'seal',
        text: `sealed into ESP, number ${event.b >>> 0}: from here to the other node only its length can be read`,
        table: 'xfrm',
        entry: `proto esp spi 0x${(event.a >>> 0).toString(16).padStart(8, '0')} mode transport`,
        command: `${at?.prefix ?? ''}ip -s xfrm state`,
      };
    case TRACE.open:
      return {
        what: 'open',
        text: `opened: the ESP packet is whole and no replay, number ${event.b >>> 0}`,
        table: 'xfrm',
        entry: `proto esp spi 0x${(event.a >>> 0).toString(16).padStart(8, '0')} mode transport`,
        command: `${at?.prefix ?? ''}ip -s xfrm state`,
      };
    case TRACE.impair:
      return { what: 'impair', text: IMPAIR_WORDS[event.a] ?? 'impaired' };
    case TRACE.drop:
      if (event.a === DROP.notForUs) {
        return { what: 'ignore', text: 'a copy of a flood, for somebody else: ignored' };
      }
      return {
        what: 'drop',
        text: `dropped: ${DROP_SENTENCES[event.a] ?? 'unknown reason'} (${DROP_NAMES[event.a] ?? event.a})`,
        command: at?.kind === 'vtep' || at?.kind === 'bridge' ? `${at.prefix}ip -s link` : null,
      };
    default:
      return { what: 'pass', text: `${nameOf(event.where)} passed it on` };
  }
}

const IMPAIR_WORDS: Readonly<Record<number, string>> = {
  [IMPAIR.lost]: 'the link lost it, as its loss rate says',
  [IMPAIR.duplicated]: 'the link duplicated it',
  [IMPAIR.overtook]: 'the link let it overtake',
  [IMPAIR.queued]: 'it waits for the link',
};

/** The destination of the IP packet at `ip`. */
function destinationOf(view: DataView, ip: number): Ip {
  return view.getUint8(ip) >>> 4 === 6 ? readIp6(view, ip + 24) : view.getUint32(ip + 16);
}

function sourceOf(view: DataView, ip: number): Ip {
  return view.getUint8(ip) >>> 4 === 6 ? readIp6(view, ip + 8) : view.getUint32(ip + 12);
}

function isIpPacket(view: DataView): boolean {
  const version = view.byteLength >= 20 ? view.getUint8(0) >>> 4 : 0;
  const arp = view.byteLength >= 14 && view.getUint16(12) === ETHERTYPE.arp;
  return (version === 4 || version === 6) && !arp;
}

function sent(event: TraceEvent, at: Located | undefined): Words {
  const view = event.bytes;
  if (!isIpPacket(view)) {
    const arp = view.byteLength >= 42 && view.getUint16(12) === ETHERTYPE.arp;
    if (!arp) return { what: 'send', text: `sends ${event.length} bytes` };
    const target = formatIp(view.getUint32(38));
    const question = view.getUint16(20) === 1;
    return {
      what: 'send',
      text: question
        ? `asks who has ${target}: no neighbour entry yet`
        : `answers the question for ${formatIp(view.getUint32(28))}`,
      table: 'neighbours',
      command: `${at?.prefix ?? ''}ip neigh show ${target}`,
    };
  }
  const dst = destinationOf(view, 0);
  const text = `sends ${formatIp(sourceOf(view, 0))} → ${formatIp(dst)}, ${event.length} bytes`;
  if (at?.kind !== 'host') return { what: 'send', text };
  return {
    what: 'send',
    text,
    table: 'routes, neighbours',
    entry: [routeEntry(at.host, dst), neighbourEntry(at.host, dst)]
      .filter((entry) => entry !== null)
      .join('; '),
    command: `${at.prefix}ip route get ${formatIp(dst)}`,
  };
}

/** As `ip route get` would find it. */
function routeEntry(host: Host, to: Ip): string | null {
  const route = host.routes.lookup(to);
  if (route === null) return null;
  const hop = route.hops[0];
  const via = hop?.via === null || hop === undefined ? '' : ` via ${formatIp(hop.via)}`;
  const more = route.hops.length > 1 ? ` (one of ${route.hops.length} next hops)` : '';
  return `${route.prefix === 0 ? 'default' : `${formatIp(route.ip)}/${route.prefix}`}${via} dev ${hop?.dev.name}${more}`;
}

/** As `ip neigh` would print it. */
function neighbourEntry(host: Host, to: Ip): string | null {
  const hop = host.routes.lookup(to)?.hops[0];
  if (hop === undefined) return null;
  const neighbour = host.neighbours.find(hop.via ?? to, hop.dev);
  if (neighbour === undefined) return null;
  return `${formatIp(neighbour.ip)} dev ${hop.dev.name} lladdr ${formatMac(neighbour.mac)} ${STATE_NAMES[neighbour.state]}`;
}

function learned(event: TraceEvent, sim: Simulation, at: Located | undefined): Words {
  const mac = formatMac(readMac(event.bytes, 6));
  const bridge = at?.kind === 'bridge';
  const place = bridge
    ? (at.bridge.port(event.b)?.name ?? `port ${event.b}`)
    : formatIp(sim.world.ground.peers.addressOf(event.b));
  const how = LEARN_WORDS[event.a] ?? '';
  return {
    what: 'learn',
    text: `source ${mac} ${how} behind ${place}`,
    table: bridge ? 'bridge FDB' : 'VXLAN FDB',
    entry: bridge ? `${mac} dev ${place} master ${at.bridge.name}` : `${mac} dst ${place} self`,
    command: `${at?.prefix ?? ''}bridge fdb show`,
  };
}

const LEARN_WORDS: Readonly<Record<number, string>> = {
  [LEARN.new]: 'learned',
  [LEARN.refreshed]: 'heard of again',
  [LEARN.moved]: 'moved: now',
  [LEARN.pinned]: 'is pinned and stays',
  [LEARN.full]: 'not learned, the table is full;',
};

function flooded(event: TraceEvent, at: Located | undefined, name: string): Words {
  const mac = formatMac(readMac(event.bytes, 0));
  const why =
    event.b === FLOOD.broadcast
      ? 'broadcast'
      : event.b === FLOOD.multicast
        ? `multicast to ${mac}`
        : `no entry for ${mac}`;
  const tunnel = at?.kind === 'vtep';
  const copies = `${event.a} ${event.a === 1 ? 'copy' : 'copies'}`;
  return {
    what: 'flood',
    text: tunnel ? `${why}: ${copies} by the flood list` : `${why}: ${copies}, one to each other port`,
    table: tunnel ? 'VXLAN FDB' : 'bridge FDB',
    entry: tunnel ? '00:00:00:00:00:00 (flood list)' : null,
    command: `${at?.prefix ?? ''}bridge fdb show ${tunnel ? `dev ${name}` : `br ${name}`}`,
  };
}

function encapsulated(event: TraceEvent, sim: Simulation, at: Located | undefined): Words {
  const mac = formatMac(readMac(event.bytes, 0));
  const peer = formatIp(sim.world.ground.peers.addressOf(event.a));
  const vtep = at?.kind === 'vtep' ? at.vtep : null;
  const device = vtep?.name ?? 'vxlan0';
  const entry =
    event.b === VIA.pinned
      ? `${mac} dev ${device} dst ${peer} self permanent`
      : event.b === VIA.learned
        ? `${mac} dev ${device} dst ${peer} self`
        : `00:00:00:00:00:00 dev ${device} dst ${peer} self permanent`;
  const why = VIA_WORDS[event.b] ?? '';
  return {
    what: 'encapsulate',
    text: `${why} VTEP ${peer}: 8 bytes of VXLAN header with VNI ${vtep?.options.vni ?? '?'} go in front`,
    table: 'VXLAN FDB',
    entry,
    command: `${at?.prefix ?? ''}bridge fdb show dev ${device}`,
  };
}

const VIA_WORDS: Readonly<Record<number, string>> = {
  [VIA.pinned]: 'the control plane pinned the destination behind',
  [VIA.learned]: 'the destination was learned behind',
  [VIA.replicate]: 'the flood list names',
  [VIA.group]: "the VNI's group is",
};

function answered(event: TraceEvent, at: Located | undefined): Words {
  if (event.a === 3) {
    return {
      what: 'answer',
      text: `frame ${event.b} does not fit the tunnel: this ICMP error tells its sender`,
    };
  }
  const arp = event.bytes.getUint16(12) === ETHERTYPE.arp;
  const ip = arp ? event.bytes.getUint32(28) : readIp6(event.bytes, 62);
  const mac = formatMac(readMac(event.bytes, 6));
  return {
    what: 'answer',
    text: `answers frame ${event.b} on the spot: ${formatIp(ip)} is at ${mac}; the question does not cross the underlay`,
    table: 'neighbours',
    entry: `${formatIp(ip)} dev vxlan0 lladdr ${mac} PERMANENT`,
    command: `${at?.prefix ?? ''}ip neigh show dev vxlan0`,
  };
}

function delivered(event: TraceEvent): Words {
  if (event.a === ETHERTYPE.arp) {
    return {
      what: 'deliver',
      text: event.b === 1 ? 'takes the ARP question' : 'takes the ARP answer: the neighbour is known',
    };
  }
  const names: Readonly<Record<number, string>> = {
    [PROTO.icmp]: 'ICMP',
    [PROTO.icmpv6]: 'ICMPv6',
    [PROTO.igmp]: 'IGMP',
  };
  if (event.a === PROTO.udp) return { what: 'deliver', text: `UDP port ${event.b} takes it` };
  return { what: 'deliver', text: `${names[event.a] ?? `protocol ${event.a}`} takes it (type ${event.b})` };
}
