// A URL as curl takes it (RFC 3986): `http://` may be left out, and the path stays as it was written.

import { CURL, CurlFailure } from './failure.ts';

export interface CurlUrl {
  readonly scheme: 'http' | 'https';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path and query, as the request line has them. */
  readonly path: string;
  /** `user:password` that the URL carries; null without. */
  readonly user: string | null;
  /** The whole, with its scheme and path. */
  readonly text: string;
}

const PORTS = { http: 80, https: 443 } as const;
const AUTHORITY = /^(?:([^@]*)@)?(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::(\d*))?$/;

/** @throws CurlFailure with curl's 3 for what is no URL and 1 for another scheme */
export function readUrl(given: string): CurlUrl {
  const malformed = new CurlFailure(CURL.badUrl, 'URL using bad/illegal format or missing URL');
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)/.exec(given);
  if (parts === null || !isPrintable(given)) throw malformed;
  const [, scheme = 'http', authority = '', rest = ''] = parts;
  const lower = scheme.toLowerCase();
  if (lower !== 'http' && lower !== 'https') {
    throw new CurlFailure(
      CURL.unsupportedProtocol,
      `Protocol "${lower}" not supported or disabled in libcurl`,
    );
  }
  const inside = AUTHORITY.exec(authority);
  if (inside === null || inside[2] === '') throw malformed;
  const [, user, host = '', digits = ''] = inside;
  const port = digits === '' ? PORTS[lower] : Number(digits);
  if (port > 65535) throw malformed;
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return {
    scheme: lower,
    host: host.replace(/^\[|\]$/g, ''),
    port,
    path,
    user: user === undefined ? null : decoded(user),
    text: `${lower}://${authority}${path}`,
  };
}

/** The `Host` header's value. */
export function hostHeader(url: CurlUrl): string {
  const host = url.host.includes(':') ? `[${url.host}]` : url.host;
  return url.port === PORTS[url.scheme] ? host : `${host}:${url.port}`;
}

/** Where a `Location` leads from here (RFC 3986 s.5.2). @throws CurlFailure as readUrl */
export function follow(from: CurlUrl, location: string): CurlUrl {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(location)) return readUrl(location);
  if (location.startsWith('//')) return readUrl(`${from.scheme}:${location}`);
  const origin = from.text.slice(0, from.text.length - from.path.length);
  if (location.startsWith('/')) return readUrl(origin + location);
  const path = from.path.replace(/\?.*$/s, '');
  if (location.startsWith('?')) return readUrl(origin + path + location);
  return readUrl(origin + withoutDots(path.slice(0, path.lastIndexOf('/') + 1) + location));
}

/** RFC 3986 s.5.2.4, of the path in front of a query. */
function withoutDots(text: string): string {
  const query = text.indexOf('?');
  const path = query < 0 ? text : text.slice(0, query);
  const kept: string[] = [];
  const parts = path.split('/').slice(1);
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    if (part === '..') kept.pop();
    if (part !== '.' && part !== '..') kept.push(part);
    else if (last) kept.push('');
  }
  return `/${kept.join('/')}${query < 0 ? '' : text.slice(query)}`;
}

function isPrintable(text: string): boolean {
  return ![...text].some((letter) => letter <= ' ' || letter === '\u007f');
}

function decoded(user: string): string {
  const plain = user.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return plain.includes(':') ? plain : `${plain}:`;
}
