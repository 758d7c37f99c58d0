// DNS (RFC 1035), over UDP and TCP, and those that speak its format: mDNS (RFC 6762), LLMNR (RFC 4795). Who asks for which
// name, and which name has which address.

import type { Ip } from '../../wire/address.ts';
import { formatIp } from '../../wire/address.ts';
import type { DnsMessage, DnsRecord } from '../../wire/dns.ts';
import * as dnsWire from '../../wire/dns.ts';
import { readName } from '../../wire/dns-name.ts';
import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';

const { RR } = dnsWire;
const MDNS = 5353;
const LLMNR = 5355;
const PORTS = [dnsWire.DNS_PORT, MDNS, LLMNR];
/** Questions and records of a message that are told. */
const TOLD_MAX = 64;
/** RFC 6895 s.2.3. */
const RCODE_MAX = 11;

const TYPES: ReadonlyMap<number, string> = new Map([
  [RR.a, 'A'],
  [RR.ns, 'NS'],
  [RR.cname, 'CNAME'],
  [RR.soa, 'SOA'],
  [RR.ptr, 'PTR'],
  [RR.mx, 'MX'],
  [RR.txt, 'TXT'],
  [RR.aaaa, 'AAAA'],
  [RR.srv, 'SRV'],
  [35, 'NAPTR'],
  [43, 'DS'],
  [48, 'DNSKEY'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [RR.any, 'ANY'],
]);

export const dns: Protocol = {
  name: 'DNS',
  ports: PORTS,
  transports: ['UDP', 'TCP'],
  claim,
  reader: (talk) => new DnsReader(talk),
};

function claim(talk: Talk): Claim {
  const isPort = PORTS.includes(talk.serverPort);
  const speech = talk.client.length > 0 ? talk.client : talk.server;
  if (talk.transport === 'UDP') return read(speech, 0, speech.length, isPort) === null ? 'not mine' : 'mine';
  if (!isPort) return 'not mine';
  if (speech.length < 2) return 'perhaps';
  const length = speech.uint16(0);
  if (length < dnsWire.HEADER_LEN) return 'not mine';
  if (speech.length < 2 + length) return 'perhaps';
  return read(speech, 2, 2 + length, isPort) === null ? 'not mine' : 'mine';
}

/** null for what is no DNS message. Without the port to speak for it, only what leaves no doubt is one. */
function read(speech: Speech, from: number, to: number, isPort: boolean): DnsMessage | null {
  if (to - from < dnsWire.HEADER_LEN) return null;
  const bits = speech.uint16(from + 2);
  const counts = speech.uint16(from + 4) + speech.uint16(from + 6) + speech.uint16(from + 8);
  const isUpdate = dnsWire.opcode(bits) === dnsWire.OPCODE.update;
  if ((dnsWire.opcode(bits) !== 0 && !isUpdate) || dnsWire.rcode(bits) > RCODE_MAX || counts === 0)
    return null;
  const bytes = speech.bytes(from, to);
  const message = dnsWire.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  if (typeof message === 'number') return null;
  if (isPort) return message;
  const [question, second] = message.questions;
  const isPlain = question !== undefined && second === undefined && !isUpdate;
  return isPlain && question.class === dnsWire.CLASS_IN && TYPES.has(question.type) ? message : null;
}

class DnsReader implements Reader {
  readonly #talk: Talk;
  readonly #protocol: string;

  constructor(talk: Talk) {
    this.#talk = talk;
    const is = (port: number): boolean => talk.serverPort === port;
    this.#protocol = is(MDNS) ? 'mDNS' : is(LLMNR) ? 'LLMNR' : 'DNS';
  }

  said(side: Side): boolean {
    const speech = side === 0 ? this.#talk.client : this.#talk.server;
    if (this.#talk.transport === 'UDP') {
      this.#message(side, speech, 0, speech.length);
      speech.take(speech.length);
      return true;
    }
    while (speech.length >= 2) {
      const length = speech.uint16(0);
      if (length < dnsWire.HEADER_LEN) return false;
      if (speech.length < 2 + length) return true;
      this.#message(side, speech, 2, 2 + length);
      speech.take(2 + length);
    }
    return true;
  }

  /** Where the next message starts is told by nothing but the one before. */
  lost(): boolean {
    return false;
  }

  ended(): void {}

  #message(side: Side, speech: Speech, from: number, to: number): void {
    const message = read(speech, from, to, true);
    if (message === null) return;
    const bytes = speech.bytes(from, to);
    const places = new Places(bytes, message);
    const tell = (what: string, text: string, i: number): void =>
      this.#talk.tell({
        protocol: this.#protocol,
        kind: 'name',
        what,
        text,
        secret: '',
        place: speech.place(from + places.at(i)),
        length: places.length(i),
        fromClient: side === 0,
      });
    const isAnswer = (message.flags & dnsWire.FLAG.response) !== 0;
    const { questions, answers, additionals } = message;
    if (!isAnswer) {
      for (const [i, { name, type }] of questions.slice(0, TOLD_MAX).entries())
        tell(`query ${typeName(type)}`, bare(name), i);
      // mDNS sends what it believes along with a question (RFC 6762 s.7.1); an update says what shall be (RFC 2136).
    }
    const asked = isAnswer ? questions[0]?.name : undefined;
    // Of the additional records, those that tell addresses (RFC 1035 s.3.2.1).
    for (const [i, record] of [...answers, ...message.authorities, ...additionals].entries()) {
      if (i >= TOLD_MAX) break;
      const isAddress = record.data.kind === 'a' || record.data.kind === 'aaaa';
      if (i >= answers.length && !isAddress) continue;
      this.#learn(record, asked);
      tell(`answer ${typeName(record.type)}`, sentence(record), questions.length + i);
    }
  }

  #learn({ name, data }: DnsRecord, asked: string | undefined): void {
    if (data.kind === 'a' || data.kind === 'aaaa') {
      this.#talk.named(data.address, name);
      if (asked !== undefined && asked !== name) this.#talk.named(data.address, asked);
    } else if (data.kind === 'name') {
      const ip = pointedAt(name);
      if (ip !== null) this.#talk.named(ip, data.name);
    }
  }
}

