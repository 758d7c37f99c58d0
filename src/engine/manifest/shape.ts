// A small language for what a manifest may hold: the facts of a JSON schema in a form that a checker can explain.
//
// A shape says which kinds of node are legal at a place. Keys carry the dialect's version that brought them, and what a
// tool does with them besides reading them.

import type { RuleId } from '../model/rules.ts';

export type ScalarType = 'string' | 'integer' | 'number' | 'boolean' | 'null';

export interface ScalarShape {
  readonly kind: 'scalar';
  readonly types: readonly ScalarType[];
  /** A variable's text may be read as the wanted number or truth value (docker/cli, loader/interpolate.go). */
  readonly cast: boolean;
  /** Text must also be a duration or a size. */
  readonly format: 'duration' | 'size' | null;
  /** What a wrong type is reported as. */
  readonly rule: RuleId;
  /** The only texts allowed; empty means any. */
  readonly values: readonly string[];
}

export interface ListShape {
  readonly kind: 'list';
  readonly item: Shape;
  readonly unique: boolean;
}

/** A mapping with known keys. */
export interface RecordShape {
  readonly kind: 'record';
  /** What a person calls it: `a service`, `ipam`. */
  readonly name: string;
  readonly keys: Readonly<Record<string, KeyRule>>;
  /** Since which minor version of v3 keys that begin with `x-` are allowed; null for never. */
  readonly extensions: number | null;
  /** Unknown keys are let through. */
  readonly open: boolean;
  readonly nullable: boolean;
  readonly required: readonly string[];
  /** Keys that other dialects have here, and which. */
  readonly foreign: Readonly<Record<string, string>>;
  /** Keys that are refused by name, and what to do instead. */
  readonly forbidden: Readonly<Record<string, string>>;
}

/** A mapping whose keys are free names. */
export interface DictShape {
  readonly kind: 'dict';
  readonly value: Shape;
  /** Names must match /^[a-zA-Z0-9._-]+$/. */
  readonly names: boolean;
}

/** One of several shapes of different kinds (scalar, list, mapping). */
export interface EitherShape {
  readonly kind: 'either';
  readonly shapes: readonly Shape[];
}

export type Shape = ScalarShape | ListShape | RecordShape | DictShape | EitherShape;

export interface KeyRule {
  readonly shape: Shape;
  /** The minor version of v3 that brought it. */
  readonly since: number;
  /** Read and then not used: what to say about it, or null. */
  readonly ignored: string | null;
  /** Read, not used, and given up: what to say about it, or null. */
  readonly deprecated: string | null;
}

export function scalar(types: readonly ScalarType[], more: Partial<ScalarShape> = {}): ScalarShape {
  return { kind: 'scalar', types, cast: true, format: null, rule: 'OV1103', values: [], ...more };
}

export const STRING: ScalarShape = scalar(['string']);
export const INTEGER: ScalarShape = scalar(['integer']);
export const NUMBER: ScalarShape = scalar(['number']);
export const BOOLEAN: ScalarShape = scalar(['boolean']);
export const TEXT_OR_NUMBER: ScalarShape = scalar(['string', 'number']);
export const DURATION: ScalarShape = scalar(['string'], { format: 'duration' });

export function list(item: Shape, unique = false): ListShape {
  return { kind: 'list', item, unique };
}

export function dict(value: Shape, names = false): DictShape {
  return { kind: 'dict', value, names };
}

export function either(...shapes: readonly Shape[]): EitherShape {
  return { kind: 'either', shapes };
}

/** A key: its shape, and the minor version of v3 that brought it. */
export function key(shape: Shape, since = 0, more: Partial<KeyRule> = {}): KeyRule {
  return { shape, since, ignored: null, deprecated: null, ...more };
}

export function record(
  name: string,
  keys: Readonly<Record<string, KeyRule>>,
  more: Partial<RecordShape> = {},
): RecordShape {
  return {
    kind: 'record',
    name,
    keys,
    extensions: null,
    open: false,
    nullable: false,
    required: [],
    foreign: {},
    forbidden: {},
    ...more,
  };
}

export const STRINGS: ListShape = list(STRING, true);
export const STRING_OR_LIST: EitherShape = either(STRING, STRINGS);
/** A command: words, or a line that is cut into words. */
export const WORDS: EitherShape = either(STRING, list(STRING));
/** A mapping of settings, or a list of `KEY=value`. */
export const PAIRS: EitherShape = either(dict(scalar(['string', 'number', 'null'])), STRINGS);
export const OPTIONS: DictShape = dict(scalar(['string', 'number'], { rule: 'OV1206' }));

/** `a mapping, a list or text`: what a shape takes, in words. */
export function describeShape(shape: Shape): string {
  switch (shape.kind) {
    case 'scalar':
      return joinWords(shape.types.map((type) => SCALAR_WORDS[type]));
    case 'list':
      return 'a list';
    case 'record':
    case 'dict':
      return 'a mapping';
    case 'either':
      return joinWords([...new Set(shape.shapes.map(describeShape))]);
  }
}

const SCALAR_WORDS: Readonly<Record<ScalarType, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'nothing',
};

export function joinWords(words: readonly string[]): string {
  return words.length < 2
    ? (words[0] ?? '')
    : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}
