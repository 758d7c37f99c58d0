// What Docker's embedded DNS server says to a question (moby libnetwork/resolver.go over miekg/dns), from the zone that a
// container sees. Bytes in, bytes out; where they travel is name-server.ts's.
//
//   not one question, unreadable       FORMERR        name known, type A, AAAA or PTR   its records, TTL 600
//   opcode other than QUERY            NOTIMP         name known, anything else         NOERROR, empty
//   class other than IN                REFUSED        name of the network's own kind    NXDOMAIN
//                                                     any other: would be forwarded     REFUSED
//
// Docker forwards what it does not know to the node's resolvers. A lab has nobody to forward to and says so with REFUSED,
// which resolvers tell apart from "no such name" (docs/fidelity.md).

import type { Ip } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';
import type { DnsMessage, DnsQuestion, DnsRecord } from '../../core/wire/dns.ts';
import * as dns from '../../core/wire/dns.ts';
import { labelsOf } from '../../core/wire/dns-name.ts';
import type { RandomStream } from '../time/random.ts';

/** Seconds (libnetwork respTTL). */
export const TTL = 600;
/** The longest message that two bytes of length announce (RFC 1035 s.4.2.2). */
export const STREAM_MAX = 0xffff;
const REVERSE4 = '.in-addr.arpa';
const REVERSE6 = '.ip6.arpa';

/** The names that one container can ask for. */
export interface Zone {
  /** A name's addresses, in small letters and without a final dot; empty for one that has none; null for no such name. */
  addresses(name: string): readonly Ip[] | null;
  /** The name of an address; null when it has none. */
  pointer(ip: Ip): string | null;
  /** True for a name or address that only this zone could know: nobody else is to be asked for it. */
  owns(name: string): boolean;
  ownsAddress(ip: Ip): boolean;
}

/**
 * The answer to a message at [at, end); null for what gets none: less than a header, and answers. Never throws.
 * @param room bytes that the way back takes; over UDP, what an OPT record of the question offers counts if it is more
 * @param random chooses the order of several addresses
 */
export function answer(
  zone: Zone,
  view: DataView,
  at: number,
  end: number,
  random: RandomStream,
  room: number = STREAM_MAX,
): Uint8Array | null {
  if (dns.check(view, at, end) !== 0 || dns.isResponse(view, at)) return null;
  const operation = dns.opcode(dns.flags(view, at));
  if (operation !== dns.OPCODE.query) return refuse(view, at, operation, dns.RCODE.notImplemented);
  const message = dns.questionCount(view, at) === 1 ? dns.read(view, at, end) : 0;
  if (typeof message === 'number') return refuse(view, at, operation, dns.RCODE.formatError);
  const question = message.questions[0] as DnsQuestion;
  const { rcode, records } = resolve(zone, question, random);
  const copied = message.flags & (dns.FLAG.recursionDesired | dns.FLAG.checkingDisabled);
  const reply = {
    id: message.id,
    flags: dns.flagsOf(dns.FLAG.response | dns.FLAG.recursionAvailable | copied, operation, rcode),
    questions: [question],
    answers: records,
    authorities: [],
    additionals: [],
  };
  return pack(reply, room === STREAM_MAX ? room : Math.max(room, offered(message)));
}

