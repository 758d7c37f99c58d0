// Fields of Wireshark that only filters ask for: what `-V` shows in another way, or what would only fill its screen. Of a DNS
// query Wireshark has no answer's flags, so that `dns.flags.rcode == 0` finds answers. `eth.type` and `tcp.len`, which everybody
// asks for, are read here without the rest of what moves in their layers.

import { L } from '../dissect/layer.ts';
import type { FieldSpec, LayerSpec, Place } from '../inspect/field.ts';
import { field, moving } from '../inspect/field.ts';
import { readHttp } from '../inspect/http.ts';
import { DNS_RCODES, ETHERTYPE_NAMES } from '../inspect/names.ts';
import type { FieldPlace } from '../inspect/registry.ts';
import { layerSpec } from '../inspect/registry.ts';
import { formatIp4, formatIp6, readIp6 } from '../wire/address.ts';
import * as dns from '../wire/dns.ts';
import * as tcp from '../wire/tcp.ts';

function extra(
  kind: LayerSpec['kind'],
  fields: readonly FieldSpec[],
  moreFields: readonly FieldSpec[] = [],
  more: LayerSpec['more'] = null,
): LayerSpec {
  return { ...layerSpec(kind), fields, moreFields, more };
}

const ETH_TYPE = { ...moving('eth.type', 'Type', 'hex', { names: ETHERTYPE_NAMES }), size: 2 };
const TCP_LEN = moving('tcp.len', 'TCP Segment Len', 'uint');
const IP4_SRC = moving('ip.src_host', 'Source Host', 'text', { also: 'ip.host' });
const IP4_DST = moving('ip.dst_host', 'Destination Host', 'text', { also: 'ip.host' });
const IP6_SRC = moving('ipv6.src_host', 'Source Host', 'text', { also: 'ipv6.host' });
const IP6_DST = moving('ipv6.dst_host', 'Destination Host', 'text', { also: 'ipv6.host' });
const TCP_PAYLOAD = moving('tcp.payload', 'TCP payload', 'bytes');
const TCP_OPTIONS = moving('tcp.options', 'TCP Options', 'bytes');
const UDP_PAYLOAD = moving('udp.payload', 'Payload', 'bytes');
const GRATUITOUS = moving('arp.isgratuitous', 'Is gratuitous', 'bool');
const HTTP_REQUEST = moving('http.request', 'Request', 'bool');
const HTTP_RESPONSE = moving('http.response', 'Response', 'bool');

/** What is smaller in its place is an 802.3 length. */
const ETHERTYPE_MIN = 0x600;
const TCP_HEADER = 20;
const UDP_HEADER = 8;

/** Flags that a query leaves at 0 and that mean nothing there (RFC 1035 s.4.1.1). */
const RCODE = moving('dns.flags.rcode', 'Reply code', 'uint', { names: DNS_RCODES });
const AUTHORITATIVE = moving('dns.flags.authoritative', 'Authoritative', 'bool');
const AVAILABLE = moving('dns.flags.recavail', 'Recursion available', 'bool');
const AUTHENTICATED = moving('dns.flags.authenticated', 'Answer authenticated', 'bool');

function payload(p: Place): boolean {
  return p.head < p.end;
}

