// IGMP: version 2 (RFC 2236) and version 3 (RFC 9776, before it RFC 3376).
//
//    0              8              16                             31
//   +--------------+--------------+--------------------------------+
//   |     type     | max response |            checksum            |
//   +--------------+--------------+--------------------------------+
//   |   group; v3 report: reserved and the number of records      |
//   +--------------+--------------+--------------------------------+
//   | v3 query: flags and robustness | QQIC | number of sources    |  then the sources, 4 bytes each
//   | v3 record: type | auxiliary words | number of sources |  group | sources | auxiliary
//
// A query's version shows in its length (RFC 9776 s.7.1): 8 bytes are version 1 or 2, 12 and more version 3, and what
// lies between must be ignored. The messages travel with TTL 1 and the router alert option, which IPv4's writer adds.

import type { Ip4 } from './address.ts';
import { finish, sum, verifies } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

/** Any message of version 1 or 2; a v3 report without records. */
export const HEADER_LEN = 8;
/** A v3 query without sources. */
export const V3_QUERY_LEN = 12;
/** A v3 record without sources. */
export const RECORD_LEN = 8;

export const TYPE = { query: 0x11, reportV1: 0x12, reportV2: 0x16, leave: 0x17, reportV3: 0x22 } as const;

/** Record types of a v3 report (RFC 9776 s.4.2.13). */
export const RECORD = {
  isInclude: 1,
  isExclude: 2,
  /** What Linux sends on the last leave, with no sources. */
  toInclude: 3,
  /** What Linux sends on the first join, with no sources. */
  toExclude: 4,
  allow: 5,
  block: 6,
} as const;

/** 224.0.0.1, where general queries go. */
export const ALL_SYSTEMS: Ip4 = 0xe0000001;
/** 224.0.0.2, where v2 leaves go. */
export const ALL_ROUTERS: Ip4 = 0xe0000002;
/** 224.0.0.22, where v3 reports go. */
export const ALL_IGMPV3_ROUTERS: Ip4 = 0xe0000016;

export interface IgmpRecord {
  /** One of RECORD, or what else stood there. */
  readonly type: number;
  readonly group: Ip4;
  readonly sources: readonly Ip4[];
}

export interface IgmpMessage {
  readonly type: number;
  /** 1, 2 or 3; 0 for a type that is none of them. */
  readonly version: number;
  readonly checksum: number;
  /** Of all but the v3 report; 0 in a general query. */
  readonly group?: Ip4;
  /** Of a query, in tenths of a second. */
  readonly maxResponse?: number;
  /** Of a v3 query. */
  readonly sources?: readonly Ip4[];
  /** Of a v3 report. */
  readonly records?: readonly IgmpRecord[];
}

/** 0, or what keeps [at, end) from being an IGMP message, its records and sources included. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.igmp, KIND.short, HEADER_LEN);
  const t = view.getUint8(at);
  if (t === TYPE.reportV3) return checkRecords(view, at, end);
  if (t !== TYPE.query || end - at === HEADER_LEN) return NO_FAULT;
  if (end - at < V3_QUERY_LEN) return fault(LAYER.igmp, KIND.short, V3_QUERY_LEN);
  const needed = V3_QUERY_LEN + 4 * view.getUint16(at + 10);
  return needed > end - at ? fault(LAYER.igmp, KIND.overrun, needed) : NO_FAULT;
}

function checkRecords(view: DataView, at: number, end: number): Fault {
  let o = at + HEADER_LEN;
  for (let left = view.getUint16(at + 6); left > 0; left--) {
    if (o + RECORD_LEN > end) return fault(LAYER.igmp, KIND.overrun, o + RECORD_LEN - at);
    o += recordLen(view, o);
    if (o > end) return fault(LAYER.igmp, KIND.overrun, o - at);
  }
  return NO_FAULT;
}

export function type(view: DataView, at: number): number {
  return view.getUint8(at);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** The group of any message but a v3 report; 0 in a general query. */
export function group(view: DataView, at: number): Ip4 {
  return view.getUint32(at + 4);
}

/** 1, 2 or 3, or 0 for a type that is none of them. Only after `check`. */
export function version(view: DataView, at: number, end: number): number {
  switch (view.getUint8(at)) {
    case TYPE.query:
      if (end - at >= V3_QUERY_LEN) return 3;
      return view.getUint8(at + 1) === 0 ? 1 : 2;
    case TYPE.reportV1:
      return 1;
    case TYPE.reportV2:
    case TYPE.leave:
      return 2;
    case TYPE.reportV3:
      return 3;
    default:
      return 0;
  }
}

/** A query's maximum response time in tenths of a second; version 3 packs those over 127 (RFC 9776 s.4.1.1). */
export function maxResponse(view: DataView, at: number, end: number): number {
  const code = view.getUint8(at + 1);
  if (code < 128 || end - at < V3_QUERY_LEN) return code;
  return ((code & 0xf) | 0x10) << (((code >>> 4) & 7) + 3);
}

