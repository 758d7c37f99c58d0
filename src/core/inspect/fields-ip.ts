// The fields of IPv4, IPv6 and IPv6's extension headers, of AH.

import { checksumVerdict } from '../dissect/checksums.ts';
import type { LayerKind } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { formatIp4, formatIp6, readIp6 } from '../wire/address.ts';
import type { Emit, LayerSpec, Place } from './field.ts';
import { field, moving } from './field.ts';
import { CHECKSUM_STATUS, IP_PROTOCOL_NAMES } from './names.ts';

const IP_STATUS = moving('ip.checksum.status', 'Header checksum status', 'uint', { names: CHECKSUM_STATUS });
const IP_OPTION = moving('ip.opt.type', 'Option', 'uint');
const IP_OPTION_LENGTH = moving('ip.opt.len', 'Option length', 'uint');

function ip4More(p: Place, emit: Emit): void {
  const { view, d, row, start, head } = p;
  const verdict = checksumVerdict(view, d, row);
  if (verdict >= 0) emit(IP_STATUS, verdict, start + 10, start + 12);
  for (let o = start + 20; o < head; ) {
    const type = view.getUint8(o);
    if (type < 2) {
      emit(IP_OPTION, type, o, o + 1);
      if (type === 0) return;
      o++;
      continue;
    }
    const length = o + 1 < head ? view.getUint8(o + 1) : 0;
    if (length < 2 || o + length > head) return;
    emit(IP_OPTION, type, o, o + length);
    emit(IP_OPTION_LENGTH, length, o + 1, o + 2);
    o += length;
  }
}

export const IPV4: LayerSpec = {
  kind: L.ipv4,
  name: 'Internet Protocol Version 4',
  fields: [
    field('ip.version', 'Version', 'uint', 0, 1, { mask: 0xf0 }),
    field('ip.hdr_len', 'Header Length', 'uint', 0, 1, { mask: 0x0f, scale: 4 }),
    field('ip.dsfield', 'Differentiated Services Field', 'hex', 1, 1),
    field('ip.dsfield.dscp', 'Differentiated Services Codepoint', 'uint', 1, 1, { mask: 0xfc }),
    field('ip.dsfield.ecn', 'Explicit Congestion Notification', 'uint', 1, 1, { mask: 0x03 }),
    field('ip.len', 'Total Length', 'uint', 2, 2),
    field('ip.id', 'Identification', 'hex', 4, 2),
    field('ip.flags', 'Flags', 'hex', 6, 1, { mask: 0xe0 }),
    field('ip.flags.rb', 'Reserved bit', 'bool', 6, 1, { mask: 0x80 }),
    field('ip.flags.df', "Don't fragment", 'bool', 6, 1, { mask: 0x40 }),
    field('ip.flags.mf', 'More fragments', 'bool', 6, 1, { mask: 0x20 }),
    field('ip.frag_offset', 'Fragment Offset', 'uint', 6, 2, { mask: 0x1fff }),
    field('ip.ttl', 'Time to Live', 'uint', 8, 1),
    field('ip.proto', 'Protocol', 'uint', 9, 1, { names: IP_PROTOCOL_NAMES }),
    field('ip.checksum', 'Header Checksum', 'hex', 10, 2),
    field('ip.src', 'Source Address', 'ipv4', 12, 4, { also: 'ip.addr' }),
    field('ip.dst', 'Destination Address', 'ipv4', 16, 4, { also: 'ip.addr' }),
  ],
  moreFields: [IP_STATUS, IP_OPTION, IP_OPTION_LENGTH],
  title: (p) =>
    `Src: ${formatIp4(p.view.getUint32(p.start + 12))}, Dst: ${formatIp4(p.view.getUint32(p.start + 16))}`,
  more: ip4More,
};

