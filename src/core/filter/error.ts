// What is wrong with a filter's text, and where: one sentence, and a picture with a caret under the place.

import { VxlabError } from '../wire/numbers.ts';

/** A stretch of the filter's text: [at, to), in characters from 0. */
export interface Span {
  readonly at: number;
  readonly to: number;
}

/** Text that is no filter. `code` is BAD_FILTER; the message is one sentence that names the column and what to do. */
export class FilterError extends VxlabError {
  /** From 1, as a person counts. */
  readonly column: number;
  /** Two lines: the filter, and `^~~~` under the place. */
  readonly caret: string;

  constructor(text: string, span: Span, words: string) {
    super('BAD_FILTER', `filter, column ${span.at + 1}: ${words}`);
    this.column = span.at + 1;
    const line = text.replace(/\p{Cc}/gu, ' ');
    this.caret = `${line}\n${' '.repeat(span.at)}^${'~'.repeat(Math.max(0, span.to - span.at - 1))}`;
  }
}

/** How the steps of compiling complain: they know the place, the compiler knows the text. */
export class Complaint extends Error {
  readonly span: Span;
  constructor(span: Span, words: string) {
    super(words);
    this.span = span;
  }
}

/** Text from a filter as an error quotes it: in quotes, cut short when long. */
export function quoted(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`;
}
