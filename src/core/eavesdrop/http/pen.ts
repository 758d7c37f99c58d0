// Writes down what one side of a conversation has said, with the place of its bytes.

import type { Side } from '../../streams/listener.ts';
import type { Speech, Talk } from '../reader.ts';
import type { ReadingKind } from '../reading.ts';

export class Pen {
  readonly talk: Talk;
  readonly speech: Speech;
  readonly #protocol: string;
  readonly #fromClient: boolean;

  constructor(talk: Talk, side: Side, protocol: string) {
    this.talk = talk;
    this.speech = side === 0 ? talk.client : talk.server;
    this.#protocol = protocol;
    this.#fromClient = side === 0;
  }

  /** @param from position in the speech, like `to` */
  write(kind: ReadingKind, what: string, text: string, secret: string, from: number, to: number): void {
    const place = this.speech.place(from);
    const length = Math.max(1, to - from);
    this.talk.tell({
      protocol: this.#protocol,
      kind,
      what,
      text,
      secret,
      place,
      length,
      fromClient: this.#fromClient,
    });
  }
}
