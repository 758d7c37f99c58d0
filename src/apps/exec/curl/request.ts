// The head and body of a request as curl writes them: its own headers in its order, taken away or replaced by -H.

import type { CurlPart, CurlRequest } from './arguments.ts';
import type { CurlUrl } from './url.ts';
import { hostHeader } from './url.ts';

export interface Outgoing {
  readonly method: string;
  readonly target: string;
  /** Request line and headers, without the empty line. */
  readonly lines: readonly string[];
  readonly body: Uint8Array | null;
  /** Wait for `100 Continue` before the body is sent. */
  readonly expect: boolean;
}

/** Bodies beyond this are announced with `Expect: 100-continue` (libcurl's EXPECT_100_THRESHOLD). */
const EXPECT_FROM = 1024 * 1024;

/** @param input what standard input gave, for `@-` */
export function bodyOf(data: readonly CurlPart[], input: Uint8Array): Uint8Array {
  const parts = data.map(({ text, kind }) => {
    if (kind === 'urlencode') return Buffer.from(encoded(text));
    if (kind === 'raw' || text !== '@-') return Buffer.from(text);
    if (kind === 'binary') return Buffer.from(input);
    return Buffer.from(
      Buffer.from(input)
        .toString('latin1')
        .replace(/[\r\n\0]/g, ''),
      'latin1',
    );
  });
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from('&'), part])));
}

/** `content`, `=content` or `name=content`. */
function encoded(text: string): string {
  const at = text.indexOf('=');
  const escaped = (part: string): string =>
    encodeURIComponent(part)
      .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%20', '+');
  if (at < 0) return escaped(text);
  return `${at === 0 ? '' : `${text.slice(0, at)}=`}${escaped(text.slice(at + 1))}`;
}

/** The request for one URL. @param method what a redirect left of it; null for what the options say */
export function requestFor(
  given: CurlRequest,
  url: CurlUrl,
  body: Uint8Array | null,
  method: string | null,
  version: string,
): Outgoing {
  const sent = given.get ? null : body;
  const target = given.get && body !== null ? withQuery(url.path, Buffer.from(body).toString()) : url.path;
  const verb = method ?? given.method ?? (given.head ? 'HEAD' : sent !== null ? 'POST' : 'GET');
  const user = given.user ?? url.user;
  const own: (readonly [name: string, value: string | null])[] = [
    ['Host', hostHeader(url)],
    ['Authorization', user === null ? null : `Basic ${Buffer.from(user).toString('base64')}`],
    ['User-Agent', given.agent === '' ? null : (given.agent ?? `curl/${version}`)],
    ['Accept', '*/*'],
    ['Referer', given.referer],
    ['Cookie', given.cookie],
  ];
  const behind: typeof own = [
    ['Content-Length', sent === null ? null : String(sent.length)],
    ['Content-Type', sent === null ? null : 'application/x-www-form-urlencoded'],
    ['Expect', sent !== null && sent.length > EXPECT_FROM && !given.http10 ? '100-continue' : null],
  ];
  const replaced = new Set(
    given.headers.map((header) => (/^[^:;]*/.exec(header)?.[0] ?? '').trim().toLowerCase()),
  );
  const lines = (list: typeof own): string[] =>
    list.flatMap(([name, value]) =>
      value === null || replaced.has(name.toLowerCase()) ? [] : [`${name}: ${value}`],
    );
  const host = given.headers.find((header) => /^host:/i.test(header));
  const head = lines(own);
  if (host !== undefined && !/^host:\s*$/i.test(host)) head.unshift(host);
  const mine = given.headers.filter((header) => header !== host).flatMap(headerLine);
  const all = [...head, ...mine, ...lines(behind)];
  return {
    method: verb,
    target,
    lines: [`${verb} ${target} HTTP/1.${given.http10 ? 0 : 1}`, ...all],
    body: sent,
    expect: all.some((line) => /^expect:\s*100-continue/i.test(line)),
  };
}

/** What -H sends: nothing for `Name:`, an empty header for `Name;`. */
function headerLine(header: string): string[] {
  if (/^[^:]+;\s*$/.test(header)) return [`${header.slice(0, header.indexOf(';'))}:`];
  if (!header.includes(':') || /^[^:]+:\s*$/.test(header)) return [];
  return [header];
}

function withQuery(path: string, query: string): string {
  return query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`;
}
