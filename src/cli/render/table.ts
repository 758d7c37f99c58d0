// Tables for a terminal: columns by two spaces, a head in capitals, numbers to the right, no boxes.

export interface Column {
  readonly head: string;
  /** Default left. */
  readonly align?: 'left' | 'right';
}

/** Lines of a table, each ended by a line feed, without spaces at their ends. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ head }, i) =>
    rows.reduce((most, row) => Math.max(most, (row[i] ?? '').length), head.length),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? '';
        return align === 'right' ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number);
      })
      .join('  ')
      .trimEnd();
  return `${[line(columns.map(({ head }) => head)), ...rows.map(line)].join('\n')}\n`;
}

/** Rows in words where there are many: the first of them, and how many more there are. */
export function firstOf<T>(
  rows: readonly T[],
  most: number,
): { readonly shown: readonly T[]; readonly more: string } {
  if (rows.length <= most) return { shown: rows, more: '' };
  return { shown: rows.slice(0, most), more: `... and ${rows.length - most} more; --json lists them all\n` };
}
