// The module `dns` of a container: node:dns in shape, asking the container's own resolver. `lookup` goes by /etc/hosts and
// the resolver as getaddrinfo does; `resolve*` and `reverse` put one question to the server, as c-ares does.

import type { AsyncResource } from 'node:async_hooks';
import type * as nodeDns from 'node:dns';
import { formatIp, writeIp6 } from '../core/wire/address.ts';
import type { DnsMessage, DnsRecord } from '../core/wire/dns.ts';
import * as dns from '../core/wire/dns.ts';
import { parseIp } from '../core/wire/parse-ip.ts';
import type { LookupAnswer, QueryAnswer } from '../engine/host/names.ts';
import type { Recipient } from './inbox.ts';
import { scopeOf } from './inbox.ts';
import { ipOf } from './net/addresses.ts';
import { familyOf } from './net/arguments.ts';
import { lookupError, nodeError } from './net/errors.ts';
import type { Site } from './site.ts';

type NodeDns = typeof nodeDns;

export type ContainerDnsPromises = Pick<
  NodeDns['promises'],
  | 'lookup'
  | 'resolve'
  | 'resolve4'
  | 'resolve6'
  | 'resolveAny'
  | 'resolveCname'
  | 'resolveMx'
  | 'resolvePtr'
  | 'resolveSrv'
  | 'resolveTxt'
  | 'reverse'
  | 'getServers'
>;
export type ContainerDns = Pick<
  NodeDns,
  | 'lookup'
  | 'resolve'
  | 'resolve4'
  | 'resolve6'
  | 'resolveCname'
  | 'resolveMx'
  | 'resolvePtr'
  | 'resolveSrv'
  | 'resolveTxt'
  | 'reverse'
  | 'getServers'
  | 'ADDRCONFIG'
  | 'V4MAPPED'
  | 'ALL'
  | 'NOTFOUND'
  | 'NODATA'
  | 'TIMEOUT'
  | 'CONNREFUSED'
> & { readonly promises: Omit<ContainerDnsPromises, 'resolveAny'> };

/** Tells one answer, out of the inbox. */
class Asked<T> implements Recipient {
  readonly scope: AsyncResource = scopeOf('VXLABDNS');
  readonly #site: Site;
  readonly #told: (answer: T) => void;
  #answer: T | null = null;

  constructor(site: Site, told: (answer: T) => void) {
    this.#site = site;
    this.#told = told;
    // A program that waits for an answer is not done.
    site.holds.add(this);
  }

  readonly done = (answer: T): void => {
    this.#answer = answer;
    this.#site.inbox.post(this, 0);
  };

  deliver(): void {
    this.#site.holds.delete(this);
    this.#told(this.#answer as T);
  }
}

interface Found {
  readonly address: string;
  readonly family: 4 | 6;
}
type Callback<T> = (error: Error | null, value?: T) => void;

/** What a record type's answer is made of; undefined for a record of another type, such as the CNAME before it. */
const SHAPES: Readonly<Record<string, { type: number; of: (record: DnsRecord) => unknown }>> = {
  A: { type: dns.RR.a, of: ({ data }) => (data.kind === 'a' ? formatIp(data.address) : undefined) },
  AAAA: { type: dns.RR.aaaa, of: ({ data }) => (data.kind === 'aaaa' ? formatIp(data.address) : undefined) },
  CNAME: { type: dns.RR.cname, of: nameOf(dns.RR.cname) },
  NS: { type: dns.RR.ns, of: nameOf(dns.RR.ns) },
  PTR: { type: dns.RR.ptr, of: nameOf(dns.RR.ptr) },
  MX: {
    type: dns.RR.mx,
    of: ({ data }) =>
      data.kind === 'mx' ? { exchange: bare(data.exchange), priority: data.preference } : undefined,
  },
  TXT: { type: dns.RR.txt, of: ({ data }) => (data.kind === 'txt' ? data.strings : undefined) },
  SRV: {
    type: dns.RR.srv,
    of: ({ data }) =>
      data.kind === 'srv'
        ? { name: bare(data.target), port: data.port, priority: data.priority, weight: data.weight }
        : undefined,
  },
};

