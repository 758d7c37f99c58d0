// A manifest's text by lines, and edits to it that do not lose where things stood.
//
// Mending a slip (a missing space, a missing colon) lets the rest of the file be read and judged in the same pass. All
// edits stay within a line, so a place in the mended text maps back by undoing the insertions on its line.

import type { Place } from '../model/spec.ts';

/** The largest manifest that is read, in UTF-16 units: a hundred times what a large stack needs. */
export const TEXT_MAX: number = 1 << 20;

interface Insertion {
  /** How many units of the original line stand before it. */
  readonly before: number;
  readonly count: number;
}

/** Lines without their ends. `\n` and `\r\n` end a line, as for the YAML reader. */
export function splitLines(text: string): string[] {
  return text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

/** A text whose lines may be edited; places in the result can be asked for in terms of the original. */
export class MendedText {
  readonly #original: readonly string[];
  readonly #lines: string[];
  readonly #insertions: Map<number, Insertion[]> = new Map();
  #starts: number[] | null = null;

  constructor(text: string) {
    this.#original = splitLines(text);
    this.#lines = [...this.#original];
  }

  /** How many lines there are. */
  get length(): number {
    return this.#lines.length;
  }

  get edited(): boolean {
    return this.#lines.some((line, index) => line !== this.#original[index]);
  }

  /** Line `index`, from 0, as it stands now. */
  line(index: number): string {
    return this.#lines[index] ?? '';
  }

  /** Puts `more` into line `index` behind its first `before` units. */
  insert(index: number, before: number, more: string): void {
    const line = this.line(index);
    const where = this.#toOriginal(index, before);
    this.#lines[index] = line.slice(0, before) + more + line.slice(before);
    const list = this.#insertions.get(index) ?? [];
    list.push({ before: where, count: more.length });
    list.sort((a, b) => a.before - b.before);
    this.#insertions.set(index, list);
    this.#starts = null;
  }

  /** Replaces as many units as `instead` has, from `at` on. */
  overwrite(index: number, at: number, instead: string): void {
    const line = this.line(index);
    this.#lines[index] = line.slice(0, at) + instead + line.slice(at + instead.length);
  }

  toString(): string {
    return this.#lines.join('\n');
  }

  /** Where `offset` of the mended text stood in the original. */
  place(offset: number): Place {
    const starts = this.#lineStarts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    const column = this.#toOriginal(low, offset - (starts[low] as number));
    return { line: low + 1, column: column + 1 };
  }

  /** The original column, from 1, of unit `column` (from 0) of line `index` as it stands now. */
  columnAt(index: number, column: number): number {
    return this.#toOriginal(index, column) + 1;
  }

  #lineStarts(): readonly number[] {
    if (this.#starts !== null) return this.#starts;
    const starts = [0];
    for (const line of this.#lines) starts.push((starts[starts.length - 1] as number) + line.length + 1);
    if (starts.length > 1) starts.pop();
    this.#starts = starts;
    return starts;
  }

  #toOriginal(index: number, column: number): number {
    let added = 0;
    for (const { before, count } of this.#insertions.get(index) ?? []) {
      if (column <= before + added) break;
      added += Math.min(count, column - before - added);
    }
    return Math.min(column - added, (this.#original[index] ?? '').length);
  }
}
