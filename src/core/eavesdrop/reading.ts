// What an eavesdropper has read: one thing, and where in the capture its bytes stand.

/** Where a byte stands. */
export interface Place {
  /** Number of the packet, from 1. */
  readonly packet: number;
  /** Offset from the packet's first byte; in the whole datagram where `whole` says so. */
  readonly offset: number;
  /**
   * `packet`: as it was captured. `datagram`: in a datagram put together from fragments, of which `packet` completed it.
   * `opened`: in an ESP packet that was decrypted with its key; an eavesdropper without it could not.
   */
  readonly within: 'packet' | 'datagram' | 'opened';
}

/**
 * `secret`: who has it can act as somebody (password, token, cookie, key). `identity`: a user's or a machine's name.
 * `content`: what was said (request, query, form, message, answer). `name`: a host's name (DNS, SNI, certificate, Host).
 * `challenge`: an answer to a challenge: no password, but one can be guessed from it offline.
 */
export type ReadingKind = 'secret' | 'identity' | 'content' | 'name' | 'challenge';

/** One thing that was read. Strings are as decoded (base64, percent, charset); unprintable bytes as \xNN. */
export interface Reading {
  /** `HTTP`, `MySQL`, `DNS`, ... */
  readonly protocol: string;
  readonly kind: ReadingKind;
  /** What it is, in few words and stable: `Basic credentials`, `cookie session`, `query`, `SNI`. */
  readonly what: string;
  /** In the open: a user's name, a request line without its secrets, a query. '' where all of it is secret. */
  readonly text: string;
  /** The secret itself, to be masked by whoever shows it. '' where nothing is. */
  readonly secret: string;
  /** Where its first byte stands. */
  readonly place: Place;
  /** Bytes on the wire that hold it, at least 1; over segments if need be. */
  readonly length: number;
  /** From the client to the server. */
  readonly fromClient: boolean;
}
