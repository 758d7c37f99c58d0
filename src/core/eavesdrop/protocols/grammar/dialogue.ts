// A conversation of commands and replies in lines, and whose turn it is to be heard: a capture may bring one side before the
// other, or one side only.

import type { Reader, Side, Talk } from '../../reader.ts';
import { Lines } from './lines.ts';
import { Notes } from './notes.ts';

/** TLS's first byte, where a client goes on in TLS though nobody was heard to agree (RFC 8446 s.5.1). */
const TLS_HANDSHAKE = 0x16;

export abstract class Dialogue implements Reader {
  protected readonly talk: Talk;
  protected readonly notes: Notes;
  protected readonly commands: Lines;
  protected readonly replies: Lines;
  /** Another protocol goes on from here. */
  protected over = false;

  constructor(talk: Talk, protocol: string) {
    this.talk = talk;
    this.notes = new Notes(talk, protocol);
    this.commands = new Lines(talk.client);
    this.replies = new Lines(talk.server);
  }

  /** What the client says next is understood only when the server has been heard. */
  protected abstract get serversTurn(): boolean;

  /** Takes in one step of what a side has said; false when it is not all there. */
  protected abstract hearClient(): boolean;
  protected abstract hearServer(): boolean;

  said(_side: Side): boolean {
    while (!this.over) {
      if (this.serversTurn && this.hearServer()) continue;
      if (this.hearClient()) continue;
      if (this.over || !this.hearServer()) break;
    }
    if (this.over) this.talk.handOver();
    return true;
  }

  lost(side: Side, _bytes: number): boolean {
    if (side === 0) this.commands.lost();
    else this.replies.lost();
    return true;
  }

  ended(): void {}

  /** The client speaks TLS now; only one side was captured, or the other's agreement is missing. */
  protected isTls(): boolean {
    const { client } = this.talk;
    this.over ||= client.length > 0 && client.byte(0) === TLS_HANDSHAKE;
    return this.over;
  }
}