/** Group records in a v3 report. */
export function recordCount(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/**
 * Bytes of the v3 record at `o`, so that a walk needs no objects: the first stands at `at + 8`, the next after it.
 * Its type is at `o`, the number of its sources at `o + 2` (16 bits), its group at `o + 4`. Only after `check`.
 */
export function recordLen(view: DataView, o: number): number {
  return RECORD_LEN + 4 * view.getUint16(o + 2) + 4 * view.getUint8(o + 1);
}

export function recordType(view: DataView, o: number): number {
  return view.getUint8(o);
}

export function recordSources(view: DataView, o: number): number {
  return view.getUint16(o + 2);
}

export function recordGroup(view: DataView, o: number): Ip4 {
  return view.getUint32(o + 4);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 2, value);
}

/** The checksum covers all bytes of the IP payload (RFC 9776 s.4.1.2). */
export function checksumOk(view: DataView, at: number, end: number): boolean {
  return verifies(view, at, end);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number, end: number): IgmpMessage {
  const head = { type: type(view, at), version: version(view, at, end), checksum: checksum(view, at) };
  if (head.type === TYPE.reportV3) return { ...head, records: readRecords(view, at) };
  if (head.type !== TYPE.query) return { ...head, group: group(view, at) };
  const query = { ...head, group: group(view, at), maxResponse: maxResponse(view, at, end) };
  if (head.version < 3) return query;
  return { ...query, sources: readSources(view, at + V3_QUERY_LEN, view.getUint16(at + 10)) };
}

function readRecords(view: DataView, at: number): IgmpRecord[] {
  const records: IgmpRecord[] = [];
  let o = at + HEADER_LEN;
  for (let left = recordCount(view, at); left > 0; left--) {
    records.push({
      type: recordType(view, o),
      group: recordGroup(view, o),
      sources: readSources(view, o + RECORD_LEN, recordSources(view, o)),
    });
    o += recordLen(view, o);
  }
  return records;
}

function readSources(view: DataView, from: number, count: number): Ip4[] {
  const sources: Ip4[] = [];
  for (let i = 0; i < count; i++) sources.push(view.getUint32(from + 4 * i));
  return sources;
}

/**
 * Writes a message of eight bytes at [at, at + 8): a v2 report, leave or query; sets the checksum.
 * @param messageType one of TYPE but reportV3
 * @param tenths of a second to answer in, of a query; else 0
 */
export function write(view: DataView, at: number, messageType: number, groupIp: Ip4, tenths = 0): void {
  view.setUint32(at, (messageType << 24) | (tenths << 16));
  view.setUint32(at + 4, groupIp);
  view.setUint16(at + 2, finish(sum(view, at, at + HEADER_LEN)));
}

/** Writes a v3 report of one record without sources over [at, at + 16): what a join or leave sends. */
export function writeChange(view: DataView, at: number, change: number, groupIp: Ip4): void {
  view.setUint32(at, TYPE.reportV3 << 24);
  view.setUint32(at + 4, 1);
  view.setUint32(at + 8, change << 24);
  view.setUint32(at + 12, groupIp);
  view.setUint16(at + 2, finish(sum(view, at, at + 16)));
}

/** Bytes that a v3 report of these records takes. */
export function reportLen(records: readonly IgmpRecord[]): number {
  let bytes = HEADER_LEN;
  for (const record of records) bytes += RECORD_LEN + 4 * record.sources.length;
  return bytes;
}

/** Writes a v3 report over [at, at + reportLen(records)); sets the checksum. */
export function writeReport(view: DataView, at: number, records: readonly IgmpRecord[]): void {
  view.setUint32(at, TYPE.reportV3 << 24);
  view.setUint32(at + 4, records.length);
  let o = at + HEADER_LEN;
  for (const record of records) {
    view.setUint16(o, record.type << 8);
    view.setUint16(o + 2, record.sources.length);
    view.setUint32(o + 4, record.group);
    o = writeSources(view, o + RECORD_LEN, record.sources);
  }
  view.setUint16(at + 2, finish(sum(view, at, o)));
}

/**
 * Writes a v3 query over [at, at + 12 + 4 * sources), with robustness 2 and an interval of 125 s, the defaults.
 * @param groupIp 0 asks for all groups
 * @param tenths of a second to answer in, below 128
 */
export function writeQuery(
  view: DataView,
  at: number,
  groupIp: Ip4,
  sources: readonly Ip4[],
  tenths: number,
): void {
  view.setUint32(at, (TYPE.query << 24) | (tenths << 16));
  view.setUint32(at + 4, groupIp);
  view.setUint16(at + 8, 0x027d);
  view.setUint16(at + 10, sources.length);
  const end = writeSources(view, at + V3_QUERY_LEN, sources);
  view.setUint16(at + 2, finish(sum(view, at, end)));
}

function writeSources(view: DataView, from: number, sources: readonly Ip4[]): number {
  let o = from;
  for (const source of sources) {
    view.setUint32(o, source);
    o += 4;
  }
  return o;
}

/** Writes the first eight bytes as told, sense or nonsense; `rest` is the group or, in a v3 report, the count. */
export function writeRaw(
  view: DataView,
  at: number,
  h: { readonly type: number; readonly code: number; readonly checksum: number; readonly rest: number },
): void {
  view.setUint8(at, h.type);
  view.setUint8(at + 1, h.code);
  view.setUint16(at + 2, h.checksum);
  view.setUint32(at + 4, h.rest);
}
