// Who listens on which port of a host. Several may share a port on different addresses; of those the one on the segment's own
// address has it (Linux: compute_score in net/ipv4/inet_hashtables.c).

import type { Listener } from './listener.ts';

export class ListenerTable {
  readonly #ports: Map<number, Listener> = new Map();

  get size(): number {
    let count = 0;
    for (const first of this.#ports.values()) {
      for (let one: Listener | null = first; one !== null; one = one.next) count++;
    }
    return count;
  }

  /** True while somebody listens on the port, on whichever address. */
  uses(port: number): boolean {
    return this.#ports.has(port);
  }

  /** Who is in the way of a listener that is to be; null when nobody is. */
  conflict(made: Listener): Listener | null {
    for (let other = this.#ports.get(made.port) ?? null; other !== null; other = other.next) {
      if (made.conflicts(other)) return other;
    }
    return null;
  }

  add(made: Listener): void {
    made.next = this.#ports.get(made.port) ?? null;
    this.#ports.set(made.port, made);
  }

  remove(listener: Listener): void {
    let before: Listener | null = null;
    for (let one = this.#ports.get(listener.port) ?? null; one !== null; one = one.next) {
      if (one === listener) {
        if (before !== null) before.next = one.next;
        else if (one.next !== null) this.#ports.set(listener.port, one.next);
        else this.#ports.delete(listener.port);
        one.next = null;
        return;
      }
      before = one;
    }
  }

  /** Whom a segment to `port` is for: the IP header is at `ip`. Packet path. */
  find(view: DataView, ip: number, four: boolean, port: number): Listener | null {
    let best: Listener | null = null;
    for (let one = this.#ports.get(port) ?? null; one !== null; one = one.next) {
      if (one.hears(view, ip, four) && (best === null || best.wide)) best = one;
    }
    return best;
  }

  /** All of them, for tables. */
  all(): Listener[] {
    const list: Listener[] = [];
    for (const first of this.#ports.values()) {
      for (let one: Listener | null = first; one !== null; one = one.next) list.push(one);
    }
    return list;
  }

  clear(): void {
    this.#ports.clear();
  }
}
