// What a TLS ClientHello and ServerHello say in the clear (RFC 8446 s.4.1; SNI RFC 6066 s.3; ALPN RFC 7301).

import { textOf } from '../text.ts';

const EXTENSION = { serverName: 0, alpn: 16, versions: 43 } as const;
const HOST_NAME = 0;
/** Where the session id stands: behind version and random. */
const SESSION = 34;

export interface Found {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export interface Hello {
  /** '' where there is none. */
  readonly serverName: Found | null;
  readonly protocols: Found | null;
  /** The version that was chosen, or the highest that is offered: 0x0303 for TLS 1.2. */
  readonly version: number;
}

/** Reads the body of a hello at [from, to); null where it is none. */
export function readHello(bytes: Uint8Array, from: number, to: number, isClient: boolean): Hello | null {
  const at = (o: number): number => bytes[o] ?? 0;
  const uint16 = (o: number): number => (at(o) << 8) | at(o + 1);
  if (to - from < SESSION + 1) return null;
  let version = uint16(from);
  let serverName: Found | null = null;
  let protocols: Found | null = null;
  let o = from + SESSION + 1 + at(from + SESSION);
  // The client lists suites and compressions; the server names one of each.
  if (isClient) {
    o += 2 + uint16(o);
    o += 1 + at(o);
  } else o += 3;
  if (o > to) return null;
  const end = Math.min(to, o + 2 + uint16(o));
  for (o += 2; o + 4 <= end; ) {
    const type = uint16(o);
    const start = o + 4;
    const stop = start + uint16(o + 2);
    if (stop > end) break;
    if (type === EXTENSION.serverName && isClient) serverName ??= hostName(bytes, start, stop);
    else if (type === EXTENSION.alpn) protocols ??= alpn(bytes, start, stop);
    else if (type === EXTENSION.versions) version = offered(bytes, start, stop, isClient, version);
    o = stop;
  }
  return { serverName, protocols, version };
}

function hostName(bytes: Uint8Array, from: number, to: number): Found | null {
  const at = from + 5;
  if (at > to || bytes[from + 2] !== HOST_NAME) return null;
  const end = at + (((bytes[from + 3] as number) << 8) | (bytes[from + 4] as number));
  if (end > to || end === at) return null;
  return { text: textOf(bytes.subarray(at, end)), from: at, to: end };
}

function alpn(bytes: Uint8Array, from: number, to: number): Found | null {
  const names: string[] = [];
  for (let o = from + 2; o < to; ) {
    const end = o + 1 + (bytes[o] as number);
    if (end > to) break;
    names.push(textOf(bytes.subarray(o + 1, end)));
    o = end;
  }
  return names.length === 0 ? null : { text: names.join(', '), from: from + 2, to };
}

/** Values that are offered to keep peers honest look like 0x?a?a (RFC 8701) and are no versions. */
function offered(bytes: Uint8Array, from: number, to: number, isClient: boolean, legacy: number): number {
  const first = isClient ? from + 1 : from;
  let best = isClient ? 0 : legacy;
  for (let o = first; o + 2 <= to; o += 2) {
    const value = ((bytes[o] as number) << 8) | (bytes[o + 1] as number);
    if (value >>> 8 === 3 && value <= 0x0304 && (value > best || !isClient)) best = value;
  }
  return best === 0 ? legacy : best;
}
