// Where values come from: a field, a constant, a slice, a sum. A source has any number of values in a packet, none where
// the packet lacks the field; tests and functions ask for them one by one.

import type { ValueNames } from './literal.ts';
import type { Subject } from './subject.ts';
import type { Value, ValueType } from './types.ts';

/** Takes a value; true says that it has seen enough. */
export type Visit = (value: Value) => boolean;

export interface Source {
  readonly type: ValueType;
  /** Hands over the values from the outside in, until `visit` has seen enough; true when it has. */
  each(subject: Subject, visit: Visit): boolean;
}

/** What was written as a field or protocol name. */
export interface NamedSource extends Source {
  readonly name: string;
  /** The largest number that the field can hold; Infinity where it is not known. */
  readonly max: number;
  readonly names: ValueNames | null;
  /** True when the packet has it. */
  present(subject: Subject): boolean;
}

/** One value, the same in every packet. */
export class Constant implements Source {
  readonly type: ValueType;
  readonly value: Value;
  /** How many leading bits of an address count; null for all. */
  readonly bits: number | null;

  constructor(type: ValueType, value: Value, bits: number | null) {
    this.type = type;
    this.value = value;
    this.bits = bits;
  }

  each(_subject: Subject, visit: Visit): boolean {
    return visit(this.value);
  }
}

/** One value or none, read from the packet as a whole. */
export class FrameSource implements NamedSource {
  readonly name: string;
  readonly type: ValueType;
  readonly max: number;
  readonly names = null;
  readonly #read: (subject: Subject) => Value | null;

  constructor(name: string, type: ValueType, max: number, read: (subject: Subject) => Value | null) {
    this.name = name;
    this.type = type;
    this.max = max;
    this.#read = read;
  }

  each(subject: Subject, visit: Visit): boolean {
    const value = this.#read(subject);
    return value !== null && visit(value);
  }

  present(subject: Subject): boolean {
    return this.#read(subject) !== null;
  }
}

/** Values made from the values of another source; null drops one. */
export class Mapped implements Source {
  readonly type: ValueType;
  readonly #of: Source;
  readonly #make: (value: Value) => Value | null;

  constructor(type: ValueType, of: Source, make: (value: Value) => Value | null) {
    this.type = type;
    this.#of = of;
    this.#make = make;
  }

  each(subject: Subject, visit: Visit): boolean {
    return this.#of.each(subject, (value) => {
      const made = this.#make(value);
      return made !== null && visit(made);
    });
  }
}
