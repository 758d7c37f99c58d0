// Conversations that are over. Those of which something was read and those of which nothing was have a bound of their own, so
// that a port scan does not crowd out what matters.

import type { Ear } from './ear.ts';
import type { Conversation } from './report.ts';
import type { Shelf } from './shelf.ts';

export class Archive {
  readonly #told: Conversation[] = [];
  readonly #quiet: Conversation[] = [];
  readonly #shelf: Shelf;
  #more = 0;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  add(ear: Ear): void {
    const list = ear.isTold ? this.#told : this.#quiet;
    if (list.length < this.#shelf.limits.conversations) {
      list.push(ear.conversation());
      return;
    }
    this.#more++;
    this.#shelf.characters -= ear.kept.characters;
    this.#shelf.hits.note(ear.isTold ? 'conversations with readings' : 'conversations without readings');
  }

  /** In order of appearance, with those that are going on. */
  list(live: Iterable<Ear>): { conversations: Conversation[]; more: number } {
    const going = Array.from(live, (ear) => ear.conversation());
    return {
      conversations: [...this.#told, ...this.#quiet, ...going].toSorted((x, y) => x.number - y.number),
      more: this.#more,
    };
  }
}
