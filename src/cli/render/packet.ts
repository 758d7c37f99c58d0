// One packet as a line, as an object, as a tree or as bytes: what `inspect` and `sniff` print with --packets, --json, -V and -x.

import type { Crossing } from '../../core/dissect/crossing.ts';
import { L, LAYER_FLAG } from '../../core/dissect/layer.ts';
import type { HexMark } from '../../core/inspect/hexdump.ts';
import { layerMarks, shortFieldMarks } from '../../core/inspect/hexdump.ts';
import { IP_PROTOCOL_NAMES } from '../../core/inspect/names.ts';
import type { Summary } from '../../core/inspect/summary.ts';
import { summarize } from '../../core/inspect/summary.ts';
import type { FieldNode, LayerNode } from '../../core/inspect/tree.ts';
import { tree } from '../../core/inspect/tree.ts';
import type { PacketMeta } from '../../core/pcap/record.ts';
import type { Part, Sight } from '../../core/reassembly/sight.ts';
import { timeText } from '../../core/survey/document.ts';
import { formatIp4, formatIp6, formatMac, readIp6, readMac } from '../../core/wire/address.ts';
import { faultKind, KIND } from '../../core/wire/fault.ts';
import { paintedDump } from './hex.ts';
import type { Colors } from './paint.ts';

/** One line of `inspect --packets --json`. */
export interface PacketRow {
  readonly number: number;
  readonly time: string;
  readonly length: number;
  readonly captured: number;
  readonly outer: {
    readonly src: string;
    readonly dst: string;
    readonly srcPort: number | null;
    readonly dstPort: number | null;
  } | null;
  readonly vni: number | null;
  readonly inner: {
    readonly srcMac: string | null;
    readonly dstMac: string | null;
    readonly vlan: number | null;
    readonly etherType: string | null;
    readonly src: string | null;
    readonly dst: string | null;
    readonly protocol: string | null;
    readonly srcPort: number | null;
    readonly dstPort: number | null;
  } | null;
  readonly protocol: string;
  readonly info: string;
  /** Only of a packet that was opened with a key. */
  readonly opened?: true;
}

/** Finds the innermost tunnelled frame of a packet; false when it has none. */
export function innermost(crossing: Crossing, { view, d }: Part): boolean {
  let found = false;
  let row = 0;
  while (crossing.find(view, d, row)) {
    found = true;
    row = crossing.vxlan + 1;
  }
  if (found) crossing.find(view, d, crossing.vxlan);
  return found;
}

export function packetRow(sight: Sight, meta: PacketMeta, crossing: Crossing): PacketRow {
  const { view, d } = sight.last;
  const summary = summarize(view, d);
  const tunnelled = innermost(crossing, sight.last);
  return {
    number: meta.number,
    time: timeText(meta.seconds, meta.nanos),
    length: meta.originalLength,
    captured: sight.own.d.packetEnd - sight.own.d.packetStart,
    outer: outerOf(sight.last, crossing, tunnelled),
    vni: tunnelled ? crossing.vni : null,
    inner: tunnelled ? innerOf(sight.last, crossing) : null,
    protocol: summary.protocol,
    info: summary.info,
    ...(sight.isOpened ? { opened: true } : {}),
  };
}

/** The VTEPs; of a packet without a tunnelled frame its outermost addresses; null without any. */
function outerOf(part: Part, crossing: Crossing, tunnelled: boolean): PacketRow['outer'] {
  const ip = tunnelled ? crossing.ip : outermost(part, ADDRESSED, 0);
  if (ip < 0) return null;
  const transport = tunnelled ? crossing.udp : outermost(part, PORTED, ip);
  return { ...addressesOf(part, ip), ...portsOf(part, transport) } as PacketRow['outer'];
}

const ADDRESSED: ReadonlySet<number> = new Set([L.ipv4, L.ipv6]);
const PORTED: ReadonlySet<number> = new Set([L.udp, L.tcp]);

/** The first row of some kinds with a readable header from `from` on, within the same tunnel as the packet itself; -1 when there is none. */
function outermost({ d }: Part, kinds: ReadonlySet<number>, from: number): number {
  for (let row = from; row < d.count && d.depth(row) === 0 && !d.quoted(row); row++) {
    const whole = d.fault(row) === 0 || faultKind(d.fault(row)) === KIND.overrun;
    if (kinds.has(d.kind(row)) && whole) return row;
  }
  return -1;
}

