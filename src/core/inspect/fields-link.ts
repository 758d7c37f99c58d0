// The fields of the link layers: Ethernet, VLAN tags, LLC, spanning tree, cooked captures, loopback and ARP.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import * as llc from '../wire/llc.ts';
import * as loopback from '../wire/loopback.ts';
import * as sll from '../wire/sll.ts';
import type { Emit, LayerSpec, Place } from './field.ts';
import { bytesText, field, moving, valueText } from './field.ts';
import { ARP_OPCODES, ETHERTYPE_NAMES, SLL_PACKET_TYPES } from './names.ts';

const ETH_DST = field('eth.dst', 'Destination', 'mac', 0, 6, { also: 'eth.addr' });
const ETH_SRC = field('eth.src', 'Source', 'mac', 6, 6, { also: 'eth.addr' });
const ETH_TYPE = { ...moving('eth.type', 'Type', 'hex', { names: ETHERTYPE_NAMES }), size: 2 };
const ETH_LEN = moving('eth.len', 'Length', 'uint');
const ETH_TRAILER = moving('eth.trailer', 'Trailer', 'bytes');
const ETH_PADDING = moving('eth.padding', 'Padding', 'bytes');

/** The first EtherType; a smaller number there is a length. */
const TYPE_MIN = 0x600;

/**
 * Where the bytes start that a frame carries after its payload, up to the frame's end: padding to 60 bytes, or a trailer.
 * Equal to the end where there are none.
 */
export function trailerStart(d: Dissection, row: number): number {
  let j = row + 1;
  while (j < d.count && (d.kind(j) === L.vlan || d.kind(j) === L.serviceVlan || d.kind(j) === L.llc)) j++;
  const k = j < d.count ? d.kind(j) : L.payload;
  return (k === L.payload ? d.end(row) : d.end(j)) as number;
}

function more(p: Place, emit: Emit): void {
  const { view, d, row, start, head } = p;
  if (head - start < 14) return;
  const type = view.getUint16(start + 12);
  emit(type < TYPE_MIN ? ETH_LEN : ETH_TYPE, type, start + 12, start + 14);
  const from = trailerStart(d, row);
  const to = row === 0 ? d.packetEnd : d.end(row - 1);
  if (from >= to || d.packetEnd < d.packetLimit) return;
  let zero = true;
  for (let i = from; i < to; i++) zero &&= view.getUint8(i) === 0;
  emit(zero ? ETH_PADDING : ETH_TRAILER, bytesText(view, from, to), from, to);
}

export const ETHERNET: LayerSpec = {
  kind: L.ethernet,
  name: 'Ethernet II',
  fields: [ETH_DST, ETH_SRC],
  moreFields: [ETH_TYPE, ETH_LEN, ETH_PADDING, ETH_TRAILER],
  title: (p) =>
    `Src: ${valueText(ETH_SRC, p.view.getUint16(p.start + 6) * 2 ** 32 + p.view.getUint32(p.start + 8))}, ` +
    `Dst: ${valueText(ETH_DST, p.view.getUint16(p.start) * 2 ** 32 + p.view.getUint32(p.start + 2))}`,
  more,
};

const vlanTitle = (p: Place): string => {
  const tci = p.view.getUint16(p.start);
  return `PRI: ${tci >> 13}, DEI: ${(tci >> 12) & 1}, ID: ${tci & 0xfff}`;
};

export const VLAN: LayerSpec = {
  kind: L.vlan,
  name: '802.1Q Virtual LAN',
  fields: [
    field('vlan.priority', 'Priority', 'uint', 0, 2, { mask: 0xe000 }),
    field('vlan.dei', 'DEI', 'bool', 0, 2, { mask: 0x1000 }),
    field('vlan.id', 'ID', 'uint', 0, 2, { mask: 0x0fff }),
    field('vlan.etype', 'Type', 'hex', 2, 2, { names: ETHERTYPE_NAMES }),
  ],
  moreFields: [],
  title: vlanTitle,
  more: null,
};

