// What is printed, as bytes that wait to be written: in a space that is filled again and again, and in blocks when it is full.

/** A line written in place is no longer than this, what may be spilled behind it included. */
const LINE_MAX = 1024;
const SPACE = 0x10_0000;

export class ByteWriter {
  /** Where the next line goes in the space. Who writes in place asks for `room` first. */
  at = 0;
  readonly #space: Uint8Array;
  /** Where what waits in the space begins: before it is what somebody is writing at this moment. */
  #from = 0;
  /** What waits and came before what is in the space. */
  #blocks: Uint8Array[] = [];
  #last: Promise<void> = Promise.resolve();
  readonly #encoder = new TextEncoder();

  /** @param space nobody else writes here */
  constructor(space: Uint8Array = new Uint8Array(SPACE)) {
    this.#space = space;
  }

  /** Makes room for LINE_MAX bytes; false when there is none before something has been written. */
  room(): boolean {
    if (this.#space.length - this.at < LINE_MAX) this.#close();
    return this.#space.length - this.at >= LINE_MAX;
  }

  /** A string of any length. */
  text(text: string): void {
    if (text.length * 3 > this.#space.length - this.at) this.#close();
    const room = this.#space.subarray(this.at);
    if (text.length * 3 > room.length) this.#blocks.push(this.#encoder.encode(text));
    else this.at += this.#encoder.encodeInto(text, room).written;
  }

  /** Hands all that was written so far to `write`, in order; its bytes stand until it has resolved. */
  flush(write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    this.#last = this.#last.then(() => this.#flush(write));
    return this.#last;
  }

  async #flush(write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const blocks = this.#blocks;
    this.#blocks = [];
    const from = this.#from;
    this.#from = this.at;
    const waiting = this.#space.subarray(from, this.at);
    for (const block of blocks) await write(block);
    if (waiting.length > 0) await write(waiting);
    if (this.at === this.#from) {
      this.at = 0;
      this.#from = 0;
    }
  }

  /** Makes a block of what waits in the space. */
  #close(): void {
    if (this.at === this.#from) return;
    this.#blocks.push(this.#space.slice(this.#from, this.at));
    this.at = this.#from;
  }
}
