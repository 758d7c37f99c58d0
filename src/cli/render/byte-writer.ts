// What is printed, as blocks of bytes that wait to be written.

/** A line written in place is no longer than this. */
const LINE_MAX = 1024;
const BLOCK = 0x4_0000;

export class ByteWriter {
  /** Full blocks that wait. */
  #blocks: Uint8Array[] = [];
  /** Blocks that were written and may be filled again. */
  readonly #free: ArrayBuffer[] = [];
  /** A view of the block that is being filled, and how far it is. Who writes in place asks for `room` first. */
  view: DataView = new DataView(new ArrayBuffer(BLOCK));
  at = 0;
  readonly #encoder = new TextEncoder();

  /** Makes room for LINE_MAX bytes. */
  room(): void {
    if (this.at > BLOCK - LINE_MAX) this.close();
  }

  /** Makes a block of what was written. */
  close(): void {
    if (this.at === 0) return;
    this.#blocks.push(this.#bytes().subarray(0, this.at));
    this.view = new DataView(this.#free.pop() ?? new ArrayBuffer(BLOCK));
    this.at = 0;
  }

  /** A string of any length. */
  text(text: string): void {
    if (text.length * 3 > BLOCK - this.at) this.close();
    if (text.length * 3 > BLOCK) this.#blocks.push(this.#encoder.encode(text));
    else this.at += this.#encoder.encodeInto(text, this.#bytes().subarray(this.at)).written;
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer);
  }

  /** Hands all that was written to `write`, block by block; a block is filled again when `write` has resolved. */
  async flush(write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    this.close();
    const blocks = this.#blocks;
    this.#blocks = [];
    for (const block of blocks) {
      await write(block);
      if (block.buffer.byteLength === BLOCK) this.#free.push(block.buffer as ArrayBuffer);
    }
  }
}
