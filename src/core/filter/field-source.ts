// The values of a field in a packet: rows of the right kind are read where the field's table says. A field at a fixed place
// is read by number, without going through the layer; one that moves is asked of the layer's `more`.

import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_PROTOCOLS } from '../dissect/layer.ts';
import type { Emit, FieldSpec, FieldValue, LayerSpec, Place } from '../inspect/field.ts';
import { readField } from '../inspect/field.ts';
import type { FieldPlace } from '../inspect/registry.ts';
import type { Range } from './ast.ts';
import { httpBodyAt } from './http-body.ts';
import { LayerCount } from './layer-count.ts';
import type { ValueNames } from './literal.ts';
import type { NamedSource, Visit } from './source.ts';
import type { Side, Subject } from './subject.ts';
import type { Value, ValueType } from './types.ts';
import { typeOf } from './types.ts';

/** How a number is compared with a constant, in the one loop that all such tests share. */
export const TEST = { eq: 0, ne: 1, lt: 2, le: 3, gt: 4, ge: 5 } as const;

/** What a kind of layer holds of the field. */
interface Moving {
  readonly layer: LayerSpec;
  readonly specs: readonly FieldSpec[];
}

/** A Place that is filled anew for each row. */
type OpenPlace = { -readonly [K in keyof Place]: Place[K] };

export class FieldSource implements NamedSource {
  readonly name: string;
  readonly type: ValueType;
  readonly names: ValueNames | null;
  readonly max: number;
  readonly #side: Side;
  /** Which layers of the protocol count, by their number; null for all. */
  readonly #ranges: readonly Range[] | null;
  /** By layer kind. */
  readonly #fixed: (readonly FieldSpec[] | undefined)[] = [];
  readonly #moving: (readonly Moving[] | undefined)[] = [];
  readonly #anyMoving: boolean;

  constructor(name: string, places: readonly FieldPlace[], side: Side, ranges: readonly Range[] | null) {
    this.name = name;
    this.type = typeOf((places[0] as FieldPlace).field);
    this.names = places.find((p) => p.field.names !== null)?.field.names ?? null;
    this.max = Math.max(...places.map((p) => largest(p.field)));
    this.#side = side;
    this.#ranges = ranges;
    this.#anyMoving = places.some((p) => p.moving);
    this.isPlainNumber = ranges === null && places.every((p) => !p.moving && isPlain(p.field));
    for (const { layer, field, moving } of places) {
      if (!moving) this.#fixed[layer.kind] = [...(this.#fixed[layer.kind] ?? []), field];
      else this.#addMoving(layer, field);
    }
  }

  #addMoving(layer: LayerSpec, spec: FieldSpec): void {
    const there = this.#moving[layer.kind] ?? [];
    const same = there.find((m) => m.layer === layer);
    this.#moving[layer.kind] =
      same === undefined
        ? [...there, { layer, specs: [spec] }]
        : there.map((m) => (m === same ? { layer, specs: [...m.specs, spec] } : m));
  }

  present(subject: Subject): boolean {
    return this.each(subject, () => true);
  }

  /** True when the field is a number at fixed places in every layer, so that `some` can be used. */
  readonly isPlainNumber: boolean;

  /** True when some value passes TEST `test` against `wanted`. Of an IPv4 address only the bits of `mask` count, -1 for all. */
  some(subject: Subject, test: number, wanted: number, mask: number): boolean {
    const parts = subject.parts;
    for (let i = 0; i < parts.length; i++) {
      const { view, d } = parts[i] as { view: DataView; d: Dissection };
      const cover = subject.covered(i);
      const to = subject.to(i, this.#side);
      for (let row = subject.from(i, this.#side); row < to; row++) {
        const specs = this.#fixed[d.kind(row)];
        if (specs === undefined || row === cover) continue;
        for (let k = 0; k < specs.length; k++) {
          const value = readField(view, d.start(row), d.head(row), specs[k] as FieldSpec) as number | null;
          if (value === null) continue;
          if (fits(test, mask === -1 ? value : (value & mask) >>> 0, wanted)) return true;
        }
      }
    }
    return false;
  }

  each(subject: Subject, visit: Visit): boolean {
    const layers = this.#ranges === null ? null : new LayerCount(subject, this.#side, this.#ranges);
    for (let i = 0; i < subject.parts.length; i++) {
      const { view, d } = subject.parts[i] as { view: DataView; d: Dissection };
      const cover = subject.covered(i);
      const to = subject.to(i, this.#side);
      for (let row = subject.from(i, this.#side); row < to; row++) {
        const kind = row === cover ? L.payload : d.kind(row);
        if (layers !== null && !layers.counts(LAYER_PROTOCOLS[kind] as string)) continue;
        if (this.#visitRow(view, d, row, kind, visit)) return true;
      }
    }
    return false;
  }

  #visitRow(view: DataView, d: Dissection, row: number, kind: number, visit: Visit): boolean {
    for (const spec of this.#fixed[kind] ?? []) {
      const value = readField(view, d.start(row), d.head(row), spec);
      if (value !== null && visit(this.#value(value))) return true;
    }
    if (!this.#anyMoving) return false;
    if (kind !== L.payload) return this.#visitMoving(placeOf(view, d, row), kind, visit);
    if (this.#moving[L.http] === undefined && this.#moving[L.payload] === undefined) return false;
    const body = httpBodyAt(view, d, row);
    const place = placeOf(view, d, row);
    if (body < 0) return this.#visitMoving(place, L.payload, visit);
    place.head = body;
    if (this.#visitMoving(place, L.http, visit)) return true;
    place.start = body;
    place.head = place.end;
    return this.#visitMoving(place, L.payload, visit);
  }

  #visitMoving(place: Place, kind: number, visit: Visit): boolean {
    let enough = false;
    for (const { layer, specs } of this.#moving[kind] ?? []) {
      const emit: Emit = (spec, value, from, to) => {
        if (enough || !specs.includes(spec)) return;
        enough = visit(this.type === 'bytes' ? slice(place.view, from, to) : this.#value(value));
      };
      layer.more?.(place, emit);
      if (enough) return true;
    }
    return false;
  }

  #value(value: FieldValue): Value {
    return this.type === 'bool' ? (value === 0 ? 0 : 1) : value;
  }
}

function fits(test: number, value: number, wanted: number): boolean {
  switch (test) {
    case TEST.eq:
      return value === wanted;
    case TEST.ne:
      return value !== wanted;
    case TEST.lt:
      return value < wanted;
    case TEST.le:
      return value <= wanted;
    case TEST.gt:
      return value > wanted;
    default:
      return value >= wanted;
  }
}

/** True for a field whose value is read as the number that it stands for. */
function isPlain(spec: FieldSpec): boolean {
  if (spec.type === 'bool') return (spec.mask & (spec.mask - 1)) === 0 && spec.mask !== 0;
  return spec.type !== 'ipv6';
}

/** The largest number that a field's bytes can hold, as Wireshark has it: the mask is passed over. */
function largest(spec: FieldSpec): number {
  return spec.size === 0 || spec.size > 4 ? Number.POSITIVE_INFINITY : 2 ** (8 * spec.size) - 1;
}

function placeOf(view: DataView, d: Dissection, row: number): OpenPlace {
  return { view, d, row, start: d.start(row), head: d.head(row), end: d.end(row), limit: d.limit(row) };
}

/** Bytes [from, to) of a view, not copied. */
export function slice(view: DataView, from: number, to: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + from, Math.max(0, to - from));
}
