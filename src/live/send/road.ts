// Where the packets of a run go: onto an interface, or into UDP datagrams. A road is handed packets where they lie, gathers what
// one system call can take, and says what became of each.

import type { VxlabError } from '../../core/wire/numbers.ts';

/** How packets leave: many a call by koffi, libpcap by cap, Node's dgram, or raw-socket. */
export type Means = 'batch' | 'cap' | 'udp' | 'raw';

/** A stretch of memory that packets lie in. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** A source port that is for the road to choose. */
export const NO_PORT = -1;

export interface RoadCounters {
  /** Packets that the kernel took, and their bytes. */
  sent: number;
  bytes: number;
  /** How often the kernel had no room and was waited for. */
  waits: number;
  /** Packets that did not leave, by reason: tooLong, tooShort, noRoom, interfaceDown, or the system's name of the error. */
  readonly failed: Map<string, number>;
}

export interface Road {
  readonly means: Means;
  readonly counters: RoadCounters;
  /** Bytes that a packet may have. */
  readonly room: number;
  /** Nanoseconds from the first packet to the last, where the road alone knows when packets left; 0 until it does. */
  readonly took: number;
  /** Why nothing more can leave; null while it can. */
  readonly broken: VxlabError | null;
  /** Takes a packet. The bytes stay as they are until `flush` has returned. @param port the UDP source port, or NO_PORT */
  send(from: Memory, start: number, end: number, port: number): void;
  /** Hands over what was gathered. */
  flush(): void;
  /** Null when there is room for more, else a promise of it. */
  ready(): Promise<void> | null;
  /** Null when the kernel has all that was flushed and the counters are right, else a promise of it. */
  settle(): Promise<void> | null;
  close(): Promise<void>;
}

export function noneSent(): RoadCounters {
  return { sent: 0, bytes: 0, waits: 0, failed: new Map() };
}

export function fail(counters: RoadCounters, reason: string, count = 1): void {
  counters.failed.set(reason, (counters.failed.get(reason) ?? 0) + count);
}