/** Where the questions and records of a message stand in it. */
class Places {
  readonly #starts: number[] = [];

  constructor(bytes: Uint8Array, { questions, answers, authorities, additionals }: DnsMessage) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const records = answers.length + authorities.length + additionals.length;
    let at = dnsWire.HEADER_LEN;
    for (let i = 0; i < Math.min(questions.length + records, questions.length + TOLD_MAX); i++) {
      this.#starts.push(at);
      const name = readName(view, at, 0, bytes.length);
      if (typeof name === 'number') break;
      at = i < questions.length ? name.next + 4 : name.next + 10 + view.getUint16(name.next + 8);
    }
    this.#starts.push(at);
  }

  at(i: number): number {
    return this.#starts[i] ?? 0;
  }

  length(i: number): number {
    return (this.#starts[i + 1] ?? this.at(i) + 1) - this.at(i);
  }
}

function typeName(type: number): string {
  return TYPES.get(type) ?? `TYPE${type}`;
}

function bare(name: string): string {
  return name.length > 1 ? name.replace(/\.$/, '') : name;
}

function sentence({ name, data }: DnsRecord): string {
  const what = bare(name);
  switch (data.kind) {
    case 'a':
    case 'aaaa':
      return `${what} is ${formatIp(data.address)}`;
    case 'name':
      return `${what} is ${bare(data.name)}`;
    case 'mx':
      return `${what} has mail at ${bare(data.exchange)}`;
    case 'srv':
      return `${what} is ${bare(data.target)} port ${data.port}`;
    case 'txt':
      return `${what} says ${data.strings.join(' ')}`;
    case 'soa':
      return `${what} is kept at ${bare(data.primary)}`;
    default:
      return what;
  }
}

/** The address of a name under in-addr.arpa or ip6.arpa (RFC 1035 s.3.5, RFC 3596 s.2.5); null for another name. */
function pointedAt(name: string): Ip | null {
  const labels = bare(name).toLowerCase().split('.').reverse();
  const [top, zone, ...rest] = labels;
  if (top !== 'arpa') return null;
  if (
    zone === 'in-addr' &&
    rest.length === 4 &&
    rest.every((label) => /^\d{1,3}$/.test(label) && Number(label) < 256)
  ) {
    return rest.reduce((ip, label) => ip * 256 + Number(label), 0);
  }
  if (zone !== 'ip6' || rest.length !== 32 || !rest.every((label) => /^[\da-f]$/.test(label))) return null;
  const words = [0, 8, 16, 24].map((at) => Number.parseInt(rest.slice(at, at + 8).join(''), 16));
  return { a: words[0] as number, b: words[1] as number, c: words[2] as number, d: words[3] as number };
}
