// What a rule remembers by a key of a few 32-bit words: a hash table of fixed size that forgets what was not asked for
// the longest time.
//
//   heads[hash]  ->  entry  ->  next entry of the same hash
//
// The caller writes the key into `words` and asks; finding allocates nothing. Which entry is forgotten is told by the
// clock algorithm: a hand goes round the entries, spares each once that was asked for since it came by, and takes the first
// that was not. So one flow that goes on through a flood of others stays.

/** What names of keys are made from. */
export interface Keyed {
  /** A word of an entry's key. */
  word(entry: number, i: number): number;
}

export class Table<T> implements Keyed {
  /** The key that `find` and `seek` look for. */
  readonly words: Int32Array;
  readonly #width: number;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #heads: Int32Array;
  readonly #make: () => T;
  readonly #forget: (value: T, entry: number) => void;
  /** Grow with the entries: keys, the chains, what was asked for since the hand came by. */
  #keys: Int32Array;
  #next: Int32Array;
  #asked: Uint8Array;
  readonly #values: T[] = [];
  #hand = 0;
  #forgotten = 0;

  /**
   * @param width words of a key
   * @param capacity entries at most, a power of two
   * @param forget told of a value that has to go, while `word` still knows its key
   */
  constructor(
    width: number,
    capacity: number,
    make: () => T,
    forget: (value: T, entry: number) => void = () => {},
  ) {
    this.words = new Int32Array(width);
    this.#width = width;
    this.#capacity = capacity;
    this.#mask = capacity - 1;
    this.#heads = new Int32Array(capacity).fill(-1);
    const room = Math.min(capacity, 64);
    this.#keys = new Int32Array(room * width);
    this.#next = new Int32Array(room);
    this.#asked = new Uint8Array(room);
    this.#make = make;
    this.#forget = forget;
  }

  get size(): number {
    return this.#values.length;
  }

  /** How many had to go. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** The entry of the key in `words`, or -1. */
  find(): number {
    return this.#look(this.#hash());
  }

  /** The entry of the key in `words`, made when there is none. */
  seek(): number {
    const hash = this.#hash();
    const found = this.#look(hash);
    return found >= 0 ? found : this.#add(hash);
  }

  value(entry: number): T {
    return this.#values[entry] as T;
  }

  word(entry: number, i: number): number {
    return this.#keys[entry * this.#width + i] as number;
  }

  #look(hash: number): number {
    const { words } = this;
    const width = this.#width;
    const keys = this.#keys;
    for (let entry = this.#heads[hash] as number; entry >= 0; entry = this.#next[entry] as number) {
      const o = entry * width;
      let i = 0;
      while (i < width && keys[o + i] === words[i]) i++;
      if (i === width) {
        this.#asked[entry] = 1;
        return entry;
      }
    }
    return -1;
  }

  #hash(): number {
    const { words } = this;
    let h = 0;
    for (let i = 0; i < this.#width; i++) {
      h = Math.imul(h ^ (words[i] as number), 0x9e3779b1);
      h ^= h >>> 15;
    }
    return h & this.#mask;
  }

  #add(hash: number): number {
    let entry = this.#values.length;
    if (entry < this.#capacity) {
      if (entry === this.#next.length) this.#grow();
      this.#values.push(this.#make());
    } else {
      entry = this.#evict();
      this.#values[entry] = this.#make();
    }
    this.#keys.set(this.words, entry * this.#width);
    this.#next[entry] = this.#heads[hash] as number;
    this.#heads[hash] = entry;
    this.#asked[entry] = 0;
    return entry;
  }

  #grow(): void {
    const room = Math.min(this.#capacity, this.#next.length * 2);
    const keys = new Int32Array(room * this.#width);
    const next = new Int32Array(room);
    const asked = new Uint8Array(room);
    keys.set(this.#keys);
    next.set(this.#next);
    asked.set(this.#asked);
    this.#keys = keys;
    this.#next = next;
    this.#asked = asked;
  }

  #evict(): number {
    while (this.#asked[this.#hand] === 1) {
      this.#asked[this.#hand] = 0;
      this.#hand = (this.#hand + 1) & this.#mask;
    }
    const entry = this.#hand;
    this.#hand = (entry + 1) & this.#mask;
    this.#forget(this.value(entry), entry);
    this.#forgotten++;
    this.#unlink(entry);
    return entry;
  }

  #unlink(entry: number): void {
    const wanted = this.words.slice();
    for (let i = 0; i < this.#width; i++) this.words[i] = this.word(entry, i);
    const hash = this.#hash();
    this.words.set(wanted);
    let at = this.#heads[hash] as number;
    if (at === entry) {
      this.#heads[hash] = this.#next[entry] as number;
      return;
    }
    while (this.#next[at] !== entry) at = this.#next[at] as number;
    this.#next[at] = this.#next[entry] as number;
  }
}
