// A stub resolver, as glibc is one with `hosts: files dns`: addresses in letters, then the hosts file, then the server of
// resolv.conf (resolv.conf(5): timeout 5 s, 2 attempts; ndots 0 and no search list, as Docker writes it).
//
// Answers are told from a timer of the same instant, never from within the call that asked. After `close` nothing is told.

import type { Ip } from '../../core/wire/address.ts';
import type { DnsMessage, DnsQuestion } from '../../core/wire/dns.ts';
import * as dns from '../../core/wire/dns.ts';
import { labelsOf } from '../../core/wire/dns-name.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import type { TimerId, TimerTarget } from '../time/clock.ts';
import type { RandomStream } from '../time/random.ts';
import type { ExchangeOptions } from './exchange.ts';
import { Exchange } from './exchange.ts';
import type { Host } from './host.ts';
import { LOCALHOST } from './loopback.ts';
import type { LookupAnswer, LookupError, QueryAnswer, ResolverFace } from './names.ts';

/** A hosts file: the addresses of a name in small letters, in the file's order; empty for one it does not have. */
export type HostsFile = (name: string) => readonly Ip[];

const LOOKUP: ExchangeOptions = { attempts: 2, insist: true, udpSize: 0, flags: 0 };
/** dig's manner (BIND 9.18): three tries, AD, EDNS with room for 1232 bytes. */
const QUERY: ExchangeOptions = { attempts: 3, insist: false, udpSize: 1232, flags: dns.FLAG.authenticData };
/** A chain of aliases ends after so many. */
const CHAIN_MAX = 16;

export class Resolver implements ResolverFace, TimerTarget {
  readonly server: Ip | null;
  readonly #host: Host;
  readonly #hosts: HostsFile;
  readonly #random: RandomStream;
  readonly #exchanges: Set<Exchange> = new Set();
  /** Told when the timer fires. */
  #news: (() => void)[] = [];
  #timer: TimerId = 0;
  #closed = false;

  /** @param random for ids and ports: a stream of the resolver's own */
  constructor(host: Host, server: Ip | null, hosts: HostsFile, random: RandomStream) {
    this.#host = host;
    this.server = server;
    this.#hosts = hosts;
    this.#random = random;
  }

  lookup(name: string, family: 0 | 4 | 6, done: (answer: LookupAnswer) => void): void {
    if (this.#closed) return;
    const known = this.#known(name, family);
    if (known !== null) return this.#tell(() => done(known));
    const { server } = this;
    const plain = plainName(name);
    if (server === null || plain === null) return this.#tell(() => done(failed('ENOTFOUND')));
    const types = family === 4 ? [dns.RR.a] : family === 6 ? [dns.RR.aaaa] : [dns.RR.a, dns.RR.aaaa];
    const questions = types.map((type) => ({ name: plain, type, class: dns.CLASS_IN }));
    this.#ask(server, questions, LOOKUP, ({ asked }) =>
      done(
        conclude(
          asked.map(({ message }) => message),
          plain,
        ),
      ),
    );
  }