const LAYERS: readonly LayerSpec[] = [
  extra(L.ethernet, [
    field('eth.dst.lg', 'LG bit', 'bool', 0, 1, { mask: 0x02, also: 'eth.lg' }),
    field('eth.dst.ig', 'IG bit', 'bool', 0, 1, { mask: 0x01, also: 'eth.ig' }),
    field('eth.src.lg', 'LG bit', 'bool', 6, 1, { mask: 0x02, also: 'eth.lg' }),
    field('eth.src.ig', 'IG bit', 'bool', 6, 1, { mask: 0x01, also: 'eth.ig' }),
    field('eth.dst.oui', 'Destination OUI', 'uint', 0, 3, { also: 'eth.addr.oui' }),
    field('eth.src.oui', 'Source OUI', 'uint', 6, 3, { also: 'eth.addr.oui' }),
  ]),
  extra(L.ethernet, [], [ETH_TYPE], ({ view, start, head }, emit) => {
    if (head - start < 14) return;
    const type = view.getUint16(start + 12);
    if (type >= ETHERTYPE_MIN) emit(ETH_TYPE, type, start + 12, start + 14);
  }),
  extra(L.tcp, [], [TCP_LEN], ({ view, start, head, limit }, emit) => {
    if (head - start < TCP_HEADER) return;
    const offset = tcp.dataOffset(view, start);
    if (offset >= TCP_HEADER && start + offset <= limit) {
      emit(TCP_LEN, limit - start - offset, start + 12, start + 13);
    }
  }),
  extra(L.arp, [], [GRATUITOUS], ({ view, start, head }, emit) => {
    if (head - start < 28 || view.getUint16(start + 4) !== 0x0604) return;
    if (view.getUint32(start + 14) === view.getUint32(start + 24)) emit(GRATUITOUS, 1, start, head);
  }),
  extra(L.ipv4, [], [IP4_SRC, IP4_DST], ({ view, start, head }, emit) => {
    if (head - start < 20) return;
    emit(IP4_SRC, formatIp4(view.getUint32(start + 12)), start + 12, start + 16);
    emit(IP4_DST, formatIp4(view.getUint32(start + 16)), start + 16, start + 20);
  }),
  extra(L.ipv6, [], [IP6_SRC, IP6_DST], ({ view, start, head }, emit) => {
    if (head - start < 40) return;
    emit(IP6_SRC, formatIp6(readIp6(view, start + 8)), start + 8, start + 24);
    emit(IP6_DST, formatIp6(readIp6(view, start + 24)), start + 24, start + 40);
  }),
  extra(L.tcp, [], [TCP_PAYLOAD, TCP_OPTIONS], (p, emit) => {
    if (p.head > p.start + TCP_HEADER && p.d.fault(p.row) === 0) {
      emit(TCP_OPTIONS, '', p.start + TCP_HEADER, p.head);
    }
    if (payload(p)) emit(TCP_PAYLOAD, '', p.head, p.end);
  }),
  extra(L.udp, [], [UDP_PAYLOAD], (p, emit) => {
    if (p.head === p.start + UDP_HEADER && payload(p)) emit(UDP_PAYLOAD, '', p.head, p.end);
  }),
  extra(
    L.dns,
    [
      field('dns.flags.z', 'Z', 'bool', 2, 2, { mask: 0x0040 }),
      field('dns.flags.checkdisable', 'Non-authenticated data', 'bool', 2, 2, { mask: 0x0010 }),
    ],
    [RCODE, AUTHORITATIVE, AVAILABLE, AUTHENTICATED],
    ({ view, start, head }, emit) => {
      if (head - start < dns.HEADER_LEN || !dns.isResponse(view, start)) return;
      const flags = view.getUint16(start + 2);
      const bit = (spec: FieldSpec, mask: number): void => emit(spec, flags & mask, start + 2, start + 4);
      emit(RCODE, flags & 0x000f, start + 2, start + 4);
      bit(AUTHORITATIVE, 0x0400);
      bit(AVAILABLE, 0x0080);
      bit(AUTHENTICATED, 0x0020);
    },
  ),
  extra(L.http, [], [HTTP_REQUEST, HTTP_RESPONSE], (p, emit) => {
    const message = readHttp(p.view, p.start, p.end);
    if (message !== null) emit(message.method === null ? HTTP_RESPONSE : HTTP_REQUEST, 1, p.start, p.head);
  }),
];

/** The fields by name, as FIELDS has the others. */
export const EXTRA_FIELDS: ReadonlyMap<string, readonly FieldPlace[]> = collect();

function collect(): Map<string, FieldPlace[]> {
  const found = new Map<string, FieldPlace[]>();
  for (const layer of LAYERS) {
    for (const one of [...layer.fields, ...layer.moreFields]) {
      for (const name of one.also === null ? [one.name] : [one.name, one.also]) {
        found.set(name, [...(found.get(name) ?? []), { layer, field: one, moving: one.at < 0 }]);
      }
    }
  }
  return found;
}