function innerOf(part: Part, crossing: Crossing): PacketRow['inner'] {
  const { view, d } = part;
  const { link, network, transport } = crossing;
  const at = link < 0 ? -1 : d.start(link);
  const isWhole = link >= 0 && d.head(link) - at >= 14;
  const typeAt = link < 0 ? -1 : lastTag(part, link);
  return {
    srcMac: isWhole ? formatMac(readMac(view, at + 6)) : null,
    dstMac: isWhole ? formatMac(readMac(view, at)) : null,
    vlan: vlanOf(part, crossing.vlan),
    etherType: isWhole
      ? `0x${view
          .getUint16(d.head(typeAt) - 2)
          .toString(16)
          .padStart(4, '0')}`
      : null,
    ...addressesOf(part, network),
    protocol: protocolOf(part, crossing),
    ...portsOf(part, transport),
  };
}

/** The VLAN id of a tag row, null where there is none or its bytes were cut off. */
function vlanOf({ view, d }: Part, row: number): number | null {
  if (row < 0 || d.head(row) - d.start(row) < 2) return null;
  return view.getUint16(d.start(row)) & 0xfff;
}

/** The Ethernet row, or the last whole tag behind it: its last two bytes say what follows. */
function lastTag({ d }: Part, link: number): number {
  let row = link;
  for (let i = link + 1; i < d.count; i++) {
    if (d.kind(i) !== L.vlan && d.kind(i) !== L.serviceVlan) break;
    if (d.head(i) - d.start(i) < 4 || d.fault(i) !== 0) break;
    row = i;
  }
  return row;
}

function addressesOf({ view, d }: Part, row: number): { src: string | null; dst: string | null } {
  if (row < 0) return { src: null, dst: null };
  const at = d.start(row);
  const length = d.head(row) - at;
  switch (d.kind(row)) {
    case L.ipv4:
      if (length >= 20) return pair(formatIp4(view.getUint32(at + 12)), formatIp4(view.getUint32(at + 16)));
      break;
    case L.ipv6:
      if (length >= 40) return pair(formatIp6(readIp6(view, at + 8)), formatIp6(readIp6(view, at + 24)));
      break;
    case L.arp:
      if (length >= 28) return pair(formatIp4(view.getUint32(at + 14)), formatIp4(view.getUint32(at + 24)));
      break;
    default:
  }
  return { src: null, dst: null };
}

function pair(src: string, dst: string): { src: string; dst: string } {
  return { src, dst };
}

function portsOf({ view, d }: Part, row: number): { srcPort: number | null; dstPort: number | null } {
  const none = { srcPort: null, dstPort: null };
  if (row < 0 || (d.kind(row) !== L.tcp && d.kind(row) !== L.udp)) return none;
  if ((d.flags(row) & LAYER_FLAG.fragment) !== 0 || d.head(row) - d.start(row) < 4) return none;
  return { srcPort: view.getUint16(d.start(row)), dstPort: view.getUint16(d.start(row) + 2) };
}

/** What the inner addresses speak: `TCP`, `ARP`, ... by the IP header's word; null without one. */
function protocolOf({ view, d }: Part, { network, transport }: Crossing): string | null {
  if (network < 0) return null;
  if (d.kind(network) === L.arp) return 'ARP';
  if (transport >= 0) return NAMES[d.kind(transport)] ?? null;
  const place = d.kind(network) === L.ipv4 ? 9 : 6;
  if (d.head(network) - d.start(network) <= place) return null;
  const number = view.getUint8(d.start(network) + place);
  return IP_PROTOCOL_NAMES[number] ?? `IP protocol ${number}`;
}

const NAMES: Readonly<Record<number, string>> = {
  [L.tcp]: 'TCP',
  [L.udp]: 'UDP',
  [L.icmp]: 'ICMP',
  [L.icmpv6]: 'ICMPv6',
  [L.igmp]: 'IGMP',
};

