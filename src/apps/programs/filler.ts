// Bodies of a given length: lines of digits that count the bytes, so that what is missing or out of place can be seen.

import { Readable } from 'node:stream';

const LINE = 16;
const CHUNK = 65_536;

/** `000000000000010\n`: each line says at which byte it begins. */
function chunkAt(at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.ceil(length / LINE) * LINE);
  for (let i = 0; i < bytes.length; i += LINE) {
    bytes.write(`${String(at + i).padStart(LINE - 1, '0')}\n`, i, 'latin1');
  }
  return bytes.subarray(0, length);
}

/** @param size bytes */
export function filler(size: number): Readable {
  let at = 0;
  return new Readable({
    highWaterMark: CHUNK,
    read(): void {
      const length = Math.min(CHUNK, size - at);
      if (length === 0) return void this.push(null);
      const bytes = chunkAt(at, length);
      at += length;
      this.push(bytes);
    },
  });
}
