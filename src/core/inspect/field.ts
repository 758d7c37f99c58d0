// What a field is: its name in Wireshark's words, where it stands and how it is read and written as text.
//
// Each layer has one table of fields (fields-*.ts). The tree of `-V` and display filters read the same tables, so a name
// that is shown can be asked for. A field at a fixed place is read by `readField` from four numbers; what repeats or
// moves (options, records) is read by the layer's own `more`.

import type { Dissection, LayerKind } from '../dissect/layer.ts';
import type { Ip6 } from '../wire/address.ts';
import { formatIp4, formatIp6, formatMac, readIp6, readMac } from '../wire/address.ts';

/** `hex` is a number that people write in hex; `bool` is 0 or 1. `text` and `bytes` are only emitted by `more`. */
export type FieldType = 'uint' | 'hex' | 'bool' | 'mac' | 'ipv4' | 'ipv6' | 'text' | 'bytes';

/** A number (also a MAC or an IPv4 address), an IPv6 address, or text (for `bytes` lower-case hex with colons). */
export type FieldValue = number | string | Ip6;

export interface FieldSpec {
  /** Wireshark's name, for example `ip.src`. */
  readonly name: string;
  readonly label: string;
  readonly type: FieldType;
  /** Bytes from the layer's start; -1 where `more` says. */
  readonly at: number;
  /** Bytes. */
  readonly size: number;
  /** The bits of those bytes that are the field's; 0 is all. */
  readonly mask: number;
  /** What the number is multiplied by to give the value that Wireshark shows; 1 if not said. */
  readonly scale: number;
  /** What single values mean. */
  readonly names: Readonly<Record<number, string>> | null;
  /** A second name that this field answers to, as `ip.addr` for `ip.src` and `ip.dst`. */
  readonly also: string | null;
}

export interface FieldExtra {
  readonly mask?: number;
  readonly scale?: number;
  readonly names?: Readonly<Record<number, string>>;
  readonly also?: string;
}

/** A row of a Dissection with what one needs to read it. Offsets are places on the view. */
export interface Place {
  readonly view: DataView;
  readonly d: Dissection;
  /** The row. */
  readonly row: number;
  readonly start: number;
  readonly head: number;
  readonly end: number;
  readonly limit: number;
}

/** Takes a field that `more` found in [from, to) of the view. */
export type Emit = (spec: FieldSpec, value: FieldValue, from: number, to: number) => void;

export interface LayerSpec {
  readonly kind: LayerKind;
  /** What a person calls the layer. */
  readonly name: string;
  readonly fields: readonly FieldSpec[];
  /** Fields that `more` may emit. */
  readonly moreFields: readonly FieldSpec[];
  /** The few words behind the name: `Src: 10.0.1.2, Dst: 10.0.1.3`. Only for a layer without a short header. */
  readonly title: (p: Place) => string;
  readonly more: ((p: Place, emit: Emit) => void) | null;
}

export function field(
  name: string,
  label: string,
  type: FieldType,
  at: number,
  size: number,
  extra: FieldExtra = {},
): FieldSpec {
  return {
    name,
    label,
    type,
    at,
    size,
    mask: extra.mask ?? 0,
    scale: extra.scale ?? 1,
    names: extra.names ?? null,
    also: extra.also ?? null,
  };
}

/** A field that `more` places. */
export function moving(name: string, label: string, type: FieldType, extra: FieldExtra = {}): FieldSpec {
  return field(name, label, type, -1, 0, extra);
}

/** The number at a fixed place, shifted and scaled. */
function readNumber(view: DataView, at: number, spec: FieldSpec): number {
  let raw: number;
  if (spec.size === 1) raw = view.getUint8(at);
  else if (spec.size === 2) raw = view.getUint16(at);
  else if (spec.size === 3) raw = view.getUint16(at) * 256 + view.getUint8(at + 2);
  else raw = view.getUint32(at);
  if (spec.mask !== 0) {
    const shift = 31 - Math.clz32(spec.mask & -spec.mask);
    raw = (raw & spec.mask) >>> shift;
  }
  return raw * spec.scale;
}

/** The value of a field at a fixed place of a layer that starts at `start`, or null when its bytes are not there. */
export function readField(view: DataView, start: number, end: number, spec: FieldSpec): FieldValue | null {
  const at = start + spec.at;
  if (spec.at < 0 || at + spec.size > end) return null;
  if (spec.type === 'mac') return readMac(view, at);
  return spec.type === 'ipv6' ? readIp6(view, at) : readNumber(view, at, spec);
}

const BYTES_SHOWN = 64;

/** Bytes as hex with colons; a long run is cut short with three dots. */
export function bytesText(view: DataView, from: number, to: number): string {
  const last = Math.min(to, from + BYTES_SHOWN);
  let text = '';
  for (let i = from; i < last; i++) {
    text += (i > from ? ':' : '') + view.getUint8(i).toString(16).padStart(2, '0');
  }
  return last < to ? `${text}...` : text;
}

/** A value as Wireshark's field output prints it. */
export function valueText(spec: FieldSpec, value: FieldValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return formatIp6(value);
  switch (spec.type) {
    case 'hex': {
      return `0x${value.toString(16).padStart(spec.size * 2, '0')}`;
    }
    case 'mac':
      return formatMac(value);
    case 'ipv4':
      return formatIp4(value);
    default:
      return String(value);
  }
}

/** What a value means, or null: the name of a number, `Set` or `Not set`. */
export function meaning(spec: FieldSpec, value: FieldValue): string | null {
  if (typeof value !== 'number') return null;
  const named = spec.names?.[value];
  if (named !== undefined) return named;
  return spec.type === 'bool' ? (value === 0 ? 'Not set' : 'Set') : null;
}