/** Number, time, outer addresses, VNI, inner addresses, protocol, length and words, in tshark's order and widths. */
export function packetLine(sight: Sight, meta: PacketMeta, crossing: Crossing, time: string): string {
  const { view, d } = sight.last;
  const s = summarize(view, d);
  const head = `${String(meta.number).padStart(5)} ${time.padStart(10)}`;
  const length = meta.originalLength;
  if (!innermost(crossing, sight.last) || crossing.ip < 0)
    return `${head} ${addresses(s)} ${s.protocol} ${length} ${s.info}\n`;
  const { src, dst } = addressesOf(sight.last, crossing.ip);
  const outer = `${(src ?? '').padStart(12)} → ${(dst ?? '').padEnd(12)}`;
  return `${head} ${outer} ${crossing.vni} ${addresses(s)} ${s.protocol} ${length} ${s.info}\n`;
}

function addresses({ source, destination }: Summary): string {
  return `${source.padStart(12)} → ${destination.padEnd(12)}`;
}

/** Every layer and field, indented; datagrams that the packet completes behind it. */
export function packetTree(sight: Sight, meta: PacketMeta, paint: Colors): string {
  const { d } = sight.own;
  let text = `${paint.bold(`Packet ${meta.number}`)}: ${meta.originalLength} bytes on the wire, ${d.packetEnd - d.packetStart} captured, ${timeText(meta.seconds, meta.nanos)}\n`;
  for (const [i, part] of sight.parts.entries()) {
    if (i > 0) text += paint.cyan(`${originOf(part)}\n`);
    const { layers } = tree(part.view, part.d);
    // An ESP row that was opened is shown by the next part.
    const shown = sight.parts[i + 1]?.opened === true ? layers.slice(part.from, -1) : layers.slice(part.from);
    for (const layer of shown) text += layerText(layer, paint);
  }
  return `${text}\n`;
}

/** Where the bytes of a further part come from. */
function originOf({ opened, packets }: Part): string {
  return opened ? 'Opened with its key' : `Put together from packets ${packets.join(', ')}`;
}

function layerText(layer: LayerNode, paint: Colors): string {
  const pad = '  '.repeat(layer.depth);
  const notes = [layer.quoted ? 'quoted' : '', layer.guessed ? 'by its looks, not by its port' : ''].filter(
    Boolean,
  );
  const note = notes.length === 0 ? '' : paint.dim(` (${notes.join(', ')})`);
  if (layer.fault !== null) return `${pad}${paint.red('Fault:')} ${layer.title}\n`;
  const title = layer.title === '' ? layer.name : `${layer.name}, ${layer.title}`;
  return `${pad}${paint.bold(title)}${note}\n${layer.fields.map((one) => fieldText(one, layer, pad, paint)).join('')}`;
}

function fieldText(field: FieldNode, layer: LayerNode, pad: string, paint: Colors): string {
  const meaning = field.meaning === null ? '' : ` (${field.meaning})`;
  const sum = layer.checksum !== null && field.name.endsWith('.checksum') ? checksumText(layer, paint) : '';
  return `${pad}    ${field.label}: ${field.text}${meaning}${sum}${paint.dim(`  [${field.name} ${field.from}-${field.to - 1}]`)}\n`;
}

function checksumText({ checksum }: LayerNode, paint: Colors): string {
  if (checksum === null) return '';
  const words = checksum.note === '' ? checksum.status : `${checksum.status}: ${checksum.note}`;
  return checksum.status === 'bad' ? paint.red(` [${words}]`) : ` [${words}]`;
}

/** The bytes in hex with each layer and field marked; those that were put together behind them. */
export function packetHex(sight: Sight, paint: Colors): string {
  return sight.parts.map((part, i) => partHex(part, i > 0, paint)).join('');
}

function partHex(part: Part, further: boolean, paint: Colors): string {
  const { view, d, from } = part;
  const begin = further ? d.start(Math.min(from, d.count - 1)) : d.packetStart;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + begin, d.packetEnd - begin);
  const packet = tree(view, d);
  const title = further ? `${originOf(part).toLowerCase()}\n` : '';
  const shift = begin - d.packetStart;
  const moved = (marks: readonly HexMark[]): HexMark[] =>
    marks
      .filter((mark) => mark.from >= shift)
      .map(({ from: a, to, name }) => ({ from: a - shift, to: to - shift, name }));
  return `${title}${paintedDump(bytes, moved(layerMarks(packet)), paint, moved(shortFieldMarks(packet)))}\n`;
}