export const SERVICE_VLAN: LayerSpec = {
  kind: L.serviceVlan,
  name: 'IEEE 802.1ad',
  fields: [
    field('ieee8021ad.priority', 'Priority', 'uint', 0, 2, { mask: 0xe000 }),
    field('ieee8021ad.dei', 'DEI', 'bool', 0, 2, { mask: 0x1000 }),
    field('ieee8021ad.id', 'ID', 'uint', 0, 2, { mask: 0x0fff }),
    field('ieee8021ah.etype', 'Type', 'hex', 2, 2, { names: ETHERTYPE_NAMES }),
  ],
  moreFields: [],
  title: vlanTitle,
  more: null,
};

const LLC_OUI = { ...moving('llc.oui', 'Organization Code', 'hex'), size: 3 };
const LLC_TYPE = { ...moving('llc.type', 'Type', 'hex', { names: ETHERTYPE_NAMES }), size: 2 };

export const LLC: LayerSpec = {
  kind: L.llc,
  name: 'Logical-Link Control',
  fields: [
    field('llc.dsap', 'DSAP', 'hex', 0, 1),
    field('llc.ssap', 'SSAP', 'hex', 1, 1),
    field('llc.control', 'Control field', 'hex', 2, 1),
  ],
  moreFields: [LLC_OUI, LLC_TYPE],
  title: (p) => (llc.isSnap(p.view, p.start) ? 'SNAP' : ''),
  more: (p, emit) => {
    if (p.head - p.start < llc.SNAP_LEN || !llc.isSnap(p.view, p.start)) return;
    emit(LLC_OUI, llc.snapOrganization(p.view, p.start), p.head - 5, p.head - 2);
    emit(LLC_TYPE, llc.snapProtocol(p.view, p.start), p.head - 2, p.head);
  },
};

export const STP: LayerSpec = {
  kind: L.stp,
  name: 'Spanning Tree Protocol',
  fields: [
    field('stp.protocol', 'Protocol Identifier', 'hex', 0, 2),
    field('stp.version', 'Protocol Version Identifier', 'uint', 2, 1),
    field('stp.type', 'BPDU Type', 'hex', 3, 1),
    field('stp.flags', 'BPDU flags', 'hex', 4, 1),
    field('stp.root.prio', 'Root Bridge Priority', 'uint', 5, 2, { mask: 0xf000, scale: 4096 }),
    field('stp.root.ext', 'Root Bridge System ID Extension', 'uint', 5, 2, { mask: 0x0fff }),
    field('stp.root.hw', 'Root Bridge System ID', 'mac', 7, 6),
    field('stp.root.cost', 'Root Path Cost', 'uint', 13, 4),
    field('stp.bridge.prio', 'Bridge Priority', 'uint', 17, 2, { mask: 0xf000, scale: 4096 }),
    field('stp.bridge.ext', 'Bridge System ID Extension', 'uint', 17, 2, { mask: 0x0fff }),
    field('stp.bridge.hw', 'Bridge System ID', 'mac', 19, 6),
    field('stp.port', 'Port identifier', 'hex', 25, 2),
  ],
  moreFields: [],
  title: () => '',
  more: null,
};

const SLL_SRC = moving('sll.src.eth', 'Source', 'mac');

function sllSource(p: Place, emit: Emit, at: number, length: number): void {
  if (length !== 6 || p.head < at + 6) return;
  emit(SLL_SRC, p.view.getUint16(at) * 2 ** 32 + p.view.getUint32(at + 2), at, at + 6);
}

