// Bytes in hex, sixteen a row, with marks that say which layer or field each byte belongs to.
//
// Colours are for whoever draws: a mark is a range and a name. The plain text puts a ruler over each row in which a mark
// begins:
//
//         |eth                                      |ip
//   0000  52 54 00 00 00 12 52 54 00 00 00 13 08 00 45 00   RT....RT......E.

import type { PacketTree } from './tree.ts';

export const ROW_BYTES = 16;

/** Bytes [from, to), counted from the packet's start, that belong together. */
export interface HexMark {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/** A mark's part in one row, as byte places 0 to 16 of that row. */
export interface RowMark {
  readonly from: number;
  readonly to: number;
  /** True where the mark begins in this row. */
  readonly begins: boolean;
  readonly name: string;
  /** Index into the marks given. */
  readonly mark: number;
}

export interface HexRow {
  /** Of the row's first byte, from the packet's start. */
  readonly offset: number;
  /** Two hex digits each. */
  readonly hex: readonly string[];
  /** One character a byte; a dot for what is not visible ASCII. */
  readonly ascii: string;
  readonly marks: readonly RowMark[];
}

/** One mark a layer: its header, named by its protocol. Faults and empty headers have none. */
export function layerMarks(packet: PacketTree): HexMark[] {
  return packet.layers
    .filter((layer) => layer.fault === null && layer.to > layer.from)
    .map((layer) => ({ from: layer.from, to: layer.to, name: layer.protocol }));
}

/** One mark a field of one layer, as a selected layer shows them; fields that share a byte overlap. */
export function fieldMarks(packet: PacketTree, layer: number): HexMark[] {
  return (packet.layers[layer]?.fields ?? []).map((f) => ({ from: f.from, to: f.to, name: f.name }));
}

/**
 * One mark a field of every layer, named by what is behind the protocol's name (`ttl` of `ip.ttl`), for a second ruler. Of
 * fields that share a byte the first is marked.
 */
export function shortFieldMarks(packet: PacketTree): HexMark[] {
  const marks: HexMark[] = [];
  for (const { protocol, fields } of packet.layers) {
    let behind = 0;
    for (const { from, to, name } of fields) {
      if (from < behind || to <= from) continue;
      marks.push({
        from,
        to,
        name: name.startsWith(`${protocol}.`) ? name.slice(protocol.length + 1) : name,
      });
      behind = to;
    }
  }
  return marks;
}

/** The bytes [start, end) of the view as rows. */
export function hexRows(
  view: DataView,
  start: number,
  end: number,
  marks: readonly HexMark[] = [],
): HexRow[] {
  const rows: HexRow[] = [];
  for (let at = start; at < end; at += ROW_BYTES) {
    const offset = at - start;
    const last = Math.min(at + ROW_BYTES, end);
    const hex: string[] = [];
    let ascii = '';
    for (let i = at; i < last; i++) {
      const byte = view.getUint8(i);
      hex.push(byte.toString(16).padStart(2, '0'));
      ascii += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    rows.push({ offset, hex, ascii, marks: rowMarks(marks, offset, last - at) });
  }
  return rows;
}

function rowMarks(marks: readonly HexMark[], offset: number, length: number): RowMark[] {
  const found: RowMark[] = [];
  marks.forEach((m, mark) => {
    const from = Math.max(0, m.from - offset);
    const to = Math.min(length, m.to - offset);
    if (from < to) found.push({ from, to, begins: m.from >= offset, name: m.name, mark });
  });
  return found;
}

/**
 * The bytes as plain text, each row ended by a newline.
 * @param fields marks for a second ruler under the first
 */
export function hexdump(
  view: DataView,
  start: number,
  end: number,
  marks: readonly HexMark[] = [],
  fields: readonly HexMark[] = [],
): string {
  const under = fields.length === 0 ? [] : hexRows(view, start, end, fields);
  let text = '';
  for (const [i, row] of hexRows(view, start, end, marks).entries()) {
    for (const ruled of [row, under[i]]) {
      const ruler = ruled === undefined ? '' : rulerLine(ruled);
      if (ruler !== '') text += `${ruler}\n`;
    }
    const offset = row.offset.toString(16).padStart(4, '0');
    text += `${offset}  ${row.hex.join(' ').padEnd(3 * ROW_BYTES - 1)}   ${row.ascii}\n`;
  }
  return text;
}

/** A bar and a name over each byte at which a mark begins; a name is cut where the next begins. */
function rulerLine(row: HexRow): string {
  let line = '';
  const starts = row.marks.filter((m) => m.begins).sort((a, b) => a.from - b.from);
  starts.forEach((m, i) => {
    const column = 6 + 3 * m.from;
    const next = starts[i + 1];
    if (next !== undefined && next.from === m.from) return;
    const room = next === undefined ? m.name.length : 3 * (next.from - m.from) - 2;
    line = `${line.padEnd(column)}|${m.name.slice(0, room)}`;
  });
  return line;
}
