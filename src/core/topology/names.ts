// Names of addresses: DNS answers (A, AAAA, PTR; RFC 1035) and the Host of HTTP requests (RFC 9112 s.3.2). A message or
// request that was read before is known by a hash and not read again.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import type { Ip } from '../wire/address.ts';
import { macLo } from '../wire/address.ts';
import * as dns from '../wire/dns.ts';
import { escapeText } from '../wire/dns-name.ts';
import type { AddressBook } from './address-book.ts';
import { NOWHERE } from './address-book.ts';
import type { NameSource } from './overlay.ts';
import type { Net, Station } from './parties.ts';
import { Register } from './register.ts';

export interface GivenName {
  /** Where the answer or request was seen. */
  readonly net: Net;
  readonly address: number;
  readonly name: string;
  readonly source: NameSource;
}

const SOURCES: readonly NameSource[] = ['dns', 'ptr', 'host'];
/** Bytes of a request in which its Host is looked for. */
const HOST_WITHIN = 2048;
const HOST_MAX = 255;
/** The first four bytes of a request: "GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC". */
const METHODS: ReadonlySet<number> = new Set([
  0x47455420, 0x504f5354, 0x50555420, 0x48454144, 0x44454c45, 0x4f505449, 0x50415443,
]);

export class Names {
  /** In the order in which they came. */
  readonly given: Register<GivenName>;
  readonly #texts: Map<string, number> = new Map();
  readonly #list: string[] = [];
  readonly #read: Register<true>;
  readonly #book: AddressBook;
  readonly #most: number;

  constructor(book: AddressBook, most: number, salt: number) {
    this.#book = book;
    this.#most = most;
    this.given = new Register(most, salt);
    this.#read = new Register(most, salt);
  }

  get full(): boolean {
    return this.given.full || this.#read.full || this.#list.length >= this.#most;
  }

  text(number: number): string {
    return this.#list[number] as string;
  }

  /** Looks at what the transport row carries. @param from who sent it, if that is known */
  observe(
    net: Net,
    from: Station | null,
    view: DataView,
    d: Dissection,
    ip: number,
    transport: number,
  ): void {
    const payload = transport + 1 < d.count && d.kind(transport + 1) === L.dns ? transport + 1 : -1;
    if (payload >= 0) this.#dns(net, from, view, d.start(payload), d.end(payload));
    else if (d.kind(transport) === L.tcp) this.#http(net, view, d, ip, transport);
  }

  #dns(net: Net, from: Station | null, view: DataView, at: number, end: number): void {
    if (end - at < dns.HEADER_LEN + 5) return;
    // The identification differs between messages that say the same.
    if (!this.#isNew(net, view, at + 2, end, from === null ? 0 : macLo(from.mac))) return;
    const message = dns.read(view, at, end);
    if (typeof message === 'number') return;
    if ((message.flags & dns.FLAG.response) === 0) {
      const asked = message.questions[0];
      if (asked === undefined || from === null || asked.type === dns.RR.ptr) return;
      const number = this.#number(asked.name);
      if (number >= 0) from.asked.add(number);
      return;
    }
    const alias = message.questions[0]?.name;
    for (const { name, data } of message.answers) {
      if (data.kind === 'a' || data.kind === 'aaaa') {
        this.#give(net, data.address, name, 0);
        if (alias !== undefined && alias !== name) this.#give(net, data.address, alias, 0);
      } else if (data.kind === 'name') {
        const ip = reversed(name);
        if (ip !== null) this.#give(net, ip, data.name, 1);
      }
    }
  }

  #http(net: Net, view: DataView, d: Dissection, ip: number, transport: number): void {
    const at = d.head(transport);
    const end = Math.min(d.end(transport), at + HOST_WITHIN);
    if (end - at < 16 || !METHODS.has(view.getUint32(at))) return;
    const from = hostAt(view, at, end);
    if (from < 0) return;
    let to = from;
    while (to < end && view.getUint8(to) > 0x20) to++;
    if (to === from || to - from > HOST_MAX || to === end) return;
    const start = d.start(ip);
    const address =
      d.kind(ip) === L.ipv4 ? this.#book.number4(view, start + 16) : this.#book.number6(view, start + 24);
    if (address === NOWHERE || !this.#isNew(net, view, from, to, address)) return;
    const name = escapeText(view, from, to - from, false).replace(/:\d+$/, '');
    // An address in place of a name says nothing.
    if (/^[\d.]+$/.test(name) || name.startsWith('[')) return;
    this.#put(net, address, name, 2);
  }

  #give(net: Net, ip: Ip, name: string, source: number): void {
    const address = this.#book.numberOf(ip);
    if (address !== NOWHERE) this.#put(net, address, name, source);
  }

  #put(net: Net, address: number, name: string, source: number): void {
    const number = this.#number(name);
    if (number < 0 || this.given.find(net.id, address, number, source) !== undefined) return;
    const given = { net, address, name: this.text(number), source: SOURCES[source] as NameSource };
    this.given.add(given, net.id, address, number, source);
  }

  #number(name: string): number {
    const text = name.replace(/\.$/, '').toLowerCase();
    if (text === '') return -1;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const number = this.#list.length;
    if (number >= this.#most) return -1;
    this.#texts.set(text, number);
    this.#list.push(text);
    return number;
  }

  #isNew(net: Net, view: DataView, at: number, end: number, about: number): boolean {
    let one = 0x811c9dc5;
    let two = 0x2545f491;
    for (let i = at; i < end; i++) {
      const byte = view.getUint8(i);
      one = Math.imul(one ^ byte, 0x01000193);
      two = Math.imul(two ^ byte, 0x5bd1e995) ^ (two >>> 13);
    }
    if (this.#read.find(net.id, about, end - at, one, two) !== undefined) return false;
    return this.#read.add(true, net.id, about, end - at, one, two);
  }
}

/** Where the value of the Host header starts, or -1. */
function hostAt(view: DataView, at: number, end: number): number {
  for (let i = at; i + 6 < end; i++) {
    if (view.getUint8(i) !== 0x0a) continue;
    // "\nhost:" without case.
    if ((view.getUint32(i + 1) | 0x20202020) !== 0x686f7374 || view.getUint8(i + 5) !== 0x3a) continue;
    let from = i + 6;
    while (from < end && view.getUint8(from) === 0x20) from++;
    return from;
  }
  return -1;
}

const REVERSE4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/i;
const REVERSE6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/i;

/** The address that a reverse name stands for (RFC 1035 s.3.5, RFC 3596 s.2.5). */
function reversed(name: string): Ip | null {
  const text = name.replace(/\.$/, '');
  const four = REVERSE4.exec(text);
  if (four !== null) {
    const bytes = four.slice(1).reverse().map(Number);
    if (bytes.some((byte) => byte > 255)) return null;
    return bytes.reduce((ip, byte) => ip * 256 + byte, 0);
  }
  const six = REVERSE6.exec(text);
  if (six === null) return null;
  const digits = (six[1] as string).split('.').slice(0, 32).reverse().join('');
  const word = (i: number): number => Number.parseInt(digits.slice(8 * i, 8 * i + 8), 16);
  return { a: word(0), b: word(1), c: word(2), d: word(3) };
}
