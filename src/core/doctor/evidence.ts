// The packets that prove a finding: all are counted, the first few are named.

import { EVIDENCE_MAX } from './rule.ts';

export class Evidence {
  /** Null while there is none: many are made and few are filled. */
  #packets: number[] | null = null;
  #count = 0;
  #last = 0;

  /** @param number a packet's; one that was added last is not counted twice */
  add(number: number): void {
    if (this.#last === number) return;
    this.#last = number;
    this.#count++;
    if (this.#packets === null) this.#packets = [number];
    else if (this.#packets.length < EVIDENCE_MAX) this.#packets.push(number);
  }

  get count(): number {
    return this.#count;
  }

  /** Ascending, at most EVIDENCE_MAX. */
  get packets(): readonly number[] {
    return this.#packets ?? [];
  }

  /** Several in one. A packet that several of them name is counted by each. */
  static of(parts: readonly Evidence[]): Evidence {
    const whole = new Evidence();
    const packets = parts.flatMap((part) => part.packets).toSorted((x, y) => x - y);
    whole.#packets = [...new Set(packets)].slice(0, EVIDENCE_MAX);
    whole.#count = parts.reduce((sum, part) => sum + part.count, 0);
    return whole;
  }
}
