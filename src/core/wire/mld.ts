// Multicast listener discovery: version 1 (RFC 2710) and version 2 (RFC 9777, before it RFC 3810). The messages are
// ICMPv6; `at` is where the ICMPv6 header starts.
//
//   query, v1 report, done:  type code checksum | max response (2) reserved (2) | group (16)
//   v2 query, after that:    flags and robustness | QQIC | number of sources (2) | sources (16 each)
//   v2 report:               type code checksum | reserved (2) number of records (2) | records
//   record:                  type | auxiliary words | number of sources (2) | group (16) | sources | auxiliary
//
// They travel with hop limit 1 and a router alert in a hop-by-hop header (RFC 2711), which is the caller's to write.

import type { Ip6 } from './address.ts';
import { readIp6, writeIp6 } from './address.ts';
import { finish, sum } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

/** The ICMPv6 types that this file reads. */
export const TYPE = { query: 130, report: 131, done: 132, reportV2: 143 } as const;

/** Record types of a v2 report (RFC 9777 s.5.2.12). */
export const RECORD = {
  isInclude: 1,
  isExclude: 2,
  /** Sent on the last leave, with no sources. */
  toInclude: 3,
  /** Sent on the first join, with no sources. */
  toExclude: 4,
  allow: 5,
  block: 6,
} as const;

/** A query, v1 report or done. */
export const V1_LEN = 24;
/** A v2 query without sources. */
export const V2_QUERY_LEN = 28;
/** A v2 report without records. */
export const V2_REPORT_LEN = 8;
/** A record without sources. */
export const RECORD_LEN = 20;

/** Where v2 reports go: ff02::16 (RFC 9777 s.5.2.14). */
export const ALL_MLDV2_ROUTERS: Ip6 = { a: 0xff020000, b: 0, c: 0, d: 0x16 };

export interface MldRecord {
  /** One of RECORD, or what else stood there. */
  readonly type: number;
  readonly group: Ip6;
  readonly sources: readonly Ip6[];
}

export interface MldMessage {
  readonly type: number;
  /** Of all but the v2 report; `::` in a general query. */
  readonly group?: Ip6;
  /** Of a query, in milliseconds. */
  readonly maxResponse?: number;
  /** Of a v2 query. */
  readonly sources?: readonly Ip6[];
  /** Of a v2 report. */
  readonly records?: readonly MldRecord[];
}

/** 0, or what keeps [at, end) from being a listener message, its records and sources included. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < 8) return fault(LAYER.icmpv6, KIND.short, 8);
  const type = view.getUint8(at);
  if (type === TYPE.reportV2) return checkRecords(view, at, end);
  if (type < TYPE.query || type > TYPE.done) return fault(LAYER.icmpv6, KIND.value, type);
  if (end - at < V1_LEN) return fault(LAYER.icmpv6, KIND.short, V1_LEN);
  if (type !== TYPE.query || end - at === V1_LEN) return NO_FAULT;
  // A query of 25 to 27 bytes is neither version and must be ignored (RFC 9777 s.8.1).
  if (end - at < V2_QUERY_LEN) return fault(LAYER.icmpv6, KIND.short, V2_QUERY_LEN);
  const needed = V2_QUERY_LEN + 16 * view.getUint16(at + 26);
  return needed > end - at ? fault(LAYER.icmpv6, KIND.overrun, needed) : NO_FAULT;
}

function checkRecords(view: DataView, at: number, end: number): Fault {
  let o = at + V2_REPORT_LEN;
  for (let left = view.getUint16(at + 6); left > 0; left--) {
    if (o + RECORD_LEN > end) return fault(LAYER.icmpv6, KIND.overrun, o + RECORD_LEN - at);
    o += recordLen(view, o);
    if (o > end) return fault(LAYER.icmpv6, KIND.overrun, o - at);
  }
  return NO_FAULT;
}

function recordLen(view: DataView, o: number): number {
  return RECORD_LEN + 16 * view.getUint16(o + 2) + 4 * view.getUint8(o + 1);
}

/** The group of a query, v1 report or done; `::` in a general query. */
export function group(view: DataView, at: number): Ip6 {
  return readIp6(view, at + 8);
}

/** True for a query of version 2: they differ in length alone (RFC 9777 s.8.1). */
export function isV2Query(view: DataView, at: number, end: number): boolean {
  return view.getUint8(at) === TYPE.query && end - at >= V2_QUERY_LEN;
}

