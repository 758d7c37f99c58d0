// The fields of DNS messages and of HTTP's first line and headers.

import { L } from '../dissect/layer.ts';
import * as dns from '../wire/dns.ts';
import { readName } from '../wire/dns-name.ts';
import { RR, readData } from '../wire/dns-record.ts';
import type { Emit, FieldSpec, LayerSpec, Place } from './field.ts';
import { field, moving } from './field.ts';
import { readHttp } from './http.ts';
import { DNS_OPCODES, DNS_RCODES, DNS_TYPES } from './names.ts';

/** A query has no reply code: the bits are there and mean nothing. */
const RCODE = { ...moving('dns.flags.rcode', 'Reply code', 'uint', { names: DNS_RCODES }), size: 2 };
const QUERY_NAME = moving('dns.qry.name', 'Name', 'text');
const QUERY_TYPE = moving('dns.qry.type', 'Type', 'uint', { names: DNS_TYPES });
const QUERY_CLASS = { ...moving('dns.qry.class', 'Class', 'hex'), size: 2 };
const RESP_NAME = moving('dns.resp.name', 'Name', 'text');
const RESP_TYPE = moving('dns.resp.type', 'Type', 'uint', { names: DNS_TYPES });
const RESP_CLASS = { ...moving('dns.resp.class', 'Class', 'hex'), size: 2 };
const RESP_TTL = moving('dns.resp.ttl', 'Time to live', 'uint');
const A = moving('dns.a', 'Address', 'ipv4');
const AAAA = moving('dns.aaaa', 'AAAA Address', 'ipv6');
const NS = moving('dns.ns', 'Name Server', 'text');
const CNAME = moving('dns.cname', 'CNAME', 'text');
const PTR = moving('dns.ptr.domain_name', 'Domain Name', 'text');
const MX = moving('dns.mx.mail_exchange', 'Mail Exchange', 'text');
const SRV = moving('dns.srv.target', 'Target', 'text');
const SRV_PORT = moving('dns.srv.port', 'Port', 'uint');
const TXT = moving('dns.txt', 'TXT', 'text');

const NAMES_OF: Readonly<Record<number, FieldSpec>> = { [RR.ns]: NS, [RR.cname]: CNAME, [RR.ptr]: PTR };

/** Walks questions and records; stops at the first that is not whole. */
function dnsMore(p: Place, emit: Emit): void {
  const { view, start, head } = p;
  if (head - start < dns.HEADER_LEN) return;
  if (dns.isResponse(view, start)) emit(RCODE, view.getUint16(start + 2) & 0x000f, start + 2, start + 4);
  let o = start + dns.HEADER_LEN;
  for (let left = dns.questionCount(view, start); left > 0; left--) {
    const name = readName(view, o, start, head);
    if (typeof name === 'number' || name.next + 4 > head) return;
    emit(QUERY_NAME, shown(name.name), o, name.next);
    o = name.next;
    emit(QUERY_TYPE, view.getUint16(o), o, o + 2);
    emit(QUERY_CLASS, view.getUint16(o + 2), o + 2, o + 4);
    o += 4;
  }
  const records =
    dns.answerCount(view, start) + dns.authorityCount(view, start) + dns.additionalCount(view, start);
  for (let left = records; left > 0 && o > 0; left--) o = record(p, o, emit);
}

/** Where the next record starts, or -1 when this one is not whole. */
function record(p: Place, at: number, emit: Emit): number {
  const { view, start, head } = p;
  const name = readName(view, at, start, head);
  if (typeof name === 'number' || name.next + 10 > head) return -1;
  const o = name.next;
  const type = view.getUint16(o);
  const end = o + 10 + view.getUint16(o + 8);
  if (end > head) return -1;
  emit(RESP_NAME, shown(name.name), at, o);
  emit(RESP_TYPE, type, o, o + 2);
  if (type !== RR.opt) {
    emit(RESP_CLASS, view.getUint16(o + 2), o + 2, o + 4);
    emit(RESP_TTL, view.getUint32(o + 4), o + 4, o + 8);
  }
  // The top bit of a class is multicast DNS's cache flush (RFC 6762 s.10.2).
  const data = readData(view, type, view.getUint16(o + 2) & 0x7fff, o + 10, start, end);
  if (typeof data === 'number') return end;
  if (data.kind === 'a') emit(A, data.address, o + 10, end);
  else if (data.kind === 'aaaa') emit(AAAA, data.address, o + 10, end);
  else if (data.kind === 'name') emit(NAMES_OF[type] ?? CNAME, shown(data.name), o + 10, end);
  else if (data.kind === 'mx') emit(MX, shown(data.exchange), o + 12, end);
  else if (data.kind === 'srv') {
    emit(SRV_PORT, data.port, o + 14, o + 16);
    emit(SRV, shown(data.target), o + 16, end);
  } else if (data.kind === 'txt') for (const text of data.strings) emit(TXT, text, o + 10, end);
  return end;
}

/** Wireshark's word for the root. */
function shown(name: string): string {
  return name === '.' ? '<Root>' : name;
}