export const IPV6: LayerSpec = {
  kind: L.ipv6,
  name: 'Internet Protocol Version 6',
  fields: [
    field('ipv6.version', 'Version', 'uint', 0, 1, { mask: 0xf0, also: 'ip.version' }),
    field('ipv6.tclass', 'Traffic Class', 'hex', 0, 4, { mask: 0x0ff00000 }),
    field('ipv6.tclass.dscp', 'Differentiated Services Codepoint', 'uint', 0, 4, { mask: 0x0fc00000 }),
    field('ipv6.tclass.ecn', 'Explicit Congestion Notification', 'uint', 0, 4, { mask: 0x00300000 }),
    field('ipv6.flow', 'Flow Label', 'hex', 1, 3, { mask: 0x0fffff }),
    field('ipv6.plen', 'Payload Length', 'uint', 4, 2),
    field('ipv6.nxt', 'Next Header', 'uint', 6, 1, { names: IP_PROTOCOL_NAMES }),
    field('ipv6.hlim', 'Hop Limit', 'uint', 7, 1),
    field('ipv6.src', 'Source Address', 'ipv6', 8, 16, { also: 'ipv6.addr' }),
    field('ipv6.dst', 'Destination Address', 'ipv6', 24, 16, { also: 'ipv6.addr' }),
  ],
  moreFields: [],
  title: (p) =>
    `Src: ${formatIp6(readIp6(p.view, p.start + 8))}, Dst: ${formatIp6(readIp6(p.view, p.start + 24))}`,
  more: null,
};

const OPTION_TYPE = { ...moving('ipv6.opt.type', 'Option', 'hex'), size: 1 };
const OPTION_JUMBO = moving('ipv6.opt.jumbo', 'Jumbo Payload Length', 'uint');
const OPTION_ALERT = moving('ipv6.opt.router_alert', 'Router Alert', 'uint');

/** The options of hop-by-hop and destination headers (RFC 8200 s.4.2). */
function optionsMore(p: Place, emit: Emit): void {
  const { view, start, head } = p;
  for (let o = start + 2; o < head; ) {
    const type = view.getUint8(o);
    const length = type === 0 ? 1 : o + 1 < head ? 2 + view.getUint8(o + 1) : head;
    if (o + length > head) return;
    emit(OPTION_TYPE, type, o, o + length);
    if (type === 0xc2 && length === 6) emit(OPTION_JUMBO, view.getUint32(o + 2), o + 2, o + 6);
    if (type === 5 && length === 4) emit(OPTION_ALERT, view.getUint16(o + 2), o + 2, o + 4);
    o += length;
  }
}

function optionsHeader(kind: LayerKind, prefix: string, name: string): LayerSpec {
  return {
    kind,
    name,
    fields: [
      field(`${prefix}.nxt`, 'Next Header', 'uint', 0, 1, { names: IP_PROTOCOL_NAMES }),
      field(`${prefix}.len`, 'Length', 'uint', 1, 1),
    ],
    moreFields: [OPTION_TYPE, OPTION_JUMBO, OPTION_ALERT],
    title: () => '',
    more: optionsMore,
  };
}

export const HOP_BY_HOP: LayerSpec = optionsHeader(L.hopByHop, 'ipv6.hopopts', 'IPv6 Hop-by-Hop Option');
export const DESTINATION: LayerSpec = optionsHeader(
  L.destination,
  'ipv6.dstopts',
  'Destination Options for IPv6',
);

export const ROUTING: LayerSpec = {
  kind: L.routing,
  name: 'Routing Header for IPv6',
  fields: [
    field('ipv6.routing.nxt', 'Next Header', 'uint', 0, 1, { names: IP_PROTOCOL_NAMES }),
    field('ipv6.routing.len', 'Length', 'uint', 1, 1),
    field('ipv6.routing.type', 'Type', 'uint', 2, 1),
    field('ipv6.routing.segleft', 'Segments Left', 'uint', 3, 1),
  ],
  moreFields: [],
  title: () => '',
  more: null,
};

export const FRAGMENT: LayerSpec = {
  kind: L.fragment,
  name: 'Fragment Header for IPv6',
  fields: [
    field('ipv6.fraghdr.nxt', 'Next header', 'uint', 0, 1, { names: IP_PROTOCOL_NAMES }),
    field('ipv6.fraghdr.offset', 'Offset', 'uint', 2, 2, { mask: 0xfff8 }),
    field('ipv6.fraghdr.more', 'More Fragments', 'bool', 2, 2, { mask: 0x0001 }),
    field('ipv6.fraghdr.ident', 'Identification', 'hex', 4, 4),
  ],
  moreFields: [],
  title: () => '',
  more: null,
};

export const AH: LayerSpec = {
  kind: L.ah,
  name: 'Authentication Header',
  fields: [
    field('ah.next_header', 'Next header', 'uint', 0, 1, { names: IP_PROTOCOL_NAMES }),
    field('ah.length', 'Length', 'uint', 1, 1),
    field('ah.spi', 'AH SPI', 'hex', 4, 4),
    field('ah.sequence', 'AH Sequence', 'uint', 8, 4),
  ],
  moreFields: [],
  title: () => '',
  more: null,
};
