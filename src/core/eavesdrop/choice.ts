// Whose a conversation is: its first bytes are shown to every protocol that may be meant, until one is sure of them. If none
// is, it goes to whoever has the port and does not deny it; if there is none, nobody reads it.

import type { Protocol, Talk } from './reader.ts';

/** After so many looks at a beginning, or bytes of one side, ports decide. */
const ASKS_MAX = 48;
const BYTES_MAX = 16_384;

export class Choice {
  #left: Protocol[];
  #asks = 0;
  /** The bytes decided, not the port. */
  isSure = false;

  /** @param without has said that it is not its protocol */
  constructor(protocols: readonly Protocol[], talk: Talk, without: Protocol | null) {
    this.#left = protocols.filter(
      (one) => one !== without && (one.transports ?? ['TCP']).includes(talk.transport),
    );
  }

  /** Whose it is; null while that is open; 'nobody' when nobody wants it. */
  ask(talk: Talk): Protocol | 'nobody' | null {
    this.#asks++;
    const sure: Protocol[] = [];
    this.#left = this.#left.filter((one) => {
      const claim = one.claim(talk);
      if (claim === 'mine') sure.push(one);
      return claim !== 'not mine';
    });
    this.isSure = sure.length > 0;
    if (this.isSure) return sure.find((one) => one.ports.includes(talk.serverPort)) ?? (sure[0] as Protocol);
    if (this.#left.length === 0) return 'nobody';
    const { client, server } = talk;
    const isLong = client.length >= BYTES_MAX || server.length >= BYTES_MAX || client.full || server.full;
    return isLong || this.#asks >= ASKS_MAX ? this.settle(talk) : null;
  }

  /** There will be no more to look at. */
  settle(talk: Talk): Protocol | 'nobody' {
    return this.#left.find((one) => one.ports.includes(talk.serverPort)) ?? 'nobody';
  }
}
