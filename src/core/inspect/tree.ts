// A packet as a tree of plain objects: what `-V` prints and a page shows. The cold path, built on what the walk found.
//
// A fault is a layer of its own behind the layer that has it, so that everything before it is still shown. Offsets count
// from the packet's first byte.

import { CHECKSUM, checksumVerdict, isOffloaded } from '../dissect/checksums.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG, LAYER_PROTOCOLS, reportFault } from '../dissect/layer.ts';
import type { FaultReport } from '../wire/fault.ts';
import type { Emit, FieldSpec, FieldValue, LayerSpec, Place } from './field.ts';
import { meaning, readField, valueText } from './field.ts';
import { readHttp } from './http.ts';
import { layerSpec } from './registry.ts';

export interface FieldNode {
  /** Wireshark's name. */
  readonly name: string;
  readonly label: string;
  readonly value: FieldValue;
  /** The value as Wireshark's field output prints it. */
  readonly text: string;
  /** What the value means, when it has a name. */
  readonly meaning: string | null;
  readonly from: number;
  readonly to: number;
}

export interface ChecksumNote {
  readonly status: 'good' | 'bad' | 'unverified' | 'absent';
  /** Why it may be bad without being wrong, or ''. */
  readonly note: string;
}

export interface LayerNode {
  /** Wireshark's name of the protocol; `_ws.malformed` for a fault. */
  readonly protocol: string;
  readonly name: string;
  readonly title: string;
  /** The header is [from, to), the payload [to, end); `wireEnd` is past `end` where bytes were not captured. */
  readonly from: number;
  readonly to: number;
  readonly end: number;
  readonly wireEnd: number;
  /** How many tunnels are around the layer. */
  readonly depth: number;
  /** True within the packet that an ICMP error quotes. */
  readonly quoted: boolean;
  /** True where no port says what it is and the bytes were asked. */
  readonly guessed: boolean;
  readonly fields: readonly FieldNode[];
  readonly checksum: ChecksumNote | null;
  readonly fault: FaultReport | null;
}

export interface PacketTree {
  /** Bytes captured, and bytes on the wire. */
  readonly captured: number;
  readonly length: number;
  readonly layers: readonly LayerNode[];
}

/** The tree of a packet that the walk has been over. Never throws. */
export function tree(view: DataView, d: Dissection): PacketTree {
  const layers: LayerNode[] = [];
  for (let row = 0; row < d.count; row++) {
    const p = placeOf(view, d, row);
    const body = d.kind(row) === L.payload ? httpBody(p) : -1;
    if (body >= 0) {
      layers.push(layerNode({ ...p, head: body }, layerSpec(L.http)));
      if (body < p.end) layers.push(layerNode({ ...p, start: body }, layerSpec(L.payload)));
    } else layers.push(layerNode(p, layerSpec(d.kind(row))));
    const fault = reportFault(d, row);
    if (fault !== null) layers.push(faultNode(p, fault));
  }
  return {
    captured: d.packetEnd - d.packetStart,
    length: d.original,
    layers,
  };
}

/** A row with its places, for reading fields. */
export function placeOf(view: DataView, d: Dissection, row: number): Place {
  return {
    view,
    d,
    row,
    start: d.start(row),
    head: d.head(row),
    end: d.end(row),
    limit: d.limit(row),
  };
}

/** The layers' names in Wireshark's words, from the outside in: what `frame.protocols` says, without `ethertype`. */
export function protocols(view: DataView, d: Dissection): string[] {
  const names: string[] = [];
  for (let row = 0; row < d.count; row++) {
    const kind = d.kind(row);
    if (kind !== L.payload) names.push(LAYER_PROTOCOLS[kind] as string);
    else {
      const p = placeOf(view, d, row);
      const body = httpBody(p);
      if (body >= 0) names.push('http');
      if (body < p.end) names.push('data');
    }
  }
  return names;
}

/** Calls `emit` with every field of a row whose bytes are there, fixed ones first. */
export function eachField(p: Place, spec: LayerSpec, emit: Emit): void {
  for (const field of spec.fields) {
    const value = readField(p.view, p.start, p.head, field);
    if (value !== null) emit(field, value, p.start + field.at, p.start + field.at + field.size);
  }
  spec.more?.(p, emit);
}

/** Where the body of an HTTP message starts whose head is this payload's start, or -1. */
function httpBody(p: Place): number {
  if (p.row === 0 || p.d.kind(p.row - 1) !== L.tcp) return -1;
  return readHttp(p.view, p.start, p.end)?.bodyAt ?? -1;
}

function layerNode(p: Place, spec: LayerSpec): LayerNode {
  const { view, d, row } = p;
  const base = d.packetStart;
  const fields: FieldNode[] = [];
  eachField(p, spec, (field, value, from, to) =>
    fields.push(fieldNode(field, value, from - base, to - base)),
  );
  return {
    protocol: LAYER_PROTOCOLS[spec.kind] as string,
    name: spec.name,
    title: isWhole(p, spec) ? spec.title(p) : '',
    from: p.start - base,
    to: p.head - base,
    end: p.end - base,
    wireEnd: p.limit - base,
    depth: d.depth(row),
    quoted: d.quoted(row),
    guessed: (d.flags(row) & LAYER_FLAG.guessed) !== 0,
    fields,
    checksum: spec.kind === d.kind(row) ? checksumNote(view, d, row) : null,
    fault: null,
  };
}

/** True when every field at a fixed place is there, so that a title may read them. */
function isWhole(p: Place, spec: LayerSpec): boolean {
  const length = p.head - p.start;
  if (spec.kind === L.llc) return length >= 3 && p.d.fault(p.row) === 0;
  if (spec.kind === L.gre) return length >= 4 && p.d.fault(p.row) === 0;
  if (spec.kind === L.ethernet) return length >= 14;
  return spec.fields.every((field) => field.at + field.size <= length);
}

function fieldNode(spec: FieldSpec, value: FieldValue, from: number, to: number): FieldNode {
  return {
    name: spec.name,
    label: spec.label,
    value,
    text: valueText(spec, value),
    meaning: meaning(spec, value),
    from,
    to,
  };
}

const STATUS = ['bad', 'good', 'unverified', 'absent'] as const;

function checksumNote(view: DataView, d: Dissection, row: number): ChecksumNote | null {
  const verdict = checksumVerdict(view, d, row);
  if (verdict < 0) return null;
  return { status: STATUS[verdict] ?? 'unverified', note: checksumWords(view, d, row, verdict) };
}

function checksumWords(view: DataView, d: Dissection, row: number, verdict: number): string {
  if (verdict === CHECKSUM.unverified) {
    const fragment = (d.flags(row) & LAYER_FLAG.fragment) !== 0;
    return fragment ? 'the datagram is in fragments' : 'not all of its bytes were captured';
  }
  if (verdict !== CHECKSUM.bad) return '';
  const kind = d.kind(row);
  if ((kind === L.udp || kind === L.tcp) && isOffloaded(view, d, row)) {
    return 'offload: left for the network card to finish';
  }
  return kind === L.udp || kind === L.tcp ? 'offload? or damaged on the way' : 'damaged on the way';
}

function faultNode(p: Place, fault: FaultReport): LayerNode {
  const base = p.d.packetStart;
  return {
    protocol: '_ws.malformed',
    name: 'Fault',
    title: fault.text,
    from: p.start - base,
    to: p.end - base,
    end: p.end - base,
    wireEnd: p.limit - base,
    depth: p.d.depth(p.row),
    quoted: p.d.quoted(p.row),
    guessed: false,
    fields: [],
    checksum: null,
    fault,
  };
}
