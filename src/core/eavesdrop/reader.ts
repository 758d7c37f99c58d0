// What a protocol's reader is, and what it is given. A reader follows one TCP connection (or one pair of UDP ports), hears
// each side's bytes in order and each once, and tells what it understood. One protocol a file; readers know nothing of
// packets, tunnels or files. Whatever the bytes are, a reader neither throws nor keeps more than a little.

import type { Ip } from '../wire/address.ts';
import type { Place, Reading } from './reading.ts';

/**
 * What one side has said and nobody has taken in yet. Positions count from 0, the first such byte. It holds a limited number of bytes
 * (64 kB): where a reader waits for more than fits, `full` is true and it must take or skip something.
 */
export interface Speech {
  readonly length: number;
  readonly full: boolean;
  /** The side has closed: there will be no more. */
  readonly ended: boolean;
  /** The byte at a position below `length`, 0 to 255. */
  byte(at: number): number;
  /** Big-endian. Little-endian fields: put bytes together. */
  uint16(at: number): number;
  uint32(at: number): number;
  /** The first position of a byte at or behind `from`, -1 for none. */
  find(byte: number, from?: number): number;
  /** One character a byte. */
  latin1(from: number, to: number): string;
  /** With U+FFFD for what is no UTF-8. */
  utf8(from: number, to: number): string;
  /** A copy. */
  bytes(from: number, to: number): Uint8Array;
  /** Where a byte stands in the capture. */
  place(at: number): Place;
  /** Has taken in the first `n` bytes (at most `length`). */
  take(n: number): void;
  /** Wants nothing of the next `n` bytes, whether they are there already or not. */
  skip(n: number): void;
}

/** What a reader is given for one conversation. */
export interface Talk {
  readonly client: Speech;
  readonly server: Speech;
  readonly clientPort: number;
  readonly serverPort: number;
  /** Over UDP a speech holds one datagram at a time; what a reader leaves of it is gone. */
  readonly transport: 'TCP' | 'UDP';
  /** Characters of a reading that are kept. */
  readonly textMax: number;
  tell(reading: Reading): void;
  /** A host's name was learned: of this address, or of this conversation's server where it is null. */
  named(ip: Ip | null, name: string): void;
  /**
   * From here on the connection is another protocol's (STARTTLS, upgrade, CONNECT): readers are chosen anew for what comes and
   * for what is not taken in yet. The reader that says so is not asked again, and is not told of the end.
   */
  handOver(): void;
}

/** 0: the client, 1: the server. */
export type Side = 0 | 1;

export interface Reader {
  /** A side has said more, or has closed. Takes in what it can. False: this is not its protocol after all; it is not asked again. */
  said(side: Side): boolean;
  /**
   * Bytes of a side are missing in the capture; its speech goes on behind them. What came before them and was not taken in is
   * still there now and gone afterwards; what is skipped now beyond it is skipped behind the gap. False as above.
   */
  lost(side: Side, bytes: number): boolean;
  /** Nothing more comes: the connection, the capture or the room for it has ended. */
  ended(): void;
}

/** How sure a protocol is of a beginning. */
export type Claim = 'mine' | 'perhaps' | 'not mine';

export interface Protocol {
  readonly name: string;
  /** Server ports that speak for it when the bytes do not decide; '' means none. */
  readonly ports: readonly number[];
  /** What carries it; TCP where it does not say. */
  readonly transports?: readonly ('TCP' | 'UDP')[];
  /**
   * Whether a conversation's first bytes are this protocol's; `perhaps` asks again when there are more, and in the end gives
   * it to whoever has the port. Looks, takes nothing in.
   */
  claim(talk: Talk): Claim;
  reader(talk: Talk): Reader;
}
