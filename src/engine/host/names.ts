// The names that a host asks for and the answers it gets: what a resolver and the programs above it agree on.

import type { Ip } from '../../core/wire/address.ts';

/** ENOTFOUND: the name does not exist or has no such address. EAI_AGAIN: nobody answered, or the server failed. */
export type LookupError = 'ENOTFOUND' | 'EAI_AGAIN';

export interface LookupAnswer {
  /** In the order of the answer; empty with an error. */
  readonly addresses: readonly Ip[];
  readonly error: LookupError | null;
}

/** A DNS message that came back, or why none did. Bytes are the receiver's own. */
export interface QueryAnswer {
  readonly message: Uint8Array | null;
  readonly error: LookupError | null;
  /** Who answered. */
  readonly server: Ip;
  /** Nanoseconds from question to answer. */
  readonly time: number;
}

/** A container's stub resolver: /etc/hosts first, then the server of its resolv.conf. */
export interface ResolverFace {
  /** The server asked; null where there is none. */
  readonly server: Ip | null;
  /** Addresses of a name; family 0 takes IPv4 before IPv6. An address in letters is answered as it is. Told later, never from inside. */
  lookup(name: string, family: 0 | 4 | 6, done: (answer: LookupAnswer) => void): void;
  /** One question, as `dig` asks it; `server` null for the usual one. */
  query(name: string, type: number, server: Ip | null, done: (answer: QueryAnswer) => void): void;
}