/** A query's maximum response delay in milliseconds; version 2 packs those over 32767 (RFC 9777 s.5.1.3). */
export function maxResponse(view: DataView, at: number, end: number): number {
  const code = view.getUint16(at + 4);
  if (code < 0x8000 || !isV2Query(view, at, end)) return code;
  return ((code & 0xfff) | 0x1000) << (((code >>> 12) & 7) + 3);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number, end: number): MldMessage {
  const type = view.getUint8(at);
  if (type === TYPE.reportV2) return { type, records: readRecords(view, at) };
  if (type !== TYPE.query) return { type, group: group(view, at) };
  const query = { type, group: group(view, at), maxResponse: maxResponse(view, at, end) };
  if (!isV2Query(view, at, end)) return query;
  return { ...query, sources: readSources(view, at + V2_QUERY_LEN, view.getUint16(at + 26)) };
}

function readRecords(view: DataView, at: number): MldRecord[] {
  const records: MldRecord[] = [];
  let o = at + V2_REPORT_LEN;
  for (let left = view.getUint16(at + 6); left > 0; left--) {
    records.push({
      type: view.getUint8(o),
      group: readIp6(view, o + 4),
      sources: readSources(view, o + RECORD_LEN, view.getUint16(o + 2)),
    });
    o += recordLen(view, o);
  }
  return records;
}

function readSources(view: DataView, from: number, count: number): Ip6[] {
  const sources: Ip6[] = [];
  for (let i = 0; i < count; i++) sources.push(readIp6(view, from + 16 * i));
  return sources;
}

/** Bytes that a v2 report of these records takes. */
export function reportLen(records: readonly MldRecord[]): number {
  let bytes = V2_REPORT_LEN;
  for (const record of records) bytes += RECORD_LEN + 16 * record.sources.length;
  return bytes;
}

/**
 * Writes a v2 report over [at, end).
 * @param end at + reportLen(records)
 * @param pseudo the IPv6 pseudo header's sum for `end - at` bytes
 */
export function writeReport(
  view: DataView,
  at: number,
  end: number,
  records: readonly MldRecord[],
  pseudo: number,
): void {
  view.setUint32(at, TYPE.reportV2 * 0x1000000);
  view.setUint32(at + 4, records.length);
  let o = at + V2_REPORT_LEN;
  for (const record of records) {
    view.setUint16(o, record.type << 8);
    view.setUint16(o + 2, record.sources.length);
    writeIp6(view, o + 4, record.group);
    o = writeSources(view, o + RECORD_LEN, record.sources);
  }
  view.setUint16(at + 2, finish(sum(view, at, end, pseudo)));
}

/**
 * Writes a v1 query, report or done over [at, at + 24).
 * @param type one of TYPE but reportV2
 * @param delay milliseconds, of a query
 * @param pseudo the IPv6 pseudo header's sum for 24 bytes
 */
export function writeV1(
  view: DataView,
  at: number,
  type: number,
  groupIp: Ip6,
  delay: number,
  pseudo: number,
): void {
  view.setUint32(at, type << 24);
  view.setUint32(at + 4, (delay << 16) >>> 0);
  writeIp6(view, at + 8, groupIp);
  view.setUint16(at + 2, finish(sum(view, at, at + V1_LEN, pseudo)));
}

/**
 * Writes a v2 query over [at, at + 28 + 16 * sources), with robustness 2 and an interval of 125 s, the defaults.
 * @param groupIp `::` asks for all groups
 * @param delay milliseconds, below 32768
 * @param pseudo the IPv6 pseudo header's sum for the whole message
 */
export function writeQuery(
  view: DataView,
  at: number,
  groupIp: Ip6,
  sources: readonly Ip6[],
  delay: number,
  pseudo: number,
): void {
  view.setUint32(at, TYPE.query << 24);
  view.setUint32(at + 4, (delay << 16) >>> 0);
  writeIp6(view, at + 8, groupIp);
  view.setUint16(at + 24, 0x027d);
  view.setUint16(at + 26, sources.length);
  const end = writeSources(view, at + V2_QUERY_LEN, sources);
  view.setUint16(at + 2, finish(sum(view, at, end, pseudo)));
}

function writeSources(view: DataView, from: number, sources: readonly Ip6[]): number {
  let o = from;
  for (const source of sources) {
    writeIp6(view, o, source);
    o += 16;
  }
  return o;
}
