// The readings of one conversation: each thing that stays the same told once, within bounds, and nothing in them that a
// terminal would obey.

import type { EavesdropLimits, Hits } from './limits.ts';
import type { Reading } from './reading.ts';
import { shown } from './text.ts';

/** What all conversations share. */
export class Shelf {
  readonly limits: EavesdropLimits;
  readonly hits: Hits;
  characters = 0;

  constructor(limits: EavesdropLimits, hits: Hits) {
    this.limits = limits;
    this.hits = hits;
  }
}

export class Kept {
  readonly readings: Reading[] = [];
  /** Readings beyond those that were kept. */
  more = 0;
  readonly #shelf: Shelf;
  #said = 0;
  #known: Set<string> | null = null;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** Characters that are kept. */
  get characters(): number {
    let sum = 0;
    for (const reading of this.readings) sum += sizeOf(reading);
    return sum;
  }

  add(reading: Reading): void {
    const isSaid = reading.kind === 'content';
    const one = this.#clean(reading);
    if (!isSaid && !this.#isNew(one)) return;
    const { limits, hits } = this.#shelf;
    const count = isSaid ? this.#said : this.readings.length - this.#said;
    if (count >= limits.readings) {
      this.more++;
      hits.note('readings of a conversation');
      return;
    }
    if (this.#shelf.characters + sizeOf(one) > limits.characters) {
      this.more++;
      hits.note('characters of all readings');
      return;
    }
    this.#shelf.characters += sizeOf(one);
    if (isSaid) this.#said++;
    this.readings.push(one);
  }

  /** A cookie comes with every request; once is enough. */
  #isNew(reading: Reading): boolean {
    this.#known ??= new Set();
    const { protocol, kind, what, text, secret, fromClient } = reading;
    const key = [protocol, kind, what, fromClient ? '>' : '<', text, secret].join('\0');
    if (this.#known.has(key)) return false;
    if (this.#known.size < this.#shelf.limits.readings) this.#known.add(key);
    return true;
  }

  #clean(reading: Reading): Reading {
    return {
      ...reading,
      what: this.#clear(reading.what),
      text: this.#clear(reading.text),
      secret: this.#clear(reading.secret),
      length: Math.max(1, reading.length),
    };
  }

  #clear(text: string): string {
    const most = this.#shelf.limits.text;
    // Shown text is never shorter: what lies further back would be cut off again.
    const clear = shown(text.length <= most ? text : text.slice(0, most + 1));
    return clear.length <= most ? clear : `${clear.slice(0, most - 1)}…`;
  }
}

function sizeOf(reading: Reading): number {
  return reading.what.length + reading.text.length + reading.secret.length + 64;
}
