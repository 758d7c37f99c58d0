// What a Redis server says (RESP2 and RESP3): values in values, of which the texts are told one behind the other. What is only
// a word of assent is not told.
//
//   +text  -error  :number  $size text  *count  ~count  >count  %count of pairs  ,number  #t  _  (number  =size text  !size error

import type { Speech } from '../../reader.ts';
import type { Place } from '../../reading.ts';
import { textOf } from '../../text.ts';
import type { Notes } from '../grammar/notes.ts';
import { CUT, TEXT_MAX } from '../grammar/notes.ts';

const LF = 0x0a;
const HEAD_MAX = 4096;
const SIZED = '$=!';
const LISTS = '*~>%|';
const SIMPLE = '+-:,#_(';
const DEPTH_MAX = 16;

export class RedisReplies {
  readonly #notes: Notes;
  readonly #speech: Speech;
  /** How many values are still to come at each depth. */
  #open: number[] = [];
  #texts: string[] = [];
  #chars = 0;
  #isCut = false;
  #place: Place | null = null;
  #length = 0;
  #isError = false;
  #isPlain = true;

  constructor(notes: Notes) {
    this.#notes = notes;
    this.#speech = notes.speech(1);
  }

  /** Takes in a step; false when it is not all there, null when it is none. */
  hear(): boolean | null {
    const speech = this.#speech;
    if (speech.length === 0) return false;
    const sort = String.fromCharCode(speech.byte(0));
    if (!SIZED.includes(sort) && !LISTS.includes(sort) && !SIMPLE.includes(sort)) return null;
    const lf = speech.find(LF);
    if (lf < 0) return speech.length > HEAD_MAX ? null : false;
    const head = speech.latin1(1, Math.min(lf, HEAD_MAX)).trimEnd();
    if (SIZED.includes(sort)) return this.#sized(sort, head, lf + 1);
    if (LISTS.includes(sort)) return this.#list(sort, head, lf + 1);
    const text = textOf(speech.bytes(1, Math.min(lf, TEXT_MAX))).trimEnd();
    if (sort === '-') this.#isError = true;
    // OK, QUEUED, PONG, a number: they say no more than that the command was heard.
    else if (this.#open.length > 0) this.#add(text);
    if (sort === '-') this.#add(text);
    this.#step(lf + 1, 1, 1 + head.length);
    return true;
  }

  /** The rest of what was begun is missing. */
  lost(): void {
    this.#tell();
    this.#open = [];
  }

  #sized(sort: string, head: string, from: number): boolean | null {
    if (!/^-?\d{1,10}$/.test(head)) return null;
    const size = Number(head);
    if (size < 0) {
      if (this.#open.length > 0) this.#add('nil');
      this.#step(from);
      return true;
    }
    const speech = this.#speech;
    if (this.#chars > TEXT_MAX) {
      // There is no room to show it.
      this.#isCut = true;
      this.#step(from + size + 2);
      return true;
    }
    const there = from + Math.min(size, TEXT_MAX);
    if (speech.length < there && !speech.full) return false;
    if (sort === '!') this.#isError = true;
    this.#isPlain = false;
    this.#add(textOf(speech.bytes(from, there)), size > TEXT_MAX);
    this.#step(from + size + 2, from, there);
    return true;
  }

  #list(sort: string, head: string, from: number): boolean | null {
    if (!/^-?\d{1,10}$/.test(head)) return null;
    const count = Number(head) * (sort === '%' || sort === '|' ? 2 : 1);
    if (count > 0 && this.#open.length >= DEPTH_MAX) return null;
    // Attributes come before the value that they are about.
    if (sort === '|' && this.#open.length > 0)
      this.#open[this.#open.length - 1] = (this.#open.at(-1) as number) + 1;
    this.#place ??= this.#speech.place(0);
    this.#length += from;
    this.#speech.take(from);
    if (count > 0) this.#open.push(count);
    else this.#close();
    return true;
  }

  #add(text: string, isCut = false): void {
    if (this.#chars > TEXT_MAX) {
      this.#isCut = true;
      return;
    }
    this.#isPlain = false;
    this.#isCut ||= isCut;
    this.#texts.push(text);
    this.#chars += text.length + 3;
  }

  /** A value ends at `size`; its text stands at [from, to). */
  #step(size: number, from = 0, to = size): void {
    const isAlone = this.#open.length === 0;
    this.#place ??= this.#speech.place(isAlone ? from : 0);
    this.#length += isAlone ? Math.max(1, to - from) : size;
    this.#speech.skip(size);
    this.#close();
  }

  #close(): void {
    while (this.#open.length > 0) {
      const left = (this.#open.pop() as number) - 1;
      if (left > 0) {
        this.#open.push(left);
        return;
      }
    }
    this.#tell();
  }

  #tell(): void {
    const place = this.#place;
    if (place !== null && !this.#isPlain) {
      const text = this.#texts.join(' | ');
      const isCut = this.#isCut || text.length > TEXT_MAX;
      const what = this.#isError ? 'error' : 'reply';
      this.#notes.along(1, place, this.#length, what, isCut ? text.slice(0, TEXT_MAX) + CUT : text);
    }
    this.#texts = [];
    this.#chars = 0;
    this.#isCut = false;
    this.#place = null;
    this.#length = 0;
    this.#isError = false;
    this.#isPlain = true;
  }
}
