// A conversation told turn by turn to a protocol's reader, in pieces of any size, as the eavesdropper tells it: the claim first,
// then the reader. Packet 1 has all that the client says, packet 2 all that the server does, so that a reading's offset is a
// position in what its side says.

import type { Claim, Protocol, Reader, Side, Talk } from '../../src/core/eavesdrop/reader.ts';
import type { Reading } from '../../src/core/eavesdrop/reading.ts';
import { SpeechRing } from '../../src/core/eavesdrop/speech.ts';
import { Purse } from '../../src/core/streams/purse.ts';

/** `C` the client's, `S` the server's; text of one character a byte, or a number of bytes that are missing in the capture. */
export type Turn = readonly ['C' | 'S', string | Uint8Array | number];

export interface Overheard {
  readonly readings: readonly Reading[];
  readonly claim: Claim;
  readonly handedOver: boolean;
  /** The reader said that it was not its protocol. */
  readonly gaveUp: boolean;
  /** Bytes that the reader left when it had no room for more. */
  readonly stuck: number;
  /** What each reading stands for on the wire, one character a byte. */
  readonly wire: readonly string[];
  /** Names that were learned. */
  readonly names: readonly string[];
}

export interface Setting {
  readonly serverPort?: number;
  readonly transport?: 'TCP' | 'UDP';
  /** Sizes of the pieces in which it comes, over and over; a turn at a time without them. */
  readonly pieces?: readonly number[];
  /** The claim is settled when all is said: the reader is told one side, and then the other. */
  readonly late?: boolean;
}

export function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

export function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? new Uint8Array(Buffer.from(text, 'latin1')) : text;
}

/** Tells the turns; where nobody claims them by their bytes, the port decides. */
export function overhear(protocol: Protocol, turns: readonly Turn[], setting: Setting = {}): Overheard {
  return new Stage(protocol, setting).play(turns);
}

class Stage {
  readonly #protocol: Protocol;
  readonly #pieces: readonly number[];
  readonly #isDatagram: boolean;
  readonly #isLate: boolean;
  readonly #talk: Talk & { readonly client: SpeechRing; readonly server: SpeechRing };
  readonly #readings: Reading[] = [];
  readonly #names: string[] = [];
  readonly #heard: [Uint8Array[], Uint8Array[]] = [[], []];
  readonly #offsets: [number, number] = [0, 0];
  #piece = 0;
  #claim: Claim = 'perhaps';
  #reader: Reader | null = null;
  #handedOver = false;
  #gaveUp = false;
  #stuck = 0;

  constructor(protocol: Protocol, setting: Setting) {
    this.#protocol = protocol;
    this.#pieces = setting.pieces ?? [];
    this.#isLate = setting.late ?? false;
    this.#isDatagram = setting.transport === 'UDP';
    const purse = new Purse(1 << 30);
    this.#talk = {
      client: new SpeechRing(purse),
      server: new SpeechRing(purse),
      clientPort: 40_000,
      serverPort: setting.serverPort ?? protocol.ports[0] ?? 0,
      transport: setting.transport ?? 'TCP',
      textMax: 4096,
      tell: (reading) => this.#readings.push(reading),
      named: (_ip, name) => this.#names.push(name),
      handOver: () => {
        this.#handedOver = true;
      },
    };
  }

  play(turns: readonly Turn[]): Overheard {
    for (const [who, what] of turns) {
      const side = who === 'C' ? 0 : 1;
      if (typeof what === 'number') this.#lose(side, what);
      else this.#turn(side, bytesOf(what));
    }
    if (this.#reader === null && this.#claim === 'perhaps') this.#begin();
    if (this.#isTold) this.#reader?.ended();
    const said = this.#heard.map((pieces) => Buffer.concat(pieces));
    return {
      readings: this.#readings,
      claim: this.#claim,
      handedOver: this.#handedOver,
      gaveUp: this.#gaveUp,
      stuck: this.#stuck,
      names: this.#names,
      wire: this.#readings.map(({ place, length }) =>
        latin((said[place.packet - 1] as Buffer).subarray(place.offset, place.offset + length)),
      ),
    };
  }

  get #isTold(): boolean {
    return !this.#handedOver && !this.#gaveUp && this.#claim !== 'not mine';
  }

  #turn(side: Side, bytes: Uint8Array): void {
    if (this.#isDatagram) {
      this.#hear(side, bytes);
      const speech = this.#speech(side);
      speech.clear();
      return;
    }
    for (let at = 0; at < bytes.length; ) {
      const size = this.#pieces[this.#piece++ % Math.max(1, this.#pieces.length)] ?? bytes.length;
      const piece = bytes.subarray(at, at + Math.max(1, size));
      this.#hear(side, piece);
      at += piece.length;
    }
  }

  #hear(side: Side, piece: Uint8Array): void {
    const speech = this.#speech(side);
    const offset = this.#offsets[side];
    this.#heard[side].push(piece);
    this.#offsets[side] += piece.length;
    for (let at = 0; at < piece.length && this.#isTold; ) {
      const had = speech.length;
      const n = speech.hear(piece, at, piece.length, side + 1, offset + at, 'packet');
      at += n;
      if (speech.length > had) this.#said(side);
      else if (n === 0) {
        this.#stuck += speech.length;
        speech.take(speech.length);
      }
    }
  }

  #said(side: Side): void {
    if (this.#isLate) return;
    if (this.#reader !== null) this.#gaveUp = !this.#reader.said(side);
    else {
      this.#claim = this.#protocol.claim(this.#talk);
      if (this.#claim === 'mine') this.#begin();
    }
  }

  #begin(): void {
    this.#reader = this.#protocol.reader(this.#talk);
    for (const side of [0, 1] as const)
      if (this.#isTold && this.#speech(side).length > 0) this.#gaveUp = !this.#reader.said(side);
  }

  #lose(side: Side, bytes: number): void {
    this.#heard[side].push(new Uint8Array(bytes));
    this.#offsets[side] += bytes;
    const gap = this.#speech(side).miss(bytes);
    if (gap === 0 || !this.#isTold) return;
    if (this.#reader === null) this.#begin();
    if (this.#reader !== null && this.#isTold) this.#gaveUp = !this.#reader.lost(side, gap);
    this.#speech(side).take(this.#speech(side).length);
  }

  #speech(side: Side): SpeechRing {
    return side === 0 ? this.#talk.client : this.#talk.server;
  }
}

/** Kind, what, text and secret of each reading: what a test compares. */
export function told(heard: Overheard): string[] {
  return heard.readings.map(({ kind, what, text, secret }) =>
    secret === '' ? `${kind} ${what}: ${text}` : `${kind} ${what}: ${text} / ${secret}`,
  );
}
