// The Info column of DNS, multicast DNS and LLMNR in Wireshark 4.0's words: the questions, then every record.

import { formatIp4, formatIp6 } from '../wire/address.ts';
import type { DnsMessage, DnsRecord } from '../wire/dns.ts';
import * as dns from '../wire/dns.ts';
import type { RecordData } from '../wire/dns-record.ts';
import { RR, readData } from '../wire/dns-record.ts';
import { DNS_OPCODES, DNS_RCODES, DNS_TYPES } from './names.ts';

/** @param multicast true for multicast DNS, where the top bit of a class has a meaning of its own (RFC 6762 s.10.2) */
export function dnsInfo(view: DataView, at: number, end: number, multicast: boolean): string {
  const flags = dns.flags(view, at);
  const opcode = dns.opcode(flags);
  let text = DNS_OPCODES[opcode] ?? `Unknown operation (${opcode})`;
  if (dns.isResponse(view, at)) text += ' response';
  text += ` 0x${dns.id(view, at).toString(16).padStart(4, '0')}`;
  const rcode = dns.rcode(flags);
  if (dns.isResponse(view, at) && rcode !== 0) text += ` ${DNS_RCODES[rcode] ?? `Unknown error (${rcode})`}`;
  const message = dns.read(view, at, end);
  if (typeof message === 'number') return `${text}[Malformed Packet]`;
  return text + questionWords(message, multicast) + recordWords(view, at, message, multicast);
}

function questionWords(message: DnsMessage, multicast: boolean): string {
  let text = '';
  for (const q of message.questions) {
    text += ` ${typeName(q.type)} ${shown(q.name)}`;
    if (multicast) text += (q.class & 0x8000) === 0 ? ', "QM" question' : ', "QU" question';
  }
  return text;
}

function recordWords(view: DataView, at: number, message: DnsMessage, multicast: boolean): string {
  let text = '';
  for (const r of [...message.answers, ...message.authorities, ...message.additionals]) {
    text += ` ${typeName(r.type)}`;
    if (multicast && r.type !== RR.opt && (r.class & 0x8000) !== 0) text += ', cache flush';
    text += dataWords(dataOf(view, at, r));
  }
  return text;
}

/** A record's data; a class with the cache flush bit leaves it unread. */
function dataOf(view: DataView, at: number, r: DnsRecord): RecordData {
  const { data } = r;
  if (data.kind !== 'raw' || r.class < 0x8000) return data;
  const read = readData(view, r.type, r.class & 0x7fff, data.at, at, data.at + data.bytes.length);
  return typeof read === 'number' ? data : read;
}

function dataWords(data: RecordData): string {
  switch (data.kind) {
    case 'a':
      return ` ${formatIp4(data.address)}`;
    case 'aaaa':
      return ` ${formatIp6(data.address)}`;
    case 'name':
      return ` ${shown(data.name)}`;
    case 'soa':
      return ` ${shown(data.primary)}`;
    case 'mx':
      return ` ${data.preference} ${shown(data.exchange)}`;
    case 'srv':
      return ` ${data.priority} ${data.weight} ${data.port} ${shown(data.target)}`;
    default:
      return '';
  }
}

function typeName(type: number): string {
  return DNS_TYPES[type] ?? `Unknown (${type})`;
}

function shown(name: string): string {
  return name === '.' ? '<Root>' : name;
}
