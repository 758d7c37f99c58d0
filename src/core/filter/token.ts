// A token: what the lexer cuts a filter's text into and the parser reads.

import type { Span } from './error.ts';

/** `brackets` holds the text between [ and ]; `string` and `char` hold what their escapes mean, a character a byte. */
export type TokenKind = 'word' | 'string' | 'char' | 'brackets' | 'sign' | 'end';

export interface Token extends Span {
  readonly kind: TokenKind;
  readonly text: string;
}