export function containerDns(site: Site): ContainerDns {
  const lookup = (name: string, options: unknown, told?: unknown): void => {
    const [given, callback] = typeof options === 'function' ? [{}, options] : [options ?? {}, told];
    const done = callback as (error: Error | null, address?: string | Found[], family?: number) => void;
    const wanted = (typeof given === 'number' ? { family: given } : given) as nodeDns.LookupOptions;
    const asked = new Asked<LookupAnswer>(site, ({ addresses, error }) => {
      if (error !== null) return done(lookupError(error, 'getaddrinfo', name));
      const found = addresses.map(
        (ip): Found => ({ address: formatIp(ip), family: typeof ip === 'number' ? 4 : 6 }),
      );
      if (wanted.all === true) return done(null, found);
      done(null, found[0]?.address ?? '', found[0]?.family ?? 4);
    });
    if (typeof done !== 'function') {
      throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'The "callback" argument must be of type function');
    }
    site.enter();
    site.resolver.lookup(name, familyOf(wanted.family), asked.done);
  };

  const ask = (name: string, kind: string, syscall: string, done: Callback<DnsRecord[]>): void => {
    const shape = SHAPES[kind];
    if (shape === undefined) {
      throw nodeError(
        TypeError,
        'ERR_INVALID_ARG_VALUE',
        `The argument 'rrtype' is invalid. Received '${kind}'`,
      );
    }
    const fail = (code: string): void => {
      const error = lookupError(code, syscall, name);
      // c-ares has words, no numbers.
      Object.assign(error, { errno: undefined });
      done(error);
    };
    const asked = new Asked<QueryAnswer>(site, ({ message, error }) => {
      if (message === null) return fail(error === 'ENOTFOUND' ? 'ENOTFOUND' : 'ETIMEOUT');
      const read = readMessage(message);
      if (read === null) return fail('EBADRESP');
      const code = CODES[dns.rcode(read.flags)];
      if (code !== undefined) return fail(code);
      const records = read.answers.filter((record) => shape.of(record) !== undefined);
      if (records.length === 0) fail('ENODATA');
      else done(null, records);
    });
    site.enter();
    if (site.resolver.server === null) asked.done({ message: null, error: 'EAI_AGAIN', server: 0, time: 0 });
    else site.resolver.query(name, shape.type, null, asked.done);
  };

  const resolver =
    (kind: string) =>
    (name: string, options: unknown, told?: unknown): void => {
      const done = (typeof options === 'function' ? options : told) as Callback<unknown[]>;
      const withTtl =
        typeof options === 'object' && options !== null && 'ttl' in options && options.ttl === true;
      ask(
        name,
        kind,
        `query${kind === 'A' ? 'A' : kind === 'AAAA' ? 'Aaaa' : `${kind[0]}${kind.slice(1).toLowerCase()}`}`,
        (error, records) => {
          if (error !== null || records === undefined) return done(error);
          const of = (SHAPES[kind] as (typeof SHAPES)[string]).of;
          done(
            null,
            records.map((record) => (withTtl ? { address: of(record), ttl: record.ttl } : of(record))),
          );
        },
      );
    };

  const resolve = (name: string, kind: unknown, told?: unknown): void => {
    const [type, done] = typeof kind === 'function' ? ['A', kind] : [String(kind), told];
    resolver(type)(name, done);
  };

  const reverse = (address: string, done: Callback<string[]>): void => {
    const ip = ipOf(address);
    if (ip === null) {
      const error = lookupError('EINVAL', 'getHostByAddr', address);
      process.nextTick(done, error);
      return;
    }
    ask(reverseName(address), 'PTR', 'getHostByAddr', (error, records) => {
      if (error !== null || records === undefined)
        return done(Object.assign(error as Error, { hostname: address }));
      done(
        null,
        records.map((record) => String(nameOf(dns.RR.ptr)(record))),
      );
    });
  };

  const face = {
    lookup,
    resolve,
    resolve4: resolver('A'),
    resolve6: resolver('AAAA'),
    resolveCname: resolver('CNAME'),
    resolveMx: resolver('MX'),
    resolvePtr: resolver('PTR'),
    resolveSrv: resolver('SRV'),
    resolveTxt: resolver('TXT'),
    reverse,
    getServers: (): string[] => (site.resolver.server === null ? [] : [formatIp(site.resolver.server)]),
    ADDRCONFIG: 1024,
    V4MAPPED: 2048,
    ALL: 256,
    NOTFOUND: 'ENOTFOUND',
    NODATA: 'ENODATA',
    TIMEOUT: 'ETIMEOUT',
    CONNREFUSED: 'ECONNREFUSED',
  };
  const promised = Object.fromEntries(
    Object.entries(face)
      .filter(([name, value]) => typeof value === 'function' && name !== 'getServers' && name !== 'lookup')
      .map(([name, value]) => [name, promising(value as (...args: unknown[]) => void)]),
  );
  const promises = {
    ...promised,
    getServers: face.getServers,
    lookup: (name: string, options: nodeDns.LookupOptions | number = {}): Promise<unknown> =>
      new Promise((resolved, rejected) => {
        const wanted = typeof options === 'number' ? { family: options } : options;
        lookup(name, { ...wanted, all: true }, (error: Error | null, found: Found[] = []) => {
          if (error !== null) rejected(error);
          else resolved(wanted.all === true ? found : found[0]);
        });
      }),
  };
  // The shapes are Node's; its overloads cannot be written as one function each.
  return { ...face, promises } as unknown as ContainerDns;
}

const CODES: Readonly<Record<number, string>> = {
  [dns.RCODE.formatError]: 'EFORMERR',
  [dns.RCODE.serverFailure]: 'ESERVFAIL',
  [dns.RCODE.nameError]: 'ENOTFOUND',
  [dns.RCODE.notImplemented]: 'ENOTIMP',
  [dns.RCODE.refused]: 'EREFUSED',
};

function readMessage(bytes: Uint8Array): DnsMessage | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message = dns.read(view, 0, bytes.length);
  return typeof message === 'number' ? null : message;
}

function nameOf(type: number): (record: DnsRecord) => string | undefined {
  return (record) =>
    record.type === type && record.data.kind === 'name' ? bare(record.data.name) : undefined;
}

/** Without the root's dot. */
function bare(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** `2.1.0.10.in-addr.arpa` (RFC 1035 s.3.5), nibbles under ip6.arpa (RFC 3596 s.2.5). */
export function reverseName(address: string): string {
  const ip = parseIp(address);
  if (typeof ip === 'number') return `${formatIp(ip).split('.').reverse().join('.')}.in-addr.arpa`;
  const view = new DataView(new ArrayBuffer(16));
  writeIp6(view, 0, ip);
  const nibbles = [...new Uint8Array(view.buffer)].flatMap((byte) => [byte >>> 4, byte & 15]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}

function promising(call: (...args: unknown[]) => void): (...args: unknown[]) => Promise<unknown> {
  return (...args) =>
    new Promise((resolved, rejected) => {
      call(...args, (error: Error | null, value: unknown) =>
        error === null ? resolved(value) : rejected(error),
      );
    });
}