function resolve(
  zone: Zone,
  { name, type, class: cls }: DnsQuestion,
  random: RandomStream,
): { readonly rcode: number; readonly records: readonly DnsRecord[] } {
  const { noError, nameError, refused } = dns.RCODE;
  if (cls !== dns.CLASS_IN && cls !== dns.RR.any) return { rcode: refused, records: [] };
  const key = name.toLowerCase();
  const reverse = reverseOf(key);
  if (reverse !== null) {
    const pointer = zone.pointer(reverse);
    if (pointer === null) return { rcode: zone.ownsAddress(reverse) ? nameError : refused, records: [] };
    const wanted = type === dns.RR.ptr || type === dns.RR.any;
    const record = recordOf(name, dns.RR.ptr, { kind: 'name', name: pointer });
    return { rcode: noError, records: wanted ? [record] : [] };
  }
  const addresses = zone.addresses(key);
  if (addresses === null) return { rcode: zone.owns(key) ? nameError : refused, records: [] };
  const records = addresses.flatMap((address): DnsRecord[] => {
    const mine = isIp6(address) ? dns.RR.aaaa : dns.RR.a;
    if (type !== mine && type !== dns.RR.any) return [];
    return [
      isIp6(address)
        ? recordOf(name, mine, { kind: 'aaaa', address })
        : recordOf(name, mine, { kind: 'a', address }),
    ];
  });
  // Several addresses come in another order each time (libnetwork shuffleAddr).
  return { rcode: noError, records: records.length > 1 ? random.shuffle(records) : records };
}

function recordOf(name: string, type: number, data: DnsRecord['data']): DnsRecord {
  return { name, type, class: dns.CLASS_IN, ttl: TTL, data };
}

/** The address that `2.1.0.10.in-addr.arpa` stands for (RFC 1035 s.3.5; RFC 3596 s.2.5); null for other names. */
export function reverseOf(name: string): Ip | null {
  if (name.endsWith(REVERSE4)) {
    const parts = name.slice(0, -REVERSE4.length).split('.');
    if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
      return null;
    return parts.reduceRight((ip, part) => ip * 256 + Number(part), 0);
  }
  if (!name.endsWith(REVERSE6)) return null;
  const nibbles = name.slice(0, -REVERSE6.length).split('.');
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return null;
  const digits = nibbles.reverse().join('');
  const word = (i: number): number => Number.parseInt(digits.slice(i * 8, i * 8 + 8), 16);
  return { a: word(0), b: word(1), c: word(2), d: word(3) };
}

/** Bytes of UDP payload that the asker says it takes; at least 512 (RFC 6891 s.6.2.3). */
function offered({ additionals }: DnsMessage): number {
  const opt = additionals.find(({ type }) => type === dns.RR.opt);
  return opt === undefined ? dns.UDP_MAX : Math.max(dns.UDP_MAX, dns.ednsOf(opt).udpSize);
}

/** The header alone, with a code. */
function refuse(view: DataView, at: number, operation: number, code: number): Uint8Array {
  const bytes = new Uint8Array(dns.HEADER_LEN);
  const flags = dns.flagsOf(dns.FLAG.response, operation, code);
  const id = dns.id(view, at);
  const none = { questions: 0, answers: 0, authorities: 0, additionals: 0 };
  dns.writeRaw(new DataView(bytes.buffer), 0, { id, flags, ...none });
  return bytes;
}

/** The message's bytes, its names written out; records that do not fit are left out, and over UDP TC says so. */
function pack(message: DnsMessage, room: number): Uint8Array {
  const owner = nameLength((message.questions[0] as DnsQuestion).name);
  let length = dns.HEADER_LEN + owner + 4;
  let kept = 0;
  for (const { data } of message.answers) {
    const next = length + owner + 10 + dataLength(data);
    if (next > room) break;
    length = next;
    kept++;
  }
  const whole = kept === message.answers.length;
  const flags = whole || room === STREAM_MAX ? message.flags : message.flags | dns.FLAG.truncated;
  const bytes = new Uint8Array(length);
  const answers = whole ? message.answers : message.answers.slice(0, kept);
  dns.write(new DataView(bytes.buffer), 0, { ...message, flags, answers }, false);
  return bytes;
}

function dataLength(data: DnsRecord['data']): number {
  return data.kind === 'a' ? 4 : data.kind === 'aaaa' ? 16 : data.kind === 'name' ? nameLength(data.name) : 0;
}

/** Bytes of a name that is written out. */
function nameLength(name: string): number {
  return labelsOf(name).reduce((length, label) => length + 1 + label.length, 1);
}
