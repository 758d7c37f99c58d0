// Where something stands in a manifest's text.

/** Both count from 1; the column counts UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}
