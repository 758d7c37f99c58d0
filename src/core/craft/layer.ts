// What a layer of a crafted frame is: a kind with fields, and the values that were given for some of them. What was not given
// is worked out: lengths, checksums, and the numbers that say what comes next. What was given is written as it is, also where
// it is a lie: a wrong packet is what one crafts them for.

import type { Ip6 } from '../wire/address.ts';
import { VxlabError } from '../wire/numbers.ts';
import type { FieldKind, FieldValue } from './field.ts';

/** Numbers by which the layers in front announce this one. Left out where there is none. */
export interface Announced {
  readonly etherType?: number;
  readonly protocol?: number;
  /** In an IPv6 header, where it is another. */
  readonly nextHeader?: number;
  readonly udpPort?: number;
  /** VXLAN-GPE's next protocol. */
  readonly gpe?: number;
}

export interface LayerKind {
  /** As its flag is written: `--NAME`. */
  readonly name: string;
  readonly what: string;
  readonly fields: Readonly<Record<string, FieldKind>>;
  readonly announced: Announced;
  /** Bytes of the header. */
  readonly length: number;
  /** Writes the header; checksums that cover what is behind it are left to `sum`. */
  write(site: Site): void;
  /** Fills in the checksum, when everything further in has its own. */
  sum?(site: Site): void;
}

export interface Layer {
  readonly kind: LayerKind;
  readonly values: ReadonlyMap<string, FieldValue>;
}

/** A layer where it stands in the frame that is being made. */
export class Site {
  readonly view: DataView;
  readonly layer: Layer;
  /** First byte of the header, and one past the last of what it carries. */
  readonly at: number;
  readonly end: number;
  readonly inner: Site | null;
  /** The layer in front; set when that one is made. */
  outer: Site | null = null;

  constructor(view: DataView, layer: Layer, at: number, end: number, inner: Site | null) {
    this.view = view;
    this.layer = layer;
    this.at = at;
    this.end = end;
    this.inner = inner;
    if (inner !== null) inner.outer = this;
  }

  has(field: string): boolean {
    return this.layer.values.has(field);
  }

  /** What was given for a field, or what is meant without. */
  number(field: string, otherwise: number): number {
    return (this.layer.values.get(field) as number | undefined) ?? otherwise;
  }

  ip6(field: string, otherwise: Ip6): Ip6 {
    return (this.layer.values.get(field) as Ip6 | undefined) ?? otherwise;
  }

  /** Where what is carried begins. */
  get payload(): number {
    return this.at + this.layer.kind.length;
  }

  /**
   * The number that announces the next layer: as given, else the next layer's own.
   * @param none what is written when bytes and no layer come next
   * @throws VxlabError BAD_CRAFT when the next layer has no such number
   */
  next(field: string, by: keyof Announced, none: number): number {
    if (this.has(field)) return this.number(field, 0);
    if (this.inner === null) return none;
    const { name, announced } = this.inner.layer.kind;
    const found = announced[by] ?? (by === 'nextHeader' ? announced.protocol : undefined);
    if (found !== undefined) return found;
    const mine = this.layer.kind.name;
    throw new VxlabError(
      'BAD_CRAFT',
      `--${name} cannot follow --${mine}, unless --${mine} ${field}=NUMBER says how it is announced`,
    );
  }
}