export const DNS: LayerSpec = {
  kind: L.dns,
  name: 'Domain Name System',
  fields: [
    field('dns.id', 'Transaction ID', 'hex', 0, 2),
    field('dns.flags', 'Flags', 'hex', 2, 2),
    field('dns.flags.response', 'Response', 'bool', 2, 2, { mask: 0x8000 }),
    field('dns.flags.opcode', 'Opcode', 'uint', 2, 2, { mask: 0x7800, names: DNS_OPCODES }),
    field('dns.flags.truncated', 'Truncated', 'bool', 2, 2, { mask: 0x0200 }),
    field('dns.flags.recdesired', 'Recursion desired', 'bool', 2, 2, { mask: 0x0100 }),
    field('dns.count.queries', 'Questions', 'uint', 4, 2),
    field('dns.count.answers', 'Answer RRs', 'uint', 6, 2),
    field('dns.count.auth_rr', 'Authority RRs', 'uint', 8, 2),
    field('dns.count.add_rr', 'Additional RRs', 'uint', 10, 2),
  ],
  moreFields: [
    RCODE,
    QUERY_NAME,
    QUERY_TYPE,
    QUERY_CLASS,
    RESP_NAME,
    RESP_TYPE,
    RESP_CLASS,
    RESP_TTL,
    A,
    AAAA,
    NS,
    CNAME,
    PTR,
    MX,
    SRV,
    SRV_PORT,
    TXT,
  ],
  title: (p) => (dns.isResponse(p.view, p.start) ? '(response)' : '(query)'),
  more: dnsMore,
};

const METHOD = moving('http.request.method', 'Request Method', 'text');
const URI = moving('http.request.uri', 'Request URI', 'text');
const REQUEST_VERSION = moving('http.request.version', 'Request Version', 'text');
const RESPONSE_VERSION = moving('http.response.version', 'Response Version', 'text');
const CODE = moving('http.response.code', 'Status Code', 'uint');
const PHRASE = moving('http.response.phrase', 'Response Phrase', 'text');
const HOST = moving('http.host', 'Host', 'text');
const AUTHORIZATION = moving('http.authorization', 'Authorization', 'text');
const AGENT = moving('http.user_agent', 'User-Agent', 'text');
const SERVER = moving('http.server', 'Server', 'text');
const COOKIE = moving('http.cookie', 'Cookie', 'text');
const CONTENT_TYPE = moving('http.content_type', 'Content-Type', 'text');
const CONTENT_LENGTH = moving('http.content_length_header', 'Content-Length', 'text');
const OTHER = moving('http.unknown_header', 'Header', 'text');

const HEADER_FIELDS: Readonly<Record<string, FieldSpec>> = {
  host: HOST,
  authorization: AUTHORIZATION,
  'user-agent': AGENT,
  server: SERVER,
  cookie: COOKIE,
  'content-type': CONTENT_TYPE,
  'content-length': CONTENT_LENGTH,
};

export const HTTP: LayerSpec = {
  kind: L.http,
  name: 'Hypertext Transfer Protocol',
  fields: [],
  moreFields: [
    METHOD,
    URI,
    REQUEST_VERSION,
    RESPONSE_VERSION,
    CODE,
    PHRASE,
    OTHER,
    ...Object.values(HEADER_FIELDS),
  ],
  title: () => '',
  more: (p, emit) => {
    const h = readHttp(p.view, p.start, p.end);
    if (h === null) return;
    if (h.method === null) {
      emit(RESPONSE_VERSION, h.version, h.from, h.second - 1);
      emit(CODE, h.code, h.second, h.secondEnd);
      emit(PHRASE, h.phrase, Math.min(h.secondEnd + 1, h.lineEnd), h.lineEnd);
    } else {
      emit(METHOD, h.method, h.from, h.second - 1);
      emit(URI, h.uri, h.second, h.secondEnd);
      emit(REQUEST_VERSION, h.version, h.secondEnd + 1, h.lineEnd);
    }
    for (const header of h.headers) {
      const spec = HEADER_FIELDS[header.name.toLowerCase()];
      if (spec !== undefined) emit(spec, header.value, header.from, header.to);
      else emit(OTHER, `${header.name}: ${header.value}`, header.from, header.to);
    }
  },
};

const DATA = moving('data.data', 'Data', 'bytes');
const DATA_LEN = moving('data.len', 'Length', 'uint');

export const PAYLOAD: LayerSpec = {
  kind: L.payload,
  name: 'Data',
  fields: [],
  moreFields: [DATA, DATA_LEN],
  title: (p) => `(${p.limit - p.start} ${p.limit - p.start === 1 ? 'byte' : 'bytes'})`,
  more: (p, emit) => {
    if (p.start >= p.end) return;
    let text = '';
    const last = Math.min(p.end, p.start + 64);
    for (let i = p.start; i < last; i++) text += p.view.getUint8(i).toString(16).padStart(2, '0');
    emit(DATA, last < p.end ? `${text}...` : text, p.start, p.end);
    emit(DATA_LEN, p.end - p.start, p.start, p.end);
  },
};
