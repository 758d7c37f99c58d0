// A hexdump with each layer's bytes in a colour of its own. Without colours it is core/inspect's text as it stands.

import type { HexMark, HexRow } from '../../core/inspect/hexdump.ts';
import { hexdump, hexRows, ROW_BYTES } from '../../core/inspect/hexdump.ts';
import type { Colors } from './paint.ts';

/**
 * @param bytes the packet; marks count from its start, and of two on one byte the later one colours it
 * @param fields marks for a second ruler
 */
export function paintedDump(
  bytes: Uint8Array,
  marks: readonly HexMark[],
  paint: Colors,
  fields: readonly HexMark[] = [],
): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const plain = hexdump(view, 0, bytes.length, marks, fields);
  if (!paint.isColorSupported) return plain;
  const rows = hexRows(view, 0, bytes.length, marks);
  const lines = plain.split('\n').map((line) => {
    if (!/^[0-9a-f]{4} {2}/.test(line)) return paint.dim(line);
    return paintedRow(rows.shift() as HexRow, paint);
  });
  return lines.join('\n');
}

function paintedRow({ offset, hex, ascii, marks }: HexRow, paint: Colors): string {
  const colours = [paint.blue, paint.cyan, paint.green, paint.yellow, paint.magenta];
  const cells = hex.map((byte, i) => {
    const mark = marks.findLast(({ from, to }) => from <= i && i < to);
    return mark === undefined
      ? byte
      : (colours[mark.mark % colours.length] as (text: string) => string)(byte);
  });
  const pad = ' '.repeat(3 * (ROW_BYTES - hex.length));
  return `${paint.dim(offset.toString(16).padStart(4, '0'))}  ${cells.join(' ')}${pad}   ${ascii}`;
}
