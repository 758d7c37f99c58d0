// The fields of VXLAN with GBP and GPE, Geneve, GRE, ERSPAN, MPLS and NSH.

import { L } from '../dissect/layer.ts';
import * as gre from '../wire/gre.ts';
import * as vxlan from '../wire/vxlan.ts';
import type { LayerSpec, Place } from './field.ts';
import { bytesText, field, moving } from './field.ts';
import { ETHERTYPE_NAMES, GPE_PROTOCOLS } from './names.ts';

const VNI = field('vxlan.vni', 'VXLAN Network Identifier (VNI)', 'uint', 4, 3);
const RESERVED_8 = field('vxlan.reserved8', 'Reserved', 'uint', 7, 1);

export const VXLAN: LayerSpec = {
  kind: L.vxlan,
  name: 'Virtual eXtensible Local Area Network',
  fields: [
    field('vxlan.flags', 'Flags', 'hex', 0, 2),
    field('vxlan.flag_g', 'GBP Extension', 'bool', 0, 2, { mask: 0x8000 }),
    field('vxlan.flag_i', 'VXLAN Network ID (VNI)', 'bool', 0, 2, { mask: 0x0800 }),
    field('vxlan.flag_d', "Don't Learn", 'bool', 0, 2, { mask: 0x0040 }),
    field('vxlan.flag_a', 'Policy Applied', 'bool', 0, 2, { mask: 0x0008 }),
    field('vxlan.gbp', 'Group Policy ID', 'uint', 2, 2),
    VNI,
    RESERVED_8,
  ],
  moreFields: [],
  title: (p) => `VNI: ${vxlan.vni(p.view, p.start)}`,
  more: null,
};

export const GPE: LayerSpec = {
  kind: L.gpe,
  name: 'Virtual eXtensible Local Area Network',
  fields: [
    field('vxlan.flags', 'Flags', 'hex', 0, 1),
    field('vxlan.ver', 'Version', 'uint', 0, 1, { mask: 0x30 }),
    field('vxlan.i_bit', 'Instance', 'uint', 0, 1, { mask: 0x08 }),
    field('vxlan.p_bit', 'Next Protocol Bit', 'uint', 0, 1, { mask: 0x04 }),
    field('vxlan.o_bit', 'OAM', 'uint', 0, 1, { mask: 0x01 }),
    field('vxlan.reserved_16', 'Reserved', 'hex', 1, 2),
    field('vxlan.next_proto', 'Next Protocol', 'uint', 3, 1, { names: GPE_PROTOCOLS }),
    VNI,
    RESERVED_8,
  ],
  moreFields: [],
  title: (p) => `GPE, VNI: ${vxlan.vni(p.view, p.start)}`,
  more: null,
};

/** The last of a Geneve header's eight bytes is no field: it may be missing. */
function vniAt({ view, start }: Place): number {
  return view.getUint16(start + 4) * 256 + view.getUint8(start + 6);
}

const GENEVE_OPTIONS = moving('geneve.options', 'Options', 'bytes');

export const GENEVE: LayerSpec = {
  kind: L.geneve,
  name: 'Generic Network Virtualization Encapsulation',
  fields: [
    field('geneve.version', 'Version', 'uint', 0, 1, { mask: 0xc0 }),
    field('geneve.option.length', 'Length', 'uint', 0, 1, { mask: 0x3f }),
    field('geneve.flags.oam', 'Operations, Administration and Management Frame', 'bool', 1, 1, {
      mask: 0x80,
    }),
    field('geneve.flags.critical', 'Critical Options Present', 'bool', 1, 1, { mask: 0x40 }),
    field('geneve.proto_type', 'Protocol Type', 'hex', 2, 2, { names: ETHERTYPE_NAMES }),
    field('geneve.vni', 'Virtual Network Identifier (VNI)', 'hex', 4, 3),
  ],
  moreFields: [GENEVE_OPTIONS],
  title: (p) => `VNI: ${vniAt(p)}`,
  more: (p, emit) => {
    if (p.head > p.start + 8)
      emit(GENEVE_OPTIONS, bytesText(p.view, p.start + 8, p.head), p.start + 8, p.head);
  },
};

const GRE_KEY = { ...moving('gre.key', 'Key', 'hex'), size: 4 };

export const GRE: LayerSpec = {
  kind: L.gre,
  name: 'Generic Routing Encapsulation',
  fields: [
    field('gre.flags_and_version', 'Flags and Version', 'hex', 0, 2),
    field('gre.proto', 'Protocol Type', 'hex', 2, 2, { names: ETHERTYPE_NAMES }),
  ],
  moreFields: [GRE_KEY],
  title: (p) => `Protocol: 0x${gre.protocol(p.view, p.start).toString(16).padStart(4, '0')}`,
  more: (p, emit) => {
    if (p.head - p.start < gre.HEADER_LEN) return;
    const at = gre.keyAt(p.view, p.start);
    if (at >= 0 && at + 4 <= p.head) emit(GRE_KEY, p.view.getUint32(at), at, at + 4);
  },
};

export const ERSPAN: LayerSpec = {
  kind: L.erspan,
  name: 'Encapsulated Remote Switch Packet ANalysis',
  fields: [
    field('erspan.version', 'Version', 'uint', 0, 2, { mask: 0xf000 }),
    field('erspan.vlan', 'Vlan', 'uint', 0, 2, { mask: 0x0fff }),
    field('erspan.spanid', 'SpanID', 'uint', 2, 2, { mask: 0x03ff }),
  ],
  moreFields: [],
  title: () => '',
  more: null,
};

export const MPLS: LayerSpec = {
  kind: L.mpls,
  name: 'MultiProtocol Label Switching Header',
  fields: [
    field('mpls.label', 'MPLS Label', 'uint', 0, 4, { mask: 0xfffff000 }),
    field('mpls.exp', 'MPLS Experimental Bits', 'uint', 0, 4, { mask: 0xe00 }),
    field('mpls.bottom', 'MPLS Bottom Of Label Stack', 'uint', 0, 4, { mask: 0x100 }),
    field('mpls.ttl', 'MPLS TTL', 'uint', 0, 4, { mask: 0xff }),
  ],
  moreFields: [],
  title: (p) => `Label: ${p.view.getUint32(p.start) >>> 12}`,
  more: null,
};

export const NSH: LayerSpec = {
  kind: L.nsh,
  name: 'Network Service Header',
  fields: [
    field('nsh.version', 'Version', 'uint', 0, 2, { mask: 0xc000 }),
    field('nsh.ttl', 'TTL', 'uint', 0, 2, { mask: 0x0fc0 }),
    field('nsh.length', 'Length', 'uint', 0, 2, { mask: 0x003f }),
    field('nsh.mdtype', 'MD Type', 'uint', 2, 1, { mask: 0x0f }),
    field('nsh.nextproto', 'Next Protocol', 'uint', 3, 1, { names: GPE_PROTOCOLS }),
    field('nsh.spi', 'Service Path Identifier', 'uint', 4, 3),
    field('nsh.si', 'Service Index', 'uint', 7, 1),
  ],
  moreFields: [],
  title: (p) => `Path: ${p.view.getUint32(p.start + 4) >>> 8}`,
  more: null,
};