export const SLL: LayerSpec = {
  kind: L.sll,
  name: 'Linux cooked capture v1',
  fields: [
    field('sll.pkttype', 'Packet type', 'uint', 0, 2, { names: SLL_PACKET_TYPES }),
    field('sll.hatype', 'Link-layer address type', 'uint', 2, 2),
    field('sll.halen', 'Link-layer address length', 'uint', 4, 2),
    field('sll.etype', 'Protocol', 'hex', 14, 2, { names: ETHERTYPE_NAMES }),
  ],
  moreFields: [SLL_SRC],
  title: () => '',
  more: (p, emit) => {
    if (p.head - p.start >= 16) sllSource(p, emit, p.start + 6, sll.addressLength(p.view, p.start));
  },
};

export const SLL2: LayerSpec = {
  kind: L.sll2,
  name: 'Linux cooked capture v2',
  fields: [
    field('sll.etype', 'Protocol', 'hex', 0, 2, { names: ETHERTYPE_NAMES }),
    field('sll.ifindex', 'Interface index', 'uint', 4, 4),
    field('sll.hatype', 'Link-layer address type', 'uint', 8, 2),
    field('sll.pkttype', 'Packet type', 'uint', 10, 1, { names: SLL_PACKET_TYPES }),
    field('sll.halen', 'Link-layer address length', 'uint', 11, 1),
  ],
  moreFields: [SLL_SRC],
  title: () => '',
  more: (p, emit) => {
    if (p.head - p.start >= 20) sllSource(p, emit, p.start + 12, sll.addressLength2(p.view, p.start));
  },
};

/** In the byte order of the machine that captured, which the file does not say. */
const FAMILY = moving('null.family', 'Family', 'uint');

export const LOOPBACK: LayerSpec = {
  kind: L.loopback,
  name: 'Null/Loopback',
  fields: [],
  moreFields: [FAMILY],
  title: () => '',
  more: (p, emit) => {
    if (p.head - p.start >= loopback.HEADER_LEN) {
      emit(FAMILY, loopback.family(p.view, p.start), p.start, p.start + loopback.HEADER_LEN);
    }
  },
};

export const RAW: LayerSpec = {
  kind: L.raw,
  name: 'Raw packet data',
  fields: [],
  moreFields: [],
  title: () => '',
  more: null,
};

const ARP_SRC_MAC = moving('arp.src.hw_mac', 'Sender MAC address', 'mac');
const ARP_SRC_IP = moving('arp.src.proto_ipv4', 'Sender IP address', 'ipv4');
const ARP_DST_MAC = moving('arp.dst.hw_mac', 'Target MAC address', 'mac');
const ARP_DST_IP = moving('arp.dst.proto_ipv4', 'Target IP address', 'ipv4');

export const ARP: LayerSpec = {
  kind: L.arp,
  name: 'Address Resolution Protocol',
  fields: [
    field('arp.hw.type', 'Hardware type', 'uint', 0, 2),
    field('arp.proto.type', 'Protocol type', 'hex', 2, 2, { names: ETHERTYPE_NAMES }),
    field('arp.hw.size', 'Hardware size', 'uint', 4, 1),
    field('arp.proto.size', 'Protocol size', 'uint', 5, 1),
    field('arp.opcode', 'Opcode', 'uint', 6, 2, { names: ARP_OPCODES }),
  ],
  moreFields: [ARP_SRC_MAC, ARP_SRC_IP, ARP_DST_MAC, ARP_DST_IP],
  title: (p) => `(${ARP_OPCODES[p.view.getUint16(p.start + 6)] ?? 'unknown'})`,
  more: (p, emit) => {
    const { view, start, head } = p;
    if (head - start < 8) return;
    const hw = view.getUint8(start + 4);
    const ip = view.getUint8(start + 5);
    if (head - start < 8 + 2 * hw + 2 * ip) return;
    let at = start + 8;
    for (let side = 0; side < 2; side++) {
      if (hw === 6) {
        const mac = view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
        emit(side === 0 ? ARP_SRC_MAC : ARP_DST_MAC, mac, at, at + 6);
      }
      at += hw;
      if (ip === 4) emit(side === 0 ? ARP_SRC_IP : ARP_DST_IP, view.getUint32(at), at, at + 4);
      at += ip;
    }
  },
};