  query(name: string, type: number, server: Ip | null, done: (answer: QueryAnswer) => void): void {
    if (this.#closed) return;
    // Without a nameserver in resolv.conf the machine itself is asked.
    const asked = server ?? this.server ?? LOCALHOST;
    const plain = plainName(name, true);
    if (plain === null) {
      return this.#tell(() => done({ message: null, error: 'ENOTFOUND', server: asked, time: 0 }));
    }
    this.#ask(asked, [{ name: plain, type, class: dns.CLASS_IN }], QUERY, (exchange) => {
      const message = exchange.asked[0]?.bytes ?? null;
      const error = message === null ? 'EAI_AGAIN' : null;
      done({ message, error, server: asked, time: exchange.time });
    });
  }

  fire(): void {
    this.#timer = 0;
    const news = this.#news;
    this.#news = [];
    for (const tell of news) if (!this.#closed) tell();
  }

  /** Gives back sockets and timers. Whoever still waits hears nothing. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== 0) this.#host.ground.timers.cancel(this.#timer);
    this.#timer = 0;
    this.#news = [];
    for (const exchange of this.#exchanges) exchange.close();
    this.#exchanges.clear();
  }

  #ask(
    server: Ip,
    questions: readonly DnsQuestion[],
    options: ExchangeOptions,
    done: (exchange: Exchange) => void,
  ): void {
    const exchange = new Exchange(this.#host, server, questions, this.#random, options, (finished) => {
      this.#exchanges.delete(finished);
      this.#tell(() => done(finished));
    });
    this.#exchanges.add(exchange);
    exchange.start();
  }

  #tell(news: () => void): void {
    this.#news.push(news);
    const { clock, timers } = this.#host.ground;
    if (this.#timer === 0) this.#timer = timers.at(clock.now, this, 0);
  }

  /** What needs no question; null when the server must be asked. */
  #known(name: string, family: 0 | 4 | 6): LookupAnswer | null {
    const literal = literalOf(name);
    if (literal !== null) {
      return fits(literal, family) ? { addresses: [literal], error: null } : failed('ENOTFOUND');
    }
    const plain = name.endsWith('.') ? name.slice(0, -1) : name;
    const addresses = this.#hosts(plain.toLowerCase()).filter((ip) => fits(ip, family));
    return addresses.length === 0 ? null : { addresses: fourFirst(addresses), error: null };
  }
}

/** The address that a text writes out; null for a name. */
function literalOf(text: string): Ip | null {
  if (!text.includes(':') && !/^\d+\.\d+\.\d+\.\d+$/.test(text)) return null;
  try {
    return parseIp(text);
  } catch {
    return null;
  }
}

/** A name without its final dot; null for one that DNS cannot carry. */
function plainName(name: string, root = false): string | null {
  const plain = name.endsWith('.') && name !== '.' ? name.slice(0, -1) : name;
  try {
    return labelsOf(plain).length === 0 && !root ? null : plain;
  } catch {
    return null;
  }
}

function fits(ip: Ip, family: 0 | 4 | 6): boolean {
  return family === 0 || (family === 4) === (typeof ip === 'number');
}

function fourFirst(addresses: readonly Ip[]): Ip[] {
  return [...addresses.filter((ip) => fits(ip, 4)), ...addresses.filter((ip) => fits(ip, 6))];
}

function failed(error: LookupError): LookupAnswer {
  return { addresses: [], error };
}

/** What the answers to A and AAAA come to. One that failed matters only when the other has no address. */
function conclude(messages: readonly (DnsMessage | null)[], name: string): LookupAnswer {
  const addresses = messages.flatMap((message) => (message === null ? [] : addressesOf(message, name)));
  if (addresses.length > 0) return { addresses: fourFirst(addresses), error: null };
  const certain = messages.every((message) => {
    const code = message === null ? -1 : dns.rcode(message.flags);
    return code === dns.RCODE.noError || code === dns.RCODE.nameError;
  });
  return failed(certain ? 'ENOTFOUND' : 'EAI_AGAIN');
}

/** The addresses of a name in an answer, by way of its aliases (RFC 1034 s.3.6.2). */
function addressesOf({ flags, answers }: DnsMessage, name: string): Ip[] {
  if (dns.rcode(flags) !== dns.RCODE.noError) return [];
  let at = name.toLowerCase();
  for (let i = 0; i < CHAIN_MAX; i++) {
    const here = answers.filter((record) => record.name.toLowerCase() === at);
    const addresses = here.flatMap(({ data }) =>
      data.kind === 'a' || data.kind === 'aaaa' ? [data.address] : [],
    );
    if (addresses.length > 0) return addresses;
    const alias = here.find(({ type }) => type === dns.RR.cname)?.data;
    if (alias?.kind !== 'name') return [];
    at = alias.name.toLowerCase();
  }
  return [];
}
