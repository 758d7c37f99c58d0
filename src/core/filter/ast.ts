// A filter as a tree: what the parser makes and the compiler reads. Which word is a field is not yet decided.

import type { Span } from './error.ts';

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '&';
/** Whether one value that fits is enough, or all have to. */
export type Quantifier = 'any' | 'all';

/** One range of a slice or of layers; negative places count from the end. */
export interface Range {
  readonly from: number;
  /** The place of the last one, included; null when `length` says, or when it goes on to the end. */
  readonly last: number | null;
  readonly length: number | null;
}

/** A bare word: a field, a protocol, an address, a number, a name. */
export interface Word extends Span {
  readonly kind: 'word';
  readonly text: string;
}

export type ValueNode =
  | Word
  | (Span & { readonly kind: 'string' | 'char'; readonly text: string })
  | (Span & { readonly kind: 'layer'; readonly of: Word; readonly ranges: readonly Range[] })
  | (Span & { readonly kind: 'slice'; readonly of: ValueNode; readonly ranges: readonly Range[] })
  | (Span & { readonly kind: 'call'; readonly name: Word; readonly args: readonly ValueNode[] })
  | (Span & { readonly kind: 'negate'; readonly of: ValueNode })
  | (Span & {
      readonly kind: 'arithmetic';
      readonly op: Arithmetic;
      readonly left: ValueNode;
      readonly right: ValueNode;
    });

/** A member of a set, or the range from `low` to `high`, both included. */
export interface Member {
  readonly low: ValueNode;
  readonly high: ValueNode | null;
}

export interface CompareNode extends Span {
  readonly kind: 'compare';
  readonly op: Comparison;
  readonly quantifier: Quantifier;
  readonly left: ValueNode;
  readonly right: ValueNode;
}

export interface SearchNode extends Span {
  readonly kind: 'contains' | 'matches';
  readonly quantifier: Quantifier;
  readonly left: ValueNode;
  readonly right: ValueNode;
}

export interface MemberNode extends Span {
  readonly kind: 'in';
  readonly quantifier: Quantifier;
  readonly left: ValueNode;
  readonly members: readonly Member[];
}

export type TestNode =
  | (Span & { readonly kind: 'and' | 'or' | 'xor'; readonly tests: readonly TestNode[] })
  | (Span & { readonly kind: 'not'; readonly test: TestNode })
  | CompareNode
  | SearchNode
  | MemberNode
  /** A field that is there, or a sum that is not 0. */
  | (Span & { readonly kind: 'present'; readonly of: ValueNode });
