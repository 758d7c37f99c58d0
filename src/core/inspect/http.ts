// The first line and the headers of an HTTP/1 message at the start of a TCP payload (RFC 9112 s.2 to s.5).
//
// Only what one segment shows: nothing is reassembled, so a message that begins in the middle of a segment or whose
// headers go on in the next one is seen as far as it goes.

import { escapeText } from '../wire/dns-name.ts';

export interface HttpHeader {
  readonly name: string;
  readonly value: string;
  /** The line's bytes on the view, without its end. */
  readonly from: number;
  readonly to: number;
}

export interface HttpStart {
  /** Null for a response. */
  readonly method: string | null;
  readonly uri: string;
  /** `HTTP/1.1` */
  readonly version: string;
  /** 0 for a request. */
  readonly code: number;
  readonly phrase: string;
  /** Where the parts of the first line start and end: method or version, URI or code, and the line itself. */
  readonly from: number;
  readonly second: number;
  readonly secondEnd: number;
  readonly lineEnd: number;
  readonly headers: readonly HttpHeader[];
  /** Where the body starts; the end of the bytes when the headers do not end before. */
  readonly bodyAt: number;
}

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'NOTIFY',
  'M-SEARCH',
];
const LINE_MAX = 8192;
const HEADERS_MAX = 128;

/** The message that starts at `from`, or null when these are not its first bytes. Never throws. */
export function readHttp(view: DataView, from: number, to: number): HttpStart | null {
  const lineEnd = endOfLine(view, from, to);
  if (lineEnd < 0) return null;
  const line = escapeText(view, from, lineEnd - from, false);
  const first = line.indexOf(' ');
  if (first < 0) return null;
  const head = line.slice(0, first);
  const rest = line.slice(first + 1);
  const second = from + first + 1;
  const headers: HttpHeader[] = [];
  if (/^HTTP\/1\.[01]$/.test(head)) {
    const match = /^(\d{3})(?: (.*))?$/.exec(rest);
    if (match === null) return null;
    const bodyAt = readHeaders(view, lineEnd, to, headers);
    return {
      method: null,
      uri: '',
      version: head,
      code: Number(match[1]),
      phrase: match[2] ?? '',
      from,
      second,
      secondEnd: second + 3,
      lineEnd,
      headers,
      bodyAt,
    };
  }
  const version = /^(.*) (HTTP\/1\.[01])$/.exec(rest);
  if (!METHODS.includes(head) || version === null) return null;
  const uri = version[1] as string;
  const bodyAt = readHeaders(view, lineEnd, to, headers);
  return {
    method: head,
    uri,
    version: version[2] as string,
    code: 0,
    phrase: '',
    from,
    second,
    secondEnd: lineEnd - 9,
    lineEnd,
    headers,
    bodyAt,
  };
}

/** Where the line that starts at `from` ends, before CR LF or LF; -1 when it does not end in these bytes. */
function endOfLine(view: DataView, from: number, to: number): number {
  const last = Math.min(to, from + LINE_MAX);
  for (let i = from; i < last; i++) {
    if (view.getUint8(i) === 0x0a) return i > from && view.getUint8(i - 1) === 0x0d ? i - 1 : i;
  }
  return -1;
}

function afterLine(view: DataView, lineEnd: number): number {
  return lineEnd + (view.getUint8(lineEnd) === 0x0d ? 2 : 1);
}

function readHeaders(view: DataView, firstLineEnd: number, to: number, into: HttpHeader[]): number {
  let at = afterLine(view, firstLineEnd);
  for (let i = 0; i < HEADERS_MAX; i++) {
    const end = endOfLine(view, at, to);
    if (end < 0) return to;
    if (end === at) return afterLine(view, end);
    const line = escapeText(view, at, end - at, false);
    const colon = line.indexOf(':');
    if (colon > 0) {
      into.push({ name: line.slice(0, colon), value: line.slice(colon + 1).trim(), from: at, to: end });
    }
    at = afterLine(view, end);
  }
  return at;
}
