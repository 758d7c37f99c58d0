// What a container's modules stand on: its sockets, its names, its time, and the inbox through which they hear of events.

import type { Host } from '../engine/host/host.ts';
import type { ResolverFace } from '../engine/host/names.ts';
import type { TcpFace } from '../engine/host/tcp/socket.ts';
import type { Clock, Timers } from '../engine/time/clock.ts';
import type { Inbox } from './inbox.ts';

export interface Site {
  /** The container's name. */
  readonly name: string;
  /** Addresses, routes and UDP. */
  readonly host: Host;
  readonly tcp: TcpFace;
  readonly resolver: ResolverFace;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly inbox: Inbox;
  /** What keeps the program alive. */
  readonly holds: Holds;
  /** The wall-clock moment that virtual time 0 stands for, in milliseconds since 1970. */
  readonly epoch: number;
  /** Called before a program's call reaches the engine: the wall clock is read here, virtual time stands. */
  enter(): void;
}

/** The open sockets, servers and timers of a program that it has not taken back with `unref`. */
export class Holds {
  readonly #held: Set<object> = new Set();
  /** Everything that must end with the container, held or not. */
  readonly open: Set<Closable> = new Set();
  /** Called when the last is gone. */
  emptied: (() => void) | null = null;

  get size(): number {
    return this.#held.size;
  }

  add(one: object): void {
    this.#held.add(one);
  }

  delete(one: object): void {
    if (this.#held.delete(one) && this.#held.size === 0) this.emptied?.();
  }

  /** Ends all that is open, as a kernel does when a process is gone. */
  close(): void {
    for (const one of [...this.open]) one.terminate();
    this.open.clear();
    this.#held.clear();
  }
}

export interface Closable {
  /** Ends at once; the program is told nothing more. */
  terminate(): void;
}
